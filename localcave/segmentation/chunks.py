"""The chunks of a chunkedgraph, which the ids of supervoxels and level 2 nodes hold: layer, x, y, z, number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

LAYERS = 12
LAYER_BITS = 8
POSITION_BITS = 64 - LAYER_BITS
Ids = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Chunks:
    """Their size in voxels of 8 x 8 x 40 nm, and how many bits of an id each of their three indices takes.

    `known` tells whether the ids of a folder hold chunks; else they are opaque, and size and bits those of minnie65.
    """

    size_vx: tuple[int, int, int] = (256, 256, 512)
    bits: int = 10
    known: bool = False

    @classmethod
    def of(cls, graph: Mapping[str, Any] | None) -> Chunks:
        """Those that a manifest's `graph` describes."""
        if graph is None:
            return cls()
        x, y, z = graph["chunk_size"]
        return cls((x, y, z), graph["spatial_bits"], known=True)

    def graph(self) -> dict[str, Any]:
        """The part `graph` of a segmentation's info record."""
        return {
            "chunk_size": list(self.size_vx),
            "n_layers": LAYERS,
            "n_bits_for_layer_id": LAYER_BITS,
            "spatial_bit_masks": {str(layer): self.bits for layer in range(1, LAYERS + 1)},
            **({"cv_mip": 0} if self.known else {}),
        }

    def indices(self, ids: Ids) -> Ids:
        """x, y, z of the chunks of supervoxels or level 2 nodes, (n, 3)."""
        shifts = POSITION_BITS - self.bits * np.arange(1, 4)
        result: Ids = (ids[:, None] >> shifts) & ((1 << self.bits) - 1)
        return result

    def within(self, ids: Ids, bounds_vx: Ids) -> npt.NDArray[np.bool_]:
        """Whether the chunk of each id reaches into a box of voxels, (3, 2): first and past the last of each axis."""
        size = np.array(self.size_vx)
        first, last = bounds_vx[:, 0] // size, -(-bounds_vx[:, 1] // size)
        index = self.indices(ids)
        inside: npt.NDArray[np.bool_] = ((index >= first) & (index < last)).all(axis=1)
        return inside
