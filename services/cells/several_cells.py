"""Several cells at once: the partners of any of them in one table, and the synapses among the cells themselves."""

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
"""Prefix of the column that counts synapses with one of the cells; the root id of the cell follows."""
NUM_CELLS = "num_cells"
_FIRST = ("root_id", "reciprocal", NUM_CELLS, "num_syn", "num_syn_in", "num_syn_out")
_SINGLE_CELL_COLUMNS = ("soma_distance_um", "lateral_distance_um")


def open_partners(cave: Cave, cells: Sequence[Connectivity], options: PartnerOptions) -> PartnerTable:
    """One row for each partner of any of the cells in one direction, or in either; kept in memory. The cells are of one
    datastack, version and type table.

    Columns: root_id; num_cells (int64), of how many of the cells it is a partner; num_syn, net_size and mean_size with
    all of them; `num_syn_<root id>` for each cell (Int64; 0 = none, null = not known, because CAVE truncated the cell's
    synapses); then the columns about the partner itself, those of tables in `options.more` included. Partners of most
    cells first, then most synapses, then by root id. `options.at_least` counts a partner's synapses with all cells. For
    both directions the columns are those of :func:`partner_sets.both`, with num_cells. Raises as
    :func:`partner_table.open_partners`.
    """
    first = cells[0]
    roots = ",".join(str(cell.cell.root_id) for cell in cells)
    types = (first.type_table or "", first.type_by)
    parts = (first.datastack, first.version.number, roots, *types, first.whole, first.only, *astuple(options))
    derived = cave.at(first.datastack).derived.of("partners of several", *parts)
    return derived.get(lambda: _open(Release(cave, first.datastack, first.version), cells, options))


def among(cells: Sequence[Connectivity]) -> pd.DataFrame:
    """Counts of the synapses from each cell (rows, by root id) onto each cell (columns), autapses on the diagonal.
    Int64; null = not known, because CAVE truncated the synapses at both ends."""
    roots = [cell.cell.root_id for cell in cells]
    counts = [[_synapses(pre, post) for post in cells] for pre in cells]
    return pd.DataFrame(counts, index=roots, columns=roots, dtype="Int64")


def totals(cells: Sequence[Connectivity]) -> dict[Direction, Totals]:
    """The totals of all cells together, for each direction. A partner of several cells is counted once."""
    summed: dict[Direction, Totals] = {}
    for way in Direction:
        partners = pd.concat([cell.side(way)["root_id"] for cell in cells])
        parts = [cell.totals[way] for cell in cells]
        summed[way] = Totals(
            num_syn=sum(part["num_syn"] for part in parts),
            num_partners=int(partners.nunique()),
            autapses=_sum(part["autapses"] for part in parts),
            root_zero=_sum(part["root_zero"] for part in parts),
        )
    return summed


def _sum(numbers: Iterable[int | None]) -> int | None:
    """The sum of numbers; None where one of them is not known."""
    values = list(numbers)
    return None if None in values else sum(number or 0 for number in values)


def with_partner(
    cave: Cave, cells: Sequence[Connectivity], directions: Sequence[Direction], partner: str
) -> dict[Direction, pd.DataFrame]:
    """The synapses of :func:`partner_synapses.of_partner_in` for several cells, cell by cell in one frame for each
    direction that has some. Raises BadInput for a `partner` that is not an id, NotFound when no cell has any."""
    parts: dict[Direction, list[pd.DataFrame]] = {}
    for cell in cells:
        with suppress(NotFound):
            for way, rows in partner_synapses.of_partner_in(cave, cell, directions, partner).items():
                parts.setdefault(way, []).append(rows)
    if not parts:
        raise NotFound(f"None of these {len(cells)} cells has a synapse with {partner}.")
    return {way: pd.concat(parts[way], ignore_index=True) for way in directions if way in parts}


def group(cells: Sequence[Connectivity], side: Side) -> Connectivity:
    """Several cells combined as if they were one: its partners are those of any of the cells, with their synapses with
    all of them and, for a single direction, with those of each cell in a column of its own. Synapses among the cells
    themselves are kept."""
    frames = {way: {cell.cell.root_id: cell.side(way) for cell in cells} for way in Direction}
    if side == "both":
        sides = {way: partner_sets.combined(parts).drop(columns=NUM_CELLS) for way, parts in frames.items()}
    else:
        cut = {way: [cell.cell.root_id for cell in cells if cell.truncated[way]] for way in Direction}
        sides = {way: partner_sets.side_by_side(parts, cut[way]) for way, parts in frames.items()}
    typed = {way: pd.concat(parts) for way in Direction if (parts := [*_typed(cells, way)])}
    sides = {way: cell_types.retyped(frame, [typed[way]] if way in typed else []) for way, frame in sides.items()}
    truncated = {way: _cut(cells, way) for way in Direction}
    together = replace(
        cells[0], inputs=sides[Direction.IN], outputs=sides[Direction.OUT], totals=totals(cells), truncated=truncated
    )
    return replace(together, typed_synapses=typed, types=tuple(rows for cell in cells for rows in cell.types))


def _typed(cells: Sequence[Connectivity], way: Direction) -> Iterator[pd.DataFrame]:
    """The rows of a type table that refers to synapses for those of each cell, autapses left out."""
    for cell in cells:
        rows = cell.typed_synapses.get(way)
        if rows is not None:
            yield rows[rows["root_id"] != cell.cell.root_id]


def _cut(cells: Sequence[Connectivity], way: Direction) -> Cut | None:
    """How many synapses of all cells CAVE sent, and of how many, where it truncated those of any cell; else None."""
    if not any(cell.truncated[way] for cell in cells):
        return None
    totals = [synapse_weights.cell_total(cell, way) for cell in cells]
    known_totals = [total for total in totals if total is not None]
    counts = [cell.totals[way] for cell in cells]
    shown = sum(count["num_syn"] + (count["autapses"] or 0) + (count["root_zero"] or 0) for count in counts)
    return Cut(shown=shown, total=sum(known_totals) if len(known_totals) == len(totals) else None)


def _open(release: Release, cells: Sequence[Connectivity], options: PartnerOptions) -> PartnerTable:
    side, together = options.side, group(cells, options.side)
    frame = partner_table.described(release, together, side).drop(columns=list(_SINGLE_CELL_COLUMNS), errors="ignore")
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
    """Of how many of the cells each row of `frame` is a partner, in either direction (int64)."""
    pairs = [cell.side(way)[["root_id"]].assign(cell=cell.cell.root_id) for cell in cells for way in Direction]
    return frame["root_id"].map(pd.concat(pairs).drop_duplicates()["root_id"].value_counts()).astype("int64")


def _joinable(first: Connectivity, more: Sequence[str]) -> tuple[list[str], tuple[str, ...]]:
    """The tables among the names in `more`, and a sentence where it names columns that only a single cell can have."""
    of_one = {name: name for name in partner_columns.WORKED_OUT if name != partner_columns.SHARE}
    of_one[partner_columns.COMPARTMENT] = "compartments"
    left_out = [label for name, label in of_one.items() if name in more]
    names = [name for name in more if name not in (*of_one, partner_columns.SHARE, first.type_table)]
    return names, (f"Read for one cell at a time: {', '.join(left_out)}.",) if left_out else ()


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
    if cut := [cell.cell.root_id for cell in cells if cell.truncated[way]]:
        sentences.append(
            f"CAVE cut the {way.noun} synapses of {', '.join(map(str, cut))}: where a partner is not among those that "
            "it sent, the number is blank, because it is not known."
        )
    return tuple(sentences)


def _columns(
    cells: Sequence[Connectivity], together: Connectivity, side: Side, frame: pd.DataFrame
) -> tuple[Column, ...]:
    """The columns in display order: the synapses with each cell follow their sum."""
    numbers = (
        {f"{OF_CELL}{cell.cell.root_id}": place for place, cell in enumerate(cells, start=1)} if side != "both" else {}
    )
    titles = {name: f"{Direction(side).opposite.preposition} cell {place}" for name, place in numbers.items()} | {
        NUM_CELLS: "number of cells"
    }
    rank = {name: place for place, name in enumerate((*_FIRST, *numbers))}
    columns = [
        replace(
            column,
            title=titles.get(column.name, column.title),
            aliases=(f"cell_{numbers[column.name]}",) if column.name in numbers else column.aliases,
        )
        for column in partner_columns.columns_of(together, side, frame)
    ]
    return tuple(sorted(columns, key=lambda column: rank.get(column.name, len(rank))))


def _synapses(pre: Connectivity, post: Connectivity) -> int | None:
    """The number of synapses from one cell onto another; None where CAVE truncated the synapses of both."""
    ends = ((pre, Direction.OUT, post), (post, Direction.IN, pre))
    for cell, way, other in ends:
        if cell.truncated[way]:
            continue
        if pre is post:
            return cell.totals[way]["autapses"]
        side = cell.side(way)
        return int(side.loc[side["root_id"] == other.cell.root_id, "num_syn"].sum())
    return None
