"""Which column and which rows of a frame say the cell type, and how several types of one cell are written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from services.core.errors import BadInput
from services.core.natural_order import natural_sorted
from services.core.roles import Role

SEPARATOR = "."
"""Between the name of a joined table and that of its column."""
SEVERAL = "several"
"""What partners count as whose types differ."""
NO_TYPE = "no type"
"""What cells are called of which a table says nothing."""
MOST_LISTED = 5
BETWEEN = " | "
BEGINS = f"{SEVERAL}: "
SYSTEMS = ("classification_system", "tag2")
"""Columns that say of which system an annotation is, where a table has several annotations of each cell."""
EACH = "each"
"""What is asked for where each system is to have a column of its own."""
MOST_SYSTEMS = 60
USUAL_SYSTEM = "cell_type"
"""The system that is read of such a table, where there is one of that name and the profile names no other."""


def type_column(partners: pd.DataFrame, named: str = "") -> str | None:
    """The column of a partner frame that says the cell type: `named` where there is such a text, else `cell_type`, else
    the first text."""
    texts = [str(name) for name in partners.columns if pd.api.types.is_string_dtype(partners[name].dtype)]
    if named in texts:
        return named
    return "cell_type" if "cell_type" in texts else next(iter(texts), None)


def system_column(rows: pd.DataFrame) -> str | None:
    """The column that says of which system each row is; None where a table has no systems."""
    return next((name for name in SYSTEMS if name in rows), None)


def usual_system(rows: pd.DataFrame, table: str, role: Role, ids: str = "pt_root_id") -> tuple[str, str] | None:
    """The column and the value of the system that is read of a table with several `rows` for one of the `ids`: that
    which the `role` of cell types names, else USUAL_SYSTEM; None = all rows are read."""
    column = system_column(rows)
    if column is None or ids not in rows:
        return None
    if role.table == table and role.system:
        return column, role.system
    of_cells = rows.loc[(rows[ids].fillna(0) != 0).to_numpy(bool), [ids, column]]
    several = of_cells[ids].duplicated().any() and (of_cells[column] == USUAL_SYSTEM).fillna(False).any()
    return (column, USUAL_SYSTEM) if several else None


def of_system(rows: pd.DataFrame, system: tuple[str, str] | None) -> pd.DataFrame:
    """The rows of a system; all where it is None."""
    if system is None:
        return rows
    column, value = system
    return rows[(rows[column].astype("string") == value).fillna(False).to_numpy(bool)]


def each_system(rows: pd.DataFrame, system: str, value: str) -> pd.DataFrame:
    """The rows with a column for each value of `system`, blank in the rows of others, in place of the two columns.
    Raises BadInput for more than MOST_SYSTEMS."""
    systems = sorted(rows[system].dropna().unique())
    if len(systems) > MOST_SYSTEMS:
        raise BadInput(f"There are {len(systems):,} systems, too many for a column each.", "Choose one of them.")
    wide = {str(name): rows[value].where((rows[system] == name).fillna(False)) for name in systems}
    return rows.drop(columns=[system, value]).assign(**wide)


def named(values: Iterable[str]) -> str:
    """Texts that differ as one, in natural order: "several: BC | MC"."""
    return BEGINS + BETWEEN.join(natural_sorted(values))


def blank_words(counts: Mapping[str, int]) -> str:
    """In brackets the columns that are blank where rows differ, with of how many cells they are; "" for none."""
    listed = [f"{name} of {count:,}" for name, count in counts.items() if count]
    if len(listed) > MOST_LISTED:
        listed = [*listed[:MOST_LISTED], f"{len(listed) - MOST_LISTED:,} more columns"]
    return f" ({', '.join(listed)})" if listed else ""


def agreed(values: pd.Series, ids: pd.Series, every: pd.Index[Any]) -> tuple[pd.Series, npt.NDArray[np.int64]]:
    """The value that the rows of each of `every` id have (blanks apart), and the ids whose rows differ: texts that
    differ are all :func:`named`, other values are blank. `ids` (int64) has the id of each row."""
    pairs = pd.DataFrame({"id": ids, "value": values}).dropna().drop_duplicates()
    repeated = pairs["id"].duplicated(keep=False)
    single = pairs[~repeated].set_index("id")["value"].reindex(every)
    differing = pairs[repeated].groupby("id")["value"]
    several = np.unique(pairs.loc[repeated, "id"].to_numpy(np.int64))
    if len(several) and isinstance(values.dtype, pd.StringDtype):
        single.loc[several] = differing.agg(named).astype(values.dtype).loc[several]
    return single, several


def are_several(values: pd.Series) -> pd.Series:
    """Whether each value is one of :func:`named` (bool, with the index of `values`)."""
    if not pd.api.types.is_string_dtype(values.dtype):
        return pd.Series(False, index=values.index)
    return values.astype("string").str.startswith(BEGINS).fillna(False).astype(bool)


def as_counted(values: pd.Series) -> pd.Series:
    """The values with SEVERAL for each one of :func:`named`."""
    which = are_several(values)
    return values.mask(which, SEVERAL) if which.any() else values
