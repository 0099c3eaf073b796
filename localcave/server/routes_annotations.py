"""The annotation service: the tables that are served, which nobody may change, and tables that users make."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, request

from localcave.engine.store import AXES, Datastack, identifier, voxel_size_nm
from localcave.server.auth import user_id
from localcave.server.graph_requests import ids_of
from localcave.server.names import NAME
from localcave.server.query_body import json_body
from localcave.server.scratch import Scratch, ScratchTable, refused
from localcave.server.service import engine_datastack, service

routes = Blueprint("annotation", __name__, url_prefix="/annotation/api/v2/aligned_volume/<volume>/table")
CHANGEABLE = (
    "description",
    "read_permission",
    "write_permission",
    "notice_text",
    "flat_segmentation_source",
    "user_id",
)
MOST_REQUESTED = 10_000


@routes.before_request
def refuse_changes() -> None:
    if service().read_only and request.method not in ("GET", "HEAD", "OPTIONS"):
        raise refused(403, "This server is read-only: tables of annotations are not made or changed here.")


def _stack(volume: str) -> Datastack:
    """The first datastack of an aligned volume."""
    stacks = service().store.datastacks.values()
    result = next(
        (stack for stack in stacks if stack.info["aligned_volume"]["name"] == volume and stack.versions), None
    )
    if result is None:
        raise refused(404, f"aligned volume {volume} not found")
    if service().gate.refusal(result.name) is not None:
        raise refused(403, "missing_permission")
    return result


def _scratch(volume: str) -> Scratch:
    _stack(volume)
    return service().scratch.setdefault(volume, Scratch())


def _served(volume: str) -> dict[str, dict[str, Any]]:
    stack = _stack(volume)
    return stack.tables(stack.newest_version())


def _own(volume: str, table: str) -> ScratchTable:
    """A table that may be written to. Raises a 401 for one that is served, or of another user, and a 404."""
    result = _scratch(volume).tables.get(table)
    if result is None and table in _served(volume):
        raise refused(401, f"Unauthorized: The table {table} can only be written to by owner")
    if result is None:
        raise refused(404, f"Table {table} not found")
    if result.metadata["write_permission"] == "PRIVATE" and result.owner != user_id():
        raise refused(401, f"Unauthorized: The table {table} can only be written to by owner")
    return result


def _body() -> dict[str, Any]:
    body = json_body()
    if not isinstance(body, dict):
        raise refused(400, "The body must be an object")
    return body


# ---------------------------------------------------------------------- tables
@routes.get("")
def tables(volume: str) -> Response:
    return jsonify([*_served(volume), *_scratch(volume).tables])


@routes.post("")
def create_table(volume: str) -> Response:
    """Make a table; answers with its name."""
    body = _body()
    name, given = body.get("table_name"), body.get("metadata")
    if not isinstance(name, str) or not NAME.fullmatch(name) or not isinstance(given, dict):
        raise refused(400, "A table needs a table_name of letters, digits and _, and metadata")
    if name in _served(volume):
        raise refused(400, f"Table creation failed: Table {name} already exists")
    voxels = {f"voxel_resolution_{axis}": given.get(f"voxel_resolution_{axis}") for axis in AXES}
    if not all(isinstance(size, int | float) and not isinstance(size, bool) and size > 0 for size in voxels.values()):
        raise refused(400, "A table needs voxel_resolution_x, y and z above 0")
    reference = given.get("table_metadata") or {}
    record = {
        "schema_type": body.get("schema_type"),
        "table_name": name,
        "valid": True,
        "aligned_volume": volume,
        "reference_table": reference.get("reference_table") if isinstance(reference, dict) else None,
        "notice_text": None,
        "flat_segmentation_source": None,
        "read_permission": "PUBLIC",
        "write_permission": "PRIVATE",
        "user_id": str(user_id() or 0),
        **{key: given[key] for key in CHANGEABLE if key in given},
        **voxels,
    }
    _scratch(volume).create(name, record, user_id())
    return Response(name, content_type="text/plain")


@routes.put("")
def update_metadata(volume: str) -> Response:
    """Change the record of a table; answers with it."""
    body = _body()
    given = body.get("metadata")
    table = _own(volume, str(body.get("table_name")))
    if not isinstance(given, dict):
        raise refused(400, "metadata must be an object")
    table.metadata |= {key: given[key] for key in CHANGEABLE if key in given}
    return jsonify(table.metadata)


@routes.get("/<table>")
def metadata(volume: str, table: str) -> Response:
    return jsonify(_record(volume, table))


def _record(volume: str, table: str) -> dict[str, Any]:
    scratch = _scratch(volume).tables.get(table)
    if scratch is not None:
        return scratch.metadata
    served = _served(volume)
    if table not in served:
        raise refused(404, f"Table {table} not found")
    record: dict[str, Any] = served[table]["metadata"]
    return record


@routes.delete("/<table>")
def delete_table(volume: str, table: str) -> Response:
    _own(volume, table)
    _scratch(volume).drop(table)
    return jsonify(True)


@routes.get("/<table>/count")
def count(volume: str, table: str) -> Response:
    _record(volume, table)
    scratch = _scratch(volume).tables.get(table)
    return jsonify(scratch.count if scratch else _served(volume)[table]["row_count"])


# ---------------------------------------------------------------------- annotations
@routes.get("/<table>/annotations")
def annotations_by_id(volume: str, table: str) -> Response:
    """Rows by id, flat; those that are not there are left out."""
    _record(volume, table)
    ids = ids_of([part for part in request.args.get("annotation_ids", "").split(",") if part], "annotation_ids")
    if len(ids) > MOST_REQUESTED:
        raise refused(400, f"At most {MOST_REQUESTED:,} annotations may be asked for at once")
    scratch = _scratch(volume).tables.get(table)
    if scratch is not None:
        return jsonify([scratch.rows[number] for number in ids if number in scratch.rows])
    return jsonify(_rows(_stack(volume), table, ids))


def _rows(stack: Datastack, table: str, ids: list[int]) -> list[dict[str, Any]]:
    source = stack.table(stack.newest_version(), table)
    if source is None:
        raise refused(404, f"Table {table} not found")
    items = [
        f"[{', '.join(map(identifier, column.parts))}] AS {identifier(name)}"
        if column.is_position
        else identifier(name)
        for name, column in source.columns.items()
    ]
    sql = f"SELECT {', '.join(items)} FROM {source.sql()} WHERE id IN (SELECT unnest(?::BIGINT[]))"  # noqa: S608
    rows: list[dict[str, Any]] = service().store.arrow(sql, [ids]).to_pylist()
    return rows


@routes.post("/<table>/annotations")
def post(volume: str, table: str) -> Response:
    """Add annotations; answers with their ids."""
    return jsonify(_scratch(volume).add(_own(volume, table), _given("annotations")))


@routes.put("/<table>/annotations")
def update(volume: str, table: str) -> Response:
    """Put newer annotations in place of older ones; answers with new ids by old ones."""
    return jsonify(_scratch(volume).replace(_own(volume, table), _given("annotations")))


@routes.delete("/<table>/annotations")
def delete(volume: str, table: str) -> Response:
    return jsonify(_scratch(volume).delete(_own(volume, table), _given("annotation_ids")))


def _given(key: str) -> list[Any]:
    values = _body().get(key)
    if not isinstance(values, list):
        raise refused(400, f"{key} must be a list")
    return values


# ---------------------------------------------------------------------- supervoxels
lookups = Blueprint("lookups", __name__, url_prefix="/materialize/api/v2/materialize/run/lookup_svid")
lookups.before_request(refuse_changes)


@lookups.post("/datastack/<datastack>/<table>")
def look_up_supervoxels(datastack: str, table: str) -> Response:
    """Bind the points of a table of one's own to the supervoxels that they lie in; answers with how many lie in one.
    Those of served tables are bound already."""
    stack = engine_datastack(datastack)
    volume = stack.info["aligned_volume"]["name"]
    if table not in _scratch(volume).tables:
        _record(volume, table)
        return jsonify({"table_name": table, "looked_up": 0})
    scratch = _own(volume, table)
    requested = _body().get("annotation_ids") if request.get_data() else None
    chosen = None if requested is None else set(ids_of(requested, "annotation_ids"))
    voxel_nm = voxel_size_nm(scratch.metadata)
    watershed, result = service().watersheds[stack.name], 0
    rows = [row for row in list(scratch.rows.values()) if chosen is None or row["id"] in chosen]
    for row in rows:
        for name in [name for name in list(row) if name.endswith("_position")]:
            place = [number * size for number, size in zip(row[name], voxel_nm, strict=True)]
            supervoxel = watershed.supervoxel_at(place)
            row[f"{name.removesuffix('position')}supervoxel_id"] = supervoxel
            result += bool(supervoxel)
    return jsonify({"table_name": table, "looked_up": result})
