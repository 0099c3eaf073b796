"""Skeletons of a datastack's cells, in the forms that skeleton service and Neuroglancer want."""
# ruff: noqa: S608  names come from manifests through `identifier` and `quote`, values are bound

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from localcave.engine.store import Datastack, Store, quote
from localcave.folder import writer

SKELETON_VERSION = 4
NM_PER_UM = 1000.0


@dataclass(frozen=True)
class Skeleton:
    """One cell's tree. Vertices in nm (n, 3), edges (m, 2) as child and parent, radius in nm (n), compartment (n)."""

    root_id: int
    vertices_nm: npt.NDArray[np.float32]
    edges: npt.NDArray[np.int32]
    radius_nm: npt.NDArray[np.float32]
    compartment: npt.NDArray[np.int8]

    @property
    def root_vertex(self) -> int:
        """The vertex that is nobody's child: the soma's."""
        is_child = np.zeros(len(self.vertices_nm), bool)
        is_child[self.edges[:, 0]] = True
        return int(np.argmin(is_child))

    def flat(self) -> dict[str, Any]:
        """The skeleton service's `flatdict`. What relates it to a mesh or to level 2 ids is empty: there is none."""
        return {
            "vertices": self.vertices_nm.astype(float).tolist(),
            "edges": self.edges.tolist(),
            "mesh_to_skel_map": [],
            "lvl2_ids": [],
            "radius": self.radius_nm.astype(float).tolist(),
            "compartment": self.compartment.tolist(),
            "root": self.root_vertex,
            "meta": {"root_id": self.root_id, "skeleton_version": SKELETON_VERSION, "datastack": "localcave"},
        }

    def flat_gzip(self) -> bytes:
        return gzip.compress(json.dumps(self.flat()).encode(), compresslevel=1)

    def swc(self) -> str:
        """Lines `id type x y z radius parent`, micrometres, ids from 0, parents before children, no header."""
        parent = np.full(len(self.vertices_nm), -1)
        parent[self.edges[:, 0]] = self.edges[:, 1]
        order = _parents_first(parent)
        place = np.empty(len(order), int)
        place[order] = np.arange(len(order))
        lines = []
        for i in order:
            x, y, z = self.vertices_nm[i] / NM_PER_UM
            above = -1 if parent[i] < 0 else place[parent[i]]
            radius_um = self.radius_nm[i] / NM_PER_UM
            lines.append(f"{place[i]} {self.compartment[i]} {x:.4f} {y:.4f} {z:.4f} {radius_um:.4f} {above}")
        return "\n".join(lines) + "\n"

    def precomputed(self) -> bytes:
        """Neuroglancer's skeleton file with the attributes radius (um) and compartment."""
        head = np.array([len(self.vertices_nm), len(self.edges)], "<u4")
        parts = (
            head,
            self.vertices_nm.astype("<f4"),
            self.edges.astype("<u4"),
            (self.radius_nm / NM_PER_UM).astype("<f4"),
            self.compartment.astype("<f4"),
        )
        return b"".join(np.ascontiguousarray(part).tobytes() for part in parts)


PRECOMPUTED_INFO = {
    "@type": "neuroglancer_skeletons",
    "transform": [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0],
    "vertex_attributes": [
        {"id": "radius", "data_type": "float32", "num_components": 1},
        {"id": "compartment", "data_type": "float32", "num_components": 1},
    ],
}


def _parents_first(parent: npt.NDArray[np.int64]) -> list[int]:
    """Vertices in an order in which each comes after its parent."""
    children: list[list[int]] = [[] for _ in parent]
    waiting: list[int] = []
    for vertex, above in enumerate(parent):
        (children[above] if above >= 0 else waiting).append(vertex)
    order: list[int] = []
    while waiting:
        vertex = waiting.pop()
        order.append(vertex)
        waiting.extend(children[vertex])
    return order


class Skeletons:
    """All skeletons of a datastack, read one by one; none if the folder has no file of them."""

    def __init__(self, store: Store, stack: Datastack):
        self.store = store
        self._path = writer.skeleton_path(stack.folder)
        self._source = f"read_parquet({quote(str(self._path))})"

    @cached_property
    def root_ids(self) -> frozenset[int]:
        """Root ids that have a skeleton."""
        if not self._path.exists():
            return frozenset()
        return frozenset(self.store.arrow(f"SELECT root_id FROM {self._source}")[0].to_pylist())

    def get(self, root_id: int) -> Skeleton | None:
        """The skeleton of a root id, None when it has none."""
        if root_id not in self.root_ids:
            return None
        row = self.store.arrow(f"SELECT * FROM {self._source} WHERE root_id = ?", [root_id])

        def numbers(name: str) -> npt.NDArray[Any]:
            values: npt.NDArray[Any] = row[name].combine_chunks().flatten().to_numpy()
            return values

        return Skeleton(
            root_id,
            numbers("vertices_nm").reshape(-1, 3),
            numbers("edges").reshape(-1, 2),
            numbers("radius_nm"),
            numbers("compartment"),
        )
