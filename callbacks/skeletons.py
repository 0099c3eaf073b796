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
from services.cave.release import Release
from services.cells import proofreading, skeleton_script, skeleton_wall
from services.cells.skeleton_wall import Wall
from services.core.calls import Read, call, known
from services.populations import sets
from services.views.addresses import Query, WallAddress, parse_wall
from services.views.resolving import release_of


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
    view, warnings = parse_wall(query or {})
    release = release_of(cave(), view)
    if not view.cells.strip():
        return skeletons_page.invitation(_example(release, view)), "", alerts.notes(warnings)
    cells = sets.resolve(release, view.cells)
    wall = skeleton_wall.read(release, cells.ids.tolist())
    view = replace(view, datastack=release.datastack, version=str(release.number))
    warnings = (*warnings, *cells.notes, *skeletons_page.notes(wall))
    results = skeletons_page.results(view, wall, plot_of(release, wall))
    return results, skeletons_page.status(wall, release.volume.down), alerts.notes(warnings)


def plot_of(release: Release, wall: Wall) -> Plot:
    """The skeletons of a wall as a plot."""
    volume = release.volume
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
    view, _ = parse_wall(query)
    release = release_of(cave(), view)
    wall = skeleton_wall.read(release, sets.resolve(release, view.cells).ids.tolist())
    readings = partial(skeleton_script.readings, release, [cell.root_id for cell in wall.cells])
    return copied([plot_of(release, wall)], "wall", view.href(), readings)


def _example(release: Release, view: WallAddress) -> WallAddress | None:
    """An example: the proofread cells, where the version has a table of them."""
    table = proofreading.table_of(release)
    return replace(view, cells=f"{table.name}:") if table else None
