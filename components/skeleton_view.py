"""The small picture of a cell's skeleton."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dash import html

from components import later
from components.cell_figures import plot
from components.figures.morphology import skeleton

if TYPE_CHECKING:
    from services.cells.morphology import Morphology
    from services.core.errors import KarstError

TITLE = "Skeleton in 3D"


def place() -> html.Div:
    """Where the picture comes when the partners are there."""
    return later.place("cell-skeleton", html.P("Looking for a skeleton…", className="k-hint"))


def picture(found: Morphology, soma_um: tuple[float, float, float] | None) -> html.Details:
    """The skeleton with soma and synapses, and how much of them is drawn."""
    figure = skeleton(found.lines, found.synapses, soma_um)
    counts = [
        f"{len(points):,} of {found.num_synapses[way]:,} {way.noun} synapses" for way, points in found.synapses.items()
    ]
    cable = f"{found.drawn_um / 1000:,.2f} of {found.cable_um / 1000:,.2f} mm of cable"
    return plot("skeleton", TITLE, figure, note=f"Drawn: {cable}, {' and '.join(counts)}.")


def none(error: KarstError) -> html.P:
    """Stands where the picture would be."""
    return html.P([f"{error.message} ", error.hint], className="k-hint", id="no-skeleton")
