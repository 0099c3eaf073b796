"""The annotation service: the tables that are served, which nobody may change, and tables that users make."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, request

from localcave.engine.store import AXES, Datastack, identifier
from localcave.server.auth import user_id
from localcave.server.graph_requests import ids_of
from localcave.server.names import NAME
from localcave.server.query_body import json_body
from localcave.server.scratch import PERMISSIONS, Scratch, ScratchTable, reference_of, refused
from localcave.server.scratch_rows import bind
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
LARGEST_VOXEL_NM = 1e6


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


def _readable(volume: str, table: str) -> ScratchTable | None:
    """A table that users made; None for one that none made. Raises a 401 for one that is not for the user who asks."""
    result = _scratch(volume).tables.get(table)
    if result is not None and not result.is_readable_by(user_id()):
        raise refused(401, f"Unauthorized: The table {table} can only be read by its owner")
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
    name, metadata = body.get("table_name"), body.get("metadata")
    if not isinstance(name, str) or not NAME.fullmatch(name) or not isinstance(metadata, dict):
        raise refused(400, "A table needs a table_name of letters, digits and _, and metadata")
    if name in _served(volume):
        raise refused(400, f"Table creation failed: Table {name} already exists")
    voxels = {f"voxel_resolution_{axis}": metadata.get(f"voxel_resolution_{axis}") for axis in AXES}
    if not all(_is_voxel_size(size) for size in voxels.values()):
        raise refused(400, "A table needs voxel_resolution_x, y and z in nm, above 0 and below 1 mm")
    existing = {*_served(volume), *_scratch(volume).tables}
    record = {
        "schema_type": body.get("schema_type"),
        "table_name": name,
        "valid": True,
        "aligned_volume": volume,
        "reference_table": reference_of(body.get("schema_type"), name, metadata.get("table_metadata"), existing),
        "notice_text": None,
        "flat_segmentation_source": None,
        "read_permission": "PUBLIC",
        "write_permission": "PRIVATE",
        "user_id": str(user_id() or 0),
        **_changes(metadata),
        **voxels,
    }
    _scratch(volume).create(name, record, user_id())
    return Response(name, content_type="text/plain")


def _is_voxel_size(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < LARGEST_VOXEL_NM


@routes.put("")
def update_metadata(volume: str) -> Response:
    """Change the record of a table; answers with it."""
    body = _body()
    metadata = body.get("metadata")
    table = _own(volume, str(body.get("table_name")))
    if not isinstance(metadata, dict):
        raise refused(400, "metadata must be an object")
    table.metadata |= _changes(metadata)
    return jsonify(table.metadata)


def _changes(metadata: dict[str, Any]) -> dict[str, Any]:
    """What of a record may be given. Raises a 400 for what is no text."""
    changes = {key: metadata[key] for key in CHANGEABLE if key in metadata}
    for key, value in changes.items():
        if key.endswith("_permission") and value not in PERMISSIONS:
            raise refused(400, f"{key} must be one of: {', '.join(PERMISSIONS)}")
        if value is not None and not isinstance(value, str | int):
            raise refused(400, f"{key} must be text")
    return changes


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
    scratch = _readable(volume, table)
    return jsonify(scratch.count if scratch else _served(volume)[table]["row_count"])


# ---------------------------------------------------------------------- annotations
@routes.get("/<table>/annotations")
def annotations_by_id(volume: str, table: str) -> Response:
    """Rows by id, flat; those that are not there are left out."""
    _record(volume, table)
    ids = ids_of([part for part in request.args.get("annotation_ids", "").split(",") if part], "annotation_ids")
    if len(ids) > MOST_REQUESTED:
        raise refused(400, f"At most {MOST_REQUESTED:,} annotations may be asked for at once")
    scratch = _readable(volume, table)
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
    own_table = _own(volume, table)
    return jsonify(_scratch(volume).add(own_table, _with_targets(volume, own_table, _given("annotations"))))


@routes.put("/<table>/annotations")
def update(volume: str, table: str) -> Response:
    """Put newer annotations in place of older ones; answers with new ids by old ones."""
    own_table = _own(volume, table)
    return jsonify(_scratch(volume).replace(own_table, _with_targets(volume, own_table, _given("annotations"))))


@routes.delete("/<table>/annotations")
def delete(volume: str, table: str) -> Response:
    return jsonify(_scratch(volume).delete(_own(volume, table), _given("annotation_ids")))


def _with_targets(volume: str, table: ScratchTable, annotations: list[Any]) -> list[Any]:
    """Annotations, all `target_id`s of which are rows of the table that theirs refers to. Raises a 404 for others."""
    target = table.metadata["reference_table"]
    if target is None:
        return annotations
    ids = {annotation.get("target_id") for annotation in annotations if isinstance(annotation, dict)}
    requested = sorted(number for number in ids if type(number) is int and 0 <= number < 2**63)
    scratch = _scratch(volume).tables.get(target)
    rows = scratch.rows if scratch else {row["id"] for row in _rows(_stack(volume), target, requested)}
    if missing := [number for number in requested if number not in rows]:
        raise refused(404, f"There is no annotation {missing[0]} in {target}")
    return annotations


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
    rows = [row for row in list(scratch.rows.values()) if chosen is None or row["id"] in chosen]
    return jsonify({"table_name": table, "looked_up": bind(scratch, service().watersheds[stack.name], rows)})
