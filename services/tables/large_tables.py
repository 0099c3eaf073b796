"""Tables too large to hold, such as synapses: read page by page through CAVE, which filters them itself.

CAVE can neither sort them nor filter by everything; what it cannot do is refused or said, never left out quietly.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import pandas as pd

from services.cave.client import Cave
from services.cave.queries import Filters
from services.cave.release import Release
from services.cave.rows import SENT_AT_ONCE
from services.core.columns import Column
from services.core.errors import TooLarge
from services.core.parallel import gather
from services.core.records import TableInfo, Version
from services.tables import live, tables
from services.tables.filter_units import changed, to_unit
from services.tables.position_units import counted_in, in_unit
from services.tables.push_down import push_down
from services.tables.tables import TableFrame, TableQuery

MOST_AT_ONCE = 10_000
"""Rows of one page."""
MOST_EXPORTED = 2_000_000
"""Rows of one file."""
MOST_NARROWED = 50_000
"""Rows that are held of a large table, unless the settings allow fewer of any."""


@dataclass(frozen=True)
class LargeTable:
    """A table or view of which only pages are held. `info.row_count` is how many rows it has in all; `columns` are
    in the order to show them, positions in `unit`: "vx" (voxels of `info.voxel_resolution_nm`), "nm" or "um".

    At a moment CAVE neither counts rows nor gives pages of them: they can be read where they are narrowed (see
    :mod:`narrowed_tables`), and `info.row_count` is None."""

    datastack: str
    version: Version
    info: TableInfo
    columns: tuple[Column, ...]
    unit: str = "vx"


@dataclass(frozen=True)
class LargePage:
    """Some rows as CAVE sent them. `total` is how many the filter keeps, None where CAVE does not count them;
    `sentences` say what a person might expect and does not get."""

    frame: pd.DataFrame
    total: int | None
    sentences: tuple[str, ...]


def is_large(release: Release, table: str) -> bool:
    """Whether a table or view has more rows than are held, or than CAVE sends at once where they have no id by which
    to ask for parts. Raises NotFound when the version does not have it."""
    rows = release.row_count(table)
    if release.table_info(table).kind == "table" or rows <= SENT_AT_ONCE:
        return rows > release.cave.settings.max_table_rows
    return rows > release.cave.settings.max_table_rows or "id" not in release.query(table, limit=1)


def open_any(release: Release, table: str) -> TableFrame | LargeTable:
    """A table or view, held where it can be. Raises as :func:`live.open_table`."""
    info = live.describe(release, table)
    large = (
        is_large(release, table) if release.version.materialized else info.kind == "table" and release.is_large(table)
    )
    if large:
        return open_large(release, table)
    return live.open_table(release, table)


def open_large(release: Release, table: str) -> LargeTable:
    """What is known about a large table, its columns from its first row. Raises NotFound."""
    info = live.describe(release, table)
    first = (release if release.version.materialized else release.newest).sample(table)
    columns = tables.columns_of(release, info, first)
    return LargeTable(release.datastack, release.version, info, columns)


def with_units(table: LargeTable, unit: str) -> LargeTable:
    """As :func:`tables.with_units`."""
    if unit == "vx":
        return table
    info, columns = counted_in(table.info, table.columns, unit)
    return replace(table, info=info, columns=columns, unit=unit)


def most_narrowed(cave: Cave) -> int:
    """How many rows of a large table are held where a filter leaves no more."""
    return min(MOST_NARROWED, cave.settings.max_table_rows)


def filters_of(cave: Cave, table: LargeTable, query: TableQuery) -> Filters:
    """The query's filter as CAVE takes it. Raises BadInput for what CAVE cannot filter by, TooLarge at a moment."""
    node = changed(tables.filter_of(table.columns, query), to_unit("vx"))
    if not table.version.materialized:
        raise too_many(cave, table)
    return push_down(node, table.info.name, most_narrowed(cave))


def read_page(cave: Cave, table: LargeTable, query: TableQuery, offset: int = 0, limit: int = 100) -> LargePage:
    """Rows `offset` to `offset + limit` (at most 10,000) of those that the query's filter keeps, in CAVE's own order.

    Raises BadInput for what CAVE cannot filter by.
    """
    filters = filters_of(cave, table, query)
    count = min(limit, MOST_AT_ONCE)
    release = Release(cave, table.datastack, table.version)
    frame, total = gather(
        partial(release.query, table.info.name, filters, limit=max(count, 1), offset=offset or None),
        partial(release.count, table.info.name, filters) if filters.columns() else lambda: table.info.row_count,
    )
    order = (unsorted(cave, total),) if query.sort else ()
    return LargePage(
        _shown(table, frame.iloc[:count]), total, (*order, *_messages(table, frame, total, requested=limit))
    )


def read_all(
    cave: Cave, table: LargeTable, query: TableQuery, *, most: int = MOST_EXPORTED
) -> tuple[Iterator[pd.DataFrame], int | None]:
    """All rows that the query's filter keeps, as frames that are fetched one at a time, and how many they are (None =
    CAVE does not count them). The order is CAVE's own.

    Raises BadInput for what CAVE cannot filter by, TooLarge for more than `most` rows: at once where they can be
    counted, else when so many have come.
    """
    filters = filters_of(cave, table, query)
    release = Release(cave, table.datastack, table.version)
    total = release.count(table.info.name, filters) if filters.columns() else table.info.row_count
    _refuse(total or 0, most)

    def frames() -> Iterator[pd.DataFrame]:
        num_rows = 0
        for part in release.query_parts(table.info.name, filters):
            num_rows += len(part)
            _refuse(num_rows, most)
            for start in range(0, len(part), MOST_AT_ONCE):
                yield _shown(table, part.iloc[start : start + MOST_AT_ONCE])

    return frames(), total


def rows_with_ids(cave: Cave, table: LargeTable, ids: Sequence[int]) -> pd.DataFrame:
    """The rows of a large table that have these ids."""
    filters = Filters(isin={"id": sorted(ids)})
    result = Release(cave, table.datastack, table.version).query(table.info.name, filters)
    return _shown(table, result)


def _shown(table: LargeTable, rows: pd.DataFrame) -> pd.DataFrame:
    """Rows as CAVE sent them, with the table's columns in its unit."""
    shown = rows[[column.name for column in table.columns]]
    return shown if table.unit == "vx" else in_unit(shown, table.columns, table.unit)


def too_many(cave: Cave, table: LargeTable) -> TooLarge:
    """Why something that needs all rows, or any at a moment, cannot be done with a large table."""
    hint = f"Filter it, by a root id or a box in space, to {most_narrowed(cave):,} rows or fewer"
    if not table.version.materialized:
        release = Release(cave, table.datastack, table.version)
        return live.too_large(release, table.info.name, f"{hint}, or choose a version that is kept.")
    rows = f"{table.info.row_count or 0:,}"
    return TooLarge(f"{table.info.name} is too large to hold all of its {rows} rows.", f"{hint}.")


def unsorted(cave: Cave, rows: int | None) -> str:
    """Why what a filter leaves of a large table cannot be sorted; `rows` are how many that is, None = nobody knows."""
    most = most_narrowed(cave)
    if rows is not None and rows <= most:  # of a view without ids, which CAVE sends in part
        return "These rows cannot be sorted, for CAVE does not send all at once: they are in its own order."
    many = "These rows" if rows is None else f"{rows:,} rows"
    return f"{many} are too many to sort. Filter to {most:,} rows or fewer."


def _refuse(rows: int, most: int) -> None:
    if rows > most:
        raise TooLarge(f"{rows:,} rows are more than the {most:,} that are sent in one file.", "Narrow the filter.")


def _messages(table: LargeTable, frame: pd.DataFrame, total: int | None, *, requested: int) -> tuple[str, ...]:
    messages = []
    if total is None:
        messages.append(f"CAVE does not count rows that are filtered by columns of {table.info.reference_table}.")
    if requested > MOST_AT_ONCE:
        messages.append(f"{MOST_AT_ONCE:,} rows at most are read at once, not {requested:,}.")
    if frame.attrs.get("truncated"):
        messages.append(f"CAVE sent only {len(frame):,} rows at once.")
    return tuple(messages)
