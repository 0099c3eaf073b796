"""The panels of a cell that load after its partners: its facts, its skeleton, and its changes between versions."""

from __future__ import annotations

from functools import partial
from typing import Any

from dash import MATCH, Input, Output, State, no_update

from callbacks import skeleton_plots, views
from callbacks.bodies import Href, OfPlot
from callbacks.figure_scripts import COPIED, COPY, copied
from callbacks.register import callback
from components import alerts, partner_panel, skeleton_view
from components.cell_facts import cell_facts
from components.changes import changes as drawn_changes
from services.cave.context import cave
from services.cells import arbor, card, morphology
from services.core.parallel import gather
from services.views.addresses import parse_connectivity
from services.views.cell_view import CellView


@callback(
    Output("cell-facts", "children"),
    Input("cell-facts-seen", "data"),
    State("cell-of", "data"),
    prevent_initial_call=True,
    on_error=alerts.problem,
)
def facts(_seen: Any, of: Href) -> Any:
    """The facts about the cell from all tables, and its edits."""
    view = CellView.of(cave(), parse_connectivity(views.query_of(of))[0])
    cell = view.first.cell
    facts, edits = gather(partial(card.read, view.release, cell), partial(card.edits, view.release, cell))
    return cell_facts(facts, edits, f"{_address(view)}/soma.png")


@callback(
    Output("cell-skeleton", "children"),
    Input("cell-skeleton-seen", "data"),
    State("cell-of", "data"),
    prevent_initial_call=True,
    on_error=skeleton_view.none,
)
def skeleton(_seen: Any, of: Href) -> Any:
    """The plots and measures of the cell's skeleton, where CAVE has one."""
    view = CellView.of(cave(), parse_connectivity(views.query_of(of))[0])
    picture, measures = morphology.read(cave(), view.first), arbor.compartments(cave(), view.first)
    plots = skeleton_plots.plots(view, picture)
    which = partner_panel.which_synapses(view.answerable[0])
    return skeleton_view.picture(plots, measures, _address(view), which, deep=view.release.volume.has_depth)


@callback(
    Output({"type": COPIED, "of": "skeleton", "name": MATCH}, "data"),
    Input({"type": COPY, "of": "skeleton", "name": MATCH}, "n_clicks"),
    State({"type": COPY, "of": "skeleton", "name": MATCH}, "id"),
    State("cell-of", "data"),
    prevent_initial_call=True,
)
def copy_script(clicks: int | None, plot: OfPlot, of: Href) -> Any:
    """The script that draws a plot of the skeleton, to copy."""
    if not clicks:
        return no_update
    view = CellView.of(cave(), parse_connectivity(views.query_of(of))[0])
    plots = skeleton_plots.plots(view, morphology.read(cave(), view.first))
    return copied(plots, plot["name"], view.address.href(), partial(skeleton_plots.readings, view))


def _address(view: CellView) -> str:
    """The cell's address in the API."""
    cell = view.first
    return f"/api/v1/{cell.datastack}/{cell.version.label}/cells/{cell.cell.root_id}"


@callback(
    Output("cell-changes", "children"),
    Input("cell-of", "data"),
    on_error=alerts.problem,
)
def compare(of: Href) -> Any:
    """The changes of the cell's partners between its version and the one it is compared with."""
    view = CellView.of(cave(), parse_connectivity(views.query_of(of))[0])
    return drawn_changes(view.answerable[0], view.changes())
