"""The supervoxels of a datastack, painted on demand: what is known to lie in one is a ball of it.

Nuclei are balls of their volume; around the points of synapses every voxel is of the nearest one's supervoxel. What
lies between is 0, which is no segment.
"""
# ruff: noqa: S608  names come from manifests through `identifier`, values are bound

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from localcave.engine.store import identifier, voxel_size_nm
from localcave.precomputed.volumes import Volume

POINT_RADIUS_NM = 100.0
SMALL_NUCLEUS_UM3 = 4.0
"""The volume of a nucleus of unknown size: a ball of 1 um."""
LARGEST_NUCLEUS_NM = 8_000.0
Floats = npt.NDArray[np.float64]


class Watershed(Volume):
    """The supervoxel of every voxel at the newest version, from voxels of 8 x 8 x 40 nm on."""

    scales_nm: ClassVar[tuple[tuple[int, int, int], ...]] = tuple((size, size, 40) for size in (8, 16, 32, 64))

    def supervoxel_at(self, place_nm: Sequence[float]) -> int:
        """The supervoxel at a place in nm, 0 for none."""
        size_nm = np.array(self.scales_nm[0], float)
        voxel = (np.array(place_nm) // size_nm).astype(int).tolist()
        return int(np.frombuffer(self._paint("segmentation", size_nm, [(at, at + 1) for at in voxel]), "<u8")[0])

    def _paint(self, kind: str, size_nm: Floats, ranges: list[tuple[int, int]]) -> bytes:
        axes = [(np.arange(low, high) + 0.5) * nm for (low, high), nm in zip(ranges, size_nm, strict=True)]
        voxels = np.zeros(tuple(len(axis) for axis in reversed(axes)), "<u8")
        low, high = (np.array([axis[end] for axis in axes]) for end in (0, -1))
        for centre, radius, supervoxel in self._nuclei(low, high):
            voxels[_square(axes, centre) <= radius**2] = supervoxel
        nearest = np.full(voxels.shape, POINT_RADIUS_NM**2)
        for centre, supervoxel in self._points(low, high):
            square = _square(axes, centre)
            nearer = square < nearest
            voxels[nearer], nearest[nearer] = supervoxel, square[nearer]
        return voxels.tobytes()

    def _nuclei(self, low: Floats, high: Floats) -> list[tuple[Floats, float, int]]:
        """Middle and radius in nm, and supervoxel, of the nuclei that may reach into a box."""
        table = self._stack.info.get("soma_table") or ""
        volume = "volume" if "volume" in self._columns(table) else f"{SMALL_NUCLEUS_UM3}"
        rows = self._rows(table, "pt", low - LARGEST_NUCLEUS_NM, high + LARGEST_NUCLEUS_NM, volume)
        return [
            (np.array(place), 1000 * (3 * (size or SMALL_NUCLEUS_UM3) / (4 * np.pi)) ** (1 / 3), supervoxel)
            for *place, supervoxel, size in rows
        ]

    def _points(self, low: Floats, high: Floats) -> list[tuple[Floats, int]]:
        """Place in nm and supervoxel of the points of synapses that may reach into a box."""
        table = self._stack.info.get("synapse_table") or ""
        low, high = low - POINT_RADIUS_NM, high + POINT_RADIUS_NM
        matches = [row for point in ("pre_pt", "post_pt") for row in self._rows(table, point, low, high)]
        return [(np.array(place), supervoxel) for *place, supervoxel in matches]

    def _columns(self, table: str) -> set[str]:
        source = self._stack.table(self._stack.newest_version(), table) if self._stack.versions else None
        return set(source.columns) if source is not None else set()

    def _rows(self, table: str, point: str, low: Floats, high: Floats, *more: str) -> list[tuple[Any, ...]]:
        """x, y, z in nm, supervoxel and `more` of the rows of a table whose point lies in a box."""
        if not {f"{point}_position", f"{point}_supervoxel_id"} <= self._columns(table):
            return []
        version = self._stack.newest_version()
        source = self._stack.table(version, table)
        assert source is not None  # noqa: S101 - it has columns
        voxel_nm = voxel_size_nm(self._stack.tables(version)[table]["metadata"])
        parts = [identifier(part) for part in source.columns[f"{point}_position"].parts]
        items = ", ".join(f"{part}::DOUBLE * {nm!r}" for part, nm in zip(parts, voxel_nm, strict=True))
        within = " AND ".join(f"{part} BETWEEN ? AND ?" for part in parts)
        bounds = [float(edge[axis] / voxel_nm[axis]) for axis in range(3) for edge in (low, high)]
        supervoxel = identifier(f"{point}_supervoxel_id")
        wanted = ", ".join([items, f"coalesce({supervoxel}, 0)", *more])
        return self._store.rows(f"SELECT {wanted} FROM {source.sql()} WHERE {within}", bounds)


def _square(axes: list[Floats], centre: Floats) -> Floats:
    """The squared distance of every voxel from a place, z slowest."""
    x, y, z = (axis - middle for axis, middle in zip(axes, centre, strict=True))
    squares: Floats = z[:, None, None] ** 2 + y[None, :, None] ** 2 + x**2
    return squares
