"""Colour and order of values, the same in tables, plots and Neuroglancer.

Axes, legends, matrices and layers have values in one order (:func:`in_order`), blank last. Only what ranks by a number,
such as rows by type, facets and counts by value, has the largest first, equals by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from services.core.natural_order import natural_sorted

BLANK = "#9e9e9e"
"""Colour of a missing value."""

SEVERAL = "#6d4c41"
"""Colour of a cell whose types differ."""

WHEEL = (
    "#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#ee7733", "#009988", "#cc3311", "#33bbee",
    "#882255", "#999933", "#117733", "#88ccee", "#cc6677", "#ddcc77", "#44aa99", "#332288", "#aa4499", "#bbcc33",
)  # fmt: skip
"""Paul Tol's "bright", "vibrant" and "muted" qualitative schemes (https://sronpersonalpages.nl/~pault), which
colour-blind readers can tell apart, without their greys and repetitions."""


def in_order(values: Iterable[str], palette: Iterable[str]) -> list[str]:
    """The distinct values: those of `palette` in its order, which is that of the publications about a volume, then the
    others in natural order."""
    distinct = set(values)
    published = [value for value in palette if value in distinct]
    return [*published, *natural_sorted(distinct.difference(published))]


def assign(values: Iterable[str], palette: Mapping[str, str]) -> dict[str, str]:
    """A colour "#rrggbb" for each distinct value, in their order (:func:`in_order`).

    A value of `palette` has its colour there; the others take turns on the wheel. Give all values of a column at
    a version, not only those on show, and a value keeps its colour whatever is filtered.
    """
    distinct = in_order(values, palette)
    others = (value for value in distinct if value not in palette)
    wheel = {value: WHEEL[turn % len(WHEEL)] for turn, value in enumerate(others)}
    return {value: palette.get(value, wheel.get(value, BLANK)).lower() for value in distinct}
