"""The level 2 graph of a cell with a skeleton: what lies of it in each chunk, and what of that touches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from localcave.segmentation.skeletons import SOMA, Skeleton

Ids = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
ATTRIBUTES = {
    "area_nm2": "int",
    "max_dt_nm": "int",
    "mean_dt_nm": "float",
    "rep_coord_nm": "list",
    "size_nm3": "int",
}
"""Those of the level 2 cache that a skeleton tells. Distances to the surface (dt) are radii."""


@dataclass(frozen=True)
class Level2:
    """Nodes in ascending order of `ids`, with a place of each in nm on the skeleton; `edges` are pairs of ids."""

    ids: Ids
    edges: Ids
    place_nm: Floats
    area_nm2: Floats
    volume_nm3: Floats
    largest_radius_nm: Floats
    mean_radius_nm: Floats

    @classmethod
    def of(cls, skeleton: Skeleton) -> Level2:
        """The level 2 graph of a skeleton whose vertices have level 2 ids.

        The surface and volume of a node are those of the frusta from its vertices to their parents, and of the soma's
        ball.
        """
        ids, node = np.unique(skeleton.level2_id, return_inverse=True)
        radius = skeleton.radius_nm.astype(float)
        child, parent = skeleton.edges.T
        soma = skeleton.compartment == SOMA
        thick = np.where(soma, 0.0, radius)
        above = np.where(thick[parent] > 0, thick[parent], thick[child])
        length = np.linalg.norm(skeleton.vertices_nm[child] - skeleton.vertices_nm[parent], axis=1)
        area: Floats = np.bincount(node[child], np.pi * (thick[child] + above) * length, len(ids)).astype(float)
        squares = thick[child] ** 2 + thick[child] * above + above**2
        volume: Floats = np.bincount(node[child], np.pi / 3 * squares * length, len(ids)).astype(float)
        area += np.bincount(node[soma], 4 * np.pi * radius[soma] ** 2, len(ids))
        volume += np.bincount(node[soma], 4 / 3 * np.pi * radius[soma] ** 3, len(ids))
        largest = np.zeros(len(ids))
        np.maximum.at(largest, node, radius)
        pairs = np.column_stack([node[child], node[parent]])
        edges = ids[np.unique(pairs[pairs[:, 0] != pairs[:, 1]], axis=0)]
        mean = np.bincount(node, radius, len(ids)) / np.bincount(node, minlength=len(ids))
        return cls(ids, edges, _positions_nm(skeleton, node, len(ids)), area, volume, largest, mean)

    def attributes(self, names: set[str]) -> dict[int, dict[str, Any]]:
        """The level 2 cache's attributes of each id."""
        values: dict[str, list[Any]] = {
            "area_nm2": np.rint(self.area_nm2).astype(int).tolist(),
            "max_dt_nm": np.rint(self.largest_radius_nm).astype(int).tolist(),
            "mean_dt_nm": self.mean_radius_nm.tolist(),
            "rep_coord_nm": np.rint(self.place_nm).astype(int).tolist(),
            "size_nm3": np.rint(self.volume_nm3).astype(int).tolist(),
        }
        named = {name: column for name, column in values.items() if name in names}
        rows = zip(*named.values(), strict=True) if named else ([] for _ in self.ids)
        return {node: dict(zip(named, row, strict=True)) for node, row in zip(self.ids.tolist(), rows, strict=True)}


def _positions_nm(skeleton: Skeleton, node: Ids, count: int) -> Floats:
    """A vertex that stands for each node: a soma, else the end of a branch, else the one nearest to the middle. So the
    graph is as long as the skeleton, to a few percent."""
    vertices = skeleton.vertices_nm.astype(float)
    number = np.bincount(node, minlength=count)
    middle = np.column_stack([np.bincount(node, vertices[:, axis], count) / number for axis in range(3)])
    away = np.linalg.norm(vertices - middle[node], axis=1)
    is_end = np.bincount(skeleton.edges.ravel(), minlength=len(vertices)) == 1
    order = np.lexsort([away, ~is_end, skeleton.compartment != SOMA, node])
    first = order[np.searchsorted(node[order], np.arange(count))]
    positions: Floats = vertices[first]
    return positions
