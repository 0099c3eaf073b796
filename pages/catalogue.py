"""`/catalogue`: every table and view of a version."""

from __future__ import annotations

from typing import Any

import dash
from dash import html

from components.catalogue_page import page
from services.views.addresses import CATALOGUE_PAGE, pinned

dash.register_page(__name__, path=CATALOGUE_PAGE, title="All tables · Karst", name="All tables", order=3)


def layout(**query: Any) -> html.Div:
    """The page of an address: its `datastack`, `version`, and `q`, the words to search for."""
    return page(pinned(query))
