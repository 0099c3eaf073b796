"""The synapses behind a row of the partner table, and behind the plots."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, cast, get_args

import numpy as np
import pandas as pd

from services.cave.client import Cave
from services.cells import cell_types, connectivity
from services.cells.connectivity import Connectivity
from services.cells.pasted import one_id
from services.cells.synapse_rows import depths_um
from services.core import space
from services.core.directions import Direction
from services.core.errors import NotFound
from services.core.profiles import Volume

Apart = Literal["autapses", "root_zero"]


def of_cell(cave: Cave, connections: Connectivity, direction: Direction) -> pd.DataFrame:
    """Every synapse of one direction, autapses and those with root id 0 included, in the order of their ids.

    The columns of :meth:`Cave.synapses` with root_id (int64: the partner, 0 = none), depth_um (float64) and layer
    (ordered categories, one such column for each source of layers) in a volume with depths, and what a type table that
    refers to synapses says of each; without size where synapses have none. Costs nothing: the partners were counted
    from these.
    """
    rows = described(connectivity.synapses(cave, connections, direction), direction, cave.volume(connections.datastack))
    if not connections.sized:
        rows = rows.drop(columns="size")
    if not connections.typed_synapses:
        return rows
    types = cell_types.of_synapses([connections.typed_synapses[direction]], "id").frame.reindex(rows["id"])
    return rows.assign(**{name: types[name].array for name in types.columns if name not in rows})


def warnings(connections: Connectivity, synapses: pd.DataFrame) -> tuple[str, ...]:
    """The warnings of a cell for a frame of its synapses, with what its type table leaves open of these."""
    table = connections.type_table
    if not table:
        return connections.warnings
    if not connections.typed_synapses:
        words = f"{table} is about cells, so its columns stand with the partners, not with the synapses."
        return (*connections.warnings, words)
    types = cell_types.of_synapses([*connections.typed_synapses.values()], "id")
    return (*connections.warnings, *cell_types.differing([types], synapses["id"].to_numpy(np.int64), table, "synapse"))


def described(synapses: pd.DataFrame, direction: Direction, volume: Volume) -> pd.DataFrame:
    """Synapses of one direction with the root_id, depth_um and layers of :func:`of_cell`, sorted by id."""
    frame = synapses.assign(root_id=synapses[direction.partner].fillna(0).to_numpy(np.int64))
    if volume.has_depth:
        depth = depths_um(synapses, volume)
        layers = {name: space.layer_of(depth, by) for name, by in volume.layer_columns.items()}
        frame = frame.assign(depth_um=depth, **layers)
    frame = frame.sort_values("id", ignore_index=True)
    frame.attrs = dict(synapses.attrs)
    return frame


def of_partner(cave: Cave, connections: Connectivity, direction: Direction, partner: int | Apart) -> pd.DataFrame:
    """The synapses behind one row: those with the cell `partner`, the autapses, or those with root id 0.

    Raises NotFound when there are none.
    """
    every = of_cell(cave, connections, direction)
    root_id = {"autapses": connections.cell.root_id, "root_zero": 0}.get(str(partner), partner)
    rows = every[every["root_id"] == root_id].reset_index(drop=True)
    if rows.empty:
        way = "input from" if direction == "in" else "output to"
        raise NotFound(
            f"Cell {connections.cell.root_id} has no {way} {partner} at version {connections.version.number}."
        )
    return rows


def of_partner_in(
    cave: Cave, connections: Connectivity, directions: Sequence[Direction], partner: str
) -> dict[Direction, pd.DataFrame]:
    """:func:`of_partner` for each of some directions that has any; `partner` is an id as text, "autapses" or
    "root_zero". Raises BadInput for what is neither, NotFound when there are none at all."""
    partner_of = cast("Apart", partner) if partner in get_args(Apart) else one_id(partner)
    rows: dict[Direction, pd.DataFrame] = {}
    for direction in directions:
        try:
            rows[direction] = of_partner(cave, connections, direction, partner_of)
        except NotFound as error:
            missing = error
    if not rows:
        raise missing
    return rows


def with_partners(synapses: pd.DataFrame, partners: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """The synapses (of :func:`of_cell`) of the partners in a frame, with `columns` of it and with `row`, the place
    of the partner in that frame, from 0 (int64). Others, autapses among them, are left out."""
    rows = pd.Index(partners["root_id"]).get_indexer(synapses["root_id"])
    kept = synapses[rows >= 0].reset_index(drop=True)
    at = rows[rows >= 0]
    return kept.assign(row=at, **{name: partners[name].take(at).array for name in columns})
