"""The start page: ways into the datastack."""

from __future__ import annotations

from typing import Any

from dash import Input, Output

from callbacks.register import callback
from components import alerts, home_page
from services.cave import versions
from services.cave.context import cave
from services.cave.release import Release
from services.tables import examples, tables
from services.views.addresses import LATEST

MOST_TABLES = 8


@callback(
    Output("home-ways", "children"),
    Input("home-query", "data"),
    on_error=alerts.problem,
)
def offer_ways(_query: Any) -> list[Any]:
    """The first tables and some cells of the datastack."""
    datastack = cave().settings.datastack
    version = versions.resolve(cave(), datastack, LATEST)
    listed = tables.catalogue(Release(cave(), datastack, version))
    cells = examples.cells(Release(cave(), datastack, version))
    return home_page.ways(cave().profile(datastack), version, listed[:MOST_TABLES], cells)
