"""The figures of the plot of a table."""

from __future__ import annotations

from typing import Any

import pandas as pd

from callbacks.bodies import Outline
from components.cell_figures import Plot
from components.figures.axes import depth_title
from components.figures.counts import count_bars
from components.figures.scatter import histogram, scatter
from components.table_plots import KINDS, blank
from services.core.calls import Call, Read, call, known
from services.core.columns import Column
from services.tables import plots, tables
from services.tables.groups import Groups
from services.views.table_view import HeldView


def plots_of(shown: HeldView, outline: Outline | None) -> list[Plot]:
    """The plot of a view in a list; [] where it has none."""
    if shown.address.plot == "counts":
        plot = counts(shown)
        return [plot] if plot else []
    drawn = bars(shown) if shown.address.plot == "histogram" else points(shown, outline)
    return [drawn[0]] if drawn else []


def counts(shown: HeldView) -> Plot | None:
    """Bars of the rows by the values of a column; None where there is no column to count by."""
    result = shown.groups
    if not result:
        return None
    rows, whole = _rows(shown), Read("table", shown.table.frame)
    ranges = _groups(result) if result.edges else None
    frame = plots.counts(shown.table, shown.query, result)
    counted = call(_in_parts, known(frame, plots.counts_of, rows, whole, result.column, ranges))
    options: Any = {"counted": "rows", "part": "rows with one soma", "blank": blank(result.column)}
    drawn = call(count_bars, counted, dict(result.colours), **options)
    return Plot("plot", f"Rows by {result.column.replace('_', ' ')}", drawn)


def _in_parts(counts: pd.DataFrame) -> pd.DataFrame:
    return counts.rename(columns={"count_single_soma": "count_part"})


def bars(shown: HeldView) -> tuple[Plot, plots.Bars] | None:
    """A histogram of the rows by a column of numbers, and its bars; None where there is no such column."""
    chosen = plots.axes(shown.table, shown.address.x)
    if chosen is None:
        return None
    column, result = chosen[0], shown.groups
    rows, whole = _rows(shown), Read("table", shown.table.frame)
    bins = plots.histogram(shown.table, shown.query, column, result)
    fields: Any = (column.name, column.title, column.kind, column.unit)
    binned = known(bins, plots.bars_of, rows, whole, call(Column, *fields), _groups(result))
    drawn = call(histogram, binned, dict(result.colours) if result else {}, blank(shown.colour_by))
    return Plot("plot", f"Histogram of {column.title}", drawn), bins


def points(shown: HeldView, outline: Outline | None) -> tuple[Plot, pd.DataFrame] | None:
    """A scatter plot or map of the rows, thinned where there are too many, and all its points; None without columns for
    it."""
    all_points, view = shown.points(), shown.address
    if all_points is None:
        return None
    dots, titles = _dots(shown, all_points)
    volume, on_map = shown.release.volume, view.plot in plots.MAPS
    layers, down = volume.layer_set(view.layers), view.plot == "side" or "depth" in titles[1]
    titled = depth_title(titles[1], layers.layers, layers.name) if down else titles[1]
    colours = dict(shown.groups.colours) if shown.groups else {}
    options: Any = {"layers": layers.layers, "same_scale": on_map, "blank": blank(shown.colour_by), "outline": outline}
    drawn = call(scatter, call(plots.thinned, dots), (titles[0], titled), colours, down=down, **options)
    kind = next(kind["label"] for kind in KINDS if kind["value"] == view.plot)
    return Plot("plot", f"{kind}: {titles[0]}, {titles[1]}", drawn), all_points


def _dots(shown: HeldView, all_points: pd.DataFrame) -> tuple[Call, list[str]]:
    """The call that turns rows into points, and the titles of the axes."""
    view, groups = shown.address, _groups(shown.groups)
    if view.plot in plots.MAPS:
        volume = shown.release.volume
        titles = [volume.titles[axis] for axis in plots.map_axes(view.plot, volume)]
        axes: Any = (Read("um", None), plots.MAPS[view.plot])
        return known(all_points, plots.map_points, _rows(shown), *axes, groups), titles
    chosen = plots.axes(shown.table, view.x, view.y) or ()
    names = [column.name for column in chosen]
    return known(all_points, plots.points_of, _rows(shown), *names, groups), [column.heading for column in chosen]


def _rows(shown: HeldView) -> Read:
    return Read("rows", tables.select(shown.table, shown.query))


def _groups(result: Groups | None) -> Call | None:
    if result is None:
        return None
    return known(result, Groups, result.column, dict(result.colours), result.edges, result.several)
