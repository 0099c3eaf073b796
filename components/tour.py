"""The tour: five steps from the start page to what is kept (see assets/tour.js)."""

from __future__ import annotations

import json

from dash import html

from components.attributes import aria, data
from services.views.addresses import TABLE_PAGE

EXAMPLE = "example"
"""In place of a path: that of the first cell of the start page."""
STEPS = (
    ("/", ".k-search", "Find anything: paste an id or a link, or type a cell type or a table."),
    ("/", ".k-doors", "Or begin with an example: a cell type, a cell, or two cells to compare."),
    (TABLE_PAGE, ".k-rows", "Type under a column's title to filter it; click the title to sort. ? shows how."),
    (EXAMPLE, ".k-card", "The header of a cell says how complete its inputs and outputs are: open them to read why."),
    (EXAMPLE, ".k-tray-open", "Export a table to the tray, and combine, filter and compare sets of cells from there."),
)


def panel() -> html.Div:
    """Where a step is told, on whatever page it is about; hidden until the tour begins."""
    buttons = html.Div([_button("End tour", "end"), _button("Next", "next")], className="k-help-end")
    return html.Div(
        [html.P(id="tour-words", role="status"), buttons],
        id="tour",
        className="k-tour",
        hidden=True,
        role="region",
        **aria(label="Tour"),
        **data(steps=json.dumps(STEPS)),
    )


def starter() -> html.Button:
    """Begins the tour."""
    return html.Button(
        f"Tour in {len(STEPS)} steps", type="button", className="btn btn-sm btn-link", **data(tour="begin")
    )


def _button(text: str, act: str) -> html.Button:
    return html.Button(text, type="button", className="btn btn-sm btn-outline-secondary", **data(tour=act))
