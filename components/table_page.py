"""The parts of the table viewer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pandas as pd
from dash import dcc, html

from components import alerts, controls
from components.attributes import data
from components.figures.counts import count_bars
from components.figures.template import CONFIG
from components.grid import rows_grid
from components.links import copy_button, deselect
from components.shell import heading
from services.urls import TABLE_PAGE, ConnectivityView, TableView, format_sort

if TYPE_CHECKING:
    from services.columns import Column
    from services.tables import TableFrame

WHERE_HINT = "cell_type in (BC, MC) and volume > 300"


def page(view: TableView, query: Mapping[str, Any]) -> html.Div:
    """The whole page of a view whose table is still to come. `query` is the address as it was given."""
    fields = [
        controls.choice("Datastack", "datastack", "table-datastack", view.datastack),
        controls.choice("Version", "version", "table-version", view.version),
        controls.choice("Table", "table", "table-name", view.table, wide=True),
        controls.text("Filter", "where", "table-where", view.where, WHERE_HINT),
    ]
    return html.Div(
        [
            html.Div(
                [heading("Tables"), html.P(id="table-status", className="k-status", role="status")], className="k-top"
            ),
            controls.view_form(TABLE_PAGE, fields, "Show"),
            html.Div(id="alerts"),
            html.Div(id="table-notes"),
            html.Div(alerts.loading("Opening the table…"), id="table-results", className="k-results"),
            dcc.Store(id="table-query", data=dict(query)),
            dcc.Store(id="table-shown"),
            dcc.Store(id="table-selected"),
            dcc.Store(id="table-href"),
        ]
    )


def results(view: TableView, table: TableFrame) -> list[Any]:
    """A grid that will ask for the rows of the view, and places for all that is said about them."""
    names = [column.name for column in table.columns]
    key = "id" if "id" in names else ""
    base = TableView(view.datastack, view.version, view.table, view.where, group_by=view.group_by)
    grid = rows_grid(
        {"type": "table-rows", "side": "table", "of": base.href(), "key": key},
        table.columns,
        boxes=view.boxes,
        sort=view.sort,
        key=key or None,
        cell_href=lambda column: _cell_href(view, table, column),
        label=f"Rows of {view.table}",
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
    aside = html.Aside([_group_form(view, table), html.Div(id="table-figure")], className="k-aside")
    return [bar, html.Div([grid, aside], className="k-split")]


def status(table: TableFrame) -> list[Any]:
    """Which table this is, of which version and day."""
    info, version = table.info, table.version
    told = [
        html.Strong(info.name),
        f" · {table.datastack} · version {version.number}, materialized {version.timestamp:%d %B %Y}",
        f" · references {info.reference_table}" if info.reference_table else "",
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
    """Links to the rows as a file, and to this page."""
    path = f"/api/v1/{quote(view.datastack)}/{view.version}/tables/{quote(view.table)}/rows"
    sort = "".join(f"&sort={quote(text)}" for text in format_sort(view.sort))
    href = f"{path}?format=csv{f'&filter={quote(line)}' if line else ''}{sort}"
    return [
        html.A("CSV", href=href, download="", className="btn btn-sm btn-outline-secondary", title="All rows shown"),
        copy_button("", "link to this view"),
    ]


def grouping(table: TableFrame) -> str | None:
    """The column to count by when none is named: the cell type, else the first text column."""
    columns = sorted(_groupable(table), key=lambda column: (column.name != "cell_type", column.kind != "text"))
    return columns[0].name if columns else None


def figure(frame: pd.DataFrame, colours: Mapping[str, str], column: str) -> Any:
    """Rows by value."""
    bars = count_bars(
        frame.rename(columns={"count_single_soma": "count_part"}),
        colours,
        counted="rows",
        part="rows with one soma",
        blank=f"no {column.replace('_', ' ')}",
    )
    caption = html.P("Solid: the root id has one row only. Pale: it has several.", className="k-hint")
    return [dcc.Graph(figure=bars, config=CONFIG, responsive=True, style={"height": bars.layout.height}), caption]


def _groupable(table: TableFrame) -> list[Column]:
    return [column for column in table.columns if column.kind in ("text", "boolean") and "created" not in column.name]


def _group_form(view: TableView, table: TableFrame) -> Any:
    columns = [column.name for column in _groupable(table)]
    if not columns:
        return html.P("This table has no column to count by.", className="k-muted")
    chosen = view.group_by or grouping(table) or ""
    options: list[controls.Option] = [{"label": name, "value": name} for name in columns]
    field = controls.choice("Group by", "group_by", "group-by", chosen, options)
    return html.Form([field], action=TABLE_PAGE, **data(view="1"))


def _cell_href(view: TableView, table: TableFrame, column: Column) -> str | None:
    if column.kind != "id" or not column.name.removesuffix("_ref").endswith("root_id"):
        return None
    types = view.table if table.info.schema_type.startswith("cell_type") else ""
    return ConnectivityView(view.datastack, view.version, "ID", "root_id", types).href()
