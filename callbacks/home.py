"""The start page: the first tables of the datastack, and examples of cell types, cells and pairs of cells."""

from __future__ import annotations

from typing import Any

from dash import Input, Output

from callbacks.register import callback
from components import alerts, home_page
from services.cave.context import cave
from services.cave.release import Release
from services.tables import tables
from services.views import start
from services.views.addresses import TableAddress
from services.views.resolving import release_of

MOST_TABLES, MOST_TYPES, MOST_CELLS = 8, 11, 3


def _newest() -> Release:
    return release_of(cave(), TableAddress())


@callback(
    Output("home-about", "children"),
    Output("home-tables", "children"),
    Input("home-query", "data"),
    on_error=lambda error: ("", alerts.problem(error)),
)
def offer_tables(_query: Any) -> tuple[Any, ...]:
    """The description of the datastack, and its first tables."""
    release = _newest()
    about = home_page.about(release.profile, release.version)
    return about, home_page.tables(release.datastack, release.version, tables.catalogue(release)[:MOST_TABLES])


@callback(Output("home-types", "children"), Input("home-query", "data"), on_error=alerts.problem)
def offer_types(_query: Any) -> Any:
    """The most frequent cell types."""
    return home_page.types(start.types(_newest(), MOST_TYPES))


@callback(
    Output("home-cells", "children"),
    Output("home-pairs", "children"),
    Input("home-cells-seen", "data"),
    prevent_initial_call=True,
    on_error=lambda error: (alerts.problem(error), ""),
)
def offer_cells(_seen: Any) -> tuple[Any, ...]:
    """Some cells with pictures of their skeletons, and the partners that pairs of them share."""
    cells, pairs = start.cells(_newest(), MOST_CELLS)
    return home_page.cells(cells), home_page.pairs(pairs)
