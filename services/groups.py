"""The values of a column as groups with colours, the same in tables, plots and Neuroglancer.

Colours depend on all values of the column at the version, never on what is filtered or selected, so a value has one
colour wherever it is shown.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from services import colours
from services.columns import kind_of
from services.memo import Memo, key_of
from services.partner_joins import SEPARATOR

if TYPE_CHECKING:
    from services.cave import Cave
    from services.connectivity import Connectivity
    from services.tables import TableFrame

BLANK_LABEL = "(blank)"

RAMP = ("#46327e", "#365c8d", "#277f8e", "#1fa187", "#4ac16d", "#a0da39", "#fde725")
"""Numbers from low to high: matplotlib's viridis, without its darkest, which is lost on the viewer's black."""

_groups: Memo[Groups] = Memo(64)


@dataclass(frozen=True)
class Groups:
    """A column's groups: `colours` has "#rrggbb" for each label, in the order of a legend, "(blank)" last.

    Numbers of more than a few values are grouped by `edges`, from the lowest to the highest: a group holds its lower
    edge, the last one both.
    """

    column: str
    colours: Mapping[str, str]
    edges: tuple[float, ...] = ()

    def labels(self, values: pd.Series) -> pd.Series:
        """The label of each value (object, with the index of `values`), blanks as "(blank)"."""
        if not self.edges:
            return texts(values)
        numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
        names = np.array([*_ranges(self.edges), BLANK_LABEL], dtype=object)
        places = np.clip(np.searchsorted(self.edges, numbers, side="right") - 1, 0, len(names) - 2)
        places[~np.isfinite(numbers)] = len(names) - 1
        return pd.Series(names[places], index=values.index, name=values.name, dtype=object)


def texts(values: pd.Series) -> pd.Series:
    """A column as text, null as "(blank)"."""
    return values.astype("string").fillna(BLANK_LABEL).astype(object)


def of_values(column: str, values: pd.Series, palette: Mapping[str, str]) -> Groups:
    """The groups of all `values` that a column has. Text keeps its colour of `palette`, numbers go from low to high."""
    blank = {BLANK_LABEL: colours.BLANK}
    if kind_of(column, values) not in ("number", "position"):
        distinct = set(texts(values)) - {BLANK_LABEL}  # for pandas, texts end at their first NUL
        return Groups(column, colours.assign(distinct, palette) | blank)
    numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
    finite = np.unique(numbers[np.isfinite(numbers)])
    edges: tuple[float, ...] = ()
    if len(finite) <= len(RAMP):
        in_order = dict.fromkeys(texts(values.iloc[np.argsort(numbers)]))
        labels = [str(label) for label in in_order if label != BLANK_LABEL]
    else:
        edges = _edges(numbers[np.isfinite(numbers)])
        labels = _ranges(edges)
    return Groups(column, dict(zip(labels, _spread(len(labels)), strict=True)) | blank, edges)


def of_table(cave: Cave, table: TableFrame, column: str) -> Groups:
    """The groups of a column of a table, over all its rows."""

    def make() -> Groups:
        return of_values(column, table.frame[column], cave.profile(table.datastack).palette)

    return _groups.get((*table.key, "groups", column), make) if table.key else make()


def of_partners(
    cave: Cave, found: Connectivity | Sequence[Connectivity], column: str, more: pd.DataFrame | None = None
) -> Groups:
    """The groups of a column of the partners of a cell, or of several: over the whole table that it is from, else over
    all its values in the partners of both directions and in `more`, a frame with further columns of partners.

    A column `table.column` is from a joined table (:mod:`services.partner_joins`), others are from the type table.
    """
    every = list(found) if isinstance(found, Sequence) else [found]
    datastack, version, type_table = every[0].datastack, every[0].version.number, every[0].type_table
    palette = cave.profile(datastack).palette
    joined, _, name = column.rpartition(SEPARATOR)
    table = joined or type_table
    whole = cave.table(datastack, version, table) if table and table in cave.tables(datastack, version) else None
    if whole is not None and name in whole:
        key = (*key_of(cave, datastack, version, table or ""), "groups", column)
        return _groups.get(key, lambda: of_values(column, whole[name], palette))
    sides = [side for one in every for side in (one.inputs, one.outputs)]
    frames = [*sides, *([] if more is None else [more])]
    values = [frame[column] for frame in frames if column in frame]
    return of_values(column, pd.concat(values, ignore_index=True), palette)


def _edges(numbers: np.ndarray[tuple[int], np.dtype[np.float64]]) -> tuple[float, ...]:
    """Edges of groups of about the same number of values, at three digits; the outer ones hold all values."""
    inner = [float(f"{edge:.3g}") for edge in np.quantile(numbers, np.linspace(0, 1, len(RAMP) + 1)[1:-1])]
    low, high = float(numbers.min()), float(numbers.max())
    return (low, *(edge for edge in dict.fromkeys(inner) if low < edge < high), high)


def _ranges(edges: Sequence[float]) -> list[str]:
    written = [f"{edge:,.0f}" if abs(edge) >= 1_000 else f"{edge:.4g}" for edge in edges]
    return [f"{low} to {high}" for low, high in itertools.pairwise(written)]


def _spread(count: int) -> list[str]:
    """`count` colours over the whole ramp."""
    return [RAMP[round(place)] for place in np.linspace(0, len(RAMP) - 1, count)] if count > 1 else [RAMP[-1]] * count
