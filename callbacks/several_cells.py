"""What the connectivity viewer shows of several cells asked for at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pandas as pd

from callbacks import partners
from components import several_cells, synapse_list, truncated
from components.partner_options import Choices
from services.cave.context import cave
from services.cave.release import Release
from services.cells import cell_types
from services.cells import several_cells as together
from services.cells.connectivity import Connectivity
from services.cells.partner_table import SHARE, WORKED_OUT
from services.core import type_columns
from services.core.errors import BadInput, NotFound
from services.views.addresses import ConnectivityView

OF_ONE = tuple(name for name in WORKED_OUT if name != SHARE)


def about(view: ConnectivityView) -> list[Any]:
    """The cells, the synapses among them, and those with the partner that is asked for."""
    found = partners.read_all(view)
    shown, _ = partners.answerable(view)
    return [
        several_cells.cells(view, found, own_types(found), together.among(found)),
        synapse_list.synapse_list(shown, partners.root_ids(view), _listed(view, found)) if view.partner else None,
    ]


def choices(every: Choices) -> Choices:
    """What there is to choose from: nothing that is of one cell."""
    more = [option for option in every.more if option["value"] not in OF_ONE]
    return replace(every, more=more, versions=[])


def warnings(view: ConnectivityView, found: Sequence[Connectivity]) -> list[Any]:
    """What has to be said of the cells, each by its number; what CAVE cut can be asked for."""
    shared = set(found[0].warnings).intersection(*(one.warnings for one in found)) - {*found[0].cut}
    told: list[Any] = []
    for place, one in enumerate(found, start=1):
        own = [said for said in one.warnings if place == 1 or said not in shared]
        words = {said: f"Cell {place}: {said}" if place > 1 or said in one.cut else said for said in own}
        told += [truncated.with_offer(view, words[said]) if said in one.cut else words[said] for said in own]
    return told


def _listed(view: ConnectivityView, found: Sequence[Connectivity]) -> Mapping[Any, Any]:
    """The synapses of any of the cells with one partner."""
    with suppress(NotFound, BadInput):
        return together.with_partner(cave(), found, partners.listed_ways(view), view.partner)
    return {}


def own_types(found: Sequence[Connectivity]) -> list[str | None]:
    """The type of each cell in the type table; None where it has none, or says types of synapses."""
    first = found[0]
    if not first.type_table or first.typed_synapses:
        return [None] * len(found)
    release = Release(cave(), first.datastack, first.version)
    roots = [one.cell.root_id for one in found]
    types = cell_types.type_rows(release, first.type_table, first.type_by, roots=roots).frame
    column = type_columns.type_column(types)
    values = types[column].reindex(roots) if column else [None] * len(found)
    return [None if pd.isna(value) else str(value) for value in values]
