"""The small picture of a cell's skeleton."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dash import html

from components import later
from components.cell_figures import Plot, plot
from components.links import separated

if TYPE_CHECKING:
    import pandas as pd

    from services.core.errors import KarstError

COLUMNS = (
    ("cable_um", "cable (µm)", "{:,.0f}"),
    ("in_per_um", "inputs / µm", "{:.3f}"),
    ("out_per_um", "outputs / µm", "{:.3f}"),
)
COMPARTMENTS, DEPTHS = "cable and synapses by compartment", "depth profile"
FILES = {
    "SWC": "skeleton.swc",
    "mesh (OBJ)": "mesh.obj",
    COMPARTMENTS: "arbor?format=csv",
    "Sholl profile": "arbor?of=sholl&format=csv",
    DEPTHS: "arbor?of=depth&format=csv",
    "edits": "edits?format=csv",
}


def place() -> html.Div:
    """Where the picture comes when the partners are there."""
    return later.place("cell-skeleton", html.P("Looking for a skeleton…", className="k-hint"))


def picture(plots: Sequence[Plot], measures: pd.DataFrame, cell: str, which: str, *, deep: bool) -> html.Div:
    """The skeleton, its `measures` by compartment, its profiles, and files of it; `cell` is the cell's address in the
    API, `which` the parameters that say there which synapses count, `deep` whether the volume has depths."""
    first, *others = (plot(item, "skeleton") for item in plots)
    without = () if deep else (DEPTHS,)
    paths = FILES | {COMPARTMENTS: f"{FILES[COMPARTMENTS]}&{which}"}
    files = [html.A(title, href=f"{cell}/{path}", download="") for title, path in paths.items() if title not in without]
    return html.Div([first, _table(measures), *others, html.P(["Download: ", *separated(files)], className="k-hint")])


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
