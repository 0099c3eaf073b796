"""What is asked of a cell after its partners are on the page: its card, and what changed between versions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dash import Input, Output

from callbacks import partners, views
from callbacks.register import callback
from components import alerts, skeleton_view
from components.cell_facts import cell_facts
from components.changes import changes as drawn_changes
from services.cave.context import cave
from services.cave.release import Release
from services.cells import card, changes, morphology
from services.core import space
from services.core.directions import Direction
from services.core.parallel import gather
from services.views.addresses import NO_TYPES, ConnectivityView, parse_connectivity


@callback(
    Output("cell-facts", "children"),
    Input("cell-of", "data"),
    on_error=alerts.problem,
)
def facts(of: str) -> Any:
    """What all tables say about the cell."""
    found = partners.read(parse_connectivity(views.query_of(of))[0])
    return cell_facts(card.read(Release(cave(), found.datastack, found.version), found.cell))


@callback(
    Output("cell-skeleton", "children"),
    Input("cell-of", "data"),
    on_error=skeleton_view.none,
)
def skeleton(of: str) -> Any:
    """The cell in 3D, where CAVE has a skeleton of it."""
    found = partners.read(parse_connectivity(views.query_of(of))[0])
    soma_nm, volume = found.cell.soma_position_nm, cave().volume(found.datastack)
    soma_um = space.nm_to_um(soma_nm, volume)[0] if soma_nm else None
    return skeleton_view.picture(morphology.read(cave(), found), soma_um)


@callback(
    Output("cell-changes", "children"),
    Input("cell-of", "data"),
    on_error=alerts.problem,
)
def compare(of: str) -> Any:
    """What changed between the version and the one it is compared with."""
    view, _ = parse_connectivity(views.query_of(of))
    return drawn_changes(view, _changes(view)) if view.against else []


def _changes(view: ConnectivityView) -> list[changes.Changes]:
    found = partners.read(view)
    other = views.release_of(cave(), replace(view, version=view.against))
    types = None if view.type_table == NO_TYPES else view.type_table
    options: Any = {"type_table": types, "type_by": view.type_by, "only": partners.synapses_asked(view)[0]}
    asked = ((Release(cave(), found.datastack, found.version), other), found.cell)
    return gather(*(lambda way=way: changes.of_cell(*asked, way, **options) for way in Direction))
