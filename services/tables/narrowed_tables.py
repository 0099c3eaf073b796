"""Large tables that a filter narrows to rows that can be held: these sort, plot and link as those of any table."""

from __future__ import annotations

import json
from contextlib import suppress

import pandas as pd

from services.cave.client import Cave
from services.cave.queries import Filters
from services.cave.release import Release
from services.core.errors import BadInput, TooLarge
from services.tables import large_tables, tables
from services.tables.filter_units import changed, to_unit
from services.tables.large_tables import LargeTable
from services.tables.push_down import push_possible
from services.tables.tables import TableFrame, TableQuery


def open_asked(release: Release, table: str, *, query: TableQuery, unit: str = "vx") -> TableFrame | LargeTable:
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
    filters = _filters(table, query, unit)
    if filters is None:
        return None
    rows = _rows(cave, table, filters)
    if rows is None:
        return None
    derived = Release(cave, table.datastack, table.version).derived.of("table", table.info.name)
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
    return [
        f"Of the {table.info.row_count:,} rows of {table.info.name}, the {len(table.frame):,} that the filter of CAVE "
        "leaves are held: lists of values, plots, comparisons and once(…) are of these."
    ]


def too_many(cave: Cave, table: LargeTable) -> TooLarge:
    """Why something that needs all rows cannot be done with a large table."""
    return TooLarge(
        f"{table.info.name} is too large to hold all of its {table.info.row_count or 0:,} rows.",
        f"Filter it, by a root id or a box in space, to {large_tables.most_narrowed(cave):,} rows or fewer.",
    )


def _filters(table: LargeTable, query: TableQuery, unit: str) -> Filters | None:
    """What CAVE can filter of a query; None for nothing, or where the query cannot be read."""
    with suppress(BadInput):
        counted = large_tables.with_units(table, unit)
        result = push_possible(changed(tables.filter_of(counted.columns, query), to_unit("vx")))
        return result if result.columns() else None
    return None


def _rows(cave: Cave, table: LargeTable, filters: Filters) -> pd.DataFrame | None:
    """All rows that pass, by id; None for too many."""
    release, name = Release(cave, table.datastack, table.version), table.info.name
    most = large_tables.most_narrowed(cave)
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


def _by_id(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.sort_values("id", kind="stable", ignore_index=True) if "id" in rows else rows


def _written(filters: Filters) -> str:
    return json.dumps(filters.arguments(), sort_keys=True)
