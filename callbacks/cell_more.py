"""What is asked of a cell after its partners are on the page: its card, and what changed between versions."""

from __future__ import annotations

from typing import Any

from dash import Input, Output, State

from callbacks import views
from callbacks.register import callback
from components import alerts, skeleton_view
from components.cell_facts import cell_facts
from components.changes import changes as drawn_changes
from services.cave.context import cave
from services.cells import card, morphology
from services.core import space
from services.views.addresses import parse_connectivity
from services.views.cell_view import CellView


@callback(
    Output("cell-facts", "children"),
    Input("cell-facts-seen", "data"),
    State("cell-of", "data"),
    prevent_initial_call=True,
    on_error=alerts.problem,
)
def facts(_seen: int, of: str) -> Any:
    """What all tables say about the cell."""
    view = CellView.of(cave(), parse_connectivity(views.query_of(of))[0])
    return cell_facts(card.read(view.release, view.first.cell))


@callback(
    Output("cell-skeleton", "children"),
    Input("cell-skeleton-seen", "data"),
    State("cell-of", "data"),
    prevent_initial_call=True,
    on_error=skeleton_view.none,
)
def skeleton(_seen: int, of: str) -> Any:
    """The cell in 3D, where CAVE has a skeleton of it."""
    view = CellView.of(cave(), parse_connectivity(views.query_of(of))[0])
    soma_nm, volume = view.first.cell.soma_position_nm, view.release.volume
    soma_um = space.nm_to_um(soma_nm, volume)[0] if soma_nm else None
    result = view.first
    address = f"/api/v1/{result.datastack}/{result.version.label}/cells/{result.cell.root_id}"
    return skeleton_view.picture(morphology.read(cave(), result), soma_um, address)


@callback(
    Output("cell-changes", "children"),
    Input("cell-of", "data"),
    on_error=alerts.problem,
)
def compare(of: str) -> Any:
    """What changed between the version and the one it is compared with."""
    view = CellView.of(cave(), parse_connectivity(views.query_of(of))[0])
    return drawn_changes(view.address, view.changes())
