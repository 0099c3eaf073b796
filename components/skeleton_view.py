"""The small picture of a cell's skeleton."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from dash import html

from components import later
from components.cell_figures import plot
from components.figures.morphology import skeleton

if TYPE_CHECKING:
    from services.cells.morphology import Morphology
    from services.core.errors import KarstError

TITLE = "Skeleton in 3D"
FILES = {
    "SWC": "skeleton.swc",
    "cable and synapses by compartment": "arbor?format=csv",
    "Sholl profile": "arbor?of=sholl&format=csv",
    "depth profile": "arbor?of=depth&format=csv",
    "edits": "edits?format=csv",
}


def place() -> html.Div:
    """Where the picture comes when the partners are there."""
    return later.place("cell-skeleton", html.P("Looking for a skeleton…", className="k-hint"))


def picture(morphology: Morphology, soma_um: tuple[float, float, float] | None, cell: str) -> html.Div:
    """The skeleton with soma and synapses, how much of them is drawn, and files of it; `cell` is the cell's address in
    the API."""
    figure = skeleton(morphology.lines, morphology.synapses, soma_um, morphology.titles)
    counts = [
        f"{len(points):,} of {morphology.num_synapses[way]:,} {way.noun} synapses"
        for way, points in morphology.synapses.items()
    ]
    cable = f"{morphology.drawn_um / 1000:,.2f} of {morphology.cable_um / 1000:,.2f} mm of cable"
    drawn = plot("skeleton", TITLE, figure, note=f"Drawn: {cable}, {' and '.join(counts)}.")
    files = [html.A(title, href=f"{cell}/{path}", download="") for title, path in FILES.items()]
    return html.Div([drawn, html.P(["Download: ", *separated(files)], className="k-hint")])


def separated(parts: Sequence[html.A]) -> list[Any]:
    """Parts of a sentence with commas between them."""
    return [item for part in parts for item in (part, ", ")][:-1]


def none(error: KarstError) -> html.P:
    """Stands where the picture would be."""
    return html.P([f"{error.message} ", error.hint], className="k-hint", id="no-skeleton")
