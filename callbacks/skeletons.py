"""The page of skeletons: look up the cells and draw their skeletons."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dash import ClientsideFunction, Input, Output, clientside_callback

from callbacks import views
from callbacks.errors import left_to_load
from callbacks.register import callback
from components import alerts, skeletons_page
from components.figures.skeleton_wall import wall as drawing
from services.cave.context import cave
from services.cave.release import Release
from services.cells import proofreading, skeleton_wall
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
    """Everything there is to choose from."""
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
    view, messages = parse_wall(query or {})
    release = release_of(cave(), view)
    if not view.cells.strip():
        return skeletons_page.invitation(_example(release, view)), "", alerts.notes(messages)
    cells = sets.resolve(release, view.cells)
    wall = skeleton_wall.read(release, cells.ids.tolist())
    view = replace(view, datastack=release.datastack, version=str(release.number))
    volume = release.volume
    titles, by = [volume.titles[name] for name in volume.axes[:2]], volume.layer_set().name
    figure = drawing(wall.cells, titles, volume.layers, volume.depth_range_um, layers_by=by)
    messages = (*messages, *cells.notes, *skeletons_page.notes(wall))
    return skeletons_page.results(view, wall, figure), skeletons_page.status(wall, volume.down), alerts.notes(messages)


def _example(release: Release, view: WallAddress) -> WallAddress | None:
    """The proofread cells, where the version says which."""
    known = proofreading.table_of(release)
    return replace(view, cells=f"{known.name}:") if known else None


clientside_callback(
    ClientsideFunction("skeletons", "save"),
    Input("wall-svg", "n_clicks"),
    Input("wall-png", "n_clicks"),
    prevent_initial_call=True,
)
