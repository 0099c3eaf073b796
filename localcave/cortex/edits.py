"""Which cells of the demo cortex were edited, when and how."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from localcave.cortex import recipe
from localcave.cortex.arbors import APICAL_STEM, FIRST_COLLATERAL, Arbors
from localcave.cortex.edit_edges import EditEdges
from localcave.cortex.history import USERS, Edit, History, undo
from localcave.cortex.ids import Ints, root_ids
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
ROOTS_PER_EDIT = 2


@dataclass
class Editor:
    """Draws edits. The atoms they move are cut from owners and numbered on from them in `atom` (of supervoxels);
    `cut_owners` are the owners they were cut from."""

    rng: np.random.Generator
    nuclei: Nuclei
    pop: Population
    wiring: Wiring
    arbors: Arbors
    supervoxels: Supervoxels
    atom: Ints
    cut_owners: list[int] = field(default_factory=list)

    def cut(self, supervoxels: Ints, owner: int) -> int:
        """Make an atom of some of an owner's supervoxels."""
        self.cut_owners.append(owner)
        number = self.wiring.n_owners + len(self.cut_owners) - 1
        self.atom[supervoxels] = number
        return number

    def of_slot(self, slot: int, donors: Ints, times: Iterator[np.datetime64]) -> list[Edit]:
        """A part was merged to a proofread cell, or moved to it from another, or false merges were split off."""
        kind, cell = self.rng.random(), int(self.pop.proofread[slot])
        if kind > MERGE_SHARE + SWAP_SHARE:
            return [Edit(next(times), "split", cell, self._false_merges(cell))]
        atom = self._branch(slot, cell)
        if kind < MERGE_SHARE or not len(donors):
            return [Edit(next(times), "merge", cell, (atom,))]
        donor = int(self.pop.proofread[self.rng.choice(donors)])
        earlier, later = sorted([next(times), next(times)])
        return [Edit(earlier, "split", donor, (atom,)), Edit(later, "merge", cell, (atom,))]

    def _false_merges(self, cell: int) -> tuple[int, ...]:
        """Fragments of axons that make synapses on a cell: merged to it, they made autapses."""
        first, last = np.searchsorted(self.wiring.post, [cell, cell + 1])
        partners = self.wiring.pre[first:last]
        fragments = np.unique(partners[partners >= self.wiring.n_cells])
        wrong = self.rng.choice(fragments, min(FALSE_MERGE_FRAGMENTS, len(fragments)), replace=False)
        return tuple(wrong.tolist())

    def _branch(self, slot: int, cell: int) -> int:
        """The atom of a basal dendrite or a collateral of the axon, with all that hangs on it."""
        first, last = np.searchsorted(self.arbors.slot, [slot, slot + 1])
        stem = self.arbors.stem[first:last]
        loose = (stem > 0) & ((stem < APICAL_STEM) | (stem >= FIRST_COLLATERAL))
        return self.cut(first + np.flatnonzero(stem == self.rng.choice(np.unique(stem[loose]))), cell)

    def merged_somas(self, cell: int, time: np.datetime64) -> Edit:
        """A false merge: the second nucleus of a cell was a cell of its own."""
        second = np.flatnonzero(self.nuclei.cell == cell)[1:]
        return Edit(time, "merge", cell, (self.cut(self.supervoxels.of_nucleus[second], cell),))


def make_history(size: Size, editor: Editor) -> tuple[History, Ints]:
    """Draw the edits and undo them: the history of roots, and the atom of every supervoxel."""
    rng, pop = editor.rng, editor.pop
    edits: list[Edit] = []
    slots = rng.permutation(np.setdiff1d(np.arange(len(pop.proofread)), pop.giants))
    pairs = iter(rng.permutation(np.flatnonzero(editor.nuclei.somas_per_cell() == 2)).tolist())
    singles = iter(rng.permutation(np.flatnonzero(pop.single & pop.is_neuron & (pop.slot < 0))).tolist())
    for begin, end, of_slots, of_others in PERIODS:
        n_slots, n_others = (
            max(least, round(n * size.edit_share)) for least, n in zip(FEWEST, (of_slots, of_others), strict=True)
        )
        times = iter(_times(rng, begin, end, 2 * n_slots + n_others))
        slots_of_edit, slots = slots[:n_slots], slots[n_slots:]
        for slot in slots_of_edit.tolist():
            edits += editor.of_slot(slot, slots, times)
        for number in range(n_others):
            pair = next(pairs, None) if number % 2 else None
            if pair is None:
                edits.append(Edit(next(times), "split", next(singles), (next(singles),)))
            else:
                edits.append(editor.merged_somas(pair, next(times)))
    n_owners = editor.wiring.n_owners
    roots = root_ids(rng, n_owners + ROOTS_PER_EDIT * len(edits))
    atom_owner = np.concatenate([np.arange(n_owners), np.array(editor.cut_owners, dtype=np.int64)])
    users = rng.choice(USERS, len(edits))
    edges = EditEdges(editor.supervoxels, editor.arbors, editor.atom)
    history = undo(edits, roots[:n_owners], atom_owner, fresh_ids=roots[n_owners:], users=users, edges=edges)
    return history, editor.atom


def _times(rng: np.random.Generator, begin: str, end: str, count: int) -> list[np.datetime64]:
    low, high = (np.datetime64(time, "us").astype(np.int64) for time in (begin, end))
    return [np.datetime64(int(time), "us") for time in rng.permutation(rng.integers(low + 1, high, count))]
