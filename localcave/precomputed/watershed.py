"""The supervoxels of a datastack, painted on demand: what is known to lie in one is a ball of it.

Nuclei are balls of their volume, the nearest one's where they overlap; around the points of synapses every voxel is of
the nearest one's supervoxel. What lies between is 0, which is no segment.
"""
# ruff: noqa: S608  names come from manifests through `identifier`, values are bound

from __future__ import annotations

from itertools import product
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from scipy.spatial import KDTree

from localcave.engine.store import AXES, identifier, voxel_size_nm
from localcave.precomputed.volumes import Volume

POINT_RADIUS_NM = 100.0
SMALL_NUCLEUS_UM3 = 4.0
"""The volume of a nucleus of unknown size: a ball of 1 um."""
LARGEST_NUCLEUS_NM = 8_000.0
CELL_NM = 1_000.0
"""The side of the cubes in which points near a place are looked for."""
Floats = npt.NDArray[np.float64]
Ids = npt.NDArray[np.int64]


class Watershed(Volume):
    """The supervoxel of every voxel at the newest version, from voxels of 8 x 8 x 40 nm on."""

    scales_nm: ClassVar[tuple[tuple[int, int, int], ...]] = tuple((size, size, 40) for size in (8, 16, 32, 64))

    def supervoxels_at(self, places_nm: Floats) -> Ids:
        """The supervoxel at each of some places in nm (n, 3), 0 for none: those of the voxels that they lie in."""
        size_nm = np.array(self.scales_nm[0], float)
        centres = (places_nm // size_nm + 0.5) * size_nm
        result = np.zeros(len(centres), np.int64)
        middles, radii, supervoxels = self._nuclei(centres.min(axis=0), centres.max(axis=0))
        if len(middles):
            near = KDTree(middles).query_ball_point(centres, radii.max())
            for i, nuclei in enumerate(near):
                away = np.linalg.norm(middles[nuclei] - centres[i], axis=1)
                away[away > radii[nuclei]] = np.inf
                if len(nuclei) and np.isfinite(away.min()):
                    result[i] = supervoxels[nuclei[int(np.argmin(away))]]
        points, supervoxels = self._points_near(centres)
        if len(points):
            away, nearest = KDTree(points).query(centres)
            within = away < POINT_RADIUS_NM
            result[within] = supervoxels[nearest[within]]
        return result

    def _paint(self, kind: str, size_nm: Floats, ranges: list[tuple[int, int]]) -> bytes:
        axes = [(np.arange(low, high) + 0.5) * nm for (low, high), nm in zip(ranges, size_nm, strict=True)]
        voxels = np.zeros(tuple(len(axis) for axis in reversed(axes)), "<u8")
        low, high = (np.array([axis[end] for axis in axes]) for end in (0, -1))
        nearest = np.full(voxels.shape, np.inf)
        for centre, radius, supervoxel in zip(*self._nuclei(low, high), strict=True):
            square = _square(axes, centre)
            nearer = (square <= radius**2) & (square < nearest)
            voxels[nearer], nearest[nearer] = supervoxel, square[nearer]
        nearest = np.full(voxels.shape, POINT_RADIUS_NM**2)
        for centre, supervoxel in zip(*self._points(low, high), strict=True):
            square = _square(axes, centre)
            nearer = square < nearest
            voxels[nearer], nearest[nearer] = supervoxel, square[nearer]
        return voxels.tobytes()

    def _nuclei(self, low: Floats, high: Floats) -> tuple[Floats, Floats, Ids]:
        """Middles (n, 3) and radii in nm, and supervoxels, of the nuclei that may reach into a box."""
        table = self._stack.info.get("soma_table") or ""
        volume = "coalesce(volume, 0)" if "volume" in self._columns(table) else "0"
        places, supervoxels, sizes = self._rows(
            table, "pt", low - LARGEST_NUCLEUS_NM, high + LARGEST_NUCLEUS_NM, more=volume
        )
        radii = 1000 * (3 * np.where(sizes > 0, sizes, SMALL_NUCLEUS_UM3) / (4 * np.pi)) ** (1 / 3)
        return places, radii, supervoxels

    def _points(self, low: Floats, high: Floats, cells: pa.Table | None = None) -> tuple[Floats, Ids]:
        """Places in nm (n, 3) and supervoxels of the points of synapses that may reach into a box, those in some cells
        only."""
        table = self._stack.info.get("synapse_table") or ""
        low, high = low - POINT_RADIUS_NM, high + POINT_RADIUS_NM
        sides = [self._rows(table, side, low, high, cells=cells) for side in ("pre_pt", "post_pt")]
        places, supervoxels, _ = zip(*sides, strict=True)
        return np.concatenate(places), np.concatenate(supervoxels)

    def _points_near(self, centres: Floats) -> tuple[Floats, Ids]:
        """The points that may reach to some places, and a few more."""
        corners = np.array(list(product((-POINT_RADIUS_NM, POINT_RADIUS_NM), repeat=3)))
        cells = np.unique((centres[:, None] + corners).reshape(-1, 3) // CELL_NM, axis=0).T
        return self._points(centres.min(axis=0), centres.max(axis=0), pa.table(list(cells), AXES))

    def _columns(self, table: str) -> set[str]:
        source = self._stack.table(self._stack.newest_version(), table) if self._stack.versions else None
        return set(source.columns) if source is not None else set()

    def _rows(
        self, table: str, point: str, low: Floats, high: Floats, *, more: str = "0", cells: pa.Table | None = None
    ) -> tuple[Floats, Ids, Floats]:
        """Places in nm (n, 3), supervoxels and `more` of the rows of a table whose point lies in a box, and in one of
        some `cells`."""
        if not {f"{point}_position", f"{point}_supervoxel_id"} <= self._columns(table):
            return np.zeros((0, 3)), np.zeros(0, np.int64), np.zeros(0)
        version = self._stack.newest_version()
        source = self._stack.table(version, table)
        assert source is not None  # noqa: S101 - it has columns
        voxel_nm = voxel_size_nm(self._stack.tables(version)[table]["metadata"])
        parts = [identifier(part) for part in source.columns[f"{point}_position"].parts]
        places = [f"{part}::DOUBLE * {nm!r}::DOUBLE" for part, nm in zip(parts, voxel_nm, strict=True)]
        within = " AND ".join(f"{part} BETWEEN ? AND ?" for part in parts)
        bounds = [float(edge[axis] / voxel_nm[axis]) for axis in range(3) for edge in (low, high)]
        supervoxel = identifier(f"{point}_supervoxel_id")
        selection = f"{', '.join(places)}, coalesce({supervoxel}, 0)::BIGINT, {more}::DOUBLE"
        if cells is not None:
            within += f" AND ({', '.join(f'floor({place} / {CELL_NM})' for place in places)}) IN (FROM cells)"
        relations = None if cells is None else {"cells": cells}
        rows = self._store.arrow(f"SELECT {selection} FROM {source.sql()} WHERE {within}", bounds, relations)
        x, y, z, supervoxels, others = (column.to_numpy() for column in rows.columns)
        return np.column_stack([x, y, z]), supervoxels, others


def _square(axes: list[Floats], centre: Floats) -> Floats:
    """The squared distance of every voxel from a place, z slowest."""
    x, y, z = (axis - middle for axis, middle in zip(axes, centre, strict=True))
    squares: Floats = z[:, None, None] ** 2 + y[None, :, None] ** 2 + x**2
    return squares
