"""The gallery: published figures beside the same of the data at hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pandas as pd
from dash import dcc, html

from components import alerts, cell_figures
from components.attributes import aria
from components.figures.template import Figure, figure
from components.long_table import long_table
from components.shell import heading
from services.core.calls import call

if TYPE_CHECKING:
    from services.gallery.files import Figure as Published

PAGE = "/gallery"
ROW_PX = 34
PUBLISHED, HERE = "#b9a06a", "#5f8f9c"


def page(name: str, version: str) -> html.Div:
    """The page of a figure ("" = the list alone); what it shows comes with the data."""
    return html.Div(
        [
            heading("Gallery"),
            html.P("Published figures, and the same computed from this data.", className="k-hint"),
            html.Div(id="alerts"),
            html.Nav(id="gallery-list", **aria(label="Figures")),
            html.Div(alerts.loading("Computing…") if name else None, id="gallery-figure"),
            dcc.Store(id="gallery-query", data={"figure": name, "version": version}),
        ],
        className="k-lessons",
    )


def listed(figures: Sequence[Published], shown: str) -> html.Ol:
    """All figures as links."""
    items = [
        html.A(
            published.title,
            href=f"{PAGE}?{urlencode({'figure': published.name})}",
            **aria(current="page" if published.name == shown else "false"),
        )
        for published in figures
    ]
    return html.Ol([html.Li(item) for item in items])


def article(published: Published, numbers: pd.DataFrame, place: str, notice: str, *, shares: bool) -> html.Article:
    """A figure: its numbers (as of `numbers.compare`) as bars and as a table. `place` is the datastack and version,
    `notice` what these are."""
    form = ".1%" if shares else ",.0f"
    figure = call(_bars, numbers, form, published.version, place)
    bars = cell_figures.plot(cell_figures.Plot("gallery", "Published and computed here", figure), "")
    rows = [
        [
            row["name"],
            *("not known" if pd.isna(row[column]) else format(row[column], form) for column in ("published", "here")),
        ]
        for row in numbers.to_dict("records")
    ]
    titles = ["group", f"published, version {published.version}", place]
    if not published.published:
        for row in (titles, *rows):
            del row[1]
    return html.Article(
        [
            html.H2(published.title),
            html.P(f"Here: {notice}") if notice else None,
            html.P(published.about),
            html.P(["The paper says: ", published.claim, " No public table has its numbers."])
            if published.claim
            else None,
            bars,
            long_table(published.title, titles, rows, ("group",)),
            html.P(["Source: ", published.source, "."], className="k-hint"),
            html.P(html.A("Open the view", href=published.view)),
        ]
    )


def _bars(numbers: pd.DataFrame, form: str, version: int, place: str) -> Figure:
    names = numbers["name"].tolist()
    traces: list[dict[str, Any]] = [
        {
            "type": "bar",
            "orientation": "h",
            "name": name,
            "y": names,
            "x": [None if pd.isna(value) else float(value) for value in numbers[column]],
            "marker": {"color": colour},
            "hovertemplate": f"%{{y}}: %{{x:{form}}}<extra></extra>",
        }
        for column, name, colour in (("published", f"published, version {version}", PUBLISHED), ("here", place, HERE))
        if numbers[column].notna().any()
    ]
    down = {"autorange": "reversed", "type": "category"}
    return figure(traces, 110 + ROW_PX * len(names), barmode="group", xaxis={"tickformat": form}, yaxis=down)
