"""Several cells at once: the partners of any of them side by side, and the synapses among the cells themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

import pandas as pd

from services import cells, partner_joins, partner_sets, partner_table, proofreading
from services.cave import Cave
from services.columns import Column
from services.connectivity import Connectivity, Direction, Totals
from services.memo import Memo, key_of
from services.partner_table import PartnerTable, Wanted

OF_CELL = "num_syn_"
"""Before the root id of a cell in the name of the column with its synapses."""
_FIRST = ("root_id", "num_cells", "num_syn")
_OF_ONE = ("soma_distance_um", "lateral_distance_um")
_WORDS = {"in": ("input", "to"), "out": ("output", "from")}

_made: Memo[PartnerTable] = Memo(8)


def open_partners(cave: Cave, found: Sequence[Connectivity], wanted: Wanted) -> PartnerTable:
    """One row for each partner of any of the cells in one direction; cells of one datastack, version and type table.

    Columns: root_id; num_cells (int64), of how many of the cells it is a partner; num_syn, net_size and mean_size with
    all of them; `num_syn_<root id>` for each cell (Int64: 0 = none, null = nobody knows, for CAVE cut the cell's
    synapses); then what is known of the partner itself, of further tables in `wanted.more` as well. Partners of most
    cells first, then most synapses, then by root id. `wanted.at_least` counts all synapses of a partner.
    """
    first = found[0]
    roots = ",".join(str(one.cell.root_id) for one in found)
    key = key_of(cave, first.datastack, first.version.number, roots, first.type_table or "", first.whole, repr(wanted))
    return _made.get(key, lambda: _open(cave, found, wanted))


def among(found: Sequence[Connectivity]) -> pd.DataFrame:
    """Synapses of each cell (rows: root ids) onto each (columns), autapses on the diagonal; Int64, null = nobody knows,
    for CAVE cut the synapses of both ends."""
    roots = [one.cell.root_id for one in found]
    counts = [[_synapses(pre, post) for post in found] for pre in found]
    return pd.DataFrame(counts, index=roots, columns=roots, dtype="Int64")


def totals(found: Sequence[Connectivity]) -> dict[Direction, Totals]:
    """The totals of all cells. A partner of several cells is counted once."""
    summed: dict[Direction, Totals] = {}
    for way in cast("tuple[Direction, ...]", ("in", "out")):
        every = pd.concat([one.side(way)["root_id"] for one in found])
        own = [one.totals[way] for one in found]
        summed[way] = Totals(
            num_syn=sum(one["num_syn"] for one in own),
            num_partners=int(every.nunique()),
            autapses=sum(one["autapses"] for one in own),
            root_zero=sum(one["root_zero"] for one in own),
        )
    return summed


def _open(cave: Cave, found: Sequence[Connectivity], wanted: Wanted) -> PartnerTable:
    way, first = cast("Direction", wanted.side), found[0]
    number = first.version.number
    cut = [one.cell.root_id for one in found if one.truncated[way]]
    frame = partner_sets.side_by_side({one.cell.root_id: one.side(way) for one in found}, cut)
    somas = cells.somas(cave, first.datastack, number)
    frame = partner_joins.with_distance(frame, first.cell, somas, cave.volume(first.datastack))
    frame = frame.drop(columns=list(_OF_ONE))
    proofread = proofreading.rows(cave, first.datastack, number)
    if proofread is not None:
        frame = proofreading.of_partners(frame, proofread)
        frame = frame.drop(columns=partner_table.DENDRITE if way == "in" else partner_table.AXON)
    frame, left_out = partner_table.counted(frame, wanted, proofread)
    tables, left = _joinable(first, wanted.more)
    frame, said = partner_joins.with_tables(frame, partner_joins.load_tables(cave, first.datastack, number, tables))
    notes = (*_explained(found, way, cut), *left, *said)
    return PartnerTable(frame, _columns(found, way, frame), left_out, notes)


def _joinable(first: Connectivity, more: Sequence[str]) -> tuple[list[str], tuple[str, ...]]:
    """The tables to join, and a sentence where something else is asked for."""
    of_one = {
        partner_table.SHARE: "shares of the partner's synapses",
        partner_table.COMPARTMENT: "compartments",
        partner_table.TUNING: "tuning",
    }
    left = [words for name, words in of_one.items() if name in more]
    told = f"Read for one cell at a time: {', '.join(left)}." if left else ""
    return [name for name in more if name not in (*of_one, first.type_table)], (told,) if told else ()


def _explained(found: Sequence[Connectivity], way: Direction, cut: Sequence[int]) -> tuple[str, ...]:
    word, preposition = _WORDS[way]
    said = [
        f"Cells are numbered as they were asked for; synapses {preposition} each of these {len(found)} stand side by "
        f"side, 0 where there are none.",
    ]
    if cut:
        said.append(
            f"CAVE cut the {word} synapses of {', '.join(map(str, cut))}: where a partner is not among those that it "
            "sent, the number is blank, for nobody knows it."
        )
    return tuple(said)


def _columns(found: Sequence[Connectivity], way: Direction, frame: pd.DataFrame) -> tuple[Column, ...]:
    """Synapses with each cell right behind their sum."""
    preposition = _WORDS[way][1]
    own = {f"{OF_CELL}{one.cell.root_id}": place for place, one in enumerate(found, start=1)}
    titles = {name: f"{preposition} cell {place}" for name, place in own.items()} | {"num_cells": "number of cells"}
    rank = {name: place for place, name in enumerate((*_FIRST, *own))}
    columns = [
        replace(
            column,
            title=titles.get(column.name, column.title),
            aliases=(f"cell_{own[column.name]}",) if column.name in own else column.aliases,
        )
        for column in partner_table.columns_of(found[0], way, frame)
    ]
    return tuple(sorted(columns, key=lambda column: rank.get(column.name, len(rank))))


def _synapses(pre: Connectivity, post: Connectivity) -> int | None:
    ends: tuple[tuple[Connectivity, Direction, Connectivity], ...] = ((pre, "out", post), (post, "in", pre))
    for one, way, other in ends:
        if one.truncated[way]:
            continue
        if pre is post:
            return one.totals[way]["autapses"]
        side = one.side(way)
        return int(side.loc[side["root_id"] == other.cell.root_id, "num_syn"].sum())
    return None
