"""The materialization engine's queries: plain tables, joins, views."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Any

from flask import Response, jsonify, request

from localcave.cave_errors import EngineError, aborted
from localcave.engine import wire
from localcave.engine.query import DROPPED_FROM_JOINS, DROPPED_FROM_TABLES, Query, Table, find_in_any
from localcave.engine.query_values import iterated
from localcave.engine.store import voxel_size_nm
from localcave.precomputed.segment_properties import segment_properties
from localcave.server import query_body
from localcave.server.auth import may_read
from localcave.server.routes_materialize import V2, V3, routes, table_entry, table_record, view_entry
from localcave.server.service import Release, release, service

SELECT_COLUMNS_DEPRECATED = (
    "Select_columns is deprecated for join queries, please use select_column_map a dictionary which is more explicit "
    "about what columns to select from what tables. This query result will attempt to select the first column it finds "
    "of this name in any table, but if there are more than one such column it will not select both. "
    "Upgrade caveclient to >=5.0.0 ."
)
SUFFIXES_DEPRECATED = (
    "Suffixes is deprecated for complex queries as it can be ambiguous what you desire, please pass suffix_map as a "
    "dictionary to explicitly set suffixes for individual tables. Upgrade caveclient to >=5.0.0 "
)


@routes.post(f"{V2}/version/<int(signed=True):number>/table/<table>/query")
@routes.post(f"{V3}/version/<int(signed=True):number>/table/<table>/query")
def table_query(datastack: str, number: int, table: str) -> Response:
    body = query_body.read(query_body.SIMPLE)
    version = release(datastack, number)
    metadata = table_record(table_entry(version, table)["metadata"])
    require_readable(version, table)
    query = Query(service().store, table_lookup(version, [table]), DROPPED_FROM_TABLES)
    query.use(table)
    query.filter(body)
    _sample(query, version, table)
    if body.get("select_columns"):
        for column in body["select_columns"]:
            query.select(table, column)
    else:
        query.select_all(table)
    resolution_nm = body.get("desired_resolution") or voxel_size_nm(metadata)
    return _answer(query, {}, body, resolution_nm, wire.notice(table, metadata), count=_wants_count())


@routes.post(f"{V2}/version/<int(signed=True):number>/query")
@routes.post(f"{V3}/version/<int(signed=True):number>/query")
def join_query(datastack: str, number: int) -> Response:
    body = query_body.read(query_body.JOIN, required=("tables",))
    version = release(datastack, number)
    tables: list[list[str]] = body["tables"]
    records = [table_record(table_entry(version, name)["metadata"]) for name, _ in tables]
    warnings = []
    for (name, _), metadata in zip(tables, records, strict=True):
        require_readable(version, name)
        warnings += wire.notice(name, metadata)
    if len(tables) < 2:
        raise EngineError("list index out of range")
    query = Query(service().store, table_lookup(version, [name for name, _ in tables[:2]]), DROPPED_FROM_JOINS)
    query.join_tables(tables[0], tables[1])
    suffixes, more = _suffixes(body)
    warnings += more + _select(query, body)
    query.filter(body)
    for name, _ in tables[2:]:
        # The engine joins two, but asks of all that their rows are valid: the others multiply the result by theirs.
        query.use(name)
    resolution_nm = body.get("desired_resolution") or voxel_size_nm(records[-1])
    return _answer(query, suffixes, body, resolution_nm, warnings)


@routes.post(f"{V3}/version/<int(signed=True):number>/views/<view>/query")
def view_query(datastack: str, number: int, view: str) -> Response:
    body = query_body.read(query_body.SIMPLE)
    metadata = view_entry(datastack, view)["metadata"]
    version = release(datastack, number)
    source = version.holder.view(version.holder_version, view)
    if source is None:
        raise EngineError(f"Could not reflect: requested table(s) not available in the database ({view})")

    def lookup(name: str) -> Table:
        if name != view:
            raise EngineError(f"'{name}'")
        return Table(source, voxel_size_nm(metadata), unknown=EngineError)

    query = Query(service().store, lookup)
    query.use(view)
    query.filter(body)
    for column in body.get("select_columns") or ():
        query.select(view, column)
    if not query.selected:
        query.select_all(view)
    resolution_nm = body.get("desired_resolution") or voxel_size_nm(metadata)
    return _answer(query, {}, body, resolution_nm, wire.notice(view, metadata), count=_wants_count(), is_view=True)


def table_lookup(version: Release, joined: Collection[str]) -> Callable[[str], Table]:
    """How a query finds tables: in a version that is not merged those it joins and no other."""

    def lookup(name: str) -> Table:
        if not version.is_merged and name not in joined:
            raise EngineError(repr(name))
        return find_table(version, name)

    return lookup


def find_table(version: Release, name: str) -> Table:
    """A table of a version for a query. Raises the engine's 404."""
    entry = table_entry(version, name)
    require_readable(version, name)
    source = version.holder.table(version.holder_version, name)
    if source is None:
        raise EngineError(f"'{name}'")
    if not version.is_merged:
        source = source.with_bookkeeping()
    return Table(source, voxel_size_nm(entry["metadata"]))


def require_readable(version: Release, table: str) -> None:
    """Private tables give their rows to nobody but the owner, or the group."""
    private = version.holder.manifest["private_tables"].get(table)
    if private is not None and not may_read(private):
        readers = "group" if private.get("group") else "owner"
        raise aborted(401, f"Unauthorized: The table can only be read by its {readers}")


def _sample(query: Query, version: Release, table: str) -> None:
    """Take the random sample that is asked for, which the engine forgets of versions that are merged."""
    percentage = request.args.get("random_sample", type=int)
    rows = table_entry(version, table)["row_count"]
    if percentage is not None and not version.is_merged and percentage < rows:
        query.sample(table, percentage / rows)


def _wants_count() -> bool:
    """Whether the number of rows is asked for rather than the rows."""
    return request.args.get("count", "False").lower() == "true"


def limit_of(body: Mapping[str, Any]) -> int:
    """The number of rows asked for, lowered to what the server gives."""
    most = service().row_limit
    return min(int(body.get("limit", most)), most)


def _answer(
    query: Query,
    suffixes: Mapping[str, str],
    body: Mapping[str, Any],
    resolution_nm: Sequence[float],
    warnings: list[str],
    *,
    count: bool = False,
    is_view: bool = False,
) -> Response:
    if count:
        query.columns_sql(suffixes, resolution_nm)
        rows = wire.encoded(wire.count_table(query.count()))
    else:
        limit = limit_of(body)
        encode = partial(wire.encoded, untyped_when_empty=is_view)
        rows = query.encoded(suffixes, resolution_nm, limit, body.get("offset", 0), encode, remember=wire.as_arrow())
        if rows.num_rows == limit:
            warnings = [*warnings, f'201 - "Limited query to {limit} rows']
    return wire.answer(rows, warnings=warnings, resolution_nm=resolution_nm, column_names=query.column_names)


def _suffixes(body: Mapping[str, Any]) -> tuple[dict[str, str], list[str]]:
    """Suffix by table and the warning that comes with the old way to give them."""
    if body.get("suffixes") is None:
        return {name: str(suffix) for name, suffix in body.get("suffix_map", {}).items()}, []
    names = dict.fromkeys(name for name, _ in body["tables"])
    return dict(zip(names, body["suffixes"], strict=False)), [SUFFIXES_DEPRECATED]


def _select(query: Query, body: Mapping[str, Any]) -> list[str]:
    """Select what a join's body asks for; returns the warnings about it."""
    if body.get("select_columns"):
        for column in body["select_columns"]:
            query.select(find_in_any(query, column), column)
        return [SELECT_COLUMNS_DEPRECATED]
    if body.get("select_column_map"):
        for name, columns in body["select_column_map"].items():
            for column in iterated(columns):
                if column not in query.use(name).source.columns:
                    raise aborted(400, f"column {column} not found in {name}")
                query.select(name, column)
        return []
    for name in list(query.tables):
        query.select_all(name)
    return []


@routes.get(f"{V3}/version/<int(signed=True):number>/table/<table>/info")
def segment_property_info(datastack: str, number: int, table: str) -> Response:
    """A table as a Neuroglancer source of segment properties, a reference table with its target."""
    version = release(datastack, number)
    metadata = table_record(table_entry(version, table)["metadata"])
    query = Query(service().store, lambda name: find_table(version, name))
    query.use(table)
    query.select_all(table)
    suffixes = {table: ""}
    target = metadata.get("reference_table")
    if target:
        query.join_tables([table, "target_id"], [target, "id"])
        query.select_all(target)
        suffixes[target] = "_ref"
    rows = query.run(suffixes, (1.0, 1.0, 1.0), service().row_limit, 0)
    return wire.gzipped(jsonify(segment_properties(rows)))
