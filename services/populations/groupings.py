"""Groups of the cells of a set by a column of a table: the rows and columns of a matrix."""

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
"""The grouping in which each cell is its own group."""
MOST_GROUPS = 200


@dataclass(frozen=True, eq=False)
class Grouping:
    """Groups of the cells of a set. `by` is `<table>.<column>` or CELL, `names` are the names of the groups in order,
    with None (last) for cells without a value; `of` has the index of each cell's group in `names`."""

    by: str
    names: tuple[str | None, ...]
    of: Indices

    @property
    def sizes(self) -> Indices:
        """The number of cells in each group."""
        return np.bincount(self.of, minlength=len(self.names))

    def names_of(self, ids: Ids, roots: Ids) -> pd.Series:
        """The group names of the cells `roots` (string), null for cells not in the set; `ids` are the root ids of the
        set."""
        at, in_set = indices_of(ids, roots)
        names = np.array([*self.names, None], dtype=object)
        of = np.append(self.of, len(self.names))
        return pd.Series(names[of[np.where(in_set, at, len(ids))]], dtype="string")


def column_of(release: Release, cells: CellSet, by: str = "") -> str:
    """What `by` means for a set, as `<table>.<column>` or CELL.

    A column without a table is of the set's own table. "" is the column of types in the set's own table if that is a
    type table, else in the table with the role of cell types, else in the first of the profile's type tables that the
    version has; CELL without any.
    """
    own_table = cells.table
    if by == CELL:
        return CELL
    if by and type_columns.SEPARATOR in by:
        return by
    if by:
        return f"{own_table}{type_columns.SEPARATOR}{by}" if own_table else by
    tables = release.tables()
    typed = [own_table] if own_table in {info.name for info in type_tables(release)} else []
    role = [release.roles.cell_types.table or ""]
    for table in (*typed, *role, *release.profile.type_tables, own_table):
        if table in tables and (column := _type_column(release, table, cells)):
            return f"{table}{type_columns.SEPARATOR}{column}"
    return CELL


def group(release: Release, cells: CellSet, by: str = "") -> Grouping:
    """The cells of a set grouped `by` a column (see :func:`column_of`) of text, booleans, or numbers with few distinct
    values. Cells whose rows differ form the group "several".

    Raises BadInput for a column that the table does not have, or with more than MOST_GROUPS values, and as
    :func:`cell_types.type_rows`.
    """
    full_name = column_of(release, cells, by)
    if full_name == CELL:
        return of_cells(cells)
    table, _, column = full_name.partition(type_columns.SEPARATOR)
    if not column:
        raise BadInput(f"{by[:80]!r} does not name its table.", "Name it as <table>.<column>, or say cell.")
    rows = cell_types.type_rows(release, table, roots=cells.ids.tolist()).frame
    if column not in rows:
        near = ", ".join(map(str, rows.columns))
        raise BadInput(f"{table} has no column {column[:80]!r} to group cells by.", f"It can be cell, {near}.")
    return of_values(full_name, type_columns.as_counted(rows[column].reindex(cells.ids)), release.profile.palette)


def named(name: str) -> str | None:
    """The name of the group that a name in an address means: None for cells without a value."""
    return None if name == type_columns.NO_TYPE else name


def missing(groups: tuple[Grouping, Grouping], row: str, column: str) -> str:
    """A sentence for the names of a matrix entry that no group has; "" where both exist."""
    sides = zip(("presynaptic", "postsynaptic"), groups, (row, column), strict=True)
    unknown = [(side, groups.by, name[:80]) for side, groups, name in sides if named(name) not in groups.names]
    return " ".join(f"No {side} cell has {name!r} as {by}." for side, by, name in unknown)


def entry(groups: tuple[Grouping, Grouping], row: str, column: str) -> tuple[str | None, str | None]:
    """The groups of the matrix entry with these names in an address. Raises BadInput for a name that no group has."""
    if message := missing(groups, row, column):
        raise BadInput(message, "Choose an entry of the matrix.")
    return named(row), named(column)


def notices(release: Release, *by: str) -> tuple[str, ...]:
    """The notices that owners attached to the tables by which cells are grouped; `by` as of :attr:`Grouping.by`."""
    return release.notices(*(column.partition(type_columns.SEPARATOR)[0] for column in by))


def of_presynaptic(synapses: pd.DataFrame, pre: Ids, groups: Grouping) -> Indices:
    """The index, in `groups` of the cells `pre`, of the group of each synapse's presynaptic cell."""
    at, _ = indices_of(np.unique(pre), synapses["pre_root_id"].to_numpy(np.int64))
    return groups.of[at]


def of_cells(cells: CellSet) -> Grouping:
    """A group for each cell, named by its root id."""
    return Grouping(CELL, tuple(map(str, cells.ids.tolist())), np.arange(len(cells), dtype=np.int64))


def of_values(by: str, values: pd.Series, palette: Iterable[str] = ()) -> Grouping:
    """Groups of cells by their `values`, one for each cell, ordered by :func:`services.core.colours.in_order`, null
    last. Raises BadInput for more than MOST_GROUPS distinct values."""
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
    """The column of types in a table; None where it has none, or no root ids."""
    try:
        rows = cell_types.type_rows(release, table, roots=cells.ids.tolist()).frame
    except BadInput:
        return None
    return type_columns.type_column(rows, release.roles.type_column(table))
