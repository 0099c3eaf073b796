"""The points of a plot of a table's rows, and which of them lie within what a person drew around them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from services.core import bound_points, space
from services.core.columns import Column, as_stored, find_column
from services.core.profiles import Volume
from services.tables import facets, tables, value_counts
from services.tables.facets import Binned
from services.tables.groups import Groups, ranges
from services.tables.tables import TableFrame, TableQuery

BARS = 48
MOST_POINTS = 150_000
"""More are thinned out evenly: a browser draws them all, but takes seconds to."""
MAPS = {"side": (0, 1), "top": (0, 2)}
"""Which of the volume's axes the two maps have (see :func:`map_axes`)."""

Outline: TypeAlias = Mapping[str, Sequence[float]]
"""What was drawn: the `x` and `y` of the corners of a polygon, or of one point."""


def axes_of(table: TableFrame) -> tuple[Column, ...]:
    """The columns that can be an axis."""
    return tuple(column for column in table.columns if column.kind in ("number", "position"))


def axes(table: TableFrame, x: str = "", y: str = "") -> tuple[Column, Column] | None:
    """The axes of a scatter: those named, else volume by soma depth, else numbers that are not blank throughout, two
    different ones if there are. None where there are none.

    Raises BadInput for a name that is no column.
    """
    axis_columns = axes_of(table)
    names = [column.name for column in axis_columns if table.frame[column.name].notna().any()]
    if not names:
        return None

    def other(than: str, *preferred: str) -> str:
        return next((name for name in (*preferred, *names) if name in names and name != than), than)

    left, right = (find_column(axis_columns, name).name if name else "" for name in (x, y))
    right = right or other(left or "volume", "soma_depth_um", "depth_um", "volume", *reversed(names))
    return find_column(axis_columns, left or other(right, "volume")), find_column(axis_columns, right)


def counts(table: TableFrame, query: TableQuery, groups: Groups) -> pd.DataFrame:
    """How many rows that a query keeps are in each group, as :func:`value_counts.count_by` has it."""

    def count() -> pd.DataFrame:
        counted = value_counts.count_by(table, query, groups.column, groups if groups.edges else None)
        return counted.assign(value=as_stored(counted["value"]))

    return table.derived.of("counts", query.key(), groups.column).get(count)


def counts_of(rows: pd.DataFrame, whole: pd.DataFrame, column: str, groups: Groups | None = None) -> pd.DataFrame:
    """The same of some `rows` of a `whole` table; `groups` are given where numbers are in ranges."""
    single = np.ones(len(rows), dtype=bool)
    if "pt_root_id" in rows:
        single = rows["pt_root_id"].isin(whole.loc[tables.single(whole), "pt_root_id"]).to_numpy()
    return value_counts.count_values(rows[column], single, groups)


def boxes(table: TableFrame, query: TableQuery, groups: Groups) -> Callable[[Any], str]:
    """From a group (None = blank) to the box of its column after a click on it: it keeps exactly the rows of the group,
    or adds them to those that the box lists; again, and they are taken away."""
    column = find_column(table.columns, groups.column)
    of_ranges: Mapping[Any, str] = {}
    if groups.edges:
        values = table.frame[column.name]
        boxes_of = facets.range_boxes(values, groups.range_indices(values), len(groups.edges) - 1)
        of_ranges = dict(zip(groups.colours, boxes_of, strict=False))
    current_box = query.boxes.get(column.name, "")

    def clicked(value: Any) -> str:
        if value in of_ranges:
            return "" if of_ranges[value] == current_box else of_ranges[value]
        return facets.toggled(table.columns, query, column.name, value).boxes.get(column.name, "")

    return clicked


@dataclass(frozen=True)
class Bars:
    """A histogram over all numbers of a column at this version, whatever is filtered. `edges` are where its bars begin
    and end, and `spans` say that in words; `totals` are how many rows of the whole table each has, `boxes` what keeps
    exactly these ("" = none). `counts` has a line for each group (null = blank) with the number of rows shown in each
    bar; `blank` more have no number."""

    column: Column
    edges: tuple[float, ...]
    spans: tuple[str, ...]
    totals: tuple[int, ...]
    boxes: tuple[str, ...]
    counts: pd.DataFrame
    blank: int


def histogram(
    table: TableFrame, query: TableQuery, column: Column, groups: Groups | None = None, *, bars: int = BARS
) -> Bars:
    """How many rows that a query keeps have which number of a column, in each of the groups. Raises BadInput."""
    whole = facets.bars_of(table, column, bars)
    rows = tables.row_numbers(table, query)
    names = groups.names(table.frame[groups.column].take(rows)) if groups else None
    return _bars(column, whole, whole.codes[rows], names)


def bars_of(
    rows: pd.DataFrame, whole: pd.DataFrame, column: Column, groups: Groups | None = None, *, bars: int = BARS
) -> Bars:
    """The same of some `rows` of a `whole` table."""
    binned = facets.binned(whole[column.name], bars)
    codes = facets.codes_of(_floats(rows[column.name]), binned.edges)
    return _bars(column, binned, codes, groups.names(rows[groups.column]) if groups else None)


def _bars(column: Column, whole: Binned, codes: npt.NDArray[np.int16], groups: pd.Series | None) -> Bars:
    of_rows = pd.Series(pd.NA, range(len(codes)), dtype="string") if groups is None else groups
    name_codes, names = pd.factorize(of_rows, use_na_sentinel=False)
    count, in_bar = len(whole.totals), codes >= 0
    cells = np.bincount(name_codes[in_bar] * count + codes[in_bar], minlength=len(names) * count)
    counted = pd.DataFrame(cells.reshape(len(names), count), index=pd.Index(names, dtype="string"))
    edges, totals = tuple(whole.edges.tolist()), tuple(whole.totals.tolist())
    return Bars(column, edges, tuple(ranges(edges)), totals, whole.boxes, counted, int((~in_bar).sum()))


def scatter(table: TableFrame, query: TableQuery, x: Column, y: Column, colours: Groups | None = None) -> pd.DataFrame:
    """The rows that a query keeps and that have both numbers.

    Columns: x and y (float64, in the columns' units), value (the group of `colours` that the row is in; null = blank)
    and id (Int64; the number of the row where a table has none).
    """
    return points_of(tables.select(table, query), x.name, y.name, colours)


def points_of(rows: pd.DataFrame, x: str, y: str, colours: Groups | None = None) -> pd.DataFrame:
    """The same of some rows."""
    return _points(rows, {"x": _floats(rows[x]), "y": _floats(rows[y])}, colours)


def map_axes(plot: str, volume: Volume) -> tuple[str, str]:
    """The axes of the volume that a map has from left to right and down: depth or y from the side."""
    x, y = MAPS[plot]
    return volume.axes[x], volume.axes[y]


def soma_map(
    table: TableFrame, query: TableQuery, volume: Volume, plot: str, colours: Groups | None = None
) -> pd.DataFrame:
    """The positions of the rows that a query keeps, in um along its :func:`map_axes`, as :func:`scatter`."""
    rows = tables.select(table, query)
    positions = bound_points.positions(rows)
    if positions is None:
        return _points(rows.iloc[:0], {"x": np.empty(0), "y": np.empty(0)}, colours)
    um = space.positions_um(positions, bound_points.PLACE, table.info.voxel_resolution_nm, volume)
    return map_points(rows, um.to_numpy(), MAPS[plot], colours)


def map_points(
    rows: pd.DataFrame, um: npt.NDArray[np.float64], axes: tuple[int, int], colours: Groups | None = None
) -> pd.DataFrame:
    """The same of some rows, whose positions along the axes of the volume are `um`, on two of these axes."""
    return _points(rows, {"x": um[:, axes[0]], "y": um[:, axes[1]]}, colours)


def thinned(points: pd.DataFrame, most: int = MOST_POINTS) -> pd.DataFrame:
    """At most `most` of the points, evenly taken from their order."""
    if len(points) <= most:
        return points
    return points.iloc[np.linspace(0, len(points) - 1, most).astype(np.int64)]


def within(points: pd.DataFrame, outline: Outline) -> pd.Series:
    """The ids of the points inside a polygon (of at least three corners), or of those at a single dot, whose place a
    browser has as float32."""
    xs, ys = (np.asarray(outline[axis], dtype=np.float64) for axis in "xy")
    x, y = points["x"].to_numpy(), points["y"].to_numpy()
    if len(xs) > 2:
        return points["id"][_inside(x, y, xs, ys)]
    return points["id"][(x.astype(np.float32) == np.float32(xs[0])) & (y.astype(np.float32) == np.float32(ys[0]))]


def _inside(
    x: npt.NDArray[np.float64], y: npt.NDArray[np.float64], xs: npt.NDArray[np.float64], ys: npt.NDArray[np.float64]
) -> npt.NDArray[np.bool_]:
    """Whether a line from each point to the right crosses the outline an odd number of times."""
    inside = np.zeros(len(x), dtype=bool)
    for x0, y0, x1, y1 in zip(xs, ys, np.roll(xs, -1), np.roll(ys, -1), strict=True):
        if y0 != y1:
            inside ^= ((y0 > y) != (y1 > y)) & (x < (x1 - x0) * (y - y0) / (y1 - y0) + x0)
    return inside


def _points(rows: pd.DataFrame, pair: Mapping[str, npt.NDArray[np.float64]], colours: Groups | None) -> pd.DataFrame:
    ids: Any = rows["id"] if "id" in rows else pd.Series(np.arange(len(rows)), dtype="Int64")
    value = colours.names(rows[colours.column]) if colours else pd.Series(pd.NA, rows.index, dtype="string")
    points = pd.DataFrame({**pair, "value": value.to_numpy(), "id": ids.to_numpy()}).astype({"value": "string"})
    finite = np.isfinite(pair["x"]) & np.isfinite(pair["y"])
    return points[finite].reset_index(drop=True).astype({"id": "Int64"})


def _floats(values: pd.Series) -> npt.NDArray[np.float64]:
    return values.to_numpy(dtype=np.float64, na_value=np.nan)
