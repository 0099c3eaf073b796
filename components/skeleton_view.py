"""The small picture of a cell's skeleton."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dash import html

from components import later
from components.cell_figures import Plot, plot
from components.figures.morphology import skeleton
from components.figures.profiles import profile
from components.links import separated
from services.core.calls import call

if TYPE_CHECKING:
    import pandas as pd

    from services.cells.morphology import Morphology
    from services.core.errors import KarstError

TITLE = "Skeleton in 3D"
COLUMNS = (
    ("cable_um", "cable (µm)", "{:,.0f}"),
    ("in_per_um", "inputs / µm", "{:.3f}"),
    ("out_per_um", "outputs / µm", "{:.3f}"),
)
DEPTHS = "depth profile"
FILES = {
    "SWC": "skeleton.swc",
    "mesh (OBJ)": "mesh.obj",
    "cable and synapses by compartment": "arbor?format=csv",
    "Sholl profile": "arbor?of=sholl&format=csv",
    DEPTHS: "arbor?of=depth&format=csv",
    "edits": "edits?format=csv",
}


def place() -> html.Div:
    """Where the picture comes when the partners are there."""
    return later.place("cell-skeleton", html.P("Looking for a skeleton…", className="k-hint"))


def picture(
    morphology: Morphology,
    measures: pd.DataFrame,
    profiles: tuple[pd.DataFrame, pd.DataFrame],
    soma_um: tuple[float, float, float] | None,
    cell: str,
) -> html.Div:
    """The skeleton with soma and synapses, how much of them is drawn, its `measures` by compartment, the `profiles` of
    Sholl and of depth, and files of it; `cell` is the cell's address in the API."""
    figure = call(skeleton, morphology.lines, morphology.synapses, soma_um, morphology.titles)
    counts = [
        f"{len(points):,} of {morphology.num_synapses[way]:,} {way.noun} synapses"
        for way, points in morphology.synapses.items()
    ]
    cable = f"{morphology.drawn_um / 1000:,.2f} of {morphology.cable_um / 1000:,.2f} mm of cable"
    drawn = plot(Plot("skeleton", TITLE, figure, note=f"Drawn: {cable}, {' and '.join(counts)}."), "")
    without = () if len(profiles[1]) else (DEPTHS,)
    files = [html.A(title, href=f"{cell}/{path}", download="") for title, path in FILES.items() if title not in without]
    return html.Div(
        [drawn, _table(measures), *_profiles(*profiles), html.P(["Download: ", *separated(files)], className="k-hint")]
    )


def _profiles(sholl: pd.DataFrame, depth: pd.DataFrame) -> list[html.Details]:
    """The plots, folded; that of depth where the volume has one."""
    by_distance = call(profile, sholl, "radius_um", "distance from the soma (µm)", "crossings")
    plots = [plot(Plot("sholl", "Sholl profile", by_distance, open=False), "")]
    if len(depth):
        by_depth = call(profile, depth, "depth_um", "depth below pia (µm)", "cable (µm)")
        plots.append(plot(Plot("cable-depth", "Cable by depth", by_depth, open=False), ""))
    return plots


def _table(measures: pd.DataFrame) -> html.Details:
    """Cable and density of synapses, a line for each compartment that has cable."""
    lines = []
    for row in measures[measures["cable_um"] > 0].to_dict("records"):
        cells = [html.Td(form.format(row[name])) for name, _, form in COLUMNS]
        lines.append(html.Tr([html.Th(row["compartment"], scope="row"), *cells]))
    heads = [html.Th(title, scope="col") for title in ("compartment", *(title for _, title, _ in COLUMNS))]
    table = html.Table([html.Thead(html.Tr(heads)), html.Tbody(lines)], className="k-table")
    parts = [html.Summary("Cable and synapses by compartment"), html.Div(table, className="k-scroll")]
    return html.Details(parts, className="k-plot")


def none(error: KarstError) -> html.P:
    """Stands where the picture would be."""
    return html.P([f"{error.message} ", error.hint], className="k-hint", id="no-skeleton")
