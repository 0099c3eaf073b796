"""The plots beside the tables of partners."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dash import dcc, html

from components.attributes import data
from components.figures.template import CONFIG
from services.core.calls import Call

FILES = {"svg": "SVG", "png": "PNG", "pdf": "PDF"}
SELECTING: Any = CONFIG | {"modeBarButtons": [["select2d", "lasso2d", "pan2d", "zoom2d", "resetScale2d"]]}


@dataclass(frozen=True, eq=False)
class Plot:
    """A plot: its `name` among those of its page, its title and the call that draws it. With a `side`, it selects
    partners of that side's table. A `note` says what it shows."""

    name: str
    title: str
    figure: Call
    side: str = ""
    note: str = ""
    open: bool = True


def plot(item: Plot, script: str) -> html.Details:
    """A plot that can be folded away; `script` names the page whose callback writes a script that draws it ("" = none
    does)."""
    side, name, figure = item.side, item.name, item.figure.result
    id: Any = {"type": "partner-plot", "name": name, "side": side} if side else f"plot-{name}"
    config = SELECTING if side and name != "types" else CONFIG | {"displayModeBar": False}
    height = {"height": figure["layout"]["height"]}
    graph = dcc.Graph(id=id, figure=figure, config=config, responsive=True, style=height)
    hint = html.P(item.note, className="k-hint") if item.note else None
    files = figure_files(name if script else "", script)
    parts = [html.Summary(item.title), hint, html.Div(graph, style=height), files]
    return html.Details(parts, open=item.open, className="k-plot", **data(title=item.title))


def figure_files(name: str, script: str) -> html.Div:
    """Buttons that give the figure as a file for a paper, drawn by the browser (see assets/figures.js), and a script
    where there is a `name` for it."""
    buttons = [
        html.Button(words, type="button", className="btn btn-sm btn-link k-copy-as", **data(figure=form))
        for form, words in FILES.items()
    ]
    id = {"of": script, "name": name}
    copy = html.Button(
        "Copy as Python", id={"type": "figure-script", **id}, type="button", className="btn btn-sm btn-link k-copy-as"
    )
    stores = [dcc.Store(id={"type": f"figure-script-{part}", **id}) for part in ("copied", "done")]
    return html.Div([html.Span("Figure"), *buttons, *([copy, *stores] if name else [])], className="k-figure-files")


def figures(plots: Sequence[Any], sentence: str) -> list[Any]:
    """All plots, and of which partners they are."""
    return [html.P(sentence, className="k-hint"), *plots]


def red_line(depths_um: Sequence[float]) -> str:
    """What a red line in a depth plot is."""
    if len(depths_um) == 1:
        return f"Red line: this cell's soma, at {depths_um[0]:,.0f} µm."
    return "Red lines: the somata of these cells." if depths_um else ""
