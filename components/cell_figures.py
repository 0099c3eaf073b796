"""The plots beside the tables of partners."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dash import dcc, html

from components.attributes import data
from components.figures.template import CONFIG, Figure

FILES = {"svg": "SVG", "png": "PNG", "pdf": "PDF"}
SELECTING: Any = CONFIG | {"modeBarButtons": [["select2d", "lasso2d", "pan2d", "zoom2d", "resetScale2d"]]}


def plot(
    name: str, title: str, figure: Figure, *, side: str = "", note: str = "", open_: bool = True, script: str = ""
) -> html.Details:
    """One plot that can be folded away. With a `side` it selects partners of that side's table; `script` is the id of a
    button for a script that draws it."""
    id: Any = {"type": "partner-plot", "name": name, "side": side} if side else f"plot-{name}"
    config = SELECTING if side and name != "types" else CONFIG | {"displayModeBar": False}
    graph = dcc.Graph(
        id=id, figure=figure, config=config, responsive=True, style={"height": figure["layout"]["height"]}
    )
    hint = html.P(note, className="k-hint") if note else None
    return html.Details([html.Summary(title), hint, graph, _files(script)], open=open_, className="k-plot")


def _files(script: str) -> html.Div:
    """Buttons that give the figure as a file for a paper, drawn by the browser (see assets/figures.js)."""
    copy = html.Button("Copy as Python", id=script, type="button", className="btn btn-sm btn-link k-copy-as")
    stores = [dcc.Store(id=f"{script}-copied"), dcc.Store(id=f"{script}-copied-done")]
    buttons = [
        html.Button(words, type="button", className="btn btn-sm btn-link k-copy-as", **data(figure=form))
        for form, words in FILES.items()
    ]
    return html.Div([html.Span("Figure"), *buttons, *([copy, *stores] if script else [])], className="k-figure-files")


def figures(plots: Sequence[Any], what: str) -> list[Any]:
    """All plots, and of which partners they are."""
    return [html.P(what, className="k-hint"), *plots]


def red_line(depths_um: Sequence[float]) -> str:
    """What a red line in a depth plot is."""
    if len(depths_um) == 1:
        return f"Red line: this cell's soma, at {depths_um[0]:,.0f} µm."
    return "Red lines: the somata of these cells." if depths_um else ""
