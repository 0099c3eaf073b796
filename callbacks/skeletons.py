"""The skeletons page: resolves the cells of the address and draws their skeletons."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from dash import MATCH, Input, Output, State, no_update

from callbacks import views
from callbacks.errors import left_to_load
from callbacks.figure_scripts import COPIED, COPY, copied
from callbacks.register import callback
from components import alerts, skeletons_page
from components.cell_figures import Plot
from components.figures.skeleton_wall import wall as drawing
from services.cave.context import cave
from services.cells import proofreading, skeleton_script, skeleton_wall
from services.core.calls import Read, call, known
from services.views.addresses import Query, WallAddress, parse_wall
from services.views.wall_view import WallView


@callback(
    Output("wall-datastack", "options"),
    Output("wall-datastack", "value"),
    Output("wall-version", "options"),
    Output("wall-version", "value"),
    Input("wall-query", "data"),
    Input("reload", "data"),
    on_error=left_to_load(),
)
def fill_controls(query: Query, _reload: Any) -> tuple[Any, ...]:
    """The options and values of the controls for datastack and version."""
    datastack, datastacks, version, versions, _ = views.place_choices(parse_wall(query or {})[0])
    return datastacks, datastack, versions, version


@callback(
    Output("wall-results", "children"),
    Output("wall-status", "children"),
    Output("wall-notes", "children"),
    Input("wall-query", "data"),
    Input("reload", "data"),
    on_error=lambda error: ([], "Nothing is shown.", alerts.problem(error)),
)
def load(query: Query, _reload: Any) -> tuple[Any, ...]:
    """The skeletons of the address."""
    address, warnings = parse_wall(query or {})
    view = WallView.of(cave(), address)
    if not address.cells.strip():
        return skeletons_page.invitation(_example(view)), "", alerts.notes(warnings)
    wall = view.wall
    notes = alerts.notes((*warnings, *view.cells.notes, *skeletons_page.notes(wall)))
    status = skeletons_page.status(wall, view.release.volume.down)
    return skeletons_page.results(view.address, wall, plot_of(view)), status, notes


def plot_of(view: WallView) -> Plot:
    """The skeletons of a view as a plot."""
    volume, wall = view.release.volume, view.wall
    titles, by = [volume.titles[name] for name in volume.axes[:2]], volume.layer_set()
    cells = known(wall.cells, skeleton_wall.cells, Read("cell_skeletons", None), list(volume.axes))
    figure = call(drawing, cells, titles, by.layers, volume.depth_range_um, layers_by=by.name)
    return Plot("wall", "Skeletons", figure)


@callback(
    Output({"type": COPIED, "of": "wall", "name": MATCH}, "data"),
    Input({"type": COPY, "of": "wall", "name": MATCH}, "n_clicks"),
    State("wall-query", "data"),
    prevent_initial_call=True,
)
def copy_script(clicks: int | None, query: Query) -> Any:
    """The script that draws the skeletons, to copy."""
    if not clicks:
        return no_update
    view = WallView.of(cave(), parse_wall(query)[0])
    readings = partial(skeleton_script.readings, view.release, [cell.root_id for cell in view.wall.cells])
    return copied([plot_of(view)], "wall", view.address.href(), readings)


def _example(view: WallView) -> WallAddress | None:
    """An example: the proofread cells, where the version has a table of them."""
    known = proofreading.table_of(view.release)
    return replace(view.address, cells=f"{known.name}:") if known else None
