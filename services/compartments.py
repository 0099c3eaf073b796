"""Where on the postsynaptic cell synapses sit: spine, shaft or soma, as predicted for single synapses."""

from __future__ import annotations

import pandas as pd

from services.cave import Cave, Filters
from services.connectivity import Connectivity, Direction
from services.errors import NotFound
from services.partner_synapses import PARTNER
from services.records import TableInfo

TAGS = ("spine", "shaft", "soma")
NOT_PREDICTED = "not_predicted"
COUNTS = tuple(f"on_{tag}" for tag in TAGS)
"""Columns that this module adds to a partner frame, with NOT_PREDICTED."""

_PREFIX = "synapse_target_predictions"
_OWN = {"in": "post_pt_root_id", "out": "pre_pt_root_id"}


def table_of(cave: Cave, datastack: str, version: int) -> TableInfo | None:
    """The newest table of predicted compartments that the version has; None without one."""
    synapses = cave.info(datastack).get("synapse_table")
    infos = cave.tables(datastack, version).values()
    fitting = [info for info in infos if info.name.startswith(_PREFIX) and info.reference_table == synapses]
    return max((info for info in fitting if info.kind == "table"), key=lambda info: info.name, default=None)


def predictions(cave: Cave, found: Connectivity, direction: Direction) -> pd.DataFrame:
    """The predicted compartment of each synapse of one direction, as far as there is one, by synapse id.

    Columns: id (int64: the synapse) and tag (string). One request, beside a first one for each table and version;
    `attrs["truncated"]` tells when CAVE cut it. Raises NotFound where the version has no such table.
    """
    info = table_of(cave, found.datastack, found.version.number)
    if info is None:
        raise NotFound(
            f"Version {found.version.number} of {found.datastack} has no table of predicted compartments.",
            "Another version may have one.",
        )
    own = Filters(equal={_OWN[direction]: found.cell.root_id})
    rows = cave.query(found.datastack, found.version.number, info.name, own, select_columns=["target_id", "tag"])
    tags = rows[["target_id", "tag"]].dropna().drop_duplicates("target_id").sort_values("target_id", ignore_index=True)
    tags = tags.rename(columns={"target_id": "id"}).astype({"id": "int64"})
    tags.attrs = dict(rows.attrs)
    return tags


def of_synapses(synapses: pd.DataFrame, tags: pd.DataFrame) -> pd.DataFrame:
    """Synapses with their `compartment` (string, null = not predicted)."""
    found = tags.set_index("id")["tag"].reindex(synapses["id"].astype("int64"))
    return synapses.assign(compartment=found.astype("string").array)


def with_compartments(
    partners: pd.DataFrame, synapses: pd.DataFrame, tags: pd.DataFrame, direction: Direction
) -> pd.DataFrame:
    """A partner frame with the number of synapses on_spine, on_shaft, on_soma and not_predicted (int64; any other
    tag counts as not predicted, so the four add up to num_syn), and pct_on_spine (Float64) of those predicted.

    The compartment is the postsynaptic cell's: this cell's for inputs, the partner's for outputs. `synapses` are all of
    that direction.
    """
    tagged = of_synapses(synapses, tags)
    partner = tagged[PARTNER[direction]].fillna(0).astype("int64")
    counts = pd.crosstab(partner, tagged["compartment"]).reindex(columns=list(TAGS), fill_value=0)
    counts = counts.reindex(partners["root_id"], fill_value=0).astype("int64")
    frame = partners.assign(**{f"on_{tag}": counts[tag].to_numpy() for tag in TAGS})
    predicted = frame[list(COUNTS)].sum(axis=1)
    frame[NOT_PREDICTED] = frame["num_syn"] - predicted
    frame["pct_on_spine"] = frame["on_spine"].astype("Float64") * 100 / predicted.where(predicted > 0).astype("Float64")
    return frame
