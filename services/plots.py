"""The points of a plot of a table's rows, and which of them lie within what a person drew around them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from services import space, tables
from services.columns import Column, find_column
from services.profiles import Volume
from services.tables import TableFrame, TableQuery

MOST_POINTS = 150_000
"""More are thinned out evenly: a browser draws them all, but takes seconds to."""
MAPS = {"side": ("x_um", "depth_um"), "top": ("x_um", "z_um")}
"""Axes of the two maps, along those of the volume (see :func:`services.space.positions_um`)."""

Outline: TypeAlias = Mapping[str, Sequence[float]]
"""What was drawn: the `x` and `y` of the corners of a polygon, or of one point."""


def axes_of(table: TableFrame) -> tuple[Column, ...]:
    """The columns that can be an axis."""
    return tuple(column for column in table.columns if column.kind in ("number", "position"))


def axes(table: TableFrame, x: str = "", y: str = "") -> tuple[Column, Column] | None:
    """The axes of a scatter: those named, else volume by soma depth, else the first numbers that are not blank
    throughout. None where there are none.

    Raises BadInput for a name that is no column.
    """
    known = axes_of(table)
    names = [column.name for column in known if table.frame[column.name].notna().any()]
    if not names:
        return None
    depth = next((name for name in ("soma_depth_um", "depth_um") if name in names), names[-1])
    across = "volume" if "volume" in names else next((name for name in names if name != depth), depth)
    return find_column(known, x or across), find_column(known, y or depth)


def position_of(table: TableFrame) -> str | None:
    """The position that maps show: the point of the annotation, else the first there is."""
    names = [column.name.removesuffix("_x") for column in table.columns if column.name.endswith("_position_x")]
    return "pt_position" if "pt_position" in names else next(iter(names), None)


def scatter(table: TableFrame, query: TableQuery, x: Column, y: Column, colour: str = "") -> pd.DataFrame:
    """The rows that a query keeps and that have both numbers.

    Columns: x and y (float64, in the columns' units), value (text of column `colour`; null = blank) and id
    (Int64; the number of the row where a table has none).
    """
    rows = tables.select(table, query)
    pair = {"x": _floats(rows[x.name]), "y": _floats(rows[y.name])}
    return _points(rows, pair, colour)


def soma_map(table: TableFrame, query: TableQuery, volume: Volume, plot: str, colour: str = "") -> pd.DataFrame:
    """The positions of the rows that a query keeps, in um along the axes of MAPS[`plot`], as :func:`scatter`."""
    rows, position = tables.select(table, query), position_of(table)
    if position is None:
        return _points(rows.iloc[:0], {"x": np.empty(0), "y": np.empty(0)}, colour)
    um = space.positions_um(rows, position, table.info.voxel_resolution_nm, volume)
    x, y = MAPS[plot]
    return _points(rows, {"x": um[x].to_numpy(), "y": um[y].to_numpy()}, colour)


def thinned(points: pd.DataFrame, most: int = MOST_POINTS) -> pd.DataFrame:
    """At most `most` of the points, evenly taken from their order."""
    if len(points) <= most:
        return points
    return points.iloc[np.linspace(0, len(points) - 1, most).astype(np.int64)]


def within(points: pd.DataFrame, drawn: Outline) -> pd.Series:
    """The ids of the points inside a polygon (of at least three corners), or of those at a single dot, whose place a
    browser has as float32."""
    xs, ys = (np.asarray(drawn[axis], dtype=np.float64) for axis in "xy")
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


def _points(rows: pd.DataFrame, pair: Mapping[str, npt.NDArray[np.float64]], colour: str) -> pd.DataFrame:
    ids: Any = rows["id"] if "id" in rows else pd.Series(np.arange(len(rows)), dtype="Int64")
    value = rows[colour].astype("string") if colour else pd.Series(pd.NA, rows.index, dtype="string")
    points = pd.DataFrame({**pair, "value": value.to_numpy(), "id": ids.to_numpy()}).astype({"value": "string"})
    finite = np.isfinite(pair["x"]) & np.isfinite(pair["y"])
    return points[finite].reset_index(drop=True).astype({"id": "Int64"})


def _floats(values: pd.Series) -> npt.NDArray[np.float64]:
    return values.to_numpy(dtype=np.float64, na_value=np.nan)
