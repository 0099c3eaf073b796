"""`/glossary`: what the words of the interface mean."""

from __future__ import annotations

from typing import Any

import dash
from dash import html

from components import glossary
from components.shell import heading

dash.register_page(__name__, path="/glossary", title="Glossary · Karst", name="Glossary", order=9)


def layout(**_query: Any) -> html.Div:
    """The glossary; it has no parameters."""
    pairs = [html.Div([html.Dt(term), html.Dd(sentence)]) for term, sentence in glossary.terms().items()]
    return html.Div(
        [
            html.Div(heading("Glossary"), className="k-top"),
            html.Div(id="alerts"),
            html.Dl(pairs, className="k-glossary"),
        ]
    )
