"""How many rows have each value of a column, or are in each group of values."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from services.tables.groups import Groups
from services.tables.tables import TableFrame, TableQuery, find_column, row_numbers, single


def count_by(table: TableFrame, query: TableQuery, column: str, groups: Groups | None = None) -> pd.DataFrame:
    """How many rows of the query have each value of a column, most first; with `groups`, how many are in each of these,
    in their order.

    Columns: value (null = blank), count, and count_single_soma, which leaves out root ids that have several
    rows in the whole table, and root id 0 (equal to count where there are no root ids).
    """
    name = find_column(table.columns, column).name
    rows = row_numbers(table, query)
    return count_values(table.frame[name].take(rows), single(table.frame)[rows], groups)


def count_values(values: pd.Series, single: npt.NDArray[np.bool_], groups: Groups | None = None) -> pd.DataFrame:
    """As :func:`count_by`, of the `values` of some rows; `single` tells for each whether it counts for
    count_single_soma."""
    if groups:
        values = groups.names(values)
    counts = pd.DataFrame(
        {
            "count": values.value_counts(dropna=False),
            "count_single_soma": values[single].value_counts(dropna=False),
        }
    )
    counts = counts.fillna(0).astype("int64").rename_axis("value").reset_index()
    if groups:
        place = {label: at for at, label in enumerate(groups.colours)}
        return counts.sort_values("value", key=lambda labels: labels.map(place), ignore_index=True)
    return counts.sort_values("count", ascending=False, kind="stable", ignore_index=True)
