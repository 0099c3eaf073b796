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
SHORTEST_APICAL_UM = 60.0
DAUGHTER_SPREAD = 0.7
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


@dataclass(frozen=True)
class _Kind:
    """How branches grow: `wiggle` is how much they turn at every step, `pull` how much they turn towards the pia;
    the radius tapers from the first value to the second."""

    compartment: int
    step_nm: float
    radius_nm: tuple[float, float]
    wiggle: float = 0.18
    pull: float = 0.0


_TRUNK = _Kind(APICAL, DENDRITE_STEP_NM, (1100, 450), wiggle=0.05, pull=0.03)
_OBLIQUE = _Kind(APICAL, DENDRITE_STEP_NM, (400, 200))
_BASAL = _Kind(BASAL, DENDRITE_STEP_NM, (600, 220))
_AXON_TRUNK = _Kind(AXON, AXON_STEP_NM, (200, 120), wiggle=0.08)
_COLLATERAL = _Kind(AXON, AXON_STEP_NM, (140, 100))


@dataclass(frozen=True)
class _Buds:
    """Where branches begin: the node each is attached to, its slot, and the part of the cell it belongs to."""

    node: Ints
    slot: Ints
    stem: Ints

    def twice(self, node: Ints) -> _Buds:
        """Two buds at each of these nodes, in the same parts."""
        return _Buds(np.repeat(node, 2), np.repeat(self.slot, 2), np.repeat(self.stem, 2))


@dataclass
class _Growth:
    """Nodes grown so far, in the order of growth; `columns` are slot, parent, compartment, stem and radius."""

    rng: np.random.Generator
    position: list[Floats] = field(default_factory=list)
    columns: list[tuple[NDArray[np.generic], ...]] = field(default_factory=list)
    size: int = 0

    def begin(self, soma_nm: Floats, radius_nm: Floats) -> None:
        """Set the somata: node k is that of slot k."""
        n = len(soma_nm)
        self.position.append(soma_nm)
        self.columns.append((np.arange(n), np.full(n, -1), np.full(n, SOMA), np.zeros(n, np.int64), radius_nm))
        self.size = n

    def add(self, buds: _Buds, direction: Floats, n_nodes: Ints, kind: _Kind) -> Ints:
        """Grow one branch from each bud along `direction` (n, 3).

        Returns the indices of the nodes, (branches, longest branch); a short branch repeats its last.
        """
        longest = int(n_nodes.max(initial=1))
        noise = self.rng.normal(0, kind.wiggle, (len(buds.node), longest, 3))
        bend = kind.pull * np.arange(longest)[:, None] * space.UP
        heading = direction[:, None, :] + np.cumsum(noise, axis=1) + bend
        heading /= np.linalg.norm(heading, axis=2, keepdims=True)
        walk = space.inside(self.at(buds.node)[:, None, :] + np.cumsum(heading * kind.step_nm, axis=1))
        is_node = np.arange(longest) < n_nodes[:, None]
        number = self.size + np.cumsum(is_node.ravel()).reshape(is_node.shape) - 1
        before = np.concatenate([buds.node[:, None], number[:, :-1]], axis=1)
        columns = (
            buds.slot[:, None],
            before,
            np.full((1, 1), kind.compartment),
            buds.stem[:, None],
            np.linspace(*kind.radius_nm, longest),
        )
        self.position.append(walk[is_node])
        self.columns.append(tuple(np.broadcast_to(column, is_node.shape)[is_node] for column in columns))
        self.size += int(is_node.sum())
        return number

    def tree(self, buds: _Buds, direction: Floats, nodes: tuple[int, ...], kind: _Kind) -> None:
        """Grow branches of `nodes[0]` nodes that each split into two of `nodes[1]`, and so on."""
        number = self.add(buds, direction, np.full(len(buds.node), nodes[0]), kind)
        if len(nodes) > 1:
            way = self.at(number[:, -1]) - self.at(number[:, 0]) + 1e-3
            way /= np.linalg.norm(way, axis=1, keepdims=True)
            daughters = np.repeat(way, 2, axis=0) + DAUGHTER_SPREAD * directions(self.rng, 2 * len(way))
            self.tree(buds.twice(number[:, -1]), daughters, nodes[1:], kind)

    def at(self, nodes: Ints) -> Floats:
        """Positions of nodes."""
        if len(self.position) > 1:
            self.position = [np.concatenate(self.position)]
        return self.position[0][nodes]


def grow(seed: int, pop: Population, soma_radius_nm: Floats) -> Arbors:
    """Draw the arbors of all proofread cells."""
    growth = _Growth(stage_rng(seed, "arbors"))
    growth.begin(pop.soma_nm[pop.proofread], soma_radius_nm)
    apical_nodes = _apical(growth, pop)
    _basal(growth, pop, apical_nodes)
    _axon(growth, pop)
    slot, parent, compartment, stem, radius = (np.concatenate(column) for column in zip(*growth.columns, strict=True))
    position = growth.at(np.arange(growth.size))
    arbors, _ = in_order(
        slot=slot,
        position_nm=position,
        parent=parent,
        compartment=compartment.astype(np.int8),
        radius_nm=radius,
        stem=stem,
    )
    return arbors


def directions(rng: np.random.Generator, n: int, flat: float = 1.0) -> Floats:
    """`n` random unit vectors; `flat` < 1 keeps them near the plane of the layers."""
    vector: Floats = rng.normal(size=(n, 3)) * np.array([1.0, flat, 1.0])
    vector /= np.linalg.norm(vector, axis=1, keepdims=True)
    return vector


def _apical(growth: _Growth, pop: Population) -> Ints:
    """Apical trunks with obliques and tufts; returns the number of nodes for every slot."""
    rng, slot_type = growth.rng, pop.slot_type
    slots = np.flatnonzero(slot_type < N_EXCITATORY)
    top = np.array([APICAL_TOP_UM[name] for name in NEURONS[:N_EXCITATORY]], dtype=float)[slot_type[slots]]
    way = np.maximum(pop.soma_um[pop.proofread[slots], 1] - top, SHORTEST_APICAL_UM)
    n_trunk = (way * 1000 / DENDRITE_STEP_NM).astype(np.int64)
    buds = _Buds(slots, slots, np.full(len(slots), APICAL_STEM))
    trunk = growth.add(buds, space.UP + 0.15 * directions(rng, len(slots)), n_trunk, _TRUNK)
    per_slot = n_trunk + OBLIQUES * OBLIQUE_NODES

    row = np.repeat(np.arange(len(slots)), OBLIQUES)
    place = (rng.uniform(0.05, 0.7, len(row)) * n_trunk[row]).astype(np.int64)
    obliques = _Buds(trunk[row, place], slots[row], buds.stem[row])
    growth.add(obliques, directions(rng, len(row), 0.4), np.full(len(row), OBLIQUE_NODES), _OBLIQUE)

    tufted = np.flatnonzero(np.isin(slot_type[slots], [TYPE[name] for name in TUFTED]))
    tuft = _Buds(slots[tufted], slots[tufted], buds.stem[tufted]).twice(trunk[tufted, -1])
    growth.tree(tuft, space.UP * 0.5 + directions(rng, len(tuft.node), 0.4), TUFT_NODES, _OBLIQUE)
    per_slot[tufted] += 2 * (TUFT_NODES[0] + 2 * TUFT_NODES[1])
    nodes = np.zeros(len(pop.proofread), dtype=np.int64)
    nodes[slots] = per_slot
    return nodes


def _basal(growth: _Growth, pop: Population, apical_nodes: Ints) -> None:
    """Basal (for interneurons: all) dendrites, as many as the length published for the type leaves."""
    length_nm = np.array([recipe.DENDRITE_LENGTH_UM[name] for name in NEURONS])[pop.slot_type] * 1000.0
    length_nm *= np.exp(growth.rng.normal(0, 0.15, len(pop.proofread)))
    n_stems = np.clip(np.rint((length_nm / DENDRITE_STEP_NM - apical_nodes) / STEM_TOTAL), 3, 18).astype(np.int64)
    slot, number = _numbered(n_stems)
    direction = directions(growth.rng, len(slot))
    direction[:, 1] *= np.where(pop.slot_type == TYPE["BPC"], 3.0, 0.8)[slot]
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    growth.tree(_Buds(slot, slot, number + 1), direction, STEM_NODES, _BASAL)


def _axon(growth: _Growth, pop: Population) -> None:
    """Trunks and collaterals, with a length that has room for the boutons."""
    rng, slot_type, slots = growth.rng, pop.slot_type, np.arange(len(pop.proofread))
    length_nm = pop.n_outputs / recipe.DEGREE_SCALE * BOUTON_SPACING_NM
    n_nodes = np.clip(length_nm / AXON_STEP_NM, *AXON_NODES)
    along = np.array([AXON_DIRECTION.get(name, -1.0) for name in NEURONS])[slot_type]
    to_pia = np.clip(pop.soma_um[pop.proofread, 1] * 1000 / AXON_STEP_NM, 4, 30)
    n_trunk = np.select([along > 0.5, along < -0.5], [to_pia, AXON_TRUNK_NODES], 4).astype(np.int64)
    direction = along[:, None] * space.UP + 0.3 * directions(rng, len(slots))
    trunk = growth.add(_Buds(slots, slots, np.full(len(slots), TRUNK_STEM)), direction, n_trunk, _AXON_TRUNK)

    n_collaterals = np.maximum(2, np.rint((n_nodes - n_trunk) / COLLATERAL_TOTAL)).astype(np.int64)
    slot, number = _numbered(n_collaterals)
    place = (rng.uniform(0.1, 1.0, len(slot)) * n_trunk[slot]).astype(np.int64)
    buds = _Buds(trunk[slot, place], slot, FIRST_COLLATERAL + number)
    growth.tree(buds, directions(rng, len(slot), 0.7), COLLATERAL_NODES, _COLLATERAL)


def _numbered(counts: Ints) -> tuple[Ints, Ints]:
    """Index of each group as often as it counts, and numbers 0, 1, ... within each."""
    group = np.repeat(np.arange(len(counts)), counts)
    return group, np.arange(len(group)) - np.repeat(np.cumsum(counts) - counts, counts)


def in_order(
    *,
    slot: Ints,
    position_nm: Floats,
    parent: Ints,
    compartment: NDArray[np.int8],
    radius_nm: Floats,
    stem: Ints,
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
