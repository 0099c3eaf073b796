"""The catalogue: what there is at a version."""

from __future__ import annotations

from typing import Any

from dash import Input, Output, callback

from callbacks import views
from callbacks.errors import explain
from components import alerts, catalogue_page
from services import tables
from services.context import cave
from services.urls import Query, TableView, parse_catalogue


@callback(
    Output("catalogue-tables", "children"),
    Output("catalogue-status", "children"),
    Input("catalogue-query", "data"),
    Input("reload", "data"),
    on_error=lambda error: (alerts.problem(explain(error)), "No tables are shown."),
)
def load(query: Query, _reload: Any) -> tuple[Any, ...]:
    """The tables of the address."""
    asked, text = parse_catalogue(query or {})
    datastack, number = views.place(cave(), asked)
    listed = tables.catalogue(cave(), datastack, number)
    view = TableView(datastack, str(number))
    told = catalogue_page.status(datastack, cave().version(datastack, number), len(listed))
    return catalogue_page.listing(view, listed, text), told
