"""What single synapses say of a partner: mean scores, the transmitter, and the neuropils where they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from services.cave.queries import Filters
from services.cave.release import Release
from services.cave.synapse_shape import TRANSMITTERS, VALID_NT, SynapseShape
from services.cells import role_tables
from services.core.directions import Direction
from services.core.errors import BadInput, NotFound

if TYPE_CHECKING:
    from collections.abc import Sequence

MEAN = "mean_"
TRANSMITTER = "transmitter"
NEUROPIL, NEUROPILS = "neuropil", "neuropils"
"""Columns that this module adds to a partner frame, beside `mean_<score>` and the probabilities of transmitters."""
NO_NEUROPIL = "none"


def with_scores(
    partners: pd.DataFrame, synapses: pd.DataFrame, shape: SynapseShape, direction: Direction
) -> pd.DataFrame:
    """A partner frame with the mean of each score of its synapses as mean_<score> (Float64, null where no synapse has
    one). `synapses` are all of that direction. Raises NotFound where synapses have no scores."""
    if not shape.scores:
        raise NotFound("These synapses have no scores.", "Leave out the scores.")
    means = _means(synapses, shape.scores, partners["root_id"], direction)
    return partners.assign(**{f"{MEAN}{name}": means[name].array for name in shape.scores})


def with_transmitters(
    partners: pd.DataFrame, synapses: pd.DataFrame, direction: Direction, probabilities: pd.DataFrame | None = None
) -> pd.DataFrame:
    """A partner frame with the mean probability of each transmitter at its synapses (Float64, 0 to 1), and
    `transmitter` (string): that of the highest mean. Null where no synapse has valid ones.

    The `probabilities` are those of :func:`transmitters`; None = the columns of `synapses`. What a synapse releases is
    its presynaptic cell's: the partner's for inputs, this cell's own for outputs. Raises NotFound where synapses have
    no probabilities of transmitters."""
    synapses = synapses if probabilities is None else synapses.join(probabilities, on="id")
    names = [name for name in TRANSMITTERS if name in synapses]
    if not names:
        raise NotFound("These synapses have no probabilities of transmitters.", "Leave out the transmitters.")
    valid = synapses[synapses[VALID_NT].fillna(False).to_numpy(bool)] if VALID_NT in synapses else synapses
    means = _means(valid, names, partners["root_id"], direction)
    numbers = means.to_numpy(np.float64, na_value=-1.0)
    known = (numbers >= 0).any(axis=1)
    words = pd.Series([TRANSMITTERS[names[at]] for at in numbers.argmax(axis=1)], dtype="string")
    most = words.where(pd.Series(known)).array
    return partners.assign(**{TRANSMITTER: most}, **{name: means[name].array for name in names})


def with_neuropils(partners: pd.DataFrame, synapses: pd.DataFrame, of: pd.Series, direction: Direction) -> pd.DataFrame:
    """A partner frame with `neuropil` (string), the one of most of its synapses, and `neuropils` (string), all with the
    number of synapses in each: "GNG 5, FB 2, none 1". Equal ones go by name, synapses without one are `none`, last.

    `of` is the neuropil of each synapse, by id."""
    names = of.reindex(synapses["id"].astype("int64")).fillna(NO_NEUROPIL).to_numpy(object)
    ends = synapses[direction.partner].fillna(0).to_numpy(np.int64)
    counts = pd.DataFrame({"root_id": ends, "name": names}).value_counts().reset_index(name="count")
    counts["last"] = counts["name"] == NO_NEUROPIL
    counts = counts.sort_values(["last", "count", "name"], ascending=[True, False, True])
    words = (counts["name"] + " " + counts["count"].astype(str)).groupby(counts["root_id"]).agg(", ".join)
    first = counts.drop_duplicates("root_id").set_index("root_id")["name"]
    columns = {NEUROPIL: first.where(first != NO_NEUROPIL), NEUROPILS: words}
    return partners.assign(
        **{name: values.reindex(partners["root_id"]).astype("string").array for name, values in columns.items()}
    )


@dataclass(frozen=True)
class TransmitterTable:
    """A table that refers to the synapses, with the columns of its probabilities."""

    table: str
    names: tuple[str, ...]
    says_validity: bool


def transmitter_table(release: Release) -> TransmitterTable | None:
    """Where the probabilities of transmitters are, if not in the table of synapses itself; None for nowhere else."""
    table, synapses = release.roles.neurotransmitters.table, release.roles.synapses.table
    if table is None or table == synapses or release.table_info(table).reference_table != synapses:
        return None
    there = release.sample(table).columns
    of_synapses = release.synapse_shape().transmitters  # in its rows too, with an ending only beside its own
    own = (name for name in TRANSMITTERS if name not in of_synapses or f"{name}_ref" in there)
    names = tuple(name for name in own if name in there)
    return TransmitterTable(table, names, VALID_NT in there) if names else None


def fault(release: Release) -> str:
    """A sentence where the table with the role of neurotransmitters has none of the synapses; "" where it has, or there
    is no such table."""
    table = release.roles.neurotransmitters.table
    if table in (None, release.roles.synapses.table) or transmitter_table(release):
        return ""
    return f"{table}, named for neurotransmitters, has no probabilities of transmitters of the synapses."


def transmitters(release: Release, root_id: int, direction: Direction) -> pd.DataFrame | None:
    """The probabilities of each synapse of a cell in one direction, by synapse id (int64), with their validity where it
    is said; None where the synapses have them themselves. One request, or as many as CAVE needs for all of them."""
    source = None if release.synapse_shape().transmitters else transmitter_table(release)
    if source is None:
        return None
    names = ["target_id", *source.names, *([VALID_NT] if source.says_validity else [])]
    own = Filters(equal={direction.own: root_id})
    rows = release.query(source.table, own, select_columns=names, whole=True)
    probabilities = rows[names].dropna(subset=["target_id"]).drop_duplicates("target_id").astype({"target_id": "int64"})
    return probabilities.set_index("target_id")


def neuropils(release: Release, root_id: int, direction: Direction) -> pd.Series:
    """The neuropil of each synapse of a cell in one direction, as far as one is known, by synapse id (int64). One
    request, or as many as CAVE needs for all of them. Raises NotFound where the version has no such table, BadInput
    where it is of something else."""
    role = release.roles.neuropils
    if role.table is None:
        raise NotFound(f"Version {release.number} has no table of neuropils.", "Leave out the neuropils.")
    if message := role_tables.fault(release, "neuropils"):
        raise BadInput(message, "Leave out the neuropils.")
    own = Filters(equal={direction.own: root_id})
    names = ["target_id", role.column]
    rows = release.query(role.table, own, select_columns=names, whole=True)
    known = rows[names].dropna().drop_duplicates("target_id").astype({"target_id": "int64"})
    return known.set_index("target_id")[role.column]


def _means(synapses: pd.DataFrame, names: Sequence[str], roots: pd.Series, direction: Direction) -> pd.DataFrame:
    """The mean of columns of the synapses of each root id, in their order; Float64."""
    values = {name: synapses[name].to_numpy(np.float64, na_value=np.nan) for name in names}
    ends = synapses[direction.partner].fillna(0).to_numpy(np.int64)
    means = pd.DataFrame(values, columns=list(names)).groupby(ends).mean()
    return means.reindex(roots.to_numpy(np.int64)).astype("Float64")
