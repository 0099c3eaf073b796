"""Several cells at once: the partners of any of them side by side, and the synapses among the cells themselves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import astuple, replace

import pandas as pd

from services.cave.client import Cave
from services.cave.release import Release
from services.cells import (
    cell_types,
    partner_columns,
    partner_joins,
    partner_sets,
    partner_synapses,
    partner_table,
    proofreading,
    synapse_weights,
)
from services.cells.connectivity import Connectivity, Cut, Totals
from services.cells.partner_table import PartnerOptions, PartnerTable
from services.core.columns import Column
from services.core.directions import Direction, Side
from services.core.errors import NotFound

OF_CELL = "num_syn_"
"""Before the root id of a cell in the name of the column with its synapses."""
NUM_CELLS = "num_cells"
_FIRST = ("root_id", "reciprocal", NUM_CELLS, "num_syn", "num_syn_in", "num_syn_out")
_OF_ONE = ("soma_distance_um", "lateral_distance_um")


def open_partners(cave: Cave, cells: Sequence[Connectivity], options: PartnerOptions) -> PartnerTable:
    """One row for each partner of any of the cells in one direction, or in either; cells of one datastack, version and
    type table.

    Columns: root_id; num_cells (int64), of how many of the cells it is a partner; num_syn, net_size and mean_size with
    all of them; `num_syn_<root id>` for each cell (Int64: 0 = none, null = nobody knows, for CAVE cut the cell's
    synapses); then what is known of the partner itself, of further tables in `options.more` as well. Partners of most
    cells first, then most synapses, then by root id. `options.at_least` counts all synapses of a partner. Partners in
    either direction are as of :func:`partner_sets.both`, with num_cells.
    """
    first = cells[0]
    roots = ",".join(str(one.cell.root_id) for one in cells)
    types = (first.type_table or "", first.type_by)
    parts = (first.datastack, first.version.number, roots, *types, first.whole, first.only, *astuple(options))
    derived = cave.at(first.datastack).derived.of("partners of several", *parts)
    return derived.get(lambda: _open(Release(cave, first.datastack, first.version), cells, options))


def among(cells: Sequence[Connectivity]) -> pd.DataFrame:
    """Synapses of each cell (rows: root ids) onto each (columns), autapses on the diagonal; Int64, null = nobody knows,
    for CAVE cut the synapses of both ends."""
    roots = [one.cell.root_id for one in cells]
    counts = [[_synapses(pre, post) for post in cells] for pre in cells]
    return pd.DataFrame(counts, index=roots, columns=roots, dtype="Int64")


def totals(cells: Sequence[Connectivity]) -> dict[Direction, Totals]:
    """The totals of all cells. A partner of several cells is counted once."""
    summed: dict[Direction, Totals] = {}
    for way in Direction:
        every = pd.concat([one.side(way)["root_id"] for one in cells])
        own = [one.totals[way] for one in cells]
        summed[way] = Totals(
            num_syn=sum(one["num_syn"] for one in own),
            num_partners=int(every.nunique()),
            autapses=_sum(one["autapses"] for one in own),
            root_zero=_sum(one["root_zero"] for one in own),
        )
    return summed


def _sum(numbers: Iterable[int | None]) -> int | None:
    """The sum of numbers; None where one of them is not known."""
    known = list(numbers)
    return None if None in known else sum(number or 0 for number in known)


def with_partner(
    cave: Cave, cells: Sequence[Connectivity], directions: Sequence[Direction], partner: str
) -> dict[Direction, pd.DataFrame]:
    """:func:`partner_synapses.of_partner_in` for several cells, those of each cell below those of the one before.
    Raises BadInput, and NotFound when there are none at all."""
    parts: dict[Direction, list[pd.DataFrame]] = {}
    for one in cells:
        with suppress(NotFound):
            for way, rows in partner_synapses.of_partner_in(cave, one, directions, partner).items():
                parts.setdefault(way, []).append(rows)
    if not parts:
        raise NotFound(f"None of these {len(cells)} cells has a synapse with {partner}.")
    return {way: pd.concat(parts[way], ignore_index=True) for way in directions if way in parts}


def group(cells: Sequence[Connectivity], side: Side) -> Connectivity:
    """Several cells as if they were one: its partners are those of any of them, with all synapses of these, and for one
    direction with the synapses of each cell in a column of its own. Synapses among the cells themselves stay in."""
    every = {way: {one.cell.root_id: one.side(way) for one in cells} for way in Direction}
    if side == "both":
        sides = {way: partner_sets.combined(parts).drop(columns=NUM_CELLS) for way, parts in every.items()}
    else:
        cut = {way: [one.cell.root_id for one in cells if one.truncated[way]] for way in Direction}
        sides = {way: partner_sets.side_by_side(parts, cut[way]) for way, parts in every.items()}
    typed = {way: pd.concat(parts) for way in Direction if (parts := [*_typed(cells, way)])}
    sides = {way: cell_types.retyped(frame, [typed[way]] if way in typed else []) for way, frame in sides.items()}
    truncated = {way: _cut(cells, way) for way in Direction}
    together = replace(
        cells[0], inputs=sides[Direction.IN], outputs=sides[Direction.OUT], totals=totals(cells), truncated=truncated
    )
    return replace(together, typed_synapses=typed, types=tuple(rows for one in cells for rows in one.types))


def _typed(cells: Sequence[Connectivity], way: Direction) -> Iterator[pd.DataFrame]:
    """What a type table that refers to synapses says of those of each cell, autapses left out."""
    for one in cells:
        rows = one.typed_synapses.get(way)
        if rows is not None:
            yield rows[rows["root_id"] != one.cell.root_id]


def _cut(cells: Sequence[Connectivity], way: Direction) -> Cut | None:
    """What CAVE cut of any of the cells, in numbers of all."""
    if not any(one.truncated[way] for one in cells):
        return None
    whole = [synapse_weights.cell_total(one, way) for one in cells]
    known = [total for total in whole if total is not None]
    own = [one.totals[way] for one in cells]
    shown = sum(one["num_syn"] + (one["autapses"] or 0) + (one["root_zero"] or 0) for one in own)
    return Cut(shown=shown, total=sum(known) if len(known) == len(whole) else None)


def _open(release: Release, cells: Sequence[Connectivity], options: PartnerOptions) -> PartnerTable:
    side, together = options.side, group(cells, options.side)
    frame = partner_table.described(release, together, side).drop(columns=list(_OF_ONE), errors="ignore")
    if side == "both":
        frame.insert(1, NUM_CELLS, _num_cells(cells, frame))
    proofread = proofreading.rows(release)
    if proofread is not None:
        frame = proofreading.of_partners(frame, proofread)
    frame, left_out = partner_table.counted(frame, options, proofread, proofreading.missing(release))
    if side != "both":
        frame = frame.drop(columns=partner_columns.DENDRITE if side == "in" else partner_columns.AXON, errors="ignore")
        if partner_columns.SHARE in options.more:
            degrees = synapse_weights.partner_degrees(release.cave, together)
            frame = partner_table.with_shares(together, Direction(side), frame, degrees)
    tables, left = _joinable(together, options.more)
    if side == "both" and partner_columns.SHARE in options.more:
        left = (*left, *partner_columns.of_one_direction([partner_columns.SHARE]))
    joined = partner_joins.load_tables(release, tables, frame["root_id"].tolist())
    frame, messages = partner_joins.with_tables(frame, joined)
    return PartnerTable(
        frame,
        _columns(cells, together, side, frame),
        left_out,
        (
            *_explained(cells, side),
            *partner_table.unknown(release, options),
            *partner_table.ambiguous(together, side, frame),
            *left,
            *messages,
        ),
    )


def _num_cells(cells: Sequence[Connectivity], frame: pd.DataFrame) -> pd.Series:
    """Of how many cells each partner is one, in either direction."""
    pairs = [one.side(way)[["root_id"]].assign(cell=one.cell.root_id) for one in cells for way in Direction]
    return frame["root_id"].map(pd.concat(pairs).drop_duplicates()["root_id"].value_counts()).astype("int64")


def _joinable(first: Connectivity, more: Sequence[str]) -> tuple[list[str], tuple[str, ...]]:
    """The tables to join, and a sentence where something else is asked for."""
    of_one = {name: name for name in partner_columns.WORKED_OUT if name != partner_columns.SHARE}
    of_one[partner_columns.COMPARTMENT] = "compartments"
    left = [words for name, words in of_one.items() if name in more]
    names = [name for name in more if name not in (*of_one, partner_columns.SHARE, first.type_table)]
    return names, (f"Read for one cell at a time: {', '.join(left)}.",) if left else ()


def _explained(cells: Sequence[Connectivity], side: Side) -> tuple[str, ...]:
    if side == "both":
        return (
            f"Synapses are those with all of these {len(cells)} cells. A reciprocal partner has synapses onto any of "
            "them and from any of them, not always the same one.",
        )
    way = Direction(side)
    sentences = [
        f"Cells are numbered as they were asked for; synapses {way.opposite.preposition} each of these {len(cells)} "
        f"stand side by side, 0 where there are none. Shares are of the synapses of all of them.",
    ]
    if cut := [one.cell.root_id for one in cells if one.truncated[way]]:
        sentences.append(
            f"CAVE cut the {way.noun} synapses of {', '.join(map(str, cut))}: where a partner is not among those that "
            "it sent, the number is blank, because it is not known."
        )
    return tuple(sentences)


def _columns(
    cells: Sequence[Connectivity], together: Connectivity, side: Side, frame: pd.DataFrame
) -> tuple[Column, ...]:
    """Synapses with each cell right behind their sum."""
    own = {f"{OF_CELL}{one.cell.root_id}": place for place, one in enumerate(cells, start=1)} if side != "both" else {}
    titles = {name: f"{Direction(side).opposite.preposition} cell {place}" for name, place in own.items()} | {
        NUM_CELLS: "number of cells"
    }
    rank = {name: place for place, name in enumerate((*_FIRST, *own))}
    columns = [
        replace(
            column,
            title=titles.get(column.name, column.title),
            aliases=(f"cell_{own[column.name]}",) if column.name in own else column.aliases,
        )
        for column in partner_columns.columns_of(together, side, frame)
    ]
    return tuple(sorted(columns, key=lambda column: rank.get(column.name, len(rank))))


def _synapses(pre: Connectivity, post: Connectivity) -> int | None:
    ends = ((pre, Direction.OUT, post), (post, Direction.IN, pre))
    for one, way, other in ends:
        if one.truncated[way]:
            continue
        if pre is post:
            return one.totals[way]["autapses"]
        side = one.side(way)
        return int(side.loc[side["root_id"] == other.cell.root_id, "num_syn"].sum())
    return None
