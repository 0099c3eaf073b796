"""Edits of the segmentation: what was merged and split when, and the root ids that came of it.

Supervoxels that always moved together are an *atom*: at first each cell or fragment is one, numbered as its owner; a
part that an edit moved is an atom of its own, numbered after the owners. The cortex is drawn as it is now, and the
edits are undone one after the other, latest first; every set of atoms that was together for a time gets a root id of
its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from localcave.cortex import recipe
from localcave.cortex.edit_edges import EditEdges
from localcave.cortex.ids import Ints

NOW = np.datetime64("2262-01-01", "us")
OLDEST = np.datetime64(recipe.OLDEST, "us")
FIRST_OPERATION = 1_046_656
"""Edits of the original to September 2024: ours are numbered from there."""
USERS = (121, 160, 446, 2012, 3358)


@dataclass(frozen=True)
class Edit:
    """A merge that joined the atoms `moved` to the root of atom `keep`, or a split that parted them from it."""

    time: np.datetime64
    kind: str
    keep: int
    moved: tuple[int, ...]


@dataclass
class Root:
    """A root id and the atoms it stood for, from `created` until `expired` (`NOW` = still)."""

    root_id: int
    atoms: frozenset[int]
    created: np.datetime64 = OLDEST
    expired: np.datetime64 = NOW


@dataclass
class History:
    """All roots of edited cells.

    `owner_root` (owners) are the root ids of now, `atom_owner` the owner of every atom.
    """

    owner_root: Ints
    atom_owner: Ints
    roots: list[Root] = field(default_factory=list)
    operations: list[dict[str, Any]] = field(default_factory=list)

    def root_at(self, time: np.datetime64) -> Ints:
        """Root id of every atom at a time."""
        root = self.owner_root[self.atom_owner]
        for entry in self.roots:
            if entry.created <= time < entry.expired:
                root[list(entry.atoms)] = entry.root_id
        return root

    def roots_at(self, atoms: Ints, times: NDArray[np.datetime64]) -> Ints:
        """Root id of each atom at a time of its own."""
        roots: Ints = self.owner_root[self.atom_owner[atoms]]
        for entry in self.roots:
            of_entry = (times >= entry.created) & (times < entry.expired) & np.isin(atoms, list(entry.atoms))
            roots[of_entry] = entry.root_id
        return roots


def undo(
    edits: list[Edit], owner_root: Ints, atom_owner: Ints, *, fresh_ids: Ints, users: Ints, edges: EditEdges
) -> History:
    """The roots before every edit; `fresh_ids` must be enough for all of them (2 each), `users` one each. `edges` tell
    between which supervoxels they were.

    An edit that does not fit what later edits left is skipped: a merge of what is not joined, a split of what is.
    """
    fresh = iter(fresh_ids.tolist())
    history = History(owner_root, atom_owner)
    current: dict[int, Root] = {}
    touched = {int(atom_owner[atom]) for edit in edits for atom in (edit.keep, *edit.moved)}
    atoms_of: dict[int, list[int]] = {owner: [] for owner in touched}
    for atom in np.flatnonzero(np.isin(atom_owner, list(touched))).tolist():
        atoms_of[int(atom_owner[atom])].append(atom)
    for owner, atoms in atoms_of.items():
        root = Root(int(owner_root[owner]), frozenset(atoms))
        history.roots.append(root)
        current.update(dict.fromkeys(atoms, root))

    order = sorted(range(len(edits)), key=lambda number: edits[number].time, reverse=True)
    for number, user in zip(order, users.tolist(), strict=True):
        edit = edits[number]
        before_atoms = _before(edit, current)
        if not before_atoms:
            continue
        touched_atoms = sorted(frozenset.union(*before_atoms))
        after = list({current[atom].root_id: current[atom] for atom in touched_atoms}.values())
        before = [Root(next(fresh), atoms, expired=edit.time) for atoms in before_atoms]
        parts = before_atoms if edit.kind == "merge" else [root.atoms for root in after]
        kept_atoms = next(atoms for atoms in parts if edit.keep in atoms)
        for root in after:
            root.created = edit.time
        for root in before:
            history.roots.append(root)
            current.update(dict.fromkeys(root.atoms, root))
        history.operations.append(
            {
                "kind": edit.kind,
                "timestamp": f"{edit.time}+00:00",
                "user_id": str(user),
                "before_root_ids": [root.root_id for root in before],
                "after_root_ids": [root.root_id for root in after],
                "edges": [edges.between(kept_atoms, atoms) for atoms in parts if atoms is not kept_atoms],
            }
        )
    history.operations.reverse()
    for number, operation in enumerate(history.operations):
        operation["operation_id"] = FIRST_OPERATION + number
    return history


def _before(edit: Edit, current: dict[int, Root]) -> list[frozenset[int]]:
    """The sets of atoms that were roots before an edit; none if the edit does not fit."""
    kept, moved = current[edit.keep], frozenset(edit.moved)
    if edit.kind == "merge":
        fits = moved < kept.atoms and edit.keep not in moved
        return [kept.atoms - moved, moved] if fits else []
    others = [current[atom] for atom in edit.moved]
    if any(root is kept for root in others):
        return []
    return [frozenset.union(kept.atoms, *(root.atoms for root in others))]
