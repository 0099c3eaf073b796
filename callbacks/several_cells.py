"""What the connectivity viewer shows of several cells asked for at once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from components import several_cells, synapse_list, truncated
from components.partner_options import Choices
from services.cells import several_cells as together
from services.cells.partner_table import SHARE, WORKED_OUT
from services.views.cell_view import CellView

OF_ONE = tuple(name for name in WORKED_OUT if name != SHARE)


def about(view: CellView) -> list[Any]:
    """The cells, the synapses among them, and those with the partner that is asked for."""
    shown, _ = view.answerable
    listed = view.synapses_with_partner() if view.address.partner else {}
    return [
        several_cells.cells(view.address, view.cells, view.own_types(), together.among(view.cells)),
        synapse_list.synapse_list(shown, view.root_ids, listed) if view.address.partner else None,
    ]


def choices(every: Choices) -> Choices:
    """What there is to choose from: nothing that is of one cell."""
    more = [option for option in every.more if option["value"] not in OF_ONE]
    return replace(every, more=more, versions=[])


def warnings(view: CellView) -> list[Any]:
    """What has to be said of the cells, each by its number; what CAVE cut can be asked for."""
    found = view.cells
    shared = set(found[0].warnings).intersection(*(one.warnings for one in found)) - {*found[0].cut}
    told: list[Any] = []
    for place, one in enumerate(found, start=1):
        own = [said for said in one.warnings if place == 1 or said not in shared]
        words = {said: f"Cell {place}: {said}" if place > 1 or said in one.cut else said for said in own}
        told += [truncated.with_offer(view.address, words[said]) if said in one.cut else words[said] for said in own]
    return told
