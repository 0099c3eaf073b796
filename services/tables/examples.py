"""Cells of a datastack that are worth a first look, and filters of a table that show how one is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from services.cave.queries import Filters
from services.cave.release import Release
from services.cave.rows import SENT_AT_ONCE
from services.core.parallel import gather
from services.core.type_columns import USUAL_SYSTEM, of_system, system_column, type_column, usual_system
from services.filters.values import Value, format_value, written
from services.tables import tables
from services.tables.tables import TableFrame

UNPROOFREAD = "none"
"""The strategy of an axon that nobody proofread."""
FIRST_ROWS = 1_000
"""Of a table too large to hold, rows that cells are chosen from."""


def filter_line(table: TableFrame, values: Mapping[str, Sequence[Value]]) -> str:
    """A query line on the first text column that has some of `values` and the first with numbers; "" where a table has
    neither."""
    return " and ".join(filter(None, (_of_words(table, values), _of_numbers(table))))


def _of_words(table: TableFrame, values: Mapping[str, Sequence[Value]]) -> str:
    for column in table.columns:
        words = list(map(format_value, values.get(column.name, ())))[:2]
        if words and column.kind == "text":
            listed = f"in ({', '.join(words)})" if len(words) > 1 else f"= {words[0]}"
            return f"{written(column.name)} {listed}"
    return ""


def _of_numbers(table: TableFrame) -> str:
    for column in table.columns:
        if column.kind == "number":
            numbers = table.frame[column.name].to_numpy(dtype=np.float64, na_value=np.nan)
            if np.isfinite(numbers).any():
                return f"{written(column.name)} > {float(f'{np.median(numbers[np.isfinite(numbers)]):.2g}'):g}"
    return ""


def cells(release: Release, most: int = 6) -> list[tuple[int, str]]:
    """Root ids of a version with a word about each: proofread cells with as many different words as there are, those
    whose axon is not proofread last.

    Taken from the table with the role of proofreading, else from the first cell-type table; empty where there is
    neither.
    """
    proofread = release.roles.proofreading.table
    for name in (*([proofread] if proofread else []), *(info.name for info in tables.type_tables(release))):
        frame = _some(release, name) if release.is_large(name) else _all(release, name)
        words = [name for name in ("strategy_axon", "status_axon", "cell_type") if name in frame.columns]
        if "pt_root_id" not in frame.columns or not words:
            continue
        with_root = frame[frame["pt_root_id"].fillna(0) != 0].drop_duplicates("pt_root_id")
        rank = with_root.groupby(words[0]).cumcount() + len(with_root) * (with_root[words[0]] == UNPROOFREAD)
        chosen = with_root.loc[rank.sort_values(kind="stable").index[:most]]
        return [(int(root), str(word)) for root, word in zip(chosen["pt_root_id"], chosen[words[0]], strict=True)]
    return []


@dataclass(frozen=True)
class Types:
    """The most frequent values of `column` in the type table `name`, of the rows of `system` (see
    :func:`type_columns.usual_system`): each with its number of rows and the layer that most of these lie in (None = not
    known). `table` is None where it is too large to hold."""

    name: str
    table: TableFrame | None
    column: str
    system: tuple[str, str] | None
    counts: Sequence[tuple[str, int, str | None]]


def _all(release: Release, name: str) -> pd.DataFrame:
    frame = tables.open_table(release, name).frame
    return of_system(frame, usual_system(frame, name, release.roles.cell_types))


def _some(release: Release, name: str) -> pd.DataFrame:
    """The first rows of a table too large to hold, of the system that is read of it."""
    return release.query(name, _filters(_system_of_large(release, name)), limit=FIRST_ROWS)


def _filters(system: tuple[str, str] | None, **equal: str) -> Filters:
    return Filters(equal=dict([system] if system else []) | equal)


def _system_of_large(release: Release, name: str) -> tuple[str, str] | None:
    """As :func:`type_columns.usual_system`, of a table too large to hold."""
    column, role = system_column(release.sample(name)), release.roles.cell_types
    if column is None:
        return None
    if role.table == name and role.system:
        return column, role.system
    return (column, USUAL_SYSTEM) if USUAL_SYSTEM in release.text_values(name).get(column, []) else None


def types(release: Release, most: int) -> Types | None:
    """The most frequent types in the type table of a datastack; None where there is no such table. Of a table too large
    to hold, the most frequent of as many rows as CAVE sends at once."""
    name = release.roles.cell_types.table
    if not name:
        return None
    if release.is_large(name):
        return _types_of_large(release, name, most)
    table = tables.open_table(release, name)
    system = usual_system(table.frame, name, release.roles.cell_types)
    rows = of_system(table.frame, system)
    column = type_column(rows, release.roles.type_column(name))
    if column is None:
        return None
    layer = next((layers for layers in release.volume.layer_columns if layers in rows), None)
    counts = rows[column].value_counts().head(most)
    listed = [(str(value), int(count), _layer(rows, column, value, layer)) for value, count in counts.items()]
    return Types(name, table, column, system, listed)


def _types_of_large(release: Release, name: str, most: int) -> Types | None:
    system, sample = _system_of_large(release, name), release.sample(name)
    column = type_column(sample, release.roles.type_column(name))
    if column is None:
        return None
    rows = release.query(name, _filters(system), select_columns=[column], limit=SENT_AT_ONCE)
    values = list(map(str, rows[column].value_counts().head(most).index))
    counts = gather(*(partial(release.count, name, _filters(system, **{column: value})) for value in values))
    listed = [(value, count or 0, None) for value, count in zip(values, counts, strict=True)]
    return Types(name, None, column, system, sorted(listed, key=lambda entry: -entry[1]))


def _layer(rows: pd.DataFrame, column: str, value: object, layer: str | None) -> str | None:
    if layer is None:
        return None
    usual = rows.loc[(rows[column] == value).fillna(False), layer].mode()
    return None if usual.empty or pd.isna(usual.iloc[0]) else str(usual.iloc[0])
