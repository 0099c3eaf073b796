"""Supervoxels: one for every node of an arbor and every nucleus, and some for the synapses of all others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from localcave.cortex.arbors import Arbors
from localcave.cortex.ids import Floats, Ints, chunk_key, supervoxel_ids
from localcave.cortex.nuclei import Nuclei
from localcave.cortex.placement import Synapses
from localcave.cortex.population import Population
from localcave.cortex.wiring import Wiring

SYNAPSES_PER_SUPERVOXEL = 8
NO_SUPERVOXEL = -1


@dataclass(frozen=True)
class Supervoxels:
    """One entry per supervoxel; `owner` is the cell or fragment it belongs to now, `chunk` its chunk bits, `place_nm`
    (n, 3) a point in it.

    Nodes of arbors come first, in their order. `of_nucleus`, `of_pre`, `of_post` are the indices of the supervoxels of
    nuclei and of the two sides of synapses, -1 where there is none (root id 0).
    """

    id: Ints
    chunk: Ints
    owner: Ints
    place_nm: Floats
    of_nucleus: Ints
    of_pre: Ints
    of_post: Ints


def make_supervoxels(
    nuclei: Nuclei, pop: Population, wiring: Wiring, synapses: Synapses, arbors: Arbors
) -> Supervoxels:
    """Cut everything into supervoxels."""
    n_nodes = len(arbors.slot)
    loose = np.flatnonzero(nuclei.cell >= 0)
    slot = pop.slot[nuclei.cell[loose]]
    of_nucleus = np.full(len(nuclei.id), NO_SUPERVOXEL)
    soma_node = np.flatnonzero(arbors.parent < 0)
    of_nucleus[loose[slot >= 0]] = soma_node[slot[slot >= 0]]
    loose = loose[slot < 0]
    of_nucleus[loose] = n_nodes + np.arange(len(loose))

    owner = np.concatenate([wiring.pre, wiring.post])
    node = np.concatenate([synapses.pre_node, synapses.post_node])
    index = np.where(node >= 0, node, NO_SUPERVOXEL)
    sides = np.flatnonzero((node < 0) & (owner >= 0))
    sides = sides[np.argsort(owner[sides], kind="stable")]
    start = np.r_[True, owner[sides[1:]] != owner[sides[:-1]]]
    rank = np.arange(len(sides)) - np.maximum.accumulate(np.where(start, np.arange(len(sides)), 0))
    begins = rank % SYNAPSES_PER_SUPERVOXEL == 0
    index[sides] = n_nodes + len(loose) + np.cumsum(begins) - 1
    first = sides[begins]
    n = len(wiring.pre)
    of_sides_nm: Floats = np.where((first < n)[:, None], synapses.pre_nm[first % n], synapses.post_nm[first % n])
    place_nm = np.concatenate([arbors.position_nm, nuclei.position_nm[loose], of_sides_nm])
    chunk = chunk_key(place_nm)
    return Supervoxels(
        id=supervoxel_ids(chunk),
        chunk=chunk,
        owner=np.concatenate([pop.proofread[arbors.slot], nuclei.cell[loose], owner[first]]),
        place_nm=place_nm,
        of_nucleus=of_nucleus,
        of_pre=index[:n],
        of_post=index[n:],
    )
