"""All tables of a version, with what is known about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dash import dcc, html

from components import alerts, controls
from components.shell import heading
from services.views.addresses import CATALOGUE_PAGE, TableAddress, parse_catalogue

if TYPE_CHECKING:
    from services.core.records import TableInfo, Version

HEADINGS = ("Table", "Rows", "Schema", "References", "Voxel (nm)", "Created", "About")


def page(query: Mapping[str, Any]) -> html.Div:
    """The whole page; its tables are still to come. `query` is the address as it was given."""
    view, text = parse_catalogue(query)
    fields = [
        controls.choice("Datastack", "datastack", "catalogue-datastack", view.datastack),
        controls.choice("Version", "version", "catalogue-version", view.version),
        controls.text("Search", "q", "catalogue-q", text, "soma, cell_type"),
    ]
    top = [heading("All tables"), html.P(id="catalogue-status", className="k-status", role="status")]
    about = html.P(id="catalogue-about", className="k-muted k-about")
    return html.Div(
        [
            html.Div(top, className="k-top"),
            controls.view_form(CATALOGUE_PAGE, fields, "Search"),
            about,
            html.Div(id="alerts"),
            html.Div(alerts.loading("Asking CAVE what there is…"), id="catalogue-tables"),
            dcc.Store(id="catalogue-query", data=dict(query)),
        ]
    )


def matching(infos: Sequence[TableInfo], text: str) -> list[TableInfo]:
    """The tables in which every word of `text` occurs."""
    return [info for info in infos if _has(info, text)]


def listing(view: TableAddress, tables: Sequence[TableInfo]) -> Any:
    """A line for each of the tables that were found."""
    if not tables:
        return alerts.empty(
            "No table or view of this version has all these words",
            html.P(["Search for something else, or ", html.A("list them all", href=view.catalogue()), "."]),
        )
    head = html.Thead(html.Tr([html.Th(name, scope="col") for name in HEADINGS]))
    body = html.Tbody([_row(view, info) for info in tables])
    return html.Div(html.Table([head, body], className="k-catalogue"), className="k-panel")


def status(datastack: str, version: Version, result: int, count: int) -> str:
    """How many of all were `result`, and of which version and day they are."""
    tables = f"{count:,} tables and views" if count != 1 else "1 table or view"
    counted = tables if result == count else f"{result:,} of {tables} found"
    return f"{counted} · {datastack} · {version.words}"


def _has(info: TableInfo, text: str) -> bool:
    text_of_table = (
        f"{info.name} {info.kind} {info.schema_type} {info.description} {info.notice} {info.reference_table or ''}"
    )
    return all(word in text_of_table.casefold() for word in text.casefold().split())


def _row(view: TableAddress, info: TableInfo) -> html.Tr:
    link = html.A(info.name, href=TableAddress(view.datastack, view.version, info.name).href())
    notice = html.P(info.notice, className="k-notice") if info.notice else None
    cells: list[Any] = [
        link,
        f"{info.row_count:,}" if info.row_count is not None else _uncounted(info),
        info.schema_type if info.kind == "table" else "view",
        info.reference_table or "",
        " × ".join(f"{side:g}" for side in info.voxel_resolution_nm),
        info.created[:10],
        [info.description, notice],
    ]
    return html.Tr([html.Td(cell) for cell in cells])


def _uncounted(info: TableInfo) -> html.Span:
    noun = "the rows of a view" if info.kind == "view" else "the rows of a table at a moment"
    return html.Span("–", title=f"CAVE does not count {noun}")
