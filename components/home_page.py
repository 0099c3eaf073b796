"""The parts of the start page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dash import dcc, html

from components import alerts
from components.shell import heading
from services.views.addresses import CellAddress, TableAddress

if TYPE_CHECKING:
    from services.core.profiles import Profile
    from services.core.records import TableInfo, Version

PURPOSE = (
    "Karst reads a connectome through CAVE, the Connectome Annotation Versioning Engine: browse the tables of cell "
    "types, read the partners of a neuron, and click through to Neuroglancer."
)


def page(query: Mapping[str, Any]) -> html.Div:
    """What Karst is; the ways into the datastack are still to come."""
    return html.Div(
        [
            html.Div([heading("Read a connectome"), html.P(PURPOSE, className="k-lead")], className="k-hero"),
            html.Div(id="alerts"),
            html.Div(alerts.loading("Asking CAVE what there is…"), id="home-ways"),
            dcc.Store(id="home-query", data=dict(query)),
        ],
        className="k-home",
    )


def ways(
    profile: Profile, version: Version, tables: Sequence[TableInfo], cells: Sequence[tuple[int, str]]
) -> list[Any]:
    """Links into the datastack: its first tables, and some cells (root id and a word about it) that can be read."""
    types = tables[0].name if tables and tables[0].schema_type.startswith("cell_type") else ""
    number = str(version.number)
    message = f"{profile.datastack}, version {number} of {version.timestamp:%d %B %Y}. {profile.description}"
    table_links = [
        _way(TableAddress(profile.datastack, number, info.name).href(), info.name, _rows(info)) for info in tables
    ]
    cell_links = [
        _way(CellAddress(profile.datastack, number, str(root), "root_id", types).href(), str(root), _words(word))
        for root, word in cells
    ]
    return [
        html.Section([html.H2(profile.title), html.P(message, className="k-muted")]),
        html.Div(
            [
                html.Section([html.H2("Tables"), html.Ul(table_links)], className="k-panel"),
                html.Section(
                    [html.H2("Cells to begin with"), html.Ul(cell_links, className="k-ids")], className="k-panel"
                )
                if cell_links
                else None,
            ],
            className="k-panels",
        ),
    ]


def _way(href: str, name: str, word: str) -> html.Li:
    return html.Li([html.A(name, href=href), html.Span(word, className="k-muted")])


def _words(value: str) -> str:
    """A value of a table of proofreading or types, as it is said."""
    return "not proofread" if value == "none" else value.replace("_", " ")


def _rows(info: TableInfo) -> str:
    return f"{info.row_count:,} rows" if info.row_count is not None else info.kind
