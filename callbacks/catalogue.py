"""The catalogue: the tables and views of a version."""

from __future__ import annotations

from typing import Any

from dash import Input, Output

from callbacks import views
from callbacks.errors import left_to_load
from callbacks.register import callback
from components import alerts, catalogue_page
from services.cave.context import cave
from services.tables import live
from services.views.addresses import Query, TableAddress, parse_catalogue
from services.views.resolving import release_of


@callback(
    Output("catalogue-datastack", "options"),
    Output("catalogue-datastack", "value"),
    Output("catalogue-version", "options"),
    Output("catalogue-version", "value"),
    Input("catalogue-query", "data"),
    Input("reload", "data"),
    on_error=left_to_load(),
)
def fill_controls(query: Query | None, _reload: Any) -> tuple[Any, ...]:
    """The options and values of the controls for datastack and version."""
    datastack, datastacks, version, versions, _ = views.place_choices(parse_catalogue(query or {})[0])
    return datastacks, datastack, versions, version


@callback(
    Output("catalogue-tables", "children"),
    Output("catalogue-status", "children"),
    Output("catalogue-about", "children"),
    Input("catalogue-query", "data"),
    Input("reload", "data"),
    on_error=lambda error: (alerts.problem(error), "No tables are shown.", ""),
)
def load(query: Query | None, _reload: Any) -> tuple[Any, ...]:
    """The list of tables for the address, the status line, and the description of the datastack."""
    address, text = parse_catalogue(query or {})
    release = release_of(cave(), address)
    listed = live.catalogue(release)
    view = TableAddress(release.datastack, str(release.version.label))
    result = catalogue_page.matching(listed, text)
    status = catalogue_page.status(release.datastack, release.version, len(result), len(listed))
    return catalogue_page.listing(view, result), status, release.profile.description
