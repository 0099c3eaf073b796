"""Which cells of the demo cortex were edited, when and how."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from localcave.cortex import recipe
from localcave.cortex.arbors import APICAL_STEM, FIRST_COLLATERAL, Arbors
from localcave.cortex.history import USERS, Edit, History, undo
from localcave.cortex.ids import Ints, root_ids, stage_rng
from localcave.cortex.nuclei import Nuclei
from localcave.cortex.population import Population
from localcave.cortex.recipe import Size
from localcave.cortex.supervoxels import Supervoxels
from localcave.cortex.wiring import Wiring

PERIODS = (
    ("2025-01-13T10:10:01.286229", recipe.VERSION_TIME[1412], 60, 8),
    (recipe.VERSION_TIME[1412], recipe.VERSION_TIME[1507], 118, 20),
    (recipe.VERSION_TIME[1507], recipe.VERSION_TIME[1621], 95, 16),
    (recipe.VERSION_TIME[1621], recipe.LAST_EDIT, 14, 4),
)
"""From, to, proofread cells edited, other cells edited. 118 of 2,020 proofread cells changed from 1412 to 1507."""
FEWEST = (6, 3)
MERGE_SHARE, SWAP_SHARE = 0.55, 0.1
FALSE_MERGE_FRAGMENTS = 3


@dataclass
class _Parts:
    """Atoms that edits cut from owners: numbered on from the owners."""

    atom: Ints
    """Atom of every supervoxel."""
    owner: list[int]
    n_owners: int

    def cut(self, supervoxels: Ints, owner: int) -> int:
        """Make an atom of some of an owner's supervoxels."""
        number = self.n_owners + len(self.owner)
        self.atom[supervoxels] = number
        self.owner.append(owner)
        return number


def make_history(
    seed: int, size: Size, nuclei: Nuclei, pop: Population, wiring: Wiring, arbors: Arbors, supervoxels: Supervoxels
) -> tuple[History, Ints]:
    """Draw the edits and undo them: the history of roots, and the atom of every supervoxel."""
    rng = stage_rng(seed, "edits")
    parts = _Parts(supervoxels.owner.copy(), [], wiring.n_owners)
    edits: list[Edit] = []
    slots = rng.permutation(np.setdiff1d(np.arange(len(pop.proofread)), pop.giants))
    somas = nuclei.somas_per_cell()
    pairs = rng.permutation(np.flatnonzero(somas == 2))
    singles = rng.permutation(np.flatnonzero(pop.single & pop.is_neuron & (pop.slot < 0)))
    for begin, end, n_slots, n_others in PERIODS:
        n_slots, n_others = (
            max(least, round(n * size.edit_share)) for least, n in zip(FEWEST, (n_slots, n_others), strict=True)
        )
        times = iter(_times(rng, begin, end, 2 * n_slots + n_others))
        here, slots = slots[:n_slots], slots[n_slots:]
        for slot in here.tolist():
            edits += _edit_slot(rng, slot, slots, pop, wiring, arbors, parts, times)
        for number in range(n_others):
            if number % 2 and len(pairs):
                edits.append(_merged_somas(int(pairs[0]), nuclei, supervoxels, parts, next(times)))
                pairs = pairs[1:]
            else:
                edits.append(Edit(next(times), "split", int(singles[0]), (int(singles[1]),)))
                singles = singles[2:]
    roots = root_ids(rng, wiring.n_owners + 4 * len(edits))
    atom_owner = np.concatenate([np.arange(wiring.n_owners), np.array(parts.owner, dtype=np.int64)])
    users = rng.choice(USERS, len(edits))
    return undo(edits, roots[: wiring.n_owners], atom_owner, roots[wiring.n_owners :], users), parts.atom


def _edit_slot(
    rng: np.random.Generator, slot: int, donors: Ints, pop: Population, wiring: Wiring, arbors: Arbors, parts: _Parts,
    times: Iterator[np.datetime64],
) -> list[Edit]:  # fmt: skip
    """Edits of a proofread cell: a part was merged to it, or moved to it from another, or false merges were split off."""
    cell, kind = int(pop.proofread[slot]), rng.random()
    if kind > MERGE_SHARE + SWAP_SHARE:
        first, last = np.searchsorted(wiring.post, [cell, cell + 1])
        fragments = np.unique(wiring.pre[first:last][wiring.pre[first:last] >= wiring.n_cells])
        wrong = rng.choice(fragments, min(FALSE_MERGE_FRAGMENTS, len(fragments)), replace=False)
        return [Edit(next(times), "split", cell, tuple(wrong.tolist()))]
    first, last = np.searchsorted(arbors.slot, [slot, slot + 1])
    stem = arbors.stem[first:last]
    part = rng.choice(np.unique(stem[(stem > 0) & ((stem < APICAL_STEM) | (stem >= FIRST_COLLATERAL))]))
    atom = parts.cut(first + np.flatnonzero(stem == part), cell)
    if kind < MERGE_SHARE or not len(donors):
        return [Edit(next(times), "merge", cell, (atom,))]
    donor = int(pop.proofread[rng.choice(donors)])
    earlier, later = sorted([next(times), next(times)])
    return [Edit(earlier, "split", donor, (atom,)), Edit(later, "merge", cell, (atom,))]


def _merged_somas(cell: int, nuclei: Nuclei, supervoxels: Supervoxels, parts: _Parts, time: np.datetime64) -> Edit:
    """A false merge: the second nucleus of a cell was a cell of its own."""
    second = np.flatnonzero(nuclei.cell == cell)[1:]
    atom = parts.cut(supervoxels.of_nucleus[second], cell)
    return Edit(time, "merge", cell, (atom,))


def _times(rng: np.random.Generator, begin: str, end: str, count: int) -> list[np.datetime64]:
    low, high = (np.datetime64(time, "us").astype(np.int64) for time in (begin, end))
    return [np.datetime64(int(time), "us") for time in rng.permutation(rng.integers(low + 1, high, count))]
