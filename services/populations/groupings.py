"""Cells of a set in groups, by a column of a table: the rows and columns of a matrix."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from services.cave.release import Release
from services.cells import cell_types
from services.core import type_columns
from services.core.colours import in_order
from services.core.errors import BadInput
from services.populations.edges import Ids, Indices, indices_of
from services.populations.sets import CellSet
from services.tables.tables import type_tables

CELL = "cell"
"""The grouping in which every cell is a group of its own."""
MOST_GROUPS = 200


@dataclass(frozen=True, eq=False)
class Grouping:
    """Groups of the cells of a set. `by` says by what, `names` are those of the groups in order, None (last) for cells
    of which the table says nothing; `of` is the place of each cell's group among them."""

    by: str
    names: tuple[str | None, ...]
    of: Indices

    @property
    def sizes(self) -> Indices:
        """How many cells each group has."""
        return np.bincount(self.of, minlength=len(self.names))

    def names_of(self, ids: Ids, roots: Ids) -> pd.Series:
        """The names of the groups of some cells (string), of the set with the root ids `ids`; null for others."""
        at, known = indices_of(ids, roots)
        names = np.array([*self.names, None], dtype=object)
        of = np.append(self.of, len(self.names))
        return pd.Series(names[of[np.where(known, at, len(ids))]], dtype="string")


def column_of(release: Release, cells: CellSet, by: str = "") -> str:
    """What `by` means for a set, as `<table>.<column>` or CELL. Left out, it is the type in the set's own table if that
    is one of types, else in the datastack's table of cell types, else in the first of its profile that the version has;
    a column alone is of the set's table."""
    own = cells.table
    if by == CELL:
        return CELL
    if by and type_columns.SEPARATOR in by:
        return by
    if by:
        return f"{own}{type_columns.SEPARATOR}{by}" if own else by
    known = release.tables()
    typed = [own] if own in {info.name for info in type_tables(release)} else []
    role = [release.roles.cell_types.table or ""]
    for table in (*typed, *role, *release.profile.type_tables, own):
        if table in known and (column := _type_column(release, table, cells)):
            return f"{table}{type_columns.SEPARATOR}{column}"
    return CELL


def group(release: Release, cells: CellSet, by: str = "") -> Grouping:
    """The cells of a set by what `by` means for it (see :func:`column_of`): a column of text or of yes and no, or of
    numbers of few values. Cells whose rows differ are "several".

    Raises BadInput for a column that there is not, or of more than 200 values, and as :func:`cell_types.type_rows`.
    """
    meant = column_of(release, cells, by)
    if meant == CELL:
        return of_cells(cells)
    table, _, column = meant.partition(type_columns.SEPARATOR)
    if not column:
        raise BadInput(f"{by[:80]!r} does not name its table.", "Name it as <table>.<column>, or say cell.")
    rows = cell_types.type_rows(release, table, roots=cells.ids.tolist()).frame
    if column not in rows:
        near = ", ".join(map(str, rows.columns))
        raise BadInput(f"{table} has no column {column[:80]!r} to group cells by.", f"It can be cell, {near}.")
    return of_values(meant, type_columns.as_counted(rows[column].reindex(cells.ids)), release.profile.palette)


def named(name: str) -> str | None:
    """The group that a name in an address means."""
    return None if name == type_columns.NO_TYPE else name


def missing(groups: tuple[Grouping, Grouping], row: str, column: str) -> str:
    """A sentence for names of an entry of a matrix that no group has; "" = both are there."""
    sides = zip(("presynaptic", "postsynaptic"), groups, (row, column), strict=True)
    lost = [(side, one.by, name[:80]) for side, one, name in sides if named(name) not in one.names]
    return " ".join(f"No {side} cell has {name!r} as {by}." for side, by, name in lost)


def entry(groups: tuple[Grouping, Grouping], row: str, column: str) -> tuple[str | None, str | None]:
    """The groups of the entry of a matrix that these names mean. Raises BadInput for one that there is not."""
    if message := missing(groups, row, column):
        raise BadInput(message, "Choose an entry of the matrix.")
    return named(row), named(column)


def notices(release: Release, *by: str) -> tuple[str, ...]:
    """What the owners of the tables that cells are grouped by give notice of."""
    return release.notices(*(one.partition(type_columns.SEPARATOR)[0] for one in by))


def of_presynaptic(synapses: pd.DataFrame, pre: Ids, groups: Grouping) -> Indices:
    """The place, among the groups of the cells `pre`, of the group of each synapse's presynaptic cell."""
    at, _ = indices_of(np.unique(pre), synapses["pre_root_id"].to_numpy(np.int64))
    return groups.of[at]


def of_cells(cells: CellSet) -> Grouping:
    """Every cell by itself, called by its root id."""
    return Grouping(CELL, tuple(map(str, cells.ids.tolist())), np.arange(len(cells), dtype=np.int64))


def of_values(by: str, values: pd.Series, palette: Iterable[str] = ()) -> Grouping:
    """Groups of cells that have these values, in their order (:func:`services.core.colours.in_order`), blank ones last.
    Raises BadInput for too many."""
    texts = values.astype("string").reset_index(drop=True)
    if pd.api.types.is_bool_dtype(values.dtype):
        texts = texts.str.lower()
    names: list[str | None] = [*in_order(texts.dropna().unique(), palette)]
    if len(names) > MOST_GROUPS:
        raise BadInput(
            f"{by} has {len(names):,} values, more than the {MOST_GROUPS} that are shown.", "Choose another."
        )
    codes = {name: place for place, name in enumerate(names)}
    of = texts.map(codes).fillna(len(names)).to_numpy(np.int64)
    return Grouping(by, (*names, *([None] if (of == len(names)).any() else [])), of)


def _type_column(release: Release, table: str, cells: CellSet) -> str | None:
    try:
        rows = cell_types.type_rows(release, table, roots=cells.ids.tolist()).frame
    except BadInput:
        return None
    return type_columns.type_column(rows, release.roles.type_column(table))
