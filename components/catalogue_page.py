"""All tables of a version, with what is known about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dash import dcc, html

from components import alerts, controls
from components.cell_card import counted
from components.shell import heading
from services.urls import CATALOGUE_PAGE, TableView

if TYPE_CHECKING:
    from services.records import TableInfo, Version

HEADINGS = ("Table", "Rows", "Schema", "References", "Voxel (nm)", "Created", "About")


def page(query: Mapping[str, Any]) -> html.Div:
    """The whole page; its tables are still to come. `query` is the address as it was given."""
    asked = query.get("q") or ""
    box = controls.text("Search", "q", "catalogue-q", asked if isinstance(asked, str) else asked[0], "soma, cell_type")
    top = [heading("All tables"), html.P(id="catalogue-status", className="k-status", role="status")]
    return html.Div(
        [
            html.Div(top, className="k-top"),
            controls.view_form(CATALOGUE_PAGE, [box], "Search"),
            html.Div(id="alerts"),
            html.Div(alerts.loading("Asking CAVE what there is…"), id="catalogue-tables"),
            dcc.Store(id="catalogue-query", data=dict(query)),
        ]
    )


def listing(view: TableView, infos: Sequence[TableInfo], text: str) -> Any:
    """The tables in which every word of `text` occurs."""
    found = [info for info in infos if _has(info, text)]
    if not found:
        return alerts.empty("No table has all of these words", html.P("Search for something else."))
    head = html.Thead(html.Tr([html.Th(name, scope="col") for name in HEADINGS]))
    body = html.Tbody([_row(view, info) for info in found])
    return html.Div(html.Table([head, body], className="k-catalogue"), className="k-panel")


def status(datastack: str, version: Version, count: int) -> str:
    """Of which version and day these are."""
    return f"{counted(count, 'table and view')} · {datastack} · {version.words}".replace(
        "table and views", "tables and views"
    )


def _has(info: TableInfo, text: str) -> bool:
    told = f"{info.name} {info.kind} {info.schema_type} {info.description} {info.notice} {info.reference_table or ''}"
    return all(word in told.casefold() for word in text.casefold().split())


def _row(view: TableView, info: TableInfo) -> html.Tr:
    link = html.A(info.name, href=TableView(view.datastack, view.version, info.name).href())
    notice = html.P(info.notice, className="k-notice") if info.notice else None
    cells: list[Any] = [
        link,
        f"{info.row_count:,}" if info.row_count is not None else "",
        info.schema_type if info.kind == "table" else "view",
        info.reference_table or "",
        " × ".join(f"{side:g}" for side in info.voxel_resolution_nm),
        info.created[:10],
        [info.description, notice],
    ]
    return html.Tr([html.Td(cell) for cell in cells])
