"""Where each synapse is: on the arbors of its cells, where they have one.

A synapse between two cells with arbors is put on the dendrite, and the axon gets a twig that ends there. Other synapses
of a cell with an arbor lie on it, those of cells without one around the soma.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from localcave.cortex import recipe, space
from localcave.cortex.arbors import APICAL, AXON, BASAL, SOMA, Arbors, directions, in_order
from localcave.cortex.ids import Floats, Ints, stage_rng
from localcave.cortex.population import Population
from localcave.cortex.recipe import TAG_SHARE, TYPE, UNTYPED
from localcave.cortex.wiring import FRAGMENT_EXCITATORY_SHARE, Wiring, is_inhibitory

CANDIDATES, AXON_SAMPLES = 6, 32
AT_ONCE = 8192
CLEFT_NM, ACROSS_NM = 40.0, 220.0
"""From the membrane of the postsynaptic cell to the centre of the synapse and to the presynaptic point."""
TWIG_STEP_NM, TWIG_NODES, TWIG_RADIUS_NM = 20_000.0, 6, 100.0
AROUND_SOMA_NM = 45_000.0
MARTINOTTI_APICAL, MARTINOTTI_ABOVE_NM = 0.6, 80_000.0
"""Share of a Martinotti cell's synapses that seek apical dendrites, and how far above a soma the others aim."""
SOMA_TAG = recipe.TAGS.index("soma")


@dataclass(frozen=True)
class Synapses:
    """One entry per synapse, in the order of the wiring.

    `pre_node`, `post_node` are indices into the arbors, -1 where that cell has none; `tag` is an index into `TAGS`.
    """

    pre_nm: Floats
    ctr_nm: Floats
    post_nm: Floats
    pre_node: Ints
    post_node: Ints
    tag: NDArray[np.int8]
    size: NDArray[np.float32]


@dataclass(frozen=True)
class _Scene:
    """What every step reads: slots and types of both sides of each synapse."""

    pop: Population
    wiring: Wiring
    arbors: Arbors
    pre_slot: Ints
    post_slot: Ints
    pre_type: NDArray[np.int8]
    tag: NDArray[np.int8]

    @property
    def n_slots(self) -> int:
        return len(self.pop.proofread)


def place(seed: int, pop: Population, wiring: Wiring, arbors: Arbors) -> tuple[Synapses, Arbors]:
    """Positions, compartments and sizes of all synapses, and the arbors with the twigs that lead to them."""
    rng = stage_rng(seed, "placement")
    pre_type, post_type = _owner_types(rng, pop, wiring)
    tag = _tags(rng, wiring, pre_type, post_type)
    pre_slot, post_slot = _slots(pop, wiring.pre), _slots(pop, wiring.post)
    scene = _Scene(pop, wiring, arbors, pre_slot, post_slot, pre_type, tag)
    n = len(wiring.pre)
    points = np.full((n, 3, 3), np.nan)  # pre, centre, post
    nodes = np.full((n, 2), -1)

    onto = np.flatnonzero(post_slot >= 0)
    nodes[onto, 1] = _dendrite_nodes(rng, scene, onto)
    points[onto] = _beside(rng, arbors, nodes[onto, 1], reverse=True)
    out = np.flatnonzero((pre_slot >= 0) & (post_slot < 0))
    nodes[out, 0] = _axon_nodes(rng, scene, out)
    points[out] = _beside(rng, arbors, nodes[out, 0], reverse=False)
    unplaced = np.flatnonzero((pre_slot < 0) & (post_slot < 0))
    points[unplaced] = _around_soma(rng, pop.soma_nm[wiring.post[unplaced]])

    both = np.flatnonzero((pre_slot >= 0) & (post_slot >= 0))
    arbors, place_of, ends = _with_twigs(rng, arbors, pre_slot[both], points[both, 0])
    nodes = np.where(nodes >= 0, place_of[nodes], -1)
    nodes[both, 0] = ends
    size = _sizes(rng, is_inhibitory(pre_type))
    return Synapses(points[:, 0], points[:, 1], points[:, 2], nodes[:, 0], nodes[:, 1], tag, size), arbors


def _slots(pop: Population, owner: Ints) -> Ints:
    """Slot of each owner, -1 where it has none."""
    cell = (owner >= 0) & (owner < len(pop.slot))
    return np.where(cell, pop.slot[np.where(cell, owner, 0)], -1)


def _owner_types(
    rng: np.random.Generator, pop: Population, wiring: Wiring
) -> tuple[NDArray[np.int8], NDArray[np.int8]]:
    """Types of pre and post. A fragment's axon has a class of its own that no table tells: basket or layer 2/3."""
    hidden = np.where(rng.random(wiring.n_axon_fragments) < FRAGMENT_EXCITATORY_SHARE, TYPE["23P"], TYPE["BC"])
    types = np.concatenate([pop.type_code, hidden, np.full(wiring.n_dendrite_fragments + 1, UNTYPED)]).astype(np.int8)
    return types[wiring.pre], types[wiring.post]  # -1 is the last one: untyped


def _tags(
    rng: np.random.Generator, wiring: Wiring, pre_type: NDArray[np.int8], post_type: NDArray[np.int8]
) -> NDArray[np.int8]:
    """Postsynaptic compartment of each synapse."""
    fragment = (wiring.pre >= wiring.n_cells) | (wiring.pre < 0)
    onto_inhibitory, inhibitory = is_inhibitory(post_type), is_inhibitory(pre_type)
    rules = [  # the first that holds counts
        ("?>5P-NP", fragment & (post_type == TYPE["5P-NP"])),
        ("?>I", fragment & onto_inhibitory),
        ("?>E", fragment),
        ("BC>", pre_type == TYPE["BC"]),
        ("MC>", pre_type == TYPE["MC"]),
        ("I>", inhibitory),
        ("E>I", onto_inhibitory),
        ("5P-NP>", pre_type == TYPE["5P-NP"]),
        ("6P-CT>", pre_type == TYPE["6P-CT"]),
    ]
    default = np.cumsum(TAG_SHARE["E>E"])
    draw = rng.random(len(pre_type))
    limits = [np.cumsum(TAG_SHARE[name]) for name, _ in rules]
    cases = [holds for _, holds in rules]
    spine = np.select(cases, [limit[0] for limit in limits], default[0])
    shaft = np.select(cases, [limit[1] for limit in limits], default[1])
    return ((draw >= spine).astype(np.int8) + (draw >= shaft)).astype(np.int8)


def _dendrite_nodes(rng: np.random.Generator, scene: _Scene, onto: Ints) -> Ints:
    """Postsynaptic node of the synapses `onto`: of a few at random the one that suits the partner best."""
    arbors, n_slots = scene.arbors, scene.n_slots
    soma, _ = arbors.ranges(n_slots, SOMA)
    first, count = arbors.ranges(n_slots, BASAL, APICAL)
    first_apical, n_apical = arbors.ranges(n_slots, APICAL)
    chosen = np.empty(len(onto), dtype=np.int64)
    for start in range(0, len(onto), AT_ONCE):
        batch = onto[start : start + AT_ONCE]
        slot, kind = scene.post_slot[batch], scene.pre_type[batch]
        draw = rng.random((len(batch), CANDIDATES))
        candidate = first[slot, None] + (draw * count[slot, None]).astype(np.int64)
        upper = (kind == TYPE["MC"]) & (n_apical[slot] > 0) & (rng.random(len(batch)) < MARTINOTTI_APICAL)
        apical = first_apical[slot, None] + (draw * n_apical[slot, None]).astype(np.int64)
        candidate = np.where(upper[:, None], apical, candidate)
        cost = _way_to_partner(rng, scene, batch, candidate)
        per_um = np.select([kind == TYPE["BC"], kind == TYPE["MC"]], [1.0, -0.5], 0.0)
        cost += arbors.path_um[candidate] * per_um[:, None]
        chosen[start : start + AT_ONCE] = candidate[np.arange(len(batch)), np.argmin(cost, axis=1)]
    at_soma = scene.tag[onto] == SOMA_TAG
    return np.where(at_soma, soma[scene.post_slot[onto]], chosen)


def _way_to_partner(rng: np.random.Generator, scene: _Scene, batch: Ints, candidate: Ints) -> Floats:
    """Distance in um of candidates (n, k) from the partner's axon, else its soma; 0 for fragments."""
    way = np.zeros(candidate.shape)
    partner, pre_slot = scene.wiring.pre[batch], scene.pre_slot[batch]
    typed = np.flatnonzero((partner >= 0) & (partner < scene.wiring.n_cells) & (pre_slot < 0))
    node_nm = scene.arbors.position_nm
    to_soma = node_nm[candidate[typed]] - scene.pop.soma_nm[partner[typed], None, :]
    way[typed] = np.linalg.norm(to_soma, axis=2) / 1000
    traced = np.flatnonzero(pre_slot >= 0)
    axon = _axon_sample(rng, scene.arbors, scene.n_slots, pre_slot[traced])
    for k in range(candidate.shape[1]):
        to_axon = node_nm[axon] - node_nm[candidate[traced, k], None, :]
        way[traced, k] = np.sqrt((to_axon**2).sum(axis=2).min(axis=1)) / 1000
    return way


def _axon_sample(rng: np.random.Generator, arbors: Arbors, n_slots: int, slot: Ints) -> Ints:
    """Random axon nodes (n, AXON_SAMPLES) of these slots."""
    first, count = arbors.ranges(n_slots, AXON)
    return first[slot, None] + (rng.random((len(slot), AXON_SAMPLES)) * count[slot, None]).astype(np.int64)


def _axon_nodes(rng: np.random.Generator, scene: _Scene, out: Ints) -> Ints:
    """Presynaptic node of the synapses `out`, near where the partner would be met."""
    pop, post = scene.pop, scene.wiring.post[out]
    node = _axon_sample(rng, scene.arbors, scene.n_slots, scene.pre_slot[out])[:, 0]
    onto_cells = np.flatnonzero((post >= 0) & (post < scene.wiring.n_cells))
    aim = pop.soma_nm[post[onto_cells]] + rng.normal(0, AROUND_SOMA_NM, (len(onto_cells), 3))
    martinotti = scene.pre_type[out[onto_cells]] == TYPE["MC"]
    aim += np.where(martinotti, MARTINOTTI_ABOVE_NM, 0.0)[:, None] * space.UP
    for start in range(0, len(onto_cells), AT_ONCE):
        batch = onto_cells[start : start + AT_ONCE]
        sample = _axon_sample(rng, scene.arbors, scene.n_slots, scene.pre_slot[out[batch]])
        way = ((scene.arbors.position_nm[sample] - aim[start : start + AT_ONCE, None, :]) ** 2).sum(axis=2)
        node[batch] = sample[np.arange(len(batch)), np.argmin(way, axis=1)]
    return node


def _beside(rng: np.random.Generator, arbors: Arbors, node: Ints, *, reverse: bool) -> Floats:
    """Points (n, 3, 3) beside the edges from nodes to their parents: inside the neurite, in the cleft, across it.

    With `reverse` the neurite is the postsynaptic one.
    """
    parent = np.maximum(arbors.parent[node], 0)
    is_soma, from_soma = arbors.parent[node] < 0, arbors.compartment[parent] == SOMA
    edge = np.where(is_soma[:, None], 0.0, arbors.position_nm[parent] - arbors.position_nm[node])
    middle = arbors.position_nm[node] + edge * (rng.random(len(node)) * np.where(from_soma, 0.4, 1.0))[:, None]
    outward = directions(rng, len(node))
    length2 = np.maximum((edge**2).sum(axis=1, keepdims=True), 1.0)
    outward -= edge * ((outward * edge).sum(axis=1, keepdims=True) / length2)
    outward /= np.linalg.norm(outward, axis=1, keepdims=True)
    radius = arbors.radius_nm[node, None]
    inside, cleft, across = (middle + outward * (radius + d) for d in (-CLEFT_NM, CLEFT_NM, ACROSS_NM))
    return np.stack([across, cleft, inside] if reverse else [inside, cleft, across], axis=1)


def _around_soma(rng: np.random.Generator, soma_nm: Floats) -> Floats:
    centre = space.inside(soma_nm + rng.normal(0, AROUND_SOMA_NM, soma_nm.shape))
    outward = directions(rng, len(centre)) * (ACROSS_NM / 2)
    return np.stack([centre - outward, centre, centre + outward], axis=1)


def _with_twigs(rng: np.random.Generator, arbors: Arbors, slot: Ints, end_nm: Floats) -> tuple[Arbors, Ints, Ints]:
    """Add a twig from the axon of `slot` to each of `end_nm`.

    Returns the arbors, the new index of the old nodes, and the index of the last node of each twig.
    """
    attach = np.empty(len(slot), dtype=np.int64)
    n_slots = int(arbors.slot[-1]) + 1
    for start in range(0, len(slot), AT_ONCE):
        batch = slice(start, start + AT_ONCE)
        sample = _axon_sample(rng, arbors, n_slots, slot[batch])
        way = ((arbors.position_nm[sample] - end_nm[batch, None, :]) ** 2).sum(axis=2)
        attach[batch] = sample[np.arange(len(sample)), np.argmin(way, axis=1)]
    start_nm = arbors.position_nm[attach]
    length = np.linalg.norm(end_nm - start_nm, axis=1)
    n_nodes = np.clip(np.ceil(length / TWIG_STEP_NM), 1, TWIG_NODES).astype(np.int64)
    row = np.repeat(np.arange(len(slot)), n_nodes)
    step = np.arange(len(row)) - np.repeat(np.cumsum(n_nodes) - n_nodes, n_nodes) + 1
    share = (step / n_nodes[row])[:, None]
    bend = rng.normal(0, 0.12, (len(row), 3)) * (length[row, None] * share * (1 - share))
    position = start_nm[row] + (end_nm - start_nm)[row] * share + bend
    number = len(arbors.slot) + np.arange(len(row))
    parent = np.where(step == 1, attach[row], number - 1)
    expanded, new_place = in_order(
        slot=np.concatenate([arbors.slot, slot[row]]),
        position_nm=np.concatenate([arbors.position_nm, position]),
        parent=np.concatenate([arbors.parent, parent]),
        compartment=np.concatenate([arbors.compartment, np.full(len(row), AXON, np.int8)]),
        radius_nm=np.concatenate([arbors.radius_nm, np.full(len(row), TWIG_RADIUS_NM)]),
        stem=np.concatenate([arbors.stem, arbors.stem[attach[row]]]),
    )
    return expanded, new_place, new_place[number[step == n_nodes[row]]]


def _sizes(rng: np.random.Generator, inhibitory: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Log-normal sizes in steps of 4; those beyond the limits are drawn from what lies between."""
    median = np.where(inhibitory, recipe.SIZE_MEDIAN["I"], recipe.SIZE_MEDIAN["E"])
    spread = np.where(inhibitory, recipe.SIZE_SD_LN["I"], recipe.SIZE_SD_LN["E"])
    draw = median * np.exp(spread * rng.normal(size=len(median)))
    odd = (draw < recipe.SIZE_MIN) | (draw > recipe.SIZE_MAX)
    draw[odd] = rng.uniform(recipe.SIZE_MIN, median[odd])
    return (recipe.SIZE_STEP * np.rint(draw / recipe.SIZE_STEP)).astype(np.float32)
