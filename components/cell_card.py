"""What is known of one cell, in a strip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dash import html

from components import later
from components.attributes import aria
from components.glossary import explained
from components.links import copyable
from components.partner_options import keep_link
from services.core.directions import Direction
from services.views.addresses import CellAddress

if TYPE_CHECKING:
    from services.cells.cells import Cell
    from services.cells.connectivity import Connectivity, Totals

MOST_NUCLEI = 3
TERMS = {"nucleus": "nucleus id"}
"""Names of facts that the glossary has under another."""


def cell_card(
    view: CellAddress, connectivity: Connectivity, named: tuple[str | None, str | None], layer: str | None, marks: Any
) -> html.Section:
    """The header of the cell that a concrete view shows: its type and the type's colour (`named`), layer, ids, totals
    of both directions, the `marks` of how far to trust them, and what all tables say about it, once that is opened."""
    cell = connectivity.cell
    depth = _depth(cell) if cell.nucleus_ids is not None and "soma_depth_um" in connectivity.inputs else None
    top = [
        _type(*named) if connectivity.type_table else None,
        html.Span(layer, className="k-chip", tabIndex="0", **explained("layer")) if layer else None,
        html.Span(copyable(str(cell.root_id), "root id"), className="k-root", **explained("root id")),
        _fact("nucleus", _nuclei(cell.nucleus_ids)),
        _fact("somata", str(len(cell.nucleus_ids))) if cell.nucleus_ids and len(cell.nucleus_ids) > 1 else None,
        _fact("soma depth", depth) if depth else None,
        *marks,
        more(),
    ]
    autapses = max(connectivity.totals[way]["autapses"] or 0 for way in Direction)
    counts = [
        *(_fact(f"{way.noun.capitalize()}s", _totals(view, connectivity.totals[way], way)) for way in Direction),
        html.Span(_listing(view, counted(autapses, "autapse"), "autapses", "in"), **explained("autapse"))
        if autapses
        else None,
    ]
    lines = [html.Div(list(filter(None, parts)), className="k-line") for parts in (top, counts)]
    return html.Section(lines, className="k-card", **aria(label="The cell"))


def _type(cell_type: str | None, colour: str | None) -> html.Span:
    swatch = html.Span(className="k-swatch", style={"backgroundColor": colour}) if colour else None
    return html.Span(
        [swatch, cell_type or "no type"], className="k-chip k-type", tabIndex="0", **explained("cell type")
    )


def _fact(name: str, value: Any) -> html.Span:
    parts = [html.Span(f"{name} ", className="k-muted"), html.Span(value)]
    return html.Span(parts, className="k-fact", **explained(name, TERMS.get(name, "")))


def more() -> html.Details:
    """What all tables say about the cell, which is asked for when it is opened."""
    menu = html.Div(later.place("cell-facts", html.P("Reading the tables…", className="k-hint")), className="k-menu")
    return html.Details([html.Summary("Facts"), menu], className="k-drop k-facts-drop")


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
    sentence = [each for pair in zip(["Not in this table: ", *between], parts, strict=False) for each in pair]
    return [*sentence, "."] if sentence else []


def counted(number: int, noun: str) -> str:
    """A number with its noun."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _totals(view: CellAddress, totals: Totals, way: Direction) -> list[Any]:
    words = f"{counted(totals['num_syn'], 'synapse')} {way.preposition} {counted(totals['num_partners'], 'partner')}"
    if not totals["root_zero"]:  # none, or not known
        return [html.B(words)]
    nowhere = f"{totals['root_zero']:,} {way.preposition} no segment"
    return [html.B(words), " + ", _listing(view, nowhere, "root_zero", way)]


def _listing(view: CellAddress, words: str, partner: str, side: str) -> html.A:
    """Leads to a list of synapses beside what is shown of one side."""
    return keep_link(words, replace(view, tab=side, partner=partner), "tab partner", title="List these synapses")


def _nuclei(ids: Sequence[int] | None) -> Any:
    if ids is None:
        return _absent("not known: no nucleus table")
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
