"""A tab of partners: what is shown of them, the grid, and the ways out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from dash import dcc, html

from components.attributes import aria, data
from components.cell_card import apart, counted
from components.grid import ordered, place, rows_grid, typed
from components.links import deselect, ways_out
from components.table_page import COPIES, OUTLINED, among_chosen
from services.core.sorting import format_sort
from services.views.addresses import IDS, NO_TYPES, SAME, CellAddress, PopulationAddress, WallAddress

if TYPE_CHECKING:
    import pandas as pd

    from services.cells.connectivity import Totals
    from services.cells.partner_table import PartnerTable

TITLES = {"in": "Input", "out": "Output", "both": "Both", "types": "By type"}
WORDS = {"in": "input partner", "out": "output partner", "both": "partner"}
FORMATS = {"csv": "CSV", "parquet": "Parquet", "arrow": "Arrow", "csv&head=only": "Provenance"}
"""What a link to a file asks the API for, and its words."""
STORES = ("there", "selected", "drawn", "picked", "ticked", "panel", "copied", "copied-done")
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


def size(frame: pd.DataFrame) -> str:
    """What the tab of one direction says: how much stands in its table before any filter."""
    return f"(n = {counted(_synapses(frame), 'synapse')}, {counted(len(frame), 'partner')})"


def reciprocal(frame: pd.DataFrame) -> str:
    """What the tab of both directions says."""
    pairs = int(frame["reciprocal"].fillna(False).sum())
    return f"({counted(len(frame), 'partner')}, {pairs:,} reciprocal)"


def panel(view: CellAddress, side: str, body: Sequence[Any]) -> html.Div:
    """The panel of one side of a concrete view; only that of the tab in front is seen, and has a `body` at first."""
    front = view.tab == side
    address = of_side(view, side)
    shown = {"of": grid_of(address), "filterModel": typed(address.boxes), "sortModel": ordered(address.sort)}
    return html.Div(
        [
            html.Div(body, id={"type": "partner-body", "side": side}),
            dcc.Store(id={"type": "partner-shown", "side": side}, data=shown),
            *(dcc.Store(id={"type": f"partner-{part}", "side": side}) for part in STORES),
        ],
        id=f"panel-{side}",
        role="tabpanel",
        hidden=not front,
        **aria(labelledby=f"tab-{side}"),
    )


def of_side(view: CellAddress, side: str) -> CellAddress:
    """What a view shows in the tab of a side: filters and order are those of the tab in front."""
    return view if view.tab == side else replace(view, boxes={}, sort=(), tab=side, where="")


def grid_of(address: CellAddress) -> str:
    """The address by which a grid of partners is known: all but its own filters and order."""
    return replace(address, boxes={}, sort=()).href()


def body(
    address: CellAddress,
    side: str,
    partners: PartnerTable,
    totals: Mapping[Any, Totals],
    colours: tuple[str, Mapping[str, str]],
    *,
    block: Mapping[str, Any],
    hidden: Sequence[str],
    counted: Any,
    files: tuple[Any, Sequence[Any]],
) -> list[Any]:
    """What stands in the panel of one side: its counts, its `files`, and the rows, `block` the first of them. `colours`
    are those of the values of a column, `hidden` names columns that are not drawn."""
    grid = rows_grid(
        {"type": "partner-rows", "side": side, "of": grid_of(address), "key": "root_id"},
        partners.columns,
        boxes=address.boxes,
        sort=address.sort,
        key="root_id",
        cell_href=lambda column: _cell_href(address) if column.name == "root_id" else None,
        label=WORDS[side] + "s",
        hidden=hidden,
    )
    _finish(grid, side, *colours)
    bar = html.Div(
        [
            html.Div(counted, id={"type": "partner-counts", "side": side}, className="k-counts", role="status"),
            html.Div(id={"type": "partner-selection", "side": side}),
            html.Div(id={"type": "partner-link", "side": side}, className="k-link"),
            html.Div(
                ways_out(*files, {"type": "partner-csv", "side": side}, {"type": "partner-menu", "side": side}),
                className="k-downloads",
            ),
        ],
        className="k-summary",
    )
    return [bar, place(grid, block), html.P(below(address, side, partners, totals), className="k-muted k-below")]


def below(view: CellAddress, side: str, partners: PartnerTable, totals: Mapping[Any, Totals]) -> list[Any]:
    """What is not in the table, and what its columns mean, in sentences."""
    sentences = [
        *([message] for message in partners.left_out),
        apart(view, side, totals),
        *([message] for message in partners.notes),
    ]
    return [part for sentence in sentences if sentence for part in (*sentence, " ")]


def counts(
    shown: pd.DataFrame, whole: pd.DataFrame, words: str, unfiltered: CellAddress, notes: Sequence[str] = ()
) -> list[Any]:
    """How many partners and synapses the filter leaves, what it says, and what else is `notes` of it."""
    if not words:
        return [html.Strong(counted(len(whole), "partner")), f", {counted(_synapses(whole), 'synapse')}"]
    return [
        html.Strong(f"{len(shown):,}"),
        f" of {len(whole):,} partners, {_synapses(shown):,} of {_synapses(whole):,} synapses",
        html.Span(f" where {words}", className="k-words"),
        html.A("Clear filters", href=unfiltered.href(), className="k-clear", **data(undo="Filters cleared.")),
        *(html.Div(sentence, className="k-words") for sentence in notes),
    ]


def subject(count: int, side: str, *, selected: bool, cells: int = 1) -> str:
    """The partners of a link in words; without any it shows the cells alone."""
    if not count:
        return "the cell alone" if cells == 1 else f"the {cells} cells alone"
    return f"{count:,} {'selected ' if selected else ''}{WORDS[side]}{'' if count == 1 else 's'}"


def selection(side: str, count: int) -> list[Any]:
    """How many partners are ticked."""
    return deselect({"type": "partner-deselect", "side": side}, count) if count else []


def downloads(
    view: CellAddress, cells: str, side: str, line: str, partners: Sequence[int] = ()
) -> tuple[list[html.A], list[Any]]:
    """Links to the matrix of cells and partners and to what is shown as a file, and a menu of all files and of buttons
    that copy ids or a script. `cells` are the root ids with commas, `line` is the whole filter as one line,
    `partners` those whose skeletons can be shown."""
    several, narrowed = "," in cells, bool(line or view.synapses or view.top or view.at_least or view.proofread)
    files = [
        (f"These {WORDS[side]}s", partners_path(view, cells, side, line)),
        ("Their synapses", synapses_path(view, cells, side, line=line)) if narrowed else None,
        (f"All synapses of the cell{'s' if several else ''}", _path(view, cells, "synapses", [("direction", side)])),
    ]
    copies = [
        html.Button(
            words,
            id={"type": "partner-copy", "as": form, "side": side},
            type="button",
            className="btn btn-sm btn-link k-copy-as",
        )
        for form, words in COPIES.items()
    ]
    chosen = among_chosen({"type": "partner-copy", "side": side})
    by_type = html.A("Matrix", href=_by_type(view, cells, side).href(), title="Connections by type")
    onwards = [html.H2("See"), chosen]
    if partners:
        wall = WallAddress(view.datastack, view.version, ", ".join(map(str, partners)))
        onwards.append(html.A("Skeletons side by side", href=wall.href()))
    menu = [html.H2("Files"), *(file_links(*entry) for entry in files if entry), html.H2("Copy"), *copies, *onwards]
    csv = html.A("CSV", href=f"{files[0][1]}&format=csv", download="", className=OUTLINED)  # type: ignore[index]
    return [by_type, csv], menu


def _by_type(view: CellAddress, cells: str, side: str) -> PopulationAddress:
    """The cells onto all that have a type, or for inputs all these onto the cells."""
    typed = "" if view.type_table == NO_TYPES else view.type_table
    sets = ((typed, ""), (IDS, cells)) if side == "in" and typed else ((IDS, cells), (typed or SAME, ""))
    return PopulationAddress(view.datastack, view.version, *sets[0], *sets[1], proofread="off", synapses=view.synapses)


def partners_path(view: CellAddress, cells: str, side: str, line: str = "") -> str:
    """The address of the partners that a view shows, as the API has them."""
    requests = [_direction(side), *_which(view, line)]
    return _path(view, cells, "partners", [*requests, *(("sort", text) for text in format_sort(view.sort))])


def synapses_path(view: CellAddress, cells: str, side: str, *, line: str = "", partner: str = "") -> str:
    """That of the synapses with the partners that a view shows, or with one partner."""
    narrowed = [("partner", partner), *_counted(view)] if partner else _which(view, line)
    return _path(view, cells, "synapses", [_direction(side), *narrowed])


def _direction(side: str) -> tuple[str, str]:
    return "direction", "merged" if side == "both" else side


def _which(view: CellAddress, line: str) -> list[tuple[str, str]]:
    types = "" if view.type_table == NO_TYPES else view.type_table
    narrowing = [("top", view.top), ("at_least", view.at_least), ("proofread", view.proofread), ("filter", line)]
    return [
        ("types", types),
        ("type_by", view.type_by),
        ("more", ",".join(view.more)),
        *narrowing,
        *_counted(view),
    ]


def which_synapses(view: CellAddress) -> str:
    """The parameters that say, in an address of the API, which synapses count."""
    return urlencode([(name, text) for name, text in _counted(view) if text], quote_via=quote)


def _counted(view: CellAddress) -> list[tuple[str, str]]:
    return [("synapses", view.synapses), ("whole", view.whole or "off")]


def _path(view: CellAddress, cells: str, route: str, more: Sequence[tuple[str, str]]) -> str:
    query = urlencode([(name, text) for name, text in [("id_type", "root_id"), *more] if text], quote_via=quote)
    return f"/api/v1/{quote(view.datastack)}/{view.version}/cells/{cells}/{route}?{query}"


def file_links(title: str, path: str) -> html.Div:
    """The same in each format."""
    links = [html.A(name, href=f"{path}&format={form}", download="") for form, name in FORMATS.items()]
    return html.Div([html.Span(title), *links], className="k-file-links")


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


def _cell_href(view: CellAddress) -> str:
    address = CellAddress(view.datastack, view.version, "ID", "root_id", view.type_table, type_by=view.type_by)
    which: Any = {"synapses": view.synapses, "top": view.top, "at_least": view.at_least, "proofread": view.proofread}
    return replace(address, **which, more=view.more, panel=view.panel).href()
