"""Further columns for partners: those of joined tables, the position of the soma and its distance from the cell's."""

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
    """The rows of each table by root id, at least those of `roots` (see :func:`cell_types.type_rows`). The tables are
    requested in parallel.

    Raises NotFound for a table that the version does not have, BadInput for one without root ids.
    """
    names = list(dict.fromkeys(name for name in tables if name))
    loads = [lambda name=name: cell_types.type_rows(release, name, roots=roots) for name in names]
    return dict(zip(names, gather(*loads), strict=True))


def with_tables(partners: pd.DataFrame, tables: Mapping[str, TypeRows]) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """A partner frame with the columns of further tables, each named `table.column`, and a sentence for each table
    in which rows of the same partner differ."""
    roots = partners["root_id"]
    parts = [partners]
    messages: list[str] = []
    for name, rows in tables.items():
        joined = rows.frame.reindex(roots).reset_index(drop=True)
        parts.append(joined.rename(columns={column: f"{name}{SEPARATOR}{column}" for column in joined.columns}))
        messages += cell_types.differing([rows], roots.to_numpy(np.int64), name)
    return pd.concat(parts, axis=1) if tables else partners, tuple(messages)


def distance_columns(volume: Volume) -> tuple[str, ...]:
    """The columns of a frame of :func:`with_distance` about the soma's position, the depth included."""
    return (*(f"soma_{axis}" for axis in volume.axes), SOMA_DISTANCE, "lateral_distance_um")


def with_distance(partners: pd.DataFrame, cell: Cell, somas: pd.DataFrame, volume: Volume) -> pd.DataFrame:
    """A partner frame with the position of each partner's soma and its distance from the cell's own (float64, um).

    `somas` is a frame of :func:`cells.somas`, sorted by root id. Added are soma_x_um, soma_z_um and so on (named after
    the axes of the volume; partner frames have the depth already), soma_distance_um, a straight line, and, where the
    volume has depths, lateral_distance_um, along the cortical surface. All are NaN unless the partner has exactly one
    soma, the distances also unless the cell itself has exactly one.
    """
    first = np.searchsorted(somas["root_id"].to_numpy(), partners["root_id"].to_numpy())
    points_nm = np.full((len(partners), 3), np.nan)
    single = (partners["num_soma"] == 1).fillna(False).to_numpy(bool)
    points_nm[single] = somas[["x_nm", "y_nm", "z_nm"]].to_numpy()[first[single]]
    partners_um = space.nm_to_um(points_nm, volume)
    own_nm = np.array(cell.soma_position_nm or (np.nan,) * 3, dtype=np.float64)
    own_um = space.nm_to_um(own_nm, volume)
    added = {f"soma_{axis}": partners_um[:, at] for at, axis in enumerate(volume.axes)}
    added[SOMA_DISTANCE] = np.linalg.norm(points_nm - own_nm, axis=1) / 1000
    if volume.has_depth:
        del added["soma_depth_um"]
        added["lateral_distance_um"] = np.hypot(partners_um[:, 0] - own_um[0, 0], partners_um[:, 2] - own_um[0, 2])
    return partners.assign(**added)


def located(cave: Cave, connectivity: Connectivity, direction: Direction) -> pd.DataFrame:
    """The partners of a cell in one direction, as of :func:`with_distance`. No request once the soma table is held."""
    somas = cells.somas(Release(cave, connectivity.datastack, connectivity.version))
    return with_distance(connectivity.side(direction), connectivity.cell, somas, cave.volume(connectivity.datastack))
