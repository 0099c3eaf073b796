"""`/gallery`: published figures as live views."""

from __future__ import annotations

from typing import Any

import dash
from dash import html

from components.gallery_page import PAGE, page

dash.register_page(__name__, path=PAGE, title="Gallery · Karst", name="Gallery", order=4)


def layout(**query: Any) -> html.Div:
    """The page of an address: `figure`, the name of one, and `version` ("" = the latest)."""
    return page(str(query.get("figure", ""))[:100], str(query.get("version", ""))[:40])
