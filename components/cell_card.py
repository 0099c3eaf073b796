"""What is known of one cell, in a strip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dash import html

from components.attributes import aria
from components.links import copyable
from components.partner_options import keep_link
from services.core.directions import Direction
from services.views.addresses import CellAddress

if TYPE_CHECKING:
    from services.cells.cells import Cell
    from services.cells.connectivity import Connectivity, Totals

MOST_NUCLEI = 3


def cell_card(view: CellAddress, read: Connectivity, cell_type: str | None) -> html.Section:
    """Ids with copy buttons, type, soma, and the totals of both directions of the cell that a concrete view shows."""
    cell = read.cell
    facts = [
        ("Root id", copyable(str(cell.root_id), "root id")),
        ("Nucleus id", _nuclei(cell.nucleus_ids)),
        ("Cell type", cell_type or _absent("no type")) if read.type_table else None,
        ("Somata", _absent("not known: no nucleus table") if cell.nucleus_ids is None else str(len(cell.nucleus_ids))),
        ("Soma depth", _depth(cell)) if cell.nucleus_ids is not None and "soma_depth_um" in read.inputs else None,
        ("Inputs", _totals(view, read.totals[Direction.IN], Direction.IN)),
        ("Outputs", _totals(view, read.totals[Direction.OUT], Direction.OUT)),
    ]
    pairs = [html.Div([html.Dt(name), html.Dd(value)]) for name, value in filter(None, facts)]
    return html.Section(html.Dl(pairs), className="k-card", **aria(label="The cell"))


def more() -> html.Div:
    """The place of what all tables say about the cell, which is asked for when the partners are there."""
    return html.Div(html.Div(className="k-facts"), id="cell-facts")


def apart(view: CellAddress, side: str, totals: Mapping[Any, Totals]) -> list[Any]:
    """A sentence for the synapses that are in no partner's row of one side, with links that list them; none for none.
    An autapse is an input as much as an output, and counted once."""
    ways = tuple(Direction) if side == "both" else (Direction(side),)
    autapses = max(totals[way]["autapses"] or 0 for way in ways)
    parts = [_listing(view, counted(autapses, "autapse"), "autapses", side)] if autapses else []
    for way in ways:
        if number := totals[way]["root_zero"]:
            words = counted(number, f"{way.noun} synapse" if side == "both" else "synapse")
            parts.append(_listing(view, f"{words} whose other end lies in no segment", "root_zero", side))
    between = [" and " if place == len(parts) - 1 else ", " for place in range(1, len(parts))]
    told = [each for pair in zip(["Not in this table: ", *between], parts, strict=False) for each in pair]
    return [*told, "."] if told else []


def counted(number: int, thing: str) -> str:
    """A number with its noun."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def _totals(view: CellAddress, totals: Totals, way: Direction) -> list[Any]:
    words = f"{counted(totals['num_syn'], 'synapse')} {way.preposition} {counted(totals['num_partners'], 'partner')}"
    aside = {
        "autapses": counted(totals["autapses"], "autapse") if totals["autapses"] else "",
        "root_zero": f"{totals['root_zero']:,} {way.preposition} no segment" if totals["root_zero"] else "",
    }
    links = [_listing(view, told, partner, way) for partner, told in aside.items() if told]
    told = [each for pair in zip((" + ", ", "), links, strict=False) for each in pair]
    return [words, html.Small(told) if told else None]


def _listing(view: CellAddress, words: str, partner: str, side: str) -> html.A:
    """Leads to a list of synapses beside what is shown of one side."""
    return keep_link(words, replace(view, tab=side, partner=partner), "tab partner", title="List these synapses")


def _nuclei(ids: Sequence[int] | None) -> Any:
    if ids is None:
        return _absent("not known")
    if not ids:
        return _absent("none in this segment")
    shown: list[Any] = [copyable(str(nucleus), "nucleus id") for nucleus in ids[:MOST_NUCLEI]]
    return [*shown, f" and {len(ids) - MOST_NUCLEI:,} more" if len(ids) > MOST_NUCLEI else None]


def _depth(cell: Cell) -> Any:
    if cell.soma_depth_um is not None:
        return f"{cell.soma_depth_um:,.1f} µm"
    return _absent("several somata" if cell.nucleus_ids else "no soma")


def _absent(words: str) -> html.Span:
    return html.Span(words, className="k-muted")
