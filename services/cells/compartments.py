"""Where on the postsynaptic cell synapses sit: spine, shaft or soma, as predicted for single synapses."""

from __future__ import annotations

from typing import Protocol

import pandas as pd

from services.cave.client import Cave
from services.cave.queries import Filters
from services.cave.release import Release
from services.cells import role_tables
from services.cells.cells import Cell
from services.core.directions import Direction
from services.core.errors import BadInput, NotFound
from services.core.records import TableInfo, Version

ROLE = "compartments"
TAG = "tag"
"""The column of the compartment in frames, whatever the table calls it."""
TAGS = ("spine", "shaft", "soma")
NOT_PREDICTED = "not_predicted"
COUNTS = tuple(f"on_{tag}" for tag in TAGS)
"""Columns that this module adds to a partner frame, with NOT_PREDICTED."""


class OneCell(Protocol):
    """A cell at a version, such as a :class:`connectivity.Connectivity`."""

    @property
    def datastack(self) -> str: ...
    @property
    def version(self) -> Version: ...
    @property
    def cell(self) -> Cell: ...


def table_of(release: Release) -> TableInfo | None:
    """The table of predicted compartments that the version has; None without one that fits."""
    table = role_tables.table_of(release, ROLE)
    return release.table_info(table) if table else None


def required_table(release: Release) -> TableInfo:
    """The table of :func:`table_of`. Raises NotFound where the version has none, BadInput where that does not fit."""
    info = table_of(release)
    if message := role_tables.fault(release, ROLE):
        raise BadInput(message, "Leave out the compartments.")
    if info is None:
        raise NotFound(
            f"Version {release.number} of {release.datastack} has no table of predicted compartments.",
            "Another version may have one.",
        )
    return info


def predictions(cave: Cave, cell: OneCell, direction: Direction) -> pd.DataFrame:
    """The predicted compartment of each synapse of one direction, as far as there is one, by synapse id.

    Columns: id (int64: the synapse) and tag (string). One request, or as many as CAVE needs for all of them, beside a
    first one for each table and version. Raises NotFound where the version has no such table.
    """
    return tags(Release(cave, cell.datastack, cell.version), cell.cell.root_id, direction)


def tags(release: Release, root_id: int, direction: Direction) -> pd.DataFrame:
    """As :func:`predictions`, for any root id of a release."""
    of_cell = Filters(equal={direction.own: root_id})
    return of_rows(
        release, release.query(required_table(release).name, of_cell, select_columns=names(release), whole=True)
    )


def names(release: Release) -> list[str]:
    """The columns of the table that are read: of the synapse, and of the compartment."""
    return ["target_id", release.roles.compartments.column]


def of_rows(release: Release, rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of the table with the columns of :func:`predictions`: one a synapse, those without a tag left out."""
    columns = names(release)
    predicted = rows[columns].dropna().drop_duplicates("target_id").sort_values("target_id", ignore_index=True)
    return predicted.set_axis(["id", TAG], axis=1).astype({"id": "int64", TAG: "string"})


def of_synapses(synapses: pd.DataFrame, tags: pd.DataFrame) -> pd.DataFrame:
    """Synapses with their `compartment` (string, null = not predicted)."""
    result = tags.set_index("id")["tag"].reindex(synapses["id"].astype("int64"))
    return synapses.assign(compartment=result.astype("string").array)


def with_compartments(
    partners: pd.DataFrame, synapses: pd.DataFrame, tags: pd.DataFrame, direction: Direction
) -> pd.DataFrame:
    """A partner frame with the number of synapses on_spine, on_shaft, on_soma and not_predicted (int64; any other
    tag counts as not predicted, so the four add up to num_syn), and pct_on_spine (Float64) of those predicted.

    The compartment is the postsynaptic cell's: this cell's for inputs, the partner's for outputs. `synapses` are all of
    that direction.
    """
    tagged = of_synapses(synapses, tags)
    partner = tagged[direction.partner].fillna(0).astype("int64")
    counts = pd.crosstab(partner, tagged["compartment"]).reindex(columns=list(TAGS), fill_value=0)
    counts = counts.reindex(partners["root_id"], fill_value=0).astype("int64")
    frame = partners.assign(**{f"on_{tag}": counts[tag].to_numpy() for tag in TAGS})
    predicted = frame[list(COUNTS)].sum(axis=1)
    frame[NOT_PREDICTED] = frame["num_syn"] - predicted
    frame["pct_on_spine"] = frame["on_spine"].astype("Float64") * 100 / predicted.where(predicted > 0).astype("Float64")
    return frame
