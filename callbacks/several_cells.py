"""What the connectivity viewer shows for several cells."""

from __future__ import annotations

from typing import Any

from components import several_cells, synapse_list, truncated
from services.cells import several_cells as together
from services.core.directions import Direction
from services.views.cell_view import CellView


def about(view: CellView) -> list[Any]:
    """The cells, the synapses among them, and those with the partner of the address, if it names one."""
    shown, _ = view.answerable
    shared = {way: int((view.table(way).frame[together.NUM_CELLS] == len(view.cells)).sum()) for way in Direction}
    listed = view.synapses_with_partner() if view.address.partner else {}
    return [
        several_cells.cells(view.address, view.cells, view.own_types(), together.among(view.cells), shared),
        synapse_list.synapse_list(shown, view.root_ids, listed) if view.address.partner else None,
    ]


def warnings(view: CellView) -> list[Any]:
    """The warnings of the cells, each with the cell's number; one about truncated synapses comes with an offer to fetch
    all of them."""
    result = view.cells
    shared = set(result[0].warnings).intersection(*(cell.warnings for cell in result)) - {*result[0].cut}
    parts: list[Any] = []
    for place, cell in enumerate(result, start=1):
        messages = [message for message in cell.warnings if place == 1 or message not in shared]
        words = {
            message: f"Cell {place}: {message}" if place > 1 or message in cell.cut else message for message in messages
        }
        parts += [
            truncated.with_offer(view.address, words[message]) if message in cell.cut else words[message]
            for message in messages
        ]
    return parts
