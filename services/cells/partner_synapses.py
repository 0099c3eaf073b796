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
    """Every synapse of a cell in one direction, autapses and those with root id 0 included, ordered by id.

    The columns of :meth:`Cave.synapses` with root_id (int64: the partner, 0 = none); in a volume with depths also
    depth_um (float64) and layer (ordered categorical, one column for each source of layer boundaries); and the columns
    of a type table that refers to synapses. No size where the synapses have none. No request: the partners were
    counted from these rows.
    """
    rows = described(connectivity.synapses(cave, connections, direction), direction, cave.volume(connections.datastack))
    if not connections.sized:
        rows = rows.drop(columns="size")
    if not connections.typed_synapses:
        return rows
    types = cell_types.of_synapses([connections.typed_synapses[direction]], "id").frame.reindex(rows["id"])
    return rows.assign(**{name: types[name].array for name in types.columns if name not in rows})


def warnings(connections: Connectivity, synapses: pd.DataFrame) -> tuple[str, ...]:
    """The warnings of a cell, and those about its type table for a frame of its synapses: that the table describes
    cells rather than synapses, or that its rows of the same synapse differ."""
    table = connections.type_table
    if not table:
        return connections.warnings
    if not connections.typed_synapses:
        message = f"{table} is about cells, so its columns stand with the partners, not with the synapses."
        return (*connections.warnings, message)
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
    """The synapses behind one row of the partner table: those with the root id `partner`, the autapses, or those with
    root id 0. Columns as of :func:`of_cell`.

    Raises NotFound when there are none.
    """
    synapses = of_cell(cave, connections, direction)
    root_id = {"autapses": connections.cell.root_id, "root_zero": 0}.get(str(partner), partner)
    rows = synapses[synapses["root_id"] == root_id].reset_index(drop=True)
    if rows.empty:
        way = "input from" if direction == "in" else "output to"
        raise NotFound(
            f"Cell {connections.cell.root_id} has no {way} {partner} at version {connections.version.number}."
        )
    return rows


def of_partner_in(
    cave: Cave, connections: Connectivity, directions: Sequence[Direction], partner: str
) -> dict[Direction, pd.DataFrame]:
    """The synapses of :func:`of_partner` for each of `directions` that has some. `partner` is an id as text, "autapses"
    or "root_zero". Raises BadInput for any other text, NotFound when no direction has such synapses."""
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
    """The `synapses` (of :func:`of_cell`) with the partners in the frame `partners`, each with `columns` of its partner
    and `row`, the partner's position in that frame, from 0 (int64). Other synapses, such as autapses, are left out."""
    rows = pd.Index(partners["root_id"]).get_indexer(synapses["root_id"])
    matched = synapses[rows >= 0].reset_index(drop=True)
    at = rows[rows >= 0]
    return matched.assign(row=at, **{name: partners[name].take(at).array for name in columns})
