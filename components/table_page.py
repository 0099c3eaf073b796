"""The parts of the table viewer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pandas as pd
from dash import dcc, html

from components import alerts, controls
from components.attributes import aria, data
from components.grid import rows_grid
from components.links import copy_button, deselect
from components.shell import heading
from components.table_columns import column_panel
from components.table_ids import id_panel
from components.table_plots import plot_form
from services.urls import TABLE_PAGE, ConnectivityView, TableView, format_sort

if TYPE_CHECKING:
    from services.columns import Column
    from services.tables import TableFrame

TITLES = {"plot": "Plot", "facets": "Facets", "compare": "Compare", "3d": "3D", "ids": "Find ids", "columns": "Columns"}
FILES = ("CSV", "Parquet", "Arrow")
COPIES = {
    "lines": "Ids, one a line",
    "commas": "Ids with commas",
    "python": "Ids as a Python list",
    "neuroglancer": "Ids for Neuroglancer",
    "script": "Python that reads these rows",
}
OUTLINED = "btn btn-sm btn-outline-secondary"
WHERE_HINT = "cell_type in (BC, MC) and volume > 300"


def page(view: TableView, query: Mapping[str, Any]) -> html.Div:
    """The whole page of a view whose table is still to come. `query` is the address as it was given."""
    fields = [
        controls.choice("Datastack", "datastack", "table-datastack", view.datastack),
        controls.choice("Version", "version", "table-version", view.version),
        controls.choice("Table", "table", "table-name", view.table, wide=True),
        controls.text("Filter", "where", "table-where", view.where, WHERE_HINT, completion="table-completion"),
    ]
    return html.Div(
        [
            html.Div(
                [heading("Tables"), html.P(id="table-status", className="k-status", role="status")], className="k-top"
            ),
            controls.view_form(TABLE_PAGE, fields, "Show"),
            html.Div(id="alerts"),
            html.Div(id="table-notes"),
            html.Datalist(id="table-completion"),
            html.Div(id="table-words", hidden=True),
            html.Div(alerts.loading("Opening the table…"), id="table-results", className="k-results"),
            dcc.Store(id="table-query", data=dict(query)),
            dcc.Store(id="table-shown"),
            dcc.Store(id="table-selected"),
            dcc.Store(id="table-picked"),
            dcc.Store(id="table-copied"),
            dcc.Store(id="table-copied-done"),
            dcc.Store(id="table-href"),
        ]
    )


def results(
    view: TableView,
    table: TableFrame,
    axes: Sequence[Column],
    chosen: tuple[Column, Column] | None,
    others: Sequence[str],
    *,
    viewer: Sequence[Any],
) -> list[Any]:
    """A grid that will ask for the rows of the view, and places for all that is said about them.

    `axes` are the columns that plots can have, `chosen` those they do; `others` are the tables of the version,
    `viewer` is the panel of the rows in 3D."""
    names = [column.name for column in table.columns]
    key = "id" if "id" in names else ""
    grid = rows_grid(
        {"type": "table-rows", "side": "table", "of": replace(view, boxes={}, sort=()).href(), "key": key},
        table.columns,
        boxes=view.boxes,
        sort=view.sort,
        key=key or None,
        cell_href=lambda column: cell_href(view, table, column),
        label=f"Rows of {view.table}",
        hidden=[name for name in names if name not in view.columns] if set(names) & set(view.columns) else (),
    )
    bar = html.Div(
        [
            html.Div(id="table-counts", className="k-counts", role="status"),
            html.Div(id="table-selection"),
            html.Div(id="table-link", className="k-link"),
            html.Div(id="table-downloads", className="k-downloads"),
        ],
        id="table-summary",
        className="k-summary",
    )
    return [bar, html.Div([grid, _aside(view, table, axes, chosen, others, viewer=viewer)], className="k-split")]


def _aside(
    view: TableView,
    table: TableFrame,
    axes: Sequence[Column],
    chosen: tuple[Column, Column] | None,
    others: Sequence[str],
    *,
    viewer: Sequence[Any],
) -> html.Aside:
    panels = {
        "plot": [
            plot_form(view, table, axes, chosen),
            html.Div(id="table-picked-said", className="k-picked", role="status"),
            html.Div(id="table-figure"),
        ],
        "facets": [html.Div(alerts.loading("Counting…"), id="table-facets")],
        "compare": [html.Div(alerts.loading("Counting…"), id="table-compared")],
        "3d": viewer,
        "ids": id_panel(table),
        "columns": column_panel(view, table, others),
    }
    tabs = html.Div(
        [_tab(name, view.panel == name) for name in panels], role="tablist", className="k-tabs", **aria(label="Beside")
    )
    drawn = [
        html.Div(
            children,
            id=f"panel-{name}",
            role="tabpanel",
            hidden=view.panel != name,
            **aria(labelledby=f"tab-{name}"),
        )
        for name, children in panels.items()
    ]
    wide = view.panel == "plot" and view.plot != "counts"
    return html.Aside(
        [tabs, *drawn, dcc.Store(id="tab", data=view.panel), dcc.Store(id="table-of", data=view.href())],
        className="k-aside k-panel-aside" + (" k-aside-wide" if wide else ""),
    )


def _tab(name: str, chosen: bool) -> html.Button:
    return html.Button(
        TITLES[name],
        id=f"tab-{name}",
        type="button",
        role="tab",
        tabIndex="0" if chosen else "-1",
        **aria(selected=str(chosen).lower(), controls=f"panel-{name}"),
        **data(value=name),
    )


def status(table: TableFrame, catalogue: str) -> list[Any]:
    """Which table this is, of which version and day. `catalogue` is the address of all of them."""
    info, version = table.info, table.version
    told = [
        html.Strong(info.name),
        f" · {table.datastack} · version {version.number}, materialized {version.timestamp:%d %B %Y}",
        f" · references {info.reference_table}" if info.reference_table else "",
        " · ",
        html.A("all tables", href=catalogue),
    ]
    return [*told, html.Span(info.description, className="k-description", title=info.description)]


def counts(total: int, whole: int, words: str, unfiltered: str) -> list[Any]:
    """How many rows the filter leaves, and what it says."""
    if not words:
        return [html.Strong(f"{whole:,}"), " rows"]
    clear = html.A("Clear filters", href=unfiltered, className="k-clear")
    return [html.Strong(f"{total:,}"), f" of {whole:,} rows", html.Span(f" where {words}", className="k-words"), clear]


def selection(count: int) -> list[Any]:
    """How many rows are ticked."""
    if not count:
        return []
    return deselect("table-deselect", count)


def subject(count: int, *, selected: bool) -> str:
    """The rows of a link in words."""
    return f"{count:,} {'selected ' if selected else ''}row{'' if count == 1 else 's'}"


def downloads(view: TableView, line: str) -> list[Any]:
    """Links to the rows as files, buttons that copy their ids or a script, and the address of this page."""
    path = f"/api/v1/{quote(view.datastack)}/{view.version}/tables/{quote(view.table)}/rows"
    sort = "".join(f"&sort={quote(text)}" for text in format_sort(view.sort))
    units = f"&units={view.unit}" if view.unit != "vx" else ""
    join = f"&join={quote(','.join(view.join))}" if view.join else ""
    columns = f"&columns={quote(','.join(view.columns))}" if view.columns else ""
    rest = f"{f'&filter={quote(line)}' if line else ''}{sort}{units}{join}{columns}"
    title = "All rows of the filter, in this order, with the columns shown"
    files = [html.A(name, href=f"{path}?format={name.lower()}{rest}", download="", title=title) for name in FILES]
    copies = [
        html.Button(
            words, id={"type": "table-copy", "as": form}, type="button", className="btn btn-sm btn-link k-copy-as"
        )
        for form, words in COPIES.items()
    ]
    menu = html.Div([html.H3("Files"), *files, html.H3("Copy"), *copies], className="k-menu")
    return [
        html.A("CSV", href=f"{path}?format=csv{rest}", download="", className=OUTLINED, title=title),
        html.Details([html.Summary("Take out"), menu], className="k-take"),
        copy_button("", "link to this view"),
    ]


def cell_href(view: TableView, table: TableFrame, column: Column) -> str | None:
    """The address of a root id of the table, ID in place of one; None for other columns."""
    if column.kind != "id" or not column.name.removesuffix("_ref").endswith("root_id"):
        return None
    types = view.table if table.info.schema_type.startswith("cell_type") else ""
    return ConnectivityView(view.datastack, view.version, "ID", "root_id", types).href()


def root_href(view: TableView, table: TableFrame, rows: pd.DataFrame) -> str | None:
    """The address of the cell of a single row; None for several rows, or one without a cell."""
    column = next((column for column in table.columns if cell_href(view, table, column)), None)
    if column is None or len(rows) != 1 or not (root := rows[column.name].fillna(0).iloc[0]):
        return None
    return str(cell_href(view, table, column)).replace("ID", str(root))


def unfiltered(view: TableView) -> TableView:
    """The view without its filter."""
    return replace(view, where="", boxes={})
