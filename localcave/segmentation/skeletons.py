"""Skeletons of a datastack's cells, in the forms that skeleton service and Neuroglancer want."""
# ruff: noqa: S608  names come from manifests through `identifier` and `quote`, values are bound

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

from localcave.engine.store import Datastack, Source, Store, quote
from localcave.folder import writer
from localcave.segmentation.chunkedgraph import Segmentation
from localcave.segmentation.trees import tree_roots

SKELETON_VERSION = 4
NM_PER_UM = 1000.0
KEPT = 64
"""Skeletons held in memory."""
SOMA = 1
"""The compartment."""


@dataclass(frozen=True)
class Skeleton:
    """One cell's tree. Vertices in nm (n, 3), edges (m, 2) as child and parent, radius in nm (n), compartment (n);
    supervoxel and level 2 id of each vertex (n), or none at all where they are not known."""

    root_id: int
    vertices_nm: npt.NDArray[np.float32]
    edges: npt.NDArray[np.int32]
    radius_nm: npt.NDArray[np.float32]
    compartment: npt.NDArray[np.int8]
    supervoxel_id: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    level2_id: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))

    @cached_property
    def above(self) -> npt.NDArray[np.int64]:
        """The parent of each vertex; of a root itself."""
        above = np.arange(len(self.vertices_nm))
        above[self.edges[:, 0]] = self.edges[:, 1]
        return above

    def parted(self, start: int, end: int) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
        """The vertices on the side of `start` and on that of `end` when the edge between them is cut."""
        child = start if self.above[start] == end else end
        above = self.above.copy()
        above[child] = child
        moved = tree_roots(above) == child
        return (moved, ~moved) if child == start else (~moved, moved)

    @property
    def root_vertex(self) -> int:
        """The vertex that is nobody's child: the soma's."""
        is_child = np.zeros(len(self.vertices_nm), bool)
        is_child[self.edges[:, 0]] = True
        return int(np.argmin(is_child))

    def flat(self) -> dict[str, Any]:
        """The skeleton service's `flatdict`. `mesh_to_skel_map` has a vertex for each of `lvl2_ids`, and both are empty
        where level 2 ids are not known."""
        level2, vertex = np.unique(self.level2_id, return_index=True)
        return {
            "vertices": self.vertices_nm.astype(float).tolist(),
            "edges": self.edges.tolist(),
            "mesh_to_skel_map": vertex.tolist(),
            "lvl2_ids": level2.tolist(),
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
    """All skeletons of a datastack, read one by one; none if the folder has no file of them.

    The folder has those of the roots of now. With a segmentation whose supervoxels they name, roots that were edited
    away have theirs too: the vertices that lie in them.
    """

    def __init__(self, store: Store, stack: Datastack, segmentation: Segmentation | None):
        self.store = store
        self._segmentation = segmentation
        self._path = writer.skeleton_path(stack.folder)
        self._source = f"read_parquet({quote(str(self._path))})"
        self.get = lru_cache(maxsize=KEPT)(self._get)

    @cached_property
    def root_ids(self) -> frozenset[int]:
        """Root ids of now that have a skeleton."""
        if not self._path.exists():
            return frozenset()
        return frozenset(self.store.arrow(f"SELECT root_id FROM {self._source}")[0].to_pylist())

    @cached_property
    def knows_level2(self) -> bool:
        """Whether the skeletons name the supervoxels and level 2 ids of their vertices."""
        return self._path.exists() and "level2_id" in pq.read_schema(self._path).names

    @cached_property
    def _owners(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Level 2 ids in ascending order, and the root of now of each."""
        rows = self.store.arrow(f"SELECT root_id, level2_id FROM {self._source}")
        level2 = rows["level2_id"].combine_chunks()
        roots = np.repeat(rows["root_id"].to_numpy(), level2.value_lengths().to_numpy())
        ids, first = np.unique(level2.flatten().to_numpy(), return_index=True)
        return ids, roots[first]

    def with_level2(self, level2_ids: npt.NDArray[np.int64]) -> list[Skeleton]:
        """The skeletons of now that some level 2 ids are of."""
        if not self.knows_level2:
            return []
        ids, roots = self._owners
        place = np.minimum(np.searchsorted(ids, level2_ids), len(ids) - 1)
        result = np.unique(roots[place[ids[place] == level2_ids]])
        return [skeleton for root in result.tolist() if (skeleton := self.get(root))]

    def has(self, root_id: int) -> bool:
        """Whether a root has a skeleton."""
        return root_id in self.root_ids or self.get(root_id) is not None

    def _get(self, root_id: int) -> Skeleton | None:
        """The skeleton of a root id, None when it has none."""
        if root_id in self.root_ids:
            return self._read(root_id)
        segmentation = self._segmentation
        if segmentation is None or root_id not in segmentation.lives or not self.knows_level2:
            return None
        supervoxels = segmentation.leaves(root_id)
        owners = segmentation.newest_roots(supervoxels)
        chunks = [
            piece
            for owner in np.unique(owners).tolist()
            if owner in self.root_ids and len((piece := _within(self._read(owner), supervoxels)).vertices_nm)
        ]
        return _joined(root_id, chunks) if chunks else None

    def _read(self, root_id: int) -> Skeleton:
        row = self.store.rows_with(Source("skeletons", {}, self._path), "root_id", [root_id])

        def numbers(name: str) -> npt.NDArray[Any]:
            values: npt.NDArray[Any] = row[name].combine_chunks().flatten().to_numpy()
            return values

        ids = (numbers("supervoxel_id"), numbers("level2_id")) if self.knows_level2 else ()
        return Skeleton(
            root_id,
            numbers("vertices_nm").reshape(-1, 3),
            numbers("edges").reshape(-1, 2),
            numbers("radius_nm"),
            numbers("compartment"),
            *ids,
        )


def _within(skeleton: Skeleton, supervoxels: npt.NDArray[np.int64]) -> Skeleton:
    """The part of a skeleton that lies in some supervoxels."""
    within = np.isin(skeleton.supervoxel_id, supervoxels)
    place = np.cumsum(within) - 1
    edges = skeleton.edges[within[skeleton.edges].all(axis=1)]
    return Skeleton(
        skeleton.root_id,
        skeleton.vertices_nm[within],
        place[edges].astype(np.int32),
        skeleton.radius_nm[within],
        skeleton.compartment[within],
        skeleton.supervoxel_id[within],
        skeleton.level2_id[within],
    )


def _joined(root_id: int, pieces: list[Skeleton]) -> Skeleton:
    """One tree of pieces, the one with a soma or else the largest first: what was merged by mistake hangs on the
    vertex that is nearest to its root."""
    start = np.cumsum([0, *(len(piece.vertices_nm) for piece in pieces)])
    whole = Skeleton(
        root_id,
        np.concatenate([piece.vertices_nm for piece in pieces]),
        np.concatenate([piece.edges + first for piece, first in zip(pieces, start[:-1], strict=True)]).astype(np.int32),
        *(
            np.concatenate([getattr(piece, name) for piece in pieces])
            for name in ("radius_nm", "compartment", "supervoxel_id", "level2_id")
        ),
    )
    top = tree_roots(whole.above)
    roots, sizes = np.unique(top, return_counts=True)
    main = int(roots[np.lexsort([sizes, whole.compartment[roots] == SOMA])[-1]])
    vertices = np.flatnonzero(top == main)
    nearest = [
        vertices[np.argmin(np.linalg.norm(whole.vertices_nm[vertices] - whole.vertices_nm[root], axis=1))]
        for root in roots
        if root != main
    ]
    links = np.column_stack([roots[roots != main], np.array(nearest, np.int64)]).astype(np.int32)
    return replace(whole, edges=np.vstack([whole.edges, links]))
