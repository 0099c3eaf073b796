"""A tab of partners: what is shown of them, the grid, and the ways out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from dash import dcc, html

from components.attributes import aria, data
from components.cell_card import apart, counted
from components.grid import rows_grid
from components.links import copy_button, deselect
from services.urls import NO_TYPES, ConnectivityView

if TYPE_CHECKING:
    import pandas as pd

    from services.connectivity import Totals
    from services.partner_table import PartnerTable

TITLES = {"in": "Input", "out": "Output", "both": "Both", "types": "By type"}
WORDS = {"in": "input partner", "out": "output partner", "both": "partner"}
FORMATS = {"csv": "CSV", "parquet": "Parquet", "arrow": "Arrow"}
STORES = ("shown", "selected", "drawn", "picked", "ticked", "panel")
SYNAPSES = ("num_syn", "num_syn_in", "num_syn_out")


def tab(side: str, count: str, *, chosen: bool) -> html.Button:
    """The button that brings a panel to the front."""
    return html.Button(
        [TITLES[side], html.Span(f" {count}")],
        id=f"tab-{side}",
        type="button",
        role="tab",
        tabIndex="0" if chosen else "-1",
        **aria(selected=str(chosen).lower(), controls=f"panel-{side}"),
        **data(value=side),
    )


def reciprocal(frame: pd.DataFrame) -> str:
    """What the tab of both directions says."""
    pairs = int(frame["reciprocal"].fillna(False).sum())
    return f"({counted(len(frame), 'partner')}, {pairs:,} reciprocal)"


def panel(
    view: ConnectivityView,
    side: str,
    partners: PartnerTable,
    totals: Mapping[Any, Totals],
    colours: tuple[str, Mapping[str, str]],
) -> html.Div:
    """The panel of one side of a concrete view; only that of the tab in front is seen. `colours` are those of the
    values of a column."""
    front = view.tab == side
    base = replace(view, boxes={}, sort=(), tab=side, where=view.where if front else "")
    grid = rows_grid(
        {"type": "partner-rows", "side": side, "of": base.href(), "key": "root_id"},
        partners.columns,
        boxes=view.boxes if front else {},
        sort=view.sort if front else (),
        key="root_id",
        cell_href=lambda column: _cell_href(view) if column.name == "root_id" else None,
        label=WORDS[side] + "s",
    )
    _finish(grid, side, *colours)
    bar = html.Div(
        [
            html.Div(id={"type": "partner-counts", "side": side}, className="k-counts", role="status"),
            html.Div(id={"type": "partner-selection", "side": side}),
            html.Div(id={"type": "partner-link", "side": side}, className="k-link"),
            html.Div(id={"type": "partner-downloads", "side": side}, className="k-downloads"),
        ],
        className="k-summary",
    )
    return html.Div(
        [
            bar,
            grid,
            html.P(" ".join(below(side, partners, totals)), className="k-muted k-below"),
            *(dcc.Store(id={"type": f"partner-{part}", "side": side}) for part in STORES),
        ],
        id=f"panel-{side}",
        role="tabpanel",
        hidden=not front,
        **aria(labelledby=f"tab-{side}"),
    )


def below(side: str, partners: PartnerTable, totals: Mapping[Any, Totals]) -> list[str]:
    """What is not in the table, and what its columns mean, in sentences."""
    ways = ("in", "out") if side == "both" else (side,)
    told = [apart(totals[way]) for way in ways]
    return [sentence for sentence in (*partners.left_out, *told, *partners.notes) if sentence]


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
    return f"{count:,} {'selected ' if selected else ''}{WORDS[side]}{'' if count == 1 else 's'}"


def selection(side: str, count: int) -> list[Any]:
    """How many partners are ticked."""
    return deselect({"type": "partner-deselect", "side": side}, count) if count else []


def downloads(view: ConnectivityView, cells: str, side: str) -> list[Any]:
    """Links to all partners and synapses as files, and to this page."""
    types = "" if view.type_table == NO_TYPES else f"&types={quote(view.type_table)}"
    path = f"/api/v1/{quote(view.datastack)}/{view.version}/cells/{cells}"
    files = [
        (f"All {WORDS[side]}s", f"{path}/partners?direction={side}{types}"),
        ("All their synapses", f"{path}/synapses?direction={side}"),
    ]
    rows = [html.Li([html.Span(what), *(_file(href, form) for form in FORMATS)]) for what, href in files]
    menu = html.Details([html.Summary("Download"), html.Ul(rows)], className="k-drop k-files")
    return [menu, copy_button("", "link to this view")]


def _file(href: str, form: str) -> html.A:
    return html.A(FORMATS[form], href=f"{href}&format={form}", download="")


def _finish(grid: Any, side: str, column: str, colours: Mapping[str, str]) -> None:
    """Numbers of synapses lead to the list of them, types have their colour, and what plots select is ticked."""
    grid.dashGridOptions |= {
        "suppressFieldDotNotation": True,  # joined columns are called table.column
        "suppressColumnVirtualisation": True,  # so that Tab leads from the titles back to the first box
    }
    grid.eventListeners = {"modelUpdated": [f"arrived(params, '{side}')"]}
    for definition in grid.columnDefs:
        if definition["field"] in SYNAPSES:
            definition["cellRenderer"] = "SynapsesLink"
        if definition["field"] == column:
            definition |= {"cellRenderer": "Coloured", "cellRendererParams": {"colours": dict(colours)}}


def _synapses(frame: pd.DataFrame) -> int:
    return int(frame["num_syn"].sum())


def _cell_href(view: ConnectivityView) -> str:
    own = ConnectivityView(view.datastack, view.version, "ID", "root_id", view.type_table)
    return replace(own, at_least=view.at_least, proofread=view.proofread, more=view.more, panel=view.panel).href()
