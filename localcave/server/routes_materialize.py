"""The materialization engine's metadata: versions, tables, views, counts, unique strings."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
from flask import Blueprint, Response, jsonify, request

from localcave.cave_errors import CaveError, EngineError, aborted
from localcave.engine.store import AXES, Source
from localcave.server.scratch_rows import queried, scratch_table
from localcave.server.service import Release, engine_datastack, release, service, with_address

ENGINE_VERSION = "5.26.4"
routes = Blueprint("materialize", __name__, url_prefix="/materialize")
V2 = "/api/v2/datastack/<datastack>"
V3 = "/api/v3/datastack/<datastack>"


@routes.get("/version")
def version() -> Response:
    return jsonify(ENGINE_VERSION)


@routes.get("/api/versions")
def api_versions() -> Response:
    return jsonify([2, 3])


# ---------------------------------------------------------------------- versions
@routes.get(f"{V2}/versions")
@routes.get(f"{V3}/versions")
def versions(datastack: str) -> Response:
    return jsonify([record["version"] for record in _versions(datastack)])


@routes.get(f"{V2}/metadata")
@routes.get(f"{V3}/metadata")
def versions_metadata(datastack: str) -> Response:
    records = _versions(datastack)
    if not records:
        raise CaveError(404, "No valid versions found")
    return jsonify([_version_record(record) for record in records])


@routes.get(f"{V2}/version/<int(signed=True):number>")
@routes.get(f"{V3}/version/<int(signed=True):number>")
def version_metadata(datastack: str, number: int) -> Response:
    record = engine_datastack(datastack).versions.get(number)
    if record is None:
        raise CaveError(404, "No version found")
    return jsonify(_version_record(record))


def _versions(datastack: str) -> list[dict[str, Any]]:
    expired = request.args.get("expired", "False").lower() == "true"
    records = engine_datastack(datastack).versions.values()
    return [record for record in records if record["valid"] or expired]


def _version_record(record: dict[str, Any]) -> dict[str, Any]:
    """Times as the engine writes them: ISO without a zone."""
    naive = {key: record[key].removesuffix("+00:00") for key in ("time_stamp", "expires_on") if record[key]}
    return {**record, **naive}


# ---------------------------------------------------------------------- tables
@routes.get(f"{V2}/version/<int(signed=True):number>/tables")
@routes.get(f"{V3}/version/<int(signed=True):number>/tables")
def tables(datastack: str, number: int) -> Response:
    stack = engine_datastack(datastack)
    if number not in stack.versions:
        raise aborted(404, f"version {number} does not exist for {datastack} ")
    return jsonify(list(release(datastack, number).tables()))


@routes.get(f"{V2}/version/<int(signed=True):number>/tables/metadata")
@routes.get(f"{V3}/version/<int(signed=True):number>/tables/metadata")
def tables_metadata(datastack: str, number: int) -> Response:
    records = [table_record(entry["metadata"]) for entry in release(datastack, number).tables().values()]
    answer = jsonify(records)
    answer.status_code = 200 if records else 404
    return answer


@routes.get(f"{V2}/version/<int(signed=True):number>/table/<table>/metadata")
@routes.get(f"{V3}/version/<int(signed=True):number>/table/<table>/metadata")
def table_metadata(datastack: str, number: int, table: str) -> Response:
    entry = release(datastack, number).tables().get(table)
    if entry is None:
        raise CaveError(404, f"No table named '{table}' found for version '{number}' in datastack '{datastack}'")
    return jsonify(table_record(entry["metadata"]))


@routes.get(f"{V2}/version/<int(signed=True):number>/table/<table>/count")
@routes.get(f"{V3}/version/<int(signed=True):number>/table/<table>/count")
def row_count(datastack: str, number: int, table: str) -> Response:
    return jsonify(table_entry(release(datastack, number), table)["row_count"])


def table_record(metadata: dict[str, Any]) -> dict[str, Any]:
    """A table's record on the wire: the voxel size as three numbers."""
    record: dict[str, Any] = with_address(dict(metadata))
    resolution = record.pop("voxel_resolution", None)
    if resolution is not None:
        record |= {f"voxel_resolution_{axis}": value for axis, value in zip(AXES, resolution, strict=True)}
    return record


def table_entry(version: Release, table: str) -> dict[str, Any]:
    """The manifest's entry of a table, or the engine's 404."""
    entry = version.tables().get(table)
    if entry is None:
        holder = version.holder
        raise aborted(
            404, f"Analysis table '{table}' not found for version {version.holder_version} in datastack {holder.name}"
        )
    return entry


# ---------------------------------------------------------------------- unique strings
@routes.get(f"{V2}/table/<table>/unique_string_values")
@routes.get(f"{V3}/table/<table>/unique_string_values")
def unique_string_values(datastack: str, table: str) -> Response:
    """The values of every text column of the live table, null included."""
    source = live_source(datastack, table)
    store = service().store
    texts = [column.name for column in source.columns.values() if pa.types.is_string(column.type)]
    values = {name: store.distinct(source, name) for name in texts}
    return jsonify(values)


def live_source(datastack: str, table: str) -> Source:
    """All rows a table ever had, else its rows at the newest version."""
    stack = engine_datastack(datastack)
    result = None
    if stack.versions:
        newest = release(datastack, stack.newest_version())
        stack = newest.holder
        scratch = scratch_table(stack, table)
        if scratch is not None:
            return queried(table, scratch, stack, datetime.now(UTC))
        result = stack.live(table) or stack.table(stack.newest_version(), table)
    if result is None:
        raise EngineError(f"No table named '{table}' exists.")
    return result


# ---------------------------------------------------------------------- views
@routes.get(f"{V3}/version/<int(signed=True):number>/views")
def views(datastack: str, number: int) -> Response:
    result = release(datastack, number).views()
    return jsonify({name: entry["metadata"] for name, entry in result.items()})


@routes.get(f"{V3}/version/<int(signed=True):number>/views/schemas")
def view_schemas(datastack: str, number: int) -> Response:
    result = release(datastack, number).views()
    answer = jsonify({name: entry["schema"] for name, entry in result.items()})
    answer.status_code = 200 if result else 404
    return answer


@routes.get(f"{V3}/version/<int(signed=True):number>/views/<view>/metadata")
def view_metadata(datastack: str, number: int, view: str) -> Response:
    return jsonify({**view_entry(datastack, view)["metadata"], "table_name": view})


@routes.get(f"{V3}/version/<int(signed=True):number>/views/<view>/schema")
def view_schema(datastack: str, number: int, view: str) -> Response:
    release(datastack, number)
    return jsonify(view_entry(datastack, view)["schema"])


def view_entry(datastack: str, view: str) -> dict[str, Any]:
    """A view's entry; views belong to the datastack, so any version that has it will do."""
    stack = engine_datastack(datastack)
    for number in sorted(stack.versions, reverse=True):
        entry = release(datastack, number).views().get(view)
        if entry is not None:
            return entry
    raise EngineError("No row was found for one()")
