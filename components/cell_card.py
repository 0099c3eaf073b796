"""What is known of one cell, in a strip."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from dash import html

from components.attributes import aria
from components.links import copyable

if TYPE_CHECKING:
    from services.cells import Cell
    from services.connectivity import Connectivity, Totals

MOST_NUCLEI = 3


def cell_card(read: Connectivity, cell_type: str | None) -> html.Section:
    """Ids with copy buttons, type, soma, and the totals of both directions."""
    cell = read.cell
    facts = [
        ("Root id", copyable(str(cell.root_id), "root id")),
        ("Nucleus id", _nuclei(cell.nucleus_ids)),
        ("Cell type", cell_type or _absent("no type")) if read.type_table else None,
        ("Somata", str(len(cell.nucleus_ids))),
        ("Soma depth", _depth(cell)),
        ("Inputs", _totals(read.totals["in"], "from")),
        ("Outputs", _totals(read.totals["out"], "to")),
    ]
    pairs = [html.Div([html.Dt(name), html.Dd(value)]) for name, value in filter(None, facts)]
    return html.Section(html.Dl(pairs), className="k-card", **aria(label="The cell"))


def more() -> html.Div:
    """The place of what all tables say about the cell, which is asked for when the partners are there."""
    return html.Div(html.Div(className="k-facts"), id="cell-facts")


def apart(totals: Totals) -> str:
    """A sentence for the synapses that are in no partner's row."""
    parts = [
        counted(totals["autapses"], "autapse") if totals["autapses"] else "",
        f"{counted(totals['root_zero'], 'synapse')} whose other end lies in no segment" if totals["root_zero"] else "",
    ]
    told = " and ".join(part for part in parts if part)
    return f"Not in this table: {told}." if told else ""


def counted(number: int, thing: str) -> str:
    """A number with its noun."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def _totals(totals: Totals, preposition: str) -> list[Any]:
    aside = [
        counted(totals["autapses"], "autapse") if totals["autapses"] else "",
        f"{totals['root_zero']:,} {preposition} no segment" if totals["root_zero"] else "",
    ]
    words = f"{counted(totals['num_syn'], 'synapse')} {preposition} {counted(totals['num_partners'], 'partner')}"
    told = ", ".join(part for part in aside if part)
    return [words, html.Small(f" + {told}") if told else None]


def _nuclei(ids: Sequence[int]) -> Any:
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
