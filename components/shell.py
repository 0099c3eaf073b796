"""What every page stands in: the HTML document, the header, and the place of the page."""

from __future__ import annotations

from collections.abc import Sequence

import dash
import dash_bootstrap_components as dbc
from dash import dash_table, dcc, html

from components import help, tour, tray
from components.attributes import aria
from services.views.addresses import LONGEST_VALUE

for _file in dash_table._js_dist:  # type: ignore[attr-defined]
    if not _file.get("async"):
        _file["dynamic"] = True  # no page has a table of Dash's own

INDEX = """<!DOCTYPE html>
<html lang="en" data-bs-theme="light">
    <head>
        {%metas%}
        <title>{%title%}</title>
        <link rel="icon" href="{assets}/favicon.svg" type="image/svg+xml">
        <script src="{assets}/boot.js"></script>
        {%css%}
        <link rel="stylesheet" href="{assets}/karst.css">
        <link rel="preload" href="/_dash-layout" as="fetch" crossorigin="anonymous">
        <link rel="preload" href="/_dash-dependencies" as="fetch" crossorigin="anonymous">
    </head>
    <body>
        {%app_entry%}
        <noscript>Karst needs JavaScript.</noscript>
        <div hidden>{%config%}<script src="{assets}/karst.js" data-grid="{grid}"></script>{%scripts%}{%renderer%}</div>
    </body>
</html>
"""
"""`boot.js` sets the theme before the first paint, so it does not wait at the end like other scripts. `{assets}` is the
address of the folder of that name, `{grid}` that of the code of grids, which the scripts fetch after the first rows."""

META_TAGS = [
    {"name": "viewport", "content": "width=device-width, initial-scale=1"},
    {"name": "color-scheme", "content": "light dark"},
    {"name": "description", "content": "Read a connectome: cell-type tables, partners of a neuron, Neuroglancer."},
]


def shell(pages: Sequence[tuple[str, str]], account: str | None = None, signed_in_at: Sequence[str] = ()) -> html.Div:
    """The frame of all pages; `pages` are the title and path of those in the header, `account` the name of whoever is
    signed in (None = nobody signs in), and `signed_in_at` the servers where they are, of several."""
    return html.Div(
        [
            html.A("Skip to content", href="#main", className="k-skip"),
            html.Button("Skip to rows", type="button", className="k-skip k-to-rows"),
            _header(pages, _account(account, signed_in_at)),
            html.Main(dash.page_container, id="main", tabIndex="-1"),
            html.Div(id="announcement", className="visually-hidden", role="status"),
            help.dialog(),
            tray.dialog(),
            tour.panel(),
            dcc.Store(id="reload"),
        ]
    )


def _header(pages: Sequence[tuple[str, str]], account: html.Form | None) -> html.Header:
    links = [html.A(title, href=href, className="k-nav") for title, href in pages]
    toggle = html.Button(
        html.Span(className="k-theme-icon"),
        id="theme-toggle",
        type="button",
        className="k-icon-button",
        title="Switch between light and dark",
        **aria(label="Dark theme", pressed="false"),
    )
    brand = html.A([html.Span(className="k-logo"), "Karst"], href="/", className="k-brand")
    parts = [brand, html.Nav(links, **aria(label="Pages")), _search(), account]
    return html.Header([*parts, tray.opener(), help.opener("Help"), toggle], className="k-header")


def _account(name: str | None, signed_in_at: Sequence[str]) -> html.Form | None:
    """Who is signed in, and where, and the way out; a form, lest a link that somebody sends signs people out."""
    if name is None:
        return None
    where = f"Signed in at {', '.join(signed_in_at)}"
    link = html.A(name, href="/sign-ins", target="_self", title=where, className="k-account") if signed_in_at else None
    button = html.Button("Sign out", type="submit", className="btn btn-sm btn-link")
    return html.Form([link or html.Span(name, className="k-account"), button], action="/sign-out", method="post")


def _search() -> html.Form:
    """One box for anything; `/search` leads to what it names (at the datastack and version that are shown, see
    assets/navigation.js)."""
    box = dbc.Input(
        id="search",
        name="q",
        type="search",
        size="sm",
        placeholder="Any id, position, link, cell type or table",
        autoComplete="off",
        maxLength=LONGEST_VALUE,
    )
    label = html.Label("Find a cell, a cell type or a table", htmlFor="search", className="visually-hidden")
    return html.Form([label, box], action="/search", method="get", className="k-search", role="search")


def heading(title: str) -> html.H1:
    """The title of a page, which takes the focus when the page is reached."""
    return html.H1(title, tabIndex="-1")
