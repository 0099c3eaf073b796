"""`/populations`: who connects to whom, for two sets of cells."""

from __future__ import annotations

from typing import Any

import dash
from dash import html

from components.populations_page import page
from services.views.addresses import POPULATIONS_PAGE, parse_population

dash.register_page(__name__, path=POPULATIONS_PAGE, title="Populations · Karst", name="Populations", order=4)


def layout(**query: Any) -> html.Div:
    """The page of an address; its parameters are those of `services.views.addresses.PopulationAddress`."""
    return page(parse_population(query)[0], query)
