"""The partner table of a cell as the page shows it: which partners are listed, and with which columns."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import astuple, dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd

from services.cave.client import Cave
from services.cave.release import Release
from services.cells import (
    cell_types,
    cells,
    compartments,
    connectivity,
    partner_columns,
    partner_joins,
    partner_sets,
    proofreading,
    representative,
    role_tables,
    synapse_values,
    synapse_weights,
    tuning,
)
from services.cells.connectivity import Connectivity
from services.cells.partner_columns import (
    AXON,
    COMPARTMENT,
    DENDRITE,
    NEUROPILS,
    SCORES,
    SHARE,
    TRANSMITTERS,
    TUNED,
    TUNING,
    WORKED_OUT,
)
from services.cells.representative import POINTS
from services.core.columns import Column
from services.core.directions import Direction, Side
from services.core.errors import BadInput, NotFound
from services.core.parallel import gather
from services.filters.nodes import Node
from services.tables import tables
from services.tables.tables import TableQuery


@dataclass(frozen=True)
class PartnerOptions:
    """Which partners of one side to list, and with which further columns.

    `top` keeps the largest partners that together make up this percentage of all synapses (None = all) and is applied
    first; then `at_least` is the least number of synapses, and `proofread` keeps proofread partners only. `more` names
    columns to add: those of :data:`partner_columns.WORKED_OUT`, and tables to join.
    """

    side: Side
    at_least: int = 1
    proofread: bool = False
    more: tuple[str, ...] = ()
    top: Fraction | None = None


@dataclass(frozen=True)
class PartnerTable:
    """The partners listed, in the order of :func:`connectivity.partners`, and their `columns` in display order.
    `left_out` has sentences about partners that are not listed, `notes` about what the columns mean."""

    frame: pd.DataFrame
    columns: tuple[Column, ...]
    left_out: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def threshold(text: str) -> int:
    """The least number of synapses of a partner, from text; "" is 1. Raises BadInput unless a whole number from 1."""
    if not text:
        return 1
    if not (text.isascii() and text.isdigit() and int(text[:9]) >= 1 and len(text) < 9):
        raise BadInput(f"{text[:20]!r} is not a number of synapses.", "Give a whole number, 1 or more.")
    return int(text)


def percentage(text: str) -> Fraction | None:
    """The percentage of synapses that the largest partners make up, from text such as "80" or "80%"; "" is None, for
    all partners. Raises BadInput for text that is not a percentage above 0 and up to 100."""
    if not text:
        return None
    match = re.fullmatch(r"([0-9]{1,3}(?:\.[0-9]{1,4})?)\s*%?", text, re.ASCII)
    percent = Fraction(match[1]) if match else Fraction(0)
    if not 0 < percent <= 100:
        raise BadInput(f"{text[:20]!r} is not a percentage.", "Give a number above 0 and up to 100, such as 80.")
    return percent


def select(table: PartnerTable, query: TableQuery) -> tuple[pd.DataFrame, Node]:
    """The partners of a table that a query keeps, in its order, and the filter of the query. Raises BadInput for a
    filter or a sort column that the table does not understand."""
    kept_by = tables.filter_of(table.columns, query)
    rows = tables.rows_of(table.frame, table.columns, kept_by, query.sort)
    return table.frame.take(rows).reset_index(drop=True), kept_by


def one_below_the_other(parts: Mapping[Side, PartnerTable]) -> PartnerTable:
    """The tables of several sides stacked into one; the last column, `direction`, is the side of each row."""
    frame = pd.concat([part.frame.assign(direction=side) for side, part in parts.items()], ignore_index=True)
    column_of = {column.name: column for part in parts.values() for column in part.columns}
    columns = [column_of[name] for name in frame.columns if name in column_of]
    left_out, notes = (
        tuple(dict.fromkeys(message for part in parts.values() for message in getattr(part, name)))
        for name in ("left_out", "notes")
    )
    return PartnerTable(frame, (*columns, Column("direction", "direction", "text")), left_out, notes)


def open_partners(cave: Cave, connections: Connectivity, options: PartnerOptions) -> PartnerTable:
    """The partner table of a cell for some options; kept in memory.

    Raises BadInput for a threshold below 1, for a table that cannot be joined, and where proofread partners or shares
    are requested and the version cannot tell them; NotFound for a table that the version does not have.
    """
    types = (connections.type_table or "", connections.type_by)
    parts = (
        connections.datastack,
        connections.version.number,
        connections.cell.root_id,
        *types,
        connections.whole,
        connections.only,
    )
    release = Release(cave, connections.datastack, connections.version)
    derived = cave.at(connections.datastack).derived.of("partners", *parts, *astuple(options))
    return derived.get(lambda: _open(release, connections, options))


def _open(release: Release, connections: Connectivity, options: PartnerOptions) -> PartnerTable:
    proofread = proofreading.rows(release)
    frame = described(release, connections, options.side)
    if proofread is not None:
        frame = proofreading.of_partners(frame, proofread)
    frame, left_out = counted(frame, options, proofread, proofreading.missing(release))
    frame, notes = _with_more(release, connections, options, frame)
    if options.side != "both" and proofread is not None:
        frame = frame.drop(columns=DENDRITE if options.side == "in" else AXON, errors="ignore")
    return PartnerTable(
        frame,
        partner_columns.columns_of(connections, options.side, frame),
        left_out,
        (*unknown(release, options), *ambiguous(connections, options.side, frame), *notes),
    )


def ambiguous(connections: Connectivity, side: Side, frame: pd.DataFrame) -> tuple[str, ...]:
    """A sentence about the partners in a frame of one side whose rows in the type table differ; () if none do."""
    ways = tuple(Direction) if side == "both" else (Direction(side),)
    typed = [rows for way, rows in connections.typed_synapses.items() if way in ways]
    parts = [cell_types.of_synapses(typed)] if typed else connections.types
    return cell_types.differing(parts, frame["root_id"].to_numpy(np.int64), connections.type_table or "")


def unknown(release: Release, options: PartnerOptions) -> tuple[str, ...]:
    """Sentences about what is not known of any partner, and the notices that owners attached to the joined tables."""
    return (*filter(None, [cells.no_nuclei(release)]), *release.notices(*options.more))


def described(release: Release, connections: Connectivity, side: Side) -> pd.DataFrame:
    """The partners of a side with the columns that need no request: shares of the cell's synapses, and distances."""
    if side == "both":
        frame = partner_sets.both(connections)
        frame.insert(1, "num_syn", frame["num_syn_in"].fillna(0).add(frame["num_syn_out"].fillna(0)).astype("int64"))
    else:
        frame = synapse_weights.with_weights(connections, Direction(side))
    return partner_joins.with_distance(frame, connections.cell, cells.somas(release), release.volume)


def counted(
    frame: pd.DataFrame, options: PartnerOptions, proofread: pd.DataFrame | None, missing: str
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The partners that `options` keep, and sentences about those left out. `proofread` is a frame of
    :func:`proofreading.rows`; where it is None, `missing` says why. Raises BadInput with `missing` where only proofread
    partners are requested."""
    left_out = []
    if options.top is not None:
        frame, message = partner_sets.largest(frame, options.top)
        left_out.append(message)
    if options.at_least > 1:
        left_out.append(partner_sets.below(frame, options.at_least))
        frame = partner_sets.at_least(frame, options.at_least)
    if options.proofread and proofread is None:
        raise BadInput(missing, "Show all partners, or choose another version.")
    if options.proofread and proofread is not None:
        ways = tuple(Direction) if options.side == "both" else (Direction(options.side),)
        kept = pd.concat([pd.Series(proofreading.mask(frame, way, proofread)) for way in ways], axis=1).all(axis=1)
        lost = frame.loc[~kept.to_numpy(bool), "num_syn"]
        left_out.append(
            f"Left out: {partner_sets.counted(len(lost), 'partner')} {_touching(options.side, proofread, len(lost))} "
            f"not proofread in {proofread.attrs['table']}, {partner_sets.counted(int(lost.sum()), 'synapse')}."
        )
        frame = frame[kept.to_numpy(bool)].reset_index(drop=True)
    return frame, tuple(filter(None, left_out))


def _touching(side: Side, proofread: pd.DataFrame, number: int) -> str:
    if proofread.attrs["whole"]:
        return "that is" if number == 1 else "that are"
    return f"whose {({'in': 'axon', 'out': 'dendrite', 'both': 'axon or dendrite'})[side]} is"


def _with_more(
    release: Release, connections: Connectivity, options: PartnerOptions, frame: pd.DataFrame
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    messages: list[str] = []
    names = [name for name in options.more if name not in (*WORKED_OUT, connections.type_table)]
    if TUNING in options.more:
        frame, coverage = _with_tuning(release, connections, frame)
        messages.append(coverage)
    if POINTS in options.more:
        frame, coverage = representative.with_points(release, frame)
        messages.append(coverage)
    if options.side == "both":
        messages += partner_columns.of_one_direction(options.more)
    else:
        frame, notes = _with_requests(release, connections, options, frame)
        messages += notes
    joined = partner_joins.load_tables(release, names, frame["root_id"].tolist())
    frame, sentences = partner_joins.with_tables(frame, joined)
    return frame, (*messages, *sentences)


def _with_requests(
    release: Release, connections: Connectivity, options: PartnerOptions, frame: pd.DataFrame
) -> tuple[pd.DataFrame, list[str]]:
    """The columns of one direction that need a request each; the requests run in parallel."""
    cave, side = release.cave, Direction(options.side)
    questions: dict[str, Callable[[], Any]] = {
        SHARE: lambda: synapse_weights.partner_degrees(cave, connections),
        COMPARTMENT: lambda: compartments.predictions(cave, connections, side),
        TRANSMITTERS: lambda: synapse_values.transmitters(release, connections.cell.root_id, side),
        NEUROPILS: lambda: synapse_values.neuropils(release, connections.cell.root_id, side),
    }
    requested = [name for name in questions if name in options.more]
    answers = dict(zip(requested, gather(*map(questions.__getitem__, requested)), strict=True))
    degrees, tags, transmitters, neuropils = map(answers.get, questions)
    share = SHARE in requested
    messages: list[str] = []
    if share and (message := role_tables.fault(release, "degrees")):
        raise BadInput(message, "Leave out the shares.")
    if share:
        frame = with_shares(connections, side, frame, degrees)
        messages += synapse_weights.explain(connections, synapse_weights.degree_view(release))
    if tags is not None:
        frame = compartments.with_compartments(frame, connectivity.synapses(cave, connections, side), tags, side)
        messages.append(f"{int(frame['not_predicted'].sum()):,} of these synapses have no predicted compartment.")
    if {SCORES, TRANSMITTERS, NEUROPILS} & {*options.more}:
        frame = _with_values(release, connections, options, frame, (transmitters, neuropils))
    return frame, messages


def _with_values(
    release: Release,
    connections: Connectivity,
    options: PartnerOptions,
    frame: pd.DataFrame,
    of_synapses: tuple[pd.DataFrame | None, pd.Series | None],
) -> pd.DataFrame:
    """The columns that are read from single synapses. `of_synapses` are the answers of
    :func:`synapse_values.transmitters` and :func:`synapse_values.neuropils`."""
    transmitters, neuropils = of_synapses
    side = Direction(options.side)
    synapses = connectivity.synapses(release.cave, connections, side)
    if SCORES in options.more:
        frame = synapse_values.with_scores(frame, synapses, release.synapse_shape(), side)
    if TRANSMITTERS in options.more:
        frame = synapse_values.with_transmitters(frame, synapses, side, transmitters)
    return frame if neuropils is None else synapse_values.with_neuropils(frame, synapses, neuropils, side)


def with_shares(
    connections: Connectivity, side: Direction, frame: pd.DataFrame, degrees: pd.DataFrame | None
) -> pd.DataFrame:
    """Partners with `partner_total` and `pct_of_partner`, from :func:`synapse_weights.degrees`; unchanged for None."""
    added = synapse_weights.with_weights(connections, side, degrees).set_index("root_id")
    names = [name for name in (synapse_weights.PARTNER_TOTAL, synapse_weights.PCT_OF_PARTNER) if name in added]
    return pd.concat([frame, added.loc[frame["root_id"], names].reset_index(drop=True)], axis=1)


def _with_tuning(release: Release, connections: Connectivity, frame: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """The partners with the tuning of those that are coregistered, null for others, and a sentence that counts them."""
    unit_tables = tuning.tables(release)
    if not unit_tables:
        raise NotFound(f"Version {connections.version.number} has no table of tuning.", "Another version may have one.")
    tuned = tuning.tuning(release, unit_tables[0].name)
    coregistered = tuning.with_tuning(frame, connections.cell.root_id, tuned)
    added = coregistered.astype({"num_units": "Int64"}).set_index("root_id")[list(TUNED)]
    joined = pd.concat([frame, added.reindex(frame["root_id"]).reset_index(drop=True)], axis=1)
    return joined, tuning.coverage(frame, coregistered, unit_tables[0].name)
