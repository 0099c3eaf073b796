"""The parts of the page of skeletons of a set of cells side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from dash import dcc, html

from components import alerts, cell_figures, controls
from components.attributes import data
from components.cell_card import counted
from components.cell_figures import Plot
from components.figures.template import CONFIG
from components.partner_panel import file_links
from components.shell import heading
from services.views.addresses import WALL_PAGE, CellAddress, WallAddress

if TYPE_CHECKING:
    from services.cells.skeleton_wall import Wall

WIDTH_PX = "1600"
"""Of its files, which are for a slide."""
PLACEHOLDER = "ids, or a table and a filter, types:cell_type = BC"


def page(view: WallAddress, query: Mapping[str, Any]) -> html.Div:
    """The whole page of a view whose cells are still to be looked up. `query` is the address as it was given."""
    fields = [
        controls.choice("Datastack", "datastack", "wall-datastack", view.datastack),
        controls.choice("Version", "version", "wall-version", view.version),
        controls.text("Cells", "cells", "wall-cells", view.cells, PLACEHOLDER),
    ]
    return html.Div(
        [
            html.Div(
                [heading("Skeletons"), html.P(id="wall-status", className="k-status", role="status")],
                className="k-top",
            ),
            controls.view_form(WALL_PAGE, fields, "Show"),
            html.Div(id="alerts"),
            html.Div(id="wall-notes"),
            html.Div(alerts.loading("Reading skeletons…"), id="wall-results", className="k-results"),
            dcc.Store(id="wall-query", data=dict(query)),
        ]
    )


def invitation(example: WallAddress | None) -> html.Div:
    """Stands where the skeletons would be; `example` is a wall to begin with."""
    link = html.P(html.A("The first 40 proofread cells", href=example.href())) if example else None
    words = html.P("Name up to 40 cells; their skeletons stand side by side, to scale.")
    return alerts.empty("Skeletons side by side", words, link)


def results(view: WallAddress, wall: Wall, plot: Plot) -> list[Any]:
    """The picture, ways to save it, and the cells as links, in its order."""
    figure = plot.figure.result
    links = [
        html.Li(html.A(str(cell.root_id), href=CellAddress(view.datastack, view.version, str(cell.root_id)).href()))
        for cell in wall.cells
    ]
    height = {"height": figure["layout"]["height"]}
    graph = dcc.Graph(id="wall-plot", figure=figure, config=CONFIG, style=height)
    drawn = [html.Div(graph, style=height), cell_figures.figure_files(plot.name, "wall")]
    return [
        html.Div(drawn, **data(title=plot.title, width=WIDTH_PX)),
        html.Details([html.Summary("Cells, from left to right"), html.Ol(links)]),
        file_links("Lines:", f"/api/v1/{view.datastack}/{view.version}/skeletons?{urlencode({'cells': view.cells})}"),
    ]


def status(wall: Wall, axis: str) -> str:
    """How many cells are drawn, against which `axis` downwards."""
    return f"{counted(len(wall.cells), 'skeleton')}, by {axis} of the soma."


def notes(wall: Wall) -> list[str]:
    """Sentences about the cells that are not drawn."""
    messages = []
    if wall.without:
        shown = ", ".join(map(str, wall.without[:5])) + (" …" if len(wall.without) > 5 else "")
        messages.append(f"CAVE has no skeleton of {counted(len(wall.without), 'cell')}: {shown}.")
    if wall.left:
        messages.append(f"{wall.left:,} more cells are left out: a wall has at most 40, of the first 5,000 of a set.")
    return messages
