"""The parts of the connectivity viewer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pandas as pd
from dash import dcc, html

from components import alerts, controls
from components.attributes import aria, data
from components.cell_card import apart, cell_card, counted, partner_count
from components.figures.counts import count_bars
from components.figures.template import CONFIG
from components.grid import rows_grid
from components.links import copy_button, deselect
from components.shell import heading
from services.urls import CONNECTIVITY_PAGE, ConnectivityView

if TYPE_CHECKING:
    from services.columns import Column
    from services.connectivity import Connectivity

NO_TYPES: controls.Option = {"label": "No cell types", "value": " "}
"""A blank, for a list does not show an empty value; the address leaves it out."""
ID_TYPES: tuple[controls.Option, ...] = (
    {"label": "Detect", "value": "auto"},
    {"label": "Root id", "value": "root_id"},
    {"label": "Nucleus id", "value": "nucleus_id"},
    {"label": "Supervoxel id", "value": "supervoxel_id"},
)
TITLES = {"in": "Input", "out": "Output"}
PARTNERS = {"in": "presynaptic", "out": "postsynaptic"}


def page(view: ConnectivityView, query: Mapping[str, Any]) -> html.Div:
    """The whole page of a view whose cell is still to come. `query` is the address as it was given."""
    fields = [
        controls.text("Cell", "cell", "cell-id", view.cell, "root, nucleus or supervoxel id"),
        controls.choice("Id type", "id_type", "cell-id-type", view.id_type, ID_TYPES),
        controls.choice("Datastack", "datastack", "cell-datastack", view.datastack),
        controls.choice("Version", "version", "cell-version", view.version),
        controls.choice(
            "Cell types", "type_table", "cell-types", view.type_table or NO_TYPES["value"], [NO_TYPES], wide=True
        ),
    ]
    what = alerts.loading("Reading the cell's synapses…" if view.cell else "Opening the datastack…")
    return html.Div(
        [
            html.Div(
                [heading("Connectivity"), html.P(id="cell-status", className="k-status", role="status")],
                className="k-top",
            ),
            controls.view_form(CONNECTIVITY_PAGE, fields, "Read"),
            html.Div(id="alerts"),
            html.Div(id="cell-notes"),
            html.Div(what, id="cell-results", className="k-results"),
            dcc.Store(id="cell-query", data=dict(query)),
            dcc.Store(id="cell-href"),
            dcc.Store(id="cell-address"),
        ]
    )


def invitation() -> html.Div:
    """Stands where a cell would be."""
    return alerts.empty(
        "No cell yet",
        html.P("Type or paste the id of a cell above. Karst finds out whether it is a root, nucleus or supervoxel id."),
        html.P(["Or choose one in a ", html.A("table", href="/table-viewer"), ": every root id there leads here."]),
    )


def results(
    view: ConnectivityView, read: Connectivity, columns: Mapping[str, Sequence[Column]], cell_type: str | None
) -> list[Any]:
    """The cell's card, and a tab for each direction."""
    whole = html.Div(id="cell-link", className="k-link")
    tabs = html.Div(
        [_tab(way, partner_count(read.totals[way]), chosen=view.tab == way) for way in ("in", "out")],
        role="tablist",
        className="k-tabs",
        **aria(label="Direction"),
    )
    panels = [_panel(view, read, way, columns[way]) for way in ("in", "out")]
    return [
        cell_card(read, cell_type),
        html.Div([tabs, whole], className="k-tab-row"),
        *panels,
        dcc.Store(id="tab", data=view.tab),
        dcc.Store(id="cell-whole", data=view.href()),
    ]


def status(read: Connectivity) -> list[Any]:
    """Which cell this is, of which version and day, with which types."""
    version = read.version
    types = f"cell types of {read.type_table}" if read.type_table else "no cell types"
    return [
        html.Strong(f"Cell {read.cell.root_id}"),
        f" · {read.datastack} · version {version.number}, materialized {version.timestamp:%d %B %Y} · {types}",
    ]


def counts(shown: pd.DataFrame, whole: pd.DataFrame, words: str, unfiltered: ConnectivityView) -> list[Any]:
    """How many partners and synapses the filter leaves, and what it says."""
    if not words:
        return [html.Strong(counted(len(whole), "partner")), f", {counted(_synapses(whole), 'synapse')}"]
    return [
        html.Strong(f"{len(shown):,}"),
        f" of {len(whole):,} partners, {_synapses(shown):,} of {_synapses(whole):,} synapses",
        html.Span(f" where {words}", className="k-words"),
        html.A("Clear filters", href=unfiltered.href(), className="k-clear"),
    ]


def subject(count: int, side: str, *, selected: bool) -> str:
    """The partners of a link in words."""
    return f"{count:,} {'selected ' if selected else ''}{TITLES[side].lower()} partner{'' if count == 1 else 's'}"


def selection(side: str, count: int) -> list[Any]:
    """How many partners are ticked."""
    return deselect({"type": "partner-deselect", "side": side}, count) if count else []


def downloads(view: ConnectivityView, root_id: int, side: str) -> list[Any]:
    """Links to the partners as a file, and to this page."""
    types = f"&types={quote(view.type_table)}" if view.type_table else ""
    path = f"/api/v1/{quote(view.datastack)}/{view.version}/cells/{root_id}/partners"
    href = f"{path}?direction={side}{types}&format=csv"
    title = f"All {TITLES[side].lower()} partners"
    return [
        html.A("CSV", href=href, download="", className="btn btn-sm btn-outline-secondary", title=title),
        copy_button("", "link to this view"),
    ]


def figure(frame: pd.DataFrame, colours: Mapping[str, str], column: str, side: str) -> list[Any]:
    """Synapses by the partner's type."""
    words = column.replace("_", " ")
    bars = count_bars(frame, colours, counted="synapses", blank=f"no {words.removeprefix('cell ')}")
    title = html.H2(f"Synapses by {words} of the {PARTNERS[side]} cell")
    return [title, dcc.Graph(figure=bars, config=CONFIG, responsive=True, style={"height": bars.layout.height})]


def no_figure() -> html.P:
    """Stands where the bars would be."""
    return html.P("Choose a table of cell types to see synapses by type.", className="k-muted")


def _synapses(frame: pd.DataFrame) -> int:
    return int(frame["num_syn"].sum())


def _tab(side: str, count: str, *, chosen: bool) -> html.Button:
    return html.Button(
        [TITLES[side], html.Span(f" {count}")],
        id=f"tab-{side}",
        type="button",
        role="tab",
        tabIndex="0" if chosen else "-1",
        **aria(selected=str(chosen).lower(), controls=f"panel-{side}"),
        **data(value=side),
    )


def _panel(view: ConnectivityView, read: Connectivity, side: str, columns: Sequence[Column]) -> html.Div:
    front = view.tab == side
    base = replace(view, boxes={}, sort=(), tab=side, where=view.where if front else "")
    grid = rows_grid(
        {"type": "partner-rows", "side": side, "of": base.href(), "key": "root_id"},
        columns,
        boxes=view.boxes if front else {},
        sort=view.sort if front else (),
        key="root_id",
        cell_href=lambda column: _cell_href(view) if column.name == "root_id" else None,
        label=f"{TITLES[side]} partners",
    )
    bar = html.Div(
        [
            html.Div(id={"type": "partner-counts", "side": side}, className="k-counts", role="status"),
            html.Div(id={"type": "partner-selection", "side": side}),
            html.Div(id={"type": "partner-link", "side": side}, className="k-link"),
            html.Div(id={"type": "partner-downloads", "side": side}, className="k-downloads"),
        ],
        className="k-summary",
    )
    aside = html.Aside(
        [html.Div(id={"type": "partner-figure", "side": side}), html.P(apart(read.totals[side]), className="k-muted")],  # type: ignore[index]
        className="k-aside",
    )
    return html.Div(
        [
            bar,
            html.Div([grid, aside], className="k-split"),
            dcc.Store(id={"type": "partner-shown", "side": side}),
            dcc.Store(id={"type": "partner-selected", "side": side}),
        ],
        id=f"panel-{side}",
        role="tabpanel",
        hidden=not front,
        **aria(labelledby=f"tab-{side}"),
    )


def _cell_href(view: ConnectivityView) -> str:
    return ConnectivityView(view.datastack, view.version, "ID", "root_id", view.type_table).href()
