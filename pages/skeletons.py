"""`/skeletons`: the skeletons of a set of cells side by side."""

from __future__ import annotations

from typing import Any

import dash
from dash import html

from components.skeletons_page import page
from services.views.addresses import WALL_PAGE, parse_wall

dash.register_page(__name__, path=WALL_PAGE, title="Skeletons · Karst", name="Skeletons", order=4)


def layout(**query: Any) -> html.Div:
    """The page of an address; its parameters are those of `services.views.addresses.WallAddress`."""
    return page(parse_wall(query)[0], query)
