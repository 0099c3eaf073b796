"""`/table-viewer`: any annotation table of a datastack and version."""

from __future__ import annotations

from typing import Any

import dash
from dash import html

from components.table_page import page
from services.views.addresses import TABLE_PAGE, parse_table, pinned

dash.register_page(__name__, path=TABLE_PAGE, title="Tables · Karst", name="Tables", order=1)


def layout(**query: Any) -> html.Div:
    """The page of an address; its parameters are those of `services.views.addresses.TableAddress`."""
    requested = pinned(query)
    return page(parse_table(requested)[0], requested)
