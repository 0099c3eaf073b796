"""Large tables that a filter narrows to rows that can be held: these sort, plot and link as those of any table."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import fields, replace

import pandas as pd

from services.cave.client import Cave
from services.cave.queries import Filters
from services.cave.release import LIVE_TTL_S, Release
from services.core.errors import BadInput, TooLarge
from services.tables import large_tables, live, tables
from services.tables.filter_units import changed, to_unit
from services.tables.large_tables import LargeTable
from services.tables.push_down import push_possible
from services.tables.tables import TableFrame, TableQuery

ROOT_ID = "root_id"
"""Part of the names of all columns of root ids."""


def open_narrowed(release: Release, table: str, *, query: TableQuery, unit: str = "vx") -> TableFrame | LargeTable:
    """A table or view for a query whose positions count in `unit`, held where it can be: as a whole, else what is left
    of it (see :func:`narrowed`). Positions of what is returned are in voxels. Raises as
    :func:`large_tables.open_any`."""
    opened = large_tables.open_any(release, table)
    return (narrowed(release.cave, opened, query, unit) or opened) if isinstance(opened, LargeTable) else opened


def narrowed(cave: Cave, table: LargeTable, query: TableQuery, unit: str = "vx") -> TableFrame | None:
    """The rows of a large table, in voxels, that are left by what CAVE can filter of a query with positions in `unit`;
    None where too many are, or where the filter cannot be read.

    All else that the query asks has still to be asked of these rows.
    """
    filters = _filters(cave, table, query, unit)
    if filters is None:
        return None
    rows = _rows(cave, table, filters)
    if rows is None:
        return None
    release = Release(cave, table.datastack, table.version)
    derived = release.derived.of("table", table.info.name)
    if not release.version.materialized:
        opened = tables.table_of(release, table.info, rows, derived=derived.of("narrowed", _written(filters)))
        return replace(opened, filters=filters)
    return TableFrame(
        table.datastack,
        table.version,
        table.info,
        table.columns,
        rows[[column.name for column in table.columns]],
        derived.of("narrowed", _written(filters)),
        filters=filters,
    )


def sentences(table: TableFrame) -> list[str]:
    """What has to be said beside a table of which only some rows are held."""
    if table.filters is None:
        return []
    rows, name = f"{len(table.frame):,}", table.info.name
    some = (
        f"Only the {rows} rows of {name} that the filter of CAVE leaves"
        if table.info.row_count is None
        else f"Of the {table.info.row_count:,} rows of {name}, the {rows} that the filter of CAVE leaves"
    )
    return [f"{some} are held: lists of values, plots, comparisons and once(…) are of these."]


def _filters(cave: Cave, table: LargeTable, query: TableQuery, unit: str) -> Filters | None:
    """What CAVE can filter of a query; None for nothing, or where the query cannot be read."""
    with suppress(BadInput):
        counted = large_tables.with_units(table, unit)
        result = push_possible(changed(tables.filter_of(counted.columns, query), to_unit("vx")))
        if not table.version.materialized:
            result = _valid_then(Release(cave, table.datastack, table.version), result)
        return result if result.columns() else None
    return None


def _rows(cave: Cave, table: LargeTable, filters: Filters) -> pd.DataFrame | None:
    """All rows that pass, by id; None for too many."""
    release, name = Release(cave, table.datastack, table.version), table.info.name
    most = large_tables.most_narrowed(cave)
    if not release.version.materialized:
        return _rows_then(release, name, filters, most)
    count = release.count(name, filters)
    if count is None:  # CAVE does not count joins
        first = release.query(name, filters, limit=most + 1)
        if first.attrs["truncated"] or len(first) > most:
            return None
        return _by_id(first)
    if count > most:
        return None

    def load() -> pd.DataFrame:
        parts = list(release.query_parts(name, filters))
        return _by_id(pd.concat(parts, ignore_index=True) if len(parts) > 1 else parts[0])

    with suppress(TooLarge):  # a view without ids, which CAVE sends in part
        key = ("narrowed", release.datastack, release.number, name, _written(filters))
        return release.cache_of(name).frame(key, load)
    return None


def _rows_then(release: Release, table: str, filters: Filters, most: int) -> pd.DataFrame | None:
    """All rows that pass at a moment, by id; None for too many, as far as the newest version tells."""
    if live.describe(release, table).came_after(release.version) or any(
        not ids for column, ids in filters.isin.items() if ROOT_ID in column
    ):
        return release.newest.sample(table).iloc[:0]
    count = release.newest.count(table, filters)
    if count is None and not any(ROOT_ID in column for column in filters.isin):  # joins; a cell has no end of synapses
        return None
    if count is not None and count > most:
        return None

    def load() -> pd.DataFrame:
        parts: list[pd.DataFrame] = []
        for part in release.query_parts(table, filters):
            parts.append(part)
            if sum(map(len, parts)) > most:
                raise TooLarge(f"These are more than {most:,} rows.")
        return _by_id(pd.concat(parts, ignore_index=True) if len(parts) > 1 else parts[0])

    with suppress(TooLarge):
        key = ("narrowed", release.datastack, release.number, table, _written(filters))
        return release.cache_of(table).frame(key, load, ttl_s=LIVE_TTL_S)
    return None


def _valid_then(release: Release, filters: Filters) -> Filters:
    """What CAVE can filter by at a moment: root ids only by those that were valid then, for it refuses all others, and
    not by 0, which is none."""
    by_part = {part.name: getattr(filters, part.name) for part in fields(filters)}
    others = {name: {column: by[column] for column in by if ROOT_ID not in column} for name, by in by_part.items()}
    named = {column: list(ids) for column, ids in filters.isin.items() if ROOT_ID in column}
    named |= {column: [root] for column, root in filters.equal.items() if ROOT_ID in column}
    requested = sorted({root for ids in named.values() for root in ids} - {0})
    valid = {root for root, latest in zip(requested, release.latest_roots(requested), strict=True) if latest}
    roots = {column: [root for root in ids if root in valid] for column, ids in named.items() if 0 not in ids}
    return Filters(**others | {"isin": others["isin"] | roots})


def _by_id(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.sort_values("id", kind="stable", ignore_index=True) if "id" in rows else rows


def _written(filters: Filters) -> str:
    return json.dumps(filters.arguments(), sort_keys=True)
