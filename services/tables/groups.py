"""The values of a column as groups with colours, the same in tables, plots and Neuroglancer.

Colours depend on all values of the column at the version, never on what is filtered or selected, so a value has one
colour wherever it is shown.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from services.core import colours
from services.core.columns import kind_of
from services.core.type_columns import SEVERAL, are_several, as_counted
from services.tables.facets import MOST_NUMBERS

if TYPE_CHECKING:
    from services.cave.client import Cave
    from services.tables.tables import TableFrame

BLANK_LABEL = "(blank)"

RAMP = ("#6a4fc4", "#4f72cf", "#2f8fbf", "#1fa38f", "#55b05c", "#a5b32c", "#e3ad17")
"""Numbers from low to high: the hues of matplotlib's viridis, ever lighter, within the lightness that can be seen on a
white page as well as on the viewer's black."""


@dataclass(frozen=True)
class Groups:
    """A column's groups: `colours` has "#rrggbb" for each label, in the order of a legend, "(blank)" last.

    Numbers of more than a few values are grouped by `edges`, from the lowest to the highest: a group holds its lower
    edge, the last one both. With `several`, values of :func:`type_columns.named` are one group.
    """

    column: str
    colours: Mapping[str, str]
    edges: tuple[float, ...] = ()
    several: bool = False

    def names(self, values: pd.Series) -> pd.Series:
        """The label of each value (string, with the index of `values`), blanks as null."""
        if not self.edges:
            return values.astype("string")
        labels = self.labels(values)
        return labels.where(labels != BLANK_LABEL).astype("string")

    def labels(self, values: pd.Series) -> pd.Series:
        """The label of each value (object, with the index of `values`), blanks as "(blank)"."""
        if not self.edges:
            return texts(as_counted(values) if self.several else values)
        names = np.array([*ranges(self.edges), BLANK_LABEL], dtype=object)
        return pd.Series(names[self.range_indices(values)], index=values.index, name=values.name, dtype=object)

    def range_indices(self, values: pd.Series) -> npt.NDArray[np.int64]:
        """Which range each number is in, from 0 for the lowest; -1 for blanks."""
        numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
        indices = np.clip(np.searchsorted(self.edges, numbers, side="right") - 1, 0, len(self.edges) - 2)
        indices[~np.isfinite(numbers)] = -1
        return indices


def texts(values: pd.Series) -> pd.Series:
    """A column as text, null as "(blank)"."""
    return values.astype("string").fillna(BLANK_LABEL).astype(object)


def of_values(column: str, values: pd.Series, palette: Mapping[str, str], *, few: int = MOST_NUMBERS) -> Groups:
    """The groups of all `values` that a column has. Text keeps its colour of `palette`, numbers go from low to high.

    Whole numbers with more distinct values than there are colours from low to high, but not more than `few`, are
    names, such as that of a session: each has a colour that can be told from the next.
    """
    blank = {BLANK_LABEL: colours.BLANK}
    if kind_of(column, values) not in ("number", "position"):
        distinct = set(texts(values)) - {BLANK_LABEL}  # for pandas, texts end at their first NUL
        return Groups(column, colours.assign(distinct, palette) | blank)
    numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
    finite = np.unique(numbers[np.isfinite(numbers)])
    edges: tuple[float, ...] = ()
    whole = pd.api.types.is_integer_dtype(values.dtype)
    if len(finite) <= max(len(RAMP), few if whole else 0):
        in_order = dict.fromkeys(texts(values.iloc[np.argsort(numbers)]))
        labels = [str(label) for label in in_order if label != BLANK_LABEL]
    else:
        edges = _edges(numbers[np.isfinite(numbers)])
        labels = ranges(edges)
    return Groups(column, _spread(labels) | blank, edges)


def of_table(cave: Cave, table: TableFrame, column: str) -> Groups:
    """The groups of a column of a table, over all its rows."""

    def make() -> Groups:
        values = table.frame[column]
        groups = of_values(column, values[~are_several(values)], cave.profile(table.datastack).palette)
        return with_several(groups, [values])

    return table.derived.of("groups", column).get(make)


def with_several(groups: Groups, values: Sequence[pd.Series]) -> Groups:
    """The groups with one for cells that have several values, where there are any, before the blank ones."""
    if not any(are_several(part).any() for part in values):
        return groups
    named = {label: colour for label, colour in groups.colours.items() if label != BLANK_LABEL}
    several = {SEVERAL: named.pop(SEVERAL, colours.SEVERAL)}
    return replace(groups, colours=named | several | {BLANK_LABEL: colours.BLANK}, several=True)


def _edges(numbers: np.ndarray[tuple[int], np.dtype[np.float64]]) -> tuple[float, ...]:
    """Edges of groups of about the same number of values, at three digits, no two written alike; the outer ones hold
    all values."""
    inner = [float(f"{edge:.3g}") for edge in np.quantile(numbers, np.linspace(0, 1, len(RAMP) + 1)[1:-1])]
    low, high = float(numbers.min()), float(numbers.max())
    outer = {_written(low), _written(high)}
    between = dict.fromkeys(edge for edge in inner if low < edge < high and _written(edge) not in outer)
    return (low, *between, high)


def ranges(edges: Sequence[float]) -> list[str]:
    """What lies between edges, in words."""
    return [f"{low} to {high}" for low, high in itertools.pairwise(map(_written, edges))]


def _written(edge: float) -> str:
    return f"{edge:,.0f}" if abs(edge) >= 1_000 else f"{edge:.4g}"


def _spread(labels: Sequence[str]) -> dict[str, str]:
    """Colours over the whole ramp; of the wheel where the ramp does not suffice."""
    if len(labels) > len(RAMP):
        wheel = colours.assign(labels, {})
        return {label: wheel[label] for label in labels}
    steps = np.linspace(0, len(RAMP) - 1, len(labels)) if len(labels) > 1 else [len(RAMP) - 1] * len(labels)
    return {label: RAMP[round(step)] for label, step in zip(labels, steps, strict=True)}
