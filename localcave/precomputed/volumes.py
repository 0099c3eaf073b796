"""A light image and a light segmentation, painted on demand: every nucleus is a ball.

Enough for a Neuroglancer without network to show where one is, and which cell one points at.
"""
# ruff: noqa: S608  names come from manifests through `identifier` and `quote`, values are bound

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from localcave.engine.store import Datastack, Store, identifier, voxel_size_nm

CHUNK_VX = 64
SCALES_NM = (
    *((size, size, 40) for size in (8, 16, 32, 64)),
    (128, 128, 160),
    (512, 512, 640),
    (2048, 2048, 2560),
)
NUCLEUS_RADIUS_NM = 4500.0
SOMA_RADIUS_NM = 6500.0
TISSUE, CYTOPLASM, NUCLEUS = 205, 170, 110
CHUNK_NAME = re.compile(r"(\d+)-(\d+)_(\d+)-(\d+)_(\d+)-(\d+)")


@dataclass(frozen=True)
class Somata:
    """Nucleus positions in nm (n, 3), the root ids of their cells (n) and their supervoxels (n; 0 = not known)."""

    centres_nm: npt.NDArray[np.float64]
    root_ids: npt.NDArray[np.int64]
    supervoxel_ids: npt.NDArray[np.int64]


class Volume:
    """The painted volumes of a datastack."""

    scales_nm: ClassVar[tuple[tuple[int, int, int], ...]] = SCALES_NM

    def __init__(self, store: Store, stack: Datastack):
        self._store = store
        self._stack = stack

    @cached_property
    def somata(self) -> Somata:
        """The nuclei of the newest version; none when the datastack names no soma table."""
        name = self._stack.info.get("soma_table") or ""
        version = self._stack.newest_version() if self._stack.versions else 0
        source = self._stack.table(version, name)
        if source is None or "pt_position" not in source.columns or "pt_root_id" not in source.columns:
            return Somata(np.zeros((0, 3)), np.zeros(0, np.int64), np.zeros(0, np.int64))
        voxel_nm = voxel_size_nm(self._stack.tables(version)[name]["metadata"])
        parts = source.columns["pt_position"].parts
        items = ", ".join(f"{identifier(part)}::DOUBLE * {size!r}" for part, size in zip(parts, voxel_nm, strict=True))
        supervoxel = "pt_supervoxel_id" if "pt_supervoxel_id" in source.columns else "NULL"
        rows = self._store.arrow(
            f"SELECT {items}, coalesce(pt_root_id, 0), coalesce({supervoxel}, 0)::BIGINT FROM {source.sql()} "
            f"WHERE {identifier(parts[0])} IS NOT NULL"
        )
        centres = np.column_stack([rows[i].to_numpy() for i in range(3)]).reshape(-1, 3)
        return Somata(centres, rows[3].to_numpy(), rows[4].to_numpy())

    @cached_property
    def _end_nm(self) -> npt.NDArray[np.float64]:
        centres = self.somata.centres_nm
        return (centres.max(axis=0) if len(centres) else np.full(3, 1e5)) + 2e4

    def info(self, kind: str) -> dict[str, Any]:
        """The precomputed `info`; `kind` is image or segmentation."""
        scales = [
            {
                "key": "_".join(map(str, size)),
                "resolution": list(size),
                "size": [int(np.ceil(end / nm)) for end, nm in zip(self._end_nm, size, strict=True)],
                "voxel_offset": [0, 0, 0],
                "chunk_sizes": [[CHUNK_VX] * 3],
                "encoding": "raw",
            }
            for size in self.scales_nm
        ]
        info: dict[str, Any] = {
            "@type": "neuroglancer_multiscale_volume",
            "type": "image" if kind == "image" else "segmentation",
            "data_type": "uint8" if kind == "image" else "uint64",
            "num_channels": 1,
            "scales": scales,
        }
        if kind == "segmentation":
            info |= {"mesh": "mesh", "skeletons": "skeletons", "segment_properties": "segment_properties"}
        return info

    def chunk(self, kind: str, key: str, name: str) -> bytes | None:
        """The raw voxels of a chunk, x fastest; None when there is no such chunk."""
        size = next((size for size in self.scales_nm if "_".join(map(str, size)) == key), None)
        match = CHUNK_NAME.fullmatch(name)
        if size is None or match is None:
            return None
        corners = np.array(match.groups(), dtype=object).reshape(3, 2)
        limits = [int(np.ceil(end / nm)) for end, nm in zip(self._end_nm, size, strict=True)]
        ranges = []
        for (first, last), limit in zip(corners, limits, strict=True):
            low, high = int(first), int(last)
            if not low < high <= limit or high - low > CHUNK_VX:
                return None
            ranges.append((low, high))
        return self._paint(kind, np.array(size, float), ranges)

    def _paint(self, kind: str, size_nm: npt.NDArray[np.float64], ranges: list[tuple[int, int]]) -> bytes:
        axes = [(np.arange(low, high) + 0.5) * nm for (low, high), nm in zip(ranges, size_nm, strict=True)]
        shape = tuple(len(axis) for axis in reversed(axes))
        is_image = kind == "image"
        voxels = _texture(axes) if is_image else np.zeros(shape, "<u8")
        low = np.array([axis[0] for axis in axes]) - SOMA_RADIUS_NM
        high = np.array([axis[-1] for axis in axes]) + SOMA_RADIUS_NM
        inside = np.flatnonzero(np.all((self.somata.centres_nm >= low) & (self.somata.centres_nm <= high), axis=1))
        for i in inside:
            x, y, z = self.somata.centres_nm[i]
            square = (axes[2] - z)[:, None, None] ** 2 + (axes[1] - y)[None, :, None] ** 2 + (axes[0] - x) ** 2
            soma = square < SOMA_RADIUS_NM**2
            if is_image:
                voxels[soma] = CYTOPLASM
                voxels[square < NUCLEUS_RADIUS_NM**2] = NUCLEUS
            else:
                voxels[soma] = self.somata.root_ids[i]
        return voxels.tobytes()


def _texture(axes: list[npt.NDArray[np.float64]]) -> npt.NDArray[np.uint8]:
    """A grain that is the same wherever chunks meet."""
    z, y, x = np.meshgrid(*(axis.astype(np.uint32) for axis in reversed(axes)), indexing="ij", sparse=True)
    grain = (x * np.uint32(2654435761) ^ y * np.uint32(2246822519) ^ z * np.uint32(3266489917)) >> np.uint32(28)
    return (np.uint32(TISSUE) + grain).astype(np.uint8)
