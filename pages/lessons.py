"""`/lessons`: exercises, one at a time."""

from __future__ import annotations

from typing import Any

import dash
from dash import html

from components.lessons_page import PAGE, page

dash.register_page(__name__, path=PAGE, title="Lessons · Karst", name="Lessons", order=4)


def layout(**query: Any) -> html.Div:
    """The page of an address: `lesson`, the name of one."""
    return page(str(query.get("lesson", ""))[:100])
