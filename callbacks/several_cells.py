"""What the connectivity viewer shows of several cells asked for at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, cast

import pandas as pd

from callbacks import partners
from components import several_cells, synapse_list
from components.partner_options import Choices
from services import connectivity, partner_synapses, type_columns
from services import several_cells as together
from services.connectivity import Connectivity, Direction
from services.context import cave
from services.errors import BadInput, NotFound
from services.partner_table import COMPARTMENT, SHARE, TUNING
from services.urls import ConnectivityView

NO_BOTH = "Several cells have no tab of both directions; shown are outputs."
OF_ONE = (SHARE, COMPARTMENT, TUNING)


def fitting(view: ConnectivityView) -> tuple[ConnectivityView, list[str]]:
    """The view as several cells can have it, and a sentence for what they cannot."""
    return (replace(view, tab="out"), [NO_BOTH]) if view.tab == "both" else (view, [])


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


def warnings(found: Sequence[Connectivity]) -> list[str]:
    """What has to be said of the cells, each by its number."""
    first, *others = found
    numbered = enumerate(others, start=2)
    return [
        *first.warnings,
        *(f"Cell {place}: {said}" for place, one in numbered for said in one.warnings if said not in first.warnings),
    ]


def _listed(view: ConnectivityView, found: Sequence[Connectivity]) -> Mapping[Any, Any]:
    """The synapses of any of the cells with one partner."""
    ways = cast("tuple[Direction, ...]", ("in", "out") if view.tab in ("both", "types") else (view.tab,))
    listed: dict[Direction, list[pd.DataFrame]] = {}
    for one in found:
        with suppress(NotFound, BadInput):
            for way, rows in partner_synapses.of_partner_in(cave(), one, ways, view.partner).items():
                listed.setdefault(way, []).append(rows)
    return {way: pd.concat(listed[way], ignore_index=True) for way in ways if way in listed}


def own_types(found: Sequence[Connectivity]) -> list[str | None]:
    """The type of each cell in the type table; None where it has none."""
    first = found[0]
    if not first.type_table:
        return [None] * len(found)
    types = connectivity.type_rows(cave(), first.datastack, first.version.number, first.type_table).frame
    column = type_columns.type_column(types)
    values = types[column].reindex([one.cell.root_id for one in found]) if column else [None] * len(found)
    return [None if pd.isna(value) else str(value) for value in values]
