"""Which rows are shown together of a table with annotations in several systems: those of one of them at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from services.core.columns import find_column
from services.core.roles import Role
from services.core.type_columns import system_column, usual_system
from services.filters.filters import box_of
from services.tables import tables
from services.tables.tables import TableFrame, TableQuery


@dataclass(frozen=True)
class OneSystem:
    """The annotation system `value`, one of the values of `column`: `num_rows` of the `total` rows that a query keeps
    belong to it. `others` are the other systems among these rows, the one with the most rows first."""

    column: str
    value: str
    num_rows: int
    total: int
    others: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """Of which rows something is."""
        return f"Only the {self.num_rows:,} of {self.total:,} rows of {self.column.replace('_', ' ')} {self.value}."


def shown_system(table: TableFrame, query: TableQuery, role: Role, by: Sequence[str] = ()) -> OneSystem | None:
    """Which system to show of the rows that a query keeps: the one that is read of such a table by default (see
    :func:`type_columns.usual_system`), else the one with the most rows. None where all rows belong to one system, where
    `by` names the column of systems, or where most cells have rows of one system only: its values are then classes.
    Raises BadInput for a query that cannot be read."""
    column = system_column(table.frame)
    if column is None or column in by or "pt_root_id" not in table.frame:
        return None

    def find() -> tuple[str, bool]:
        usual = usual_system(table.frame, table.info.name, role)
        return usual[1] if usual else "", _of_several(table.frame, column)

    usual, several = table.derived.of("systems", role.table, role.system).get(find)
    if not usual and not several:
        return None
    rows = table.frame[column].take(tables.row_numbers(table, query)).astype("string")
    counts = rows.value_counts()
    if len(counts) < 2:
        return None
    value = usual if usual in counts else str(counts.index[0])
    return OneSystem(column, value, int(counts[value]), len(rows), tuple(map(str, counts.index.drop(value))))


def box(table: TableFrame, system: str) -> dict[str, str]:
    """The filter box that keeps the rows of one system, by the name of its column."""
    column = find_column(table.columns, system_column(table.frame) or "")
    return {column.name: box_of(column, [system])}


def _of_several(rows: pd.DataFrame, column: str) -> bool:
    """Whether most rows are of cells that have rows of several systems."""
    of_cells = rows.loc[(rows["pt_root_id"].fillna(0) != 0).to_numpy(bool), ["pt_root_id", column]]
    return bool(of_cells.dropna().drop_duplicates()["pt_root_id"].duplicated(keep=False).mean() > 1 / 2)
