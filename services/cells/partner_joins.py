"""More columns for partners: whatever further tables say of them, and how far away they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from services.cave.client import Cave
from services.cave.release import Release
from services.cells import cell_types, cells
from services.cells.cell_types import TypeRows
from services.cells.cells import Cell
from services.cells.connectivity import Connectivity
from services.core import space
from services.core.directions import Direction
from services.core.parallel import gather
from services.core.profiles import Volume
from services.core.type_columns import SEPARATOR

SOMA_DISTANCE = "soma_distance_um"


def load_tables(release: Release, tables: Sequence[str], roots: Sequence[int] | None = None) -> dict[str, TypeRows]:
    """What each table says of each root id, at least of `roots` (see :func:`cell_types.type_rows`), all asked for at
    once.

    Raises NotFound for a table that the version does not have, BadInput for one without root ids.
    """
    names = list(dict.fromkeys(name for name in tables if name))
    loads = [lambda name=name: cell_types.type_rows(release, name, roots=roots) for name in names]
    return dict(zip(names, gather(*loads), strict=True))


def with_tables(partners: pd.DataFrame, tables: Mapping[str, TypeRows]) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """A partner frame with the columns of further tables, each called `table.column`, and what should be known of
    them: partners of which the rows in a table differ."""
    roots = partners["root_id"]
    parts = [partners]
    messages: list[str] = []
    for name, rows in tables.items():
        joined = rows.frame.reindex(roots).reset_index(drop=True)
        parts.append(joined.rename(columns={column: f"{name}{SEPARATOR}{column}" for column in joined.columns}))
        messages += cell_types.differing([rows], roots.to_numpy(np.int64), name)
    return pd.concat(parts, axis=1) if tables else partners, tuple(messages)


def distance_columns(volume: Volume) -> tuple[str, ...]:
    """The columns of :func:`with_distance`, with the depth that is there already."""
    return (*(f"soma_{axis}" for axis in volume.axes), SOMA_DISTANCE, "lateral_distance_um")


def with_distance(partners: pd.DataFrame, cell: Cell, somas: pd.DataFrame, volume: Volume) -> pd.DataFrame:
    """A partner frame with where its somata are and how far from the cell's own (float64, um).

    `somas` is as of :func:`cells.somas`, sorted by root id. Added are soma_x_um, soma_z_um and so
    on (along the volume's axes, by their names; the depth is there already), soma_distance_um, straight, and, where the
    volume has depths, lateral_distance_um, along the surface. All are blank unless the partner has one soma, distances
    unless the cell has one too.
    """
    first = np.searchsorted(somas["root_id"].to_numpy(), partners["root_id"].to_numpy())
    points_nm = np.full((len(partners), 3), np.nan)
    single = (partners["num_soma"] == 1).fillna(False).to_numpy(bool)
    points_nm[single] = somas[["x_nm", "y_nm", "z_nm"]].to_numpy()[first[single]]
    there = space.nm_to_um(points_nm, volume)
    own_nm = np.array(cell.soma_position_nm or (np.nan,) * 3, dtype=np.float64)
    here = space.nm_to_um(own_nm, volume)
    added = {f"soma_{axis}": there[:, at] for at, axis in enumerate(volume.axes)}
    added[SOMA_DISTANCE] = np.linalg.norm(points_nm - own_nm, axis=1) / 1000
    if volume.has_depth:
        del added["soma_depth_um"]
        added["lateral_distance_um"] = np.hypot(there[:, 0] - here[0, 0], there[:, 2] - here[0, 2])
    return partners.assign(**added)


def located(cave: Cave, connectivity: Connectivity, direction: Direction) -> pd.DataFrame:
    """:func:`with_distance` for one direction of a cell. Costs nothing once the soma table is held."""
    somas = cells.somas(Release(cave, connectivity.datastack, connectivity.version))
    return with_distance(connectivity.side(direction), connectivity.cell, somas, cave.volume(connectivity.datastack))
