"""Arbors of the proofread cells: trees of nodes in nanometres, grown as random walks, many branches at once.

A cell has a soma, basal dendrites that branch twice, for excitatory cells an apical trunk with obliques and a tuft,
and an axon: a trunk with collaterals. The lengths are the published path lengths of dendrites; axons are as long as
their number of boutons asks for.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from localcave.cortex import recipe, space
from localcave.cortex.ids import Floats, Ints, stage_rng
from localcave.cortex.population import Population
from localcave.cortex.recipe import N_EXCITATORY, NEURONS, TYPE

SOMA, AXON, BASAL, APICAL = 1, 2, 3, 4
"""Compartments, numbered as in SWC files."""
DENDRITE_STEP_NM, AXON_STEP_NM = 10_000.0, 15_000.0
BOUTON_SPACING_NM = 5_000.0
STEM_NODES = (2, 4, 8)
"""Nodes of a basal dendrite: stem, each of 2 daughters, each of 4 granddaughters."""
STEM_TOTAL = STEM_NODES[0] + 2 * STEM_NODES[1] + 4 * STEM_NODES[2]
OBLIQUES, OBLIQUE_NODES = 6, 8
TUFT_NODES = (3, 6)
COLLATERAL_NODES = (3, 5)
COLLATERAL_TOTAL = COLLATERAL_NODES[0] + 2 * COLLATERAL_NODES[1]
AXON_TRUNK_NODES = 14
AXON_NODES = (30, 420)

APICAL_STEM, TRUNK_STEM, FIRST_COLLATERAL = 100, 101, 102
"""Numbers of the parts of a cell; basal dendrites are 1, 2, ..."""

APICAL_TOP_UM = {"23P": 15, "4P": 40, "5P-IT": 60, "5P-ET": 20, "5P-NP": 180, "6P-IT": 420, "6P-CT": 300}
"""Depth that the apical trunk reaches (for layer 6 roughly layer 4)."""
TUFTED = ("23P", "5P-IT", "5P-ET")
AXON_DIRECTION = {"MC": 1.0, "BPC": -1.0, "BC": 0.1, "NGC": 0.1}
"""Along which the axon's trunk runs: 1 towards the pia, -1 to the white matter; excitatory axons descend."""


@dataclass(frozen=True)
class Arbors:
    """Nodes of all arbors, ordered by slot, and in each by compartment: soma, basal, apical, axon.

    `parent` is the index of a node's parent in these arrays, -1 for a soma. `stem` is the part of the cell that a node
    belongs to (see `APICAL_STEM`), 0 for the soma; `path_um` its way to the soma.
    """

    slot: Ints
    position_nm: Floats
    parent: Ints
    compartment: NDArray[np.int8]
    radius_nm: Floats
    stem: Ints
    path_um: Floats

    def ranges(self, n_slots: int, *compartments: int) -> tuple[Ints, Ints]:
        """First node and number of nodes of neighbouring compartments, for each slot."""
        chosen = np.isin(self.compartment, compartments)
        count = np.bincount(self.slot[chosen], minlength=n_slots)
        first = np.zeros(n_slots, dtype=np.int64)
        index = np.flatnonzero(chosen)[::-1]
        first[self.slot[index]] = index
        return first, count


@dataclass
class _Growth:
    """Branches grown so far, as chunks of nodes in the order of growth."""

    rng: np.random.Generator
    position: list[Floats] = field(default_factory=list)
    columns: list[tuple[NDArray[np.generic], ...]] = field(default_factory=list)
    size: int = 0

    def add(
        self,
        attach: Ints,
        slot: Ints,
        direction: Floats,
        n_nodes: Ints,
        *,
        step_nm: float,
        compartment: int,
        stem: Ints,
        radius_nm: tuple[float, float],
        wiggle: float = 0.18,
        pull: float = 0.0,
    ) -> Ints:
        """Grow one branch from each node of `attach`: random walks along `direction`, drawn towards the pia by `pull`
        per step. Returns the indices of the nodes, (branches, longest branch); short branches repeat their last."""
        start = self.at(attach)
        longest = int(n_nodes.max(initial=1))
        noise = self.rng.normal(0, wiggle, (len(attach), longest, 3))
        heading = direction[:, None, :] + np.cumsum(noise, axis=1) + pull * np.arange(longest)[:, None] * space.UP
        heading /= np.linalg.norm(heading, axis=2, keepdims=True)
        walk = space.inside(start[:, None, :] + np.cumsum(heading * step_nm, axis=1))
        here = np.arange(longest) < n_nodes[:, None]
        number = self.size + np.cumsum(here.ravel()).reshape(here.shape) - 1
        before = np.concatenate([attach[:, None], number[:, :-1]], axis=1)
        taper = np.linspace(*radius_nm, longest)
        self._keep(here, walk, slot, before, compartment, stem, taper)
        return number

    def _keep(
        self,
        here: NDArray[np.bool_],
        walk: Floats,
        slot: Ints,
        before: Ints,
        compartment: int,
        stem: Ints,
        taper: Floats,
    ) -> None:
        self.position.append(walk[here])
        shape = here.shape
        wide = (np.broadcast_to(slot[:, None], shape), before, np.full(shape, compartment, np.int8))
        more = (np.broadcast_to(stem[:, None], shape), np.broadcast_to(taper, shape))
        self.columns.append(tuple(column[here] for column in (*wide, *more)))
        self.size += int(here.sum())

    def at(self, nodes: Ints) -> Floats:
        """Positions of nodes; compacts what was grown so far."""
        if len(self.position) > 1:
            self.position = [np.concatenate(self.position)]
        return self.position[0][nodes]

    def roots(self, soma_nm: Floats, radius_nm: Floats) -> Ints:
        """Begin with the somata."""
        n = len(soma_nm)
        self.position.append(soma_nm)
        slots = np.arange(n)
        self.columns.append((slots, np.full(n, -1), np.full(n, SOMA, np.int8), np.zeros(n, np.int64), radius_nm))
        self.size = n
        return slots


def grow(seed: int, pop: Population, soma_radius_nm: Floats) -> Arbors:
    """Draw the arbors of all proofread cells."""
    rng = stage_rng(seed, "arbors")
    growth = _Growth(rng)
    soma = growth.roots(pop.soma_nm[pop.proofread], soma_radius_nm)
    apical_nodes = _apical(growth, soma, pop)
    _basal(growth, soma, pop, apical_nodes)
    _axon(growth, soma, pop)
    return _collect(growth)


def directions(rng: np.random.Generator, n: int, flat: float = 1.0) -> Floats:
    """`n` random unit vectors; `flat` < 1 keeps them near the plane of the layers."""
    vector = rng.normal(size=(n, 3)) * np.array([1.0, flat, 1.0])
    vector /= np.linalg.norm(vector, axis=1, keepdims=True)
    return vector


def _split(rng: np.random.Generator, direction: Floats, spread: float) -> Floats:
    """Directions of two daughters for each branch, one after the other."""
    return np.repeat(direction, 2, axis=0) + spread * directions(rng, 2 * len(direction))


def _last_heading(growth: _Growth, number: Ints) -> Floats:
    """Unit vector from the first to the last node of branches."""
    way = growth.at(number[:, -1]) - growth.at(number[:, 0]) + 1e-3
    heading: Floats = way / np.linalg.norm(way, axis=1, keepdims=True)
    return heading


def _tree(
    growth: _Growth, attach: Ints, slot: Ints, direction: Floats, nodes: tuple[int, ...], stem: Ints, *, step_nm: float,
    compartment: int, radius_nm: tuple[float, float], spread: float = 0.7,
) -> None:  # fmt: skip
    """Grow a stem that splits in two after each level of `nodes`."""
    number = growth.add(
        attach, slot, direction, np.full(len(attach), nodes[0]), step_nm=step_nm, compartment=compartment, stem=stem,
        radius_nm=radius_nm,
    )  # fmt: skip
    if len(nodes) > 1:
        daughters = _split(growth.rng, _last_heading(growth, number), spread)
        _tree(
            growth, np.repeat(number[:, -1], 2), np.repeat(slot, 2), daughters, nodes[1:], np.repeat(stem, 2),
            step_nm=step_nm, compartment=compartment, radius_nm=radius_nm, spread=spread,
        )  # fmt: skip


def _apical(growth: _Growth, soma: Ints, pop: Population) -> Ints:
    """Apical trunks with obliques and tufts; returns the number of nodes for every slot."""
    rng, slot_type = growth.rng, pop.slot_type
    slots = np.flatnonzero(slot_type < N_EXCITATORY)
    top = np.array([APICAL_TOP_UM[name] for name in NEURONS[:N_EXCITATORY]], dtype=float)[slot_type[slots]]
    way = np.maximum(pop.soma_um[pop.proofread[slots], 1] - top, 60.0)
    n_trunk = np.maximum((way * 1000 / DENDRITE_STEP_NM).astype(np.int64), 4)
    stem = np.full(len(slots), APICAL_STEM)
    upward = space.UP + 0.15 * directions(rng, len(slots))
    trunk = growth.add(
        soma[slots], slots, upward, n_trunk, stem=stem, radius_nm=(1100, 450), wiggle=0.05, pull=0.03,
        step_nm=DENDRITE_STEP_NM, compartment=APICAL,
    )  # fmt: skip
    per_slot = n_trunk + OBLIQUES * OBLIQUE_NODES

    row = np.repeat(np.arange(len(slots)), OBLIQUES)
    place = (rng.uniform(0.05, 0.7, len(row)) * n_trunk[row]).astype(np.int64)
    growth.add(
        trunk[row, place], slots[row], directions(rng, len(row), 0.4), np.full(len(row), OBLIQUE_NODES), stem=stem[row],
        radius_nm=(400, 220), step_nm=DENDRITE_STEP_NM, compartment=APICAL,
    )  # fmt: skip
    tufted = np.flatnonzero(np.isin(slot_type[slots], [TYPE[name] for name in TUFTED]))
    twice = np.repeat(tufted, 2)
    _tree(
        growth, trunk[twice, -1], slots[twice], space.UP * 0.5 + directions(rng, len(twice), 0.4), TUFT_NODES, stem[twice],
        step_nm=DENDRITE_STEP_NM, compartment=APICAL, radius_nm=(400, 200),
    )  # fmt: skip
    per_slot[tufted] += 2 * (TUFT_NODES[0] + 2 * TUFT_NODES[1])
    nodes = np.zeros(len(soma), dtype=np.int64)
    nodes[slots] = per_slot
    return nodes


def _basal(growth: _Growth, soma: Ints, pop: Population, apical_nodes: Ints) -> None:
    """Basal (for interneurons: all) dendrites, as many as the length published for the type leaves."""
    length_nm = np.array([recipe.DENDRITE_LENGTH_UM[name] for name in NEURONS])[pop.slot_type] * 1000.0
    length_nm *= np.exp(growth.rng.normal(0, 0.15, len(soma)))
    n_stems = np.clip(np.rint((length_nm / DENDRITE_STEP_NM - apical_nodes) / STEM_TOTAL), 3, 18).astype(np.int64)
    slot = np.repeat(np.arange(len(soma)), n_stems)
    stem = np.arange(len(slot)) - np.repeat(np.cumsum(n_stems) - n_stems, n_stems) + 1
    vertical = np.where(pop.slot_type == TYPE["BPC"], 3.0, 0.8)[slot, None]
    direction = directions(growth.rng, len(slot)) * np.hstack(
        [np.ones_like(vertical), vertical, np.ones_like(vertical)]
    )
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    _tree(
        growth, soma[slot], slot, direction, STEM_NODES, stem, step_nm=DENDRITE_STEP_NM, compartment=BASAL,
        radius_nm=(600, 220),
    )  # fmt: skip


def _axon(growth: _Growth, soma: Ints, pop: Population) -> None:
    """Trunks and collaterals, with a length that has room for the boutons."""
    rng, slot_type = growth.rng, pop.slot_type
    length_nm = pop.n_outputs / recipe.DEGREE_SCALE * BOUTON_SPACING_NM
    n_nodes = np.clip(length_nm / AXON_STEP_NM, *AXON_NODES)
    along = np.array([AXON_DIRECTION.get(name, -1.0) for name in NEURONS])[slot_type]
    direction = along[:, None] * space.UP + 0.3 * directions(rng, len(soma))
    n_trunk = np.where(np.abs(along) < 0.5, 4, AXON_TRUNK_NODES)
    up_nodes = pop.soma_um[pop.proofread, 1] * 1000 / AXON_STEP_NM
    n_trunk = np.where(along > 0.5, np.clip(up_nodes, 4, 30), n_trunk).astype(np.int64)
    trunk = growth.add(
        soma, np.arange(len(soma)), direction, n_trunk, stem=np.full(len(soma), TRUNK_STEM), wiggle=0.08,
        step_nm=AXON_STEP_NM, compartment=AXON, radius_nm=(200.0, 120.0),
    )  # fmt: skip
    n_collaterals = np.maximum(2, np.rint((n_nodes - n_trunk) / COLLATERAL_TOTAL)).astype(np.int64)
    slot = np.repeat(np.arange(len(soma)), n_collaterals)
    number = np.arange(len(slot)) - np.repeat(np.cumsum(n_collaterals) - n_collaterals, n_collaterals)
    place = (rng.uniform(0.1, 1.0, len(slot)) * n_trunk[slot]).astype(np.int64)
    _tree(
        growth, trunk[slot, place], slot, directions(rng, len(slot), 0.7), COLLATERAL_NODES, FIRST_COLLATERAL + number,
        step_nm=AXON_STEP_NM, compartment=AXON, radius_nm=(140.0, 100.0),
    )  # fmt: skip


def _collect(growth: _Growth) -> Arbors:
    slot, parent, compartment, stem, radius = (np.concatenate(column) for column in zip(*growth.columns, strict=True))
    position = growth.at(np.arange(growth.size))
    arbors, _ = in_order(slot, position, parent, compartment, radius.astype(float), stem)
    return arbors


def in_order(
    slot: Ints, position_nm: Floats, parent: Ints, compartment: NDArray[np.int8], radius_nm: Floats, stem: Ints
) -> tuple[Arbors, Ints]:
    """Arbors from nodes in any order, and the new index of every node."""
    rank = np.array([0, 0, 3, 1, 2])[compartment]  # soma, basal, apical, axon
    order = np.lexsort([rank, slot])
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    parent = np.where(parent >= 0, place[parent], -1)[order]
    position_nm = position_nm[order]
    path_um = path_lengths(position_nm, parent)
    arbors = Arbors(slot[order], position_nm, parent, compartment[order], radius_nm[order], stem[order], path_um)
    return arbors, place


def path_lengths(position_nm: Floats, parent: Ints) -> Floats:
    """Way from each node to the root of its tree, um, by pointer doubling."""
    up = np.where(parent >= 0, parent, np.arange(len(parent)))
    length = np.linalg.norm(position_nm - position_nm[up], axis=1) / 1000
    while True:
        next_up = up[up]
        if np.array_equal(next_up, up):
            return length
        length = length + length[up]
        up = next_up
