"""The columns of a partner table: which can be added, their titles and units, and their order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from services.cave import synapse_shape
from services.cave.release import Release
from services.cells import compartments, partner_joins, role_tables, synapse_values, synapse_weights, tuning
from services.cells.connectivity import PARTNER_COLUMNS, Connectivity
from services.cells.partner_joins import SEPARATOR
from services.cells.representative import POINTS
from services.core.columns import Column, describe_columns
from services.core.directions import Direction, Side
from services.core.roles import CONTACT_SCHEMAS, SYNAPSE_SCHEMAS, is_of_pairs
from services.tables import tables

SHARE, COMPARTMENT, TUNING = "share", "compartment", "tuning"
SCORES, TRANSMITTERS, NEUROPILS = "scores", "transmitters", "neuropils"
WORKED_OUT = (SHARE, COMPARTMENT, TUNING, POINTS, SCORES, TRANSMITTERS, NEUROPILS)
"""Names in `PartnerOptions.more` that stand for computed columns; every other name there is that of a table."""
TUNED = (*tuning.TUNING_COLUMNS, "delta_ori_deg", "delta_dir_deg")
AXON, DENDRITE = "strategy_axon", "strategy_dendrite"

_TITLES = {
    AXON: "axon proofreading",
    DENDRITE: "dendrite proofreading",
    "lateral_distance_um": "distance along the surface",
    "num_syn_in": "input synapses",
    "num_syn_out": "output synapses",
    "net_size_in": "summed input size",
    "net_size_out": "summed output size",
    "mean_size_in": "mean input size",
    "mean_size_out": "mean output size",
    "pct_on_spine": "% on spines of those predicted",
    "pref_ori_deg": "preferred orientation",
    "pref_dir_deg": "preferred direction",
    "delta_ori_deg": "orientation from this cell's",
    "delta_dir_deg": "direction from this cell's",
    "num_units": "recorded units",
    "neuropil": "neuropil of most synapses",
    "neuropils": "synapses in each neuropil",
    **{name: f"mean probability of {word}" for name, word in synapse_shape.TRANSMITTERS.items()},
}
_UNITS = {name: "°" for name in TUNED if name.endswith("_deg")} | {
    "net_size_in": "vx",
    "net_size_out": "vx",
    "mean_size_in": "vx",
    "mean_size_out": "vx",
}
_OF_NO_CELL = (*SYNAPSE_SCHEMAS, *CONTACT_SCHEMAS, "reference_point")
"""Schema types of tables whose rows do not describe a cell."""
_WITH_STRENGTH = ("soma_depth_um", partner_joins.SOMA_DISTANCE)
"""Columns about the position of a soma that are listed with the synapse counts, not at the end."""
_FIRST = ("root_id", "reciprocal", "num_syn", "num_syn_in", "num_syn_out")


def default_types(release: Release) -> str:
    """The type table to use when none is chosen: the one with the role of cell types; "" if there is none."""
    return release.roles.cell_types.table or ""


def offered(release: Release, type_table: str) -> dict[str, str]:
    """What can be added to a partner table, by name, with its label: computed columns, then every table and view
    except `type_table` whose rows may describe a root id, in the order of :func:`tables.catalogue`."""
    roles = release.roles
    computed = {
        SHARE: "% of the partner's own synapses" if role_tables.table_of(release, "degrees") else "",
        COMPARTMENT: "spine, shaft or soma" if compartments.table_of(release) else "",
        TUNING: "tuning, where coregistered" if tuning.tables(release) else "",
        POINTS: "representative points" if role_tables.table_of(release, "representative_points") else "",
        **_of_synapses(release),
    }
    synapses = roles.synapses.table or ""
    basic = {type_table, synapses, roles.somata.table, roles.degrees.table}
    joined = {
        info.name: info.name
        for info in tables.catalogue(release)
        if info.name not in basic
        and info.reference_table != synapses
        and info.schema_type not in _OF_NO_CELL
        and not is_of_pairs(info.name)
    }
    return {name: label for name, label in computed.items() if label} | joined


def _of_synapses(release: Release) -> dict[str, str]:
    """The computed columns read from single synapses, with their labels; "" for one the version cannot give."""
    roles = release.roles
    if roles.synapses.table is None:
        return {}
    shape = release.synapse_shape()
    return {
        SCORES: f"mean {' and '.join(shape.scores)}".replace("_", " ") if shape.scores else "",
        TRANSMITTERS: "transmitter" if shape.transmitters or synapse_values.transmitter_table(release) else "",
        NEUROPILS: "neuropils" if role_tables.table_of(release, "neuropils") else "",
    }


def of_one_direction(more: Sequence[str]) -> tuple[str, ...]:
    """A sentence that names those of `more` that exist for one direction only, for tables of both; () if none do."""
    labels = {name: name for name in (COMPARTMENT, SCORES, TRANSMITTERS, NEUROPILS)} | {SHARE: "share"}
    left_out = [label for name, label in labels.items() if name in more]
    return (f"Read for inputs or outputs alone: {', '.join(left_out)}.",) if left_out else ()


def fitting(release: Release, type_table: str, more: Sequence[str]) -> tuple[tuple[str, ...], list[str]]:
    """The names in `more` that can be added at this version, and a warning for each that cannot."""
    available = {*offered(release, type_table), type_table}
    unknown = [name for name in more if name not in available]
    warnings = [
        f"Version {release.number} of {release.datastack} has no {name[:80]!r} to add to the partners; left out."
        for name in unknown
    ]
    return tuple(name for name in more if name in available), warnings


def columns_of(connections: Connectivity, side: Side, frame: pd.DataFrame) -> tuple[Column, ...]:
    """The columns of a partner frame with their titles and units, in display order: what the partner is, how strong
    the connection is, then where the soma lies."""
    described = (
        describe_columns(frame) if side == "both" else synapse_weights.describe(frame, connections, Direction(side))
    )
    titled = [
        replace(
            column,
            title=_TITLES.get(column.name, column.title.replace(SEPARATOR, ": ")),
            unit=_UNITS.get(column.name, column.unit),
        )
        for column in described
        if not (side == "both" and column.name == "num_syn")
        and (connections.sized or not column.name.startswith(("net_size", "mean_size")))
    ]
    basic = {*PARTNER_COLUMNS, *_TITLES}
    return tuple(sorted(titled, key=lambda column: _rank(column.name, basic)))


def _rank(name: str, basic: set[str]) -> int:
    """The sort key of a column; `basic` are the columns that are not from a type table or a joined table."""
    if name in _FIRST:
        return _FIRST.index(name)
    placed = name.startswith(("soma_", "point_")) and name.endswith("_um")
    if name == "nucleus_id" or (placed and name not in _WITH_STRENGTH):
        return 100
    if name == "cell_type":
        return 20
    measured = name in basic or name.startswith(("pct_", "on_", "soma_", "partner_", "not_"))
    return 50 if measured and name not in (AXON, DENDRITE) else 30
