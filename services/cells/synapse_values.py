"""Columns of partners from their single synapses: mean scores, the neurotransmitter, and the neuropils."""

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
"""Columns that this module adds to a partner frame, besides `mean_<score>` and the transmitter probabilities."""
NO_NEUROPIL = "none"
"""How `neuropils` names synapses without a neuropil."""


def with_scores(
    partners: pd.DataFrame, synapses: pd.DataFrame, shape: SynapseShape, direction: Direction
) -> pd.DataFrame:
    """A partner frame with the mean of each score over a partner's synapses as mean_<score> (Float64; null where no
    synapse has that score). `synapses` are all synapses of the direction. Raises NotFound where they have no scores."""
    if not shape.scores:
        raise NotFound("These synapses have no scores.", "Leave out the scores.")
    means = _means(synapses, shape.scores, partners["root_id"], direction)
    return partners.assign(**{f"{MEAN}{name}": means[name].array for name in shape.scores})


def with_transmitters(
    partners: pd.DataFrame, synapses: pd.DataFrame, direction: Direction, probabilities: pd.DataFrame | None = None
) -> pd.DataFrame:
    """A partner frame with the mean probability of each neurotransmitter over a partner's synapses (Float64, 0 to 1),
    and `transmitter` (string): the one with the highest mean. Null where no synapse has valid probabilities.

    `probabilities` are those of :func:`transmitters`; with None, the columns of `synapses` are used. A synapse's
    transmitter is that of its presynaptic cell: of the partner for inputs, of the cell itself for outputs. Raises
    NotFound where synapses have no transmitter probabilities."""
    synapses = synapses if probabilities is None else synapses.join(probabilities, on="id")
    names = [name for name in TRANSMITTERS if name in synapses]
    if not names:
        raise NotFound("These synapses have no probabilities of transmitters.", "Leave out the transmitters.")
    valid = synapses[synapses[VALID_NT].fillna(False).to_numpy(bool)] if VALID_NT in synapses else synapses
    means = _means(valid, names, partners["root_id"], direction)
    numbers = means.to_numpy(np.float64, na_value=-1.0)
    has_any = (numbers >= 0).any(axis=1)
    words = pd.Series([TRANSMITTERS[names[at]] for at in numbers.argmax(axis=1)], dtype="string")
    most = words.where(pd.Series(has_any)).array
    return partners.assign(**{TRANSMITTER: most}, **{name: means[name].array for name in names})


def with_neuropils(
    partners: pd.DataFrame, synapses: pd.DataFrame, by_synapse: pd.Series, direction: Direction
) -> pd.DataFrame:
    """A partner frame with `neuropil` (string), the neuropil of most of a partner's synapses, and `neuropils` (string),
    all of them with their number of synapses, such as "GNG 5, FB 2, none 1". Ties go by name; synapses without a
    neuropil come last, as NO_NEUROPIL.

    `by_synapse` is the neuropil of each synapse, indexed by synapse id; see :func:`neuropils`."""
    names = by_synapse.reindex(synapses["id"].astype("int64")).fillna(NO_NEUROPIL).to_numpy(object)
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
    """A table that refers to the synapses and has the transmitter probabilities `names`. `says_validity` is whether it
    has a column that marks valid ones."""

    table: str
    names: tuple[str, ...]
    says_validity: bool


def transmitter_table(release: Release) -> TransmitterTable | None:
    """The table with transmitter probabilities that refers to the synapses; None where no other table than theirs has
    any."""
    table, synapses = release.roles.neurotransmitters.table, release.roles.synapses.table
    if table is None or table == synapses or release.table_info(table).reference_table != synapses:
        return None
    columns = release.sample(table).columns
    of_synapses = release.synapse_shape().transmitters  # also in the joined rows, where a table's own gets a suffix
    of_table = (name for name in TRANSMITTERS if name not in of_synapses or f"{name}_ref" in columns)
    names = tuple(name for name in of_table if name in columns)
    return TransmitterTable(table, names, VALID_NT in columns) if names else None


def fault(release: Release) -> str:
    """A sentence where the table with the role of neurotransmitters has no transmitter probabilities of the synapses;
    "" where it has, and where there is no such table."""
    table = release.roles.neurotransmitters.table
    if table in (None, release.roles.synapses.table) or transmitter_table(release):
        return ""
    return f"{table}, named for neurotransmitters, has no probabilities of transmitters of the synapses."


def transmitters(release: Release, root_id: int, direction: Direction) -> pd.DataFrame | None:
    """The transmitter probabilities of each synapse of a cell in one direction, indexed by synapse id (int64), with the
    column that marks valid ones where there is one; None where the synapse table has them itself, or no table has. One
    request, or as many as CAVE needs to send all rows."""
    source = None if release.synapse_shape().transmitters else transmitter_table(release)
    if source is None:
        return None
    names = ["target_id", *source.names, *([VALID_NT] if source.says_validity else [])]
    of_cell = Filters(equal={direction.own: root_id})
    rows = release.query(source.table, of_cell, select_columns=names, whole=True)
    probabilities = rows[names].dropna(subset=["target_id"]).drop_duplicates("target_id").astype({"target_id": "int64"})
    return probabilities.set_index("target_id")


def neuropils(release: Release, root_id: int, direction: Direction) -> pd.Series:
    """The neuropil of each synapse of a cell in one direction that has one, indexed by synapse id (int64). One request,
    or as many as CAVE needs to send all rows. Raises NotFound where the version has no table of neuropils, BadInput
    where that table does not fit the role."""
    role = release.roles.neuropils
    if role.table is None:
        raise NotFound(f"Version {release.number} has no table of neuropils.", "Leave out the neuropils.")
    if message := role_tables.fault(release, "neuropils"):
        raise BadInput(message, "Leave out the neuropils.")
    of_cell = Filters(equal={direction.own: root_id})
    names = ["target_id", role.column]
    rows = release.query(role.table, of_cell, select_columns=names, whole=True)
    valued = rows[names].dropna().drop_duplicates("target_id").astype({"target_id": "int64"})
    return valued.set_index("target_id")[role.column]


def _means(synapses: pd.DataFrame, names: Sequence[str], roots: pd.Series, direction: Direction) -> pd.DataFrame:
    """The means of the columns `names` over the synapses with each of `roots`, in their order (Float64)."""
    values = {name: synapses[name].to_numpy(np.float64, na_value=np.nan) for name in names}
    ends = synapses[direction.partner].fillna(0).to_numpy(np.int64)
    means = pd.DataFrame(values, columns=list(names)).groupby(ends).mean()
    return means.reindex(roots.to_numpy(np.int64)).astype("Float64")
