"""`/`: what Karst is, and ways in."""

from __future__ import annotations

from typing import Any

import dash
from dash import html

from components.home_page import page

dash.register_page(__name__, path="/", title="Karst", name="Start", order=0)


def layout(**query: Any) -> html.Div:
    """The start page; it has no parameters."""
    return page(query)
