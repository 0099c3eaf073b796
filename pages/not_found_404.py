"""The page of an address that leads nowhere."""

from __future__ import annotations

from typing import Any

import dash
from dash import html

from components import alerts
from components.shell import heading
from services.views.addresses import CONNECTIVITY_PAGE, TABLE_PAGE

dash.register_page(__name__, title="Not found · Karst")


def layout(**_query: Any) -> html.Div:
    """Says so, and where one can go."""
    ways = html.P(
        [
            "Search above for an id, a cell type or a table, or go to the ",
            html.A("start", href="/"),
            ", the ",
            html.A("tables", href=TABLE_PAGE),
            " or the ",
            html.A("connectivity", href=CONNECTIVITY_PAGE),
            " of a cell.",
        ]
    )
    return html.Div(
        [
            html.Div(heading("There is no such page"), className="k-top"),
            html.Div(id="alerts"),
            alerts.empty("Check the address", ways),
        ]
    )
