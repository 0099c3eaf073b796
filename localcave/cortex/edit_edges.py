"""Where edits of the demo cortex were made: the two supervoxels that each joined or parted."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from localcave.cortex.arbors import Arbors
from localcave.cortex.ids import Ints
from localcave.cortex.supervoxels import Supervoxels

GRAPH_VOXEL_NM = (8, 8, 40)


@dataclass(frozen=True)
class EditEdges:
    """Finds edges; `atom` is that of each supervoxel."""

    supervoxels: Supervoxels
    arbors: Arbors
    atom: Ints

    def between(self, kept_atoms: Collection[int], moved_atoms: Collection[int]) -> dict[str, Any]:
        """The edge between two sets of atoms, as `operations.json` has it.

        An arbor hangs by its first node on that node's parent, or where it was merged by mistake on the nearest node;
        all else touches where its supervoxels are nearest.
        """
        kept_members, moved_members = self._members(kept_atoms), self._members(moved_atoms)
        kept_nodes, moved_nodes = self._nodes(kept_members), self._nodes(moved_members)
        if len(moved_nodes):
            moved_nodes = moved_nodes[~np.isin(self.arbors.parent[moved_nodes], moved_nodes)]
            attached = moved_nodes[np.isin(self.arbors.parent[moved_nodes], kept_nodes)]
            if len(attached):
                return self._edge(int(self.arbors.parent[attached[0]]), int(attached[0]))
        kept_nodes, moved_nodes = (
            kept_nodes if len(kept_nodes) else kept_members,
            moved_nodes if len(moved_nodes) else moved_members,
        )
        place_nm = self.supervoxels.place_nm
        square = ((place_nm[kept_nodes][:, None] - place_nm[moved_nodes]) ** 2).sum(axis=2)
        first, second = np.unravel_index(np.argmin(square), square.shape)
        return self._edge(int(kept_nodes[first]), int(moved_nodes[second]))

    def _edge(self, kept_node: int, moved_node: int) -> dict[str, Any]:
        pair = [kept_node, moved_node]
        places_vx = np.rint(self.supervoxels.place_nm[pair] / GRAPH_VOXEL_NM).astype(int)
        return {"supervoxel_ids": self.supervoxels.id[pair].tolist(), "positions_vx": places_vx.tolist()}

    def _nodes(self, members: Ints) -> Ints:
        """Those that are nodes of arbors."""
        return members[members < len(self.arbors.parent)]

    def _members(self, atoms: Collection[int]) -> Ints:
        """Indices of the supervoxels of some atoms, ascending."""
        order, sorted_atoms = self._by_atom
        members = np.array(sorted(atoms))
        first, last = (np.searchsorted(sorted_atoms, members, side) for side in ("left", "right"))
        return np.sort(np.concatenate([order[a:b] for a, b in zip(first, last, strict=True)]))

    @cached_property
    def _by_atom(self) -> tuple[Ints, Ints]:
        order = np.argsort(self.atom, kind="stable")
        return order, self.atom[order]
