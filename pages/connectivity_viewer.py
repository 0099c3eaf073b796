"""`/connectivity-viewer`: one cell and its partners."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import dash
from dash import html
from flask import has_request_context

from components.connectivity_page import page
from services.cave.context import cave
from services.core.errors import KarstError
from services.views import head_start
from services.views.addresses import CONNECTIVITY_PAGE, parse_connectivity, pinned

dash.register_page(__name__, path=CONNECTIVITY_PAGE, title="Connectivity · Karst", name="Connectivity", order=2)


def layout(**query: Any) -> html.Div:
    """The page of an address; its parameters are those of `services.views.addresses.CellAddress`."""
    requested = pinned(query)
    address = parse_connectivity(requested)[0]
    if has_request_context():  # else nobody waits for the cell
        with suppress(KarstError):  # said where the cell is asked for
            head_start.begin(cave(), address)
    return page(address, requested)
