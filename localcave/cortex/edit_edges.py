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

    def between(self, kept: Collection[int], moved: Collection[int]) -> dict[str, Any]:
        """The edge between two sets of atoms, as `operations.json` has it.

        An arbor hangs by its first node on that node's parent, or where it was merged by mistake on the nearest node;
        all else touches where its supervoxels are nearest.
        """
        here, there = self._members(kept), self._members(moved)
        own, other = self._nodes(here), self._nodes(there)
        if len(other):
            other = other[~np.isin(self.arbors.parent[other], other)]
            attached = other[np.isin(self.arbors.parent[other], own)]
            if len(attached):
                return self._edge(int(self.arbors.parent[attached[0]]), int(attached[0]))
        own, other = own if len(own) else here, other if len(other) else there
        place_nm = self.supervoxels.place_nm
        square = ((place_nm[own][:, None] - place_nm[other]) ** 2).sum(axis=2)
        first, second = np.unravel_index(np.argmin(square), square.shape)
        return self._edge(int(own[first]), int(other[second]))

    def _edge(self, kept: int, moved: int) -> dict[str, Any]:
        pair = [kept, moved]
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
