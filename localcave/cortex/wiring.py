"""Who makes how many synapses with whom.

Outputs of proofread cells come first: partners by type preference and lateral distance, then a number of synapses for
each pair. The inputs of proofread cells are filled up with typed neurons and with fragments of axons, so that their
totals and the shares of typed partners are the published ones. Neurons that are not proofread get a few inputs too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from localcave.cortex import recipe
from localcave.cortex.ids import Floats, Ints, stage_rng
from localcave.cortex.population import Population
from localcave.cortex.recipe import N_EXCITATORY, N_NEURON_TYPES, UNTYPED, Size

ROWS_AT_ONCE = 128
AXON_FRAGMENT_DEGREE, DENDRITE_FRAGMENT_DEGREE = 4.0, 2.0
FEWEST_FRAGMENTS = 50_000
FRAGMENT_SD_LN = 0.9
FRAGMENT_REACH = 20_000
STRIP_UM = 60.0
FRAGMENT_EXCITATORY_SHARE = 0.86


@dataclass(frozen=True)
class Wiring:
    """One entry per synapse. Owners are cells, then fragments of axons, then of dendrites; -1 is root id 0."""

    pre: Ints
    post: Ints
    n_cells: int
    n_axon_fragments: int
    n_dendrite_fragments: int

    @property
    def n_owners(self) -> int:
        """Number of cells and fragments."""
        return self.n_cells + self.n_axon_fragments + self.n_dendrite_fragments


Pairs = tuple[Ints, Ints]
"""Two arrays of equal length: pre and post."""


def wire(seed: int, size: Size, pop: Population) -> Wiring:
    """Draw all synapses of a population as pairs of owners, ordered by post, then pre."""
    rng = stage_rng(seed, "wiring")
    outputs = _outputs(rng, pop)
    filled = _typed_inputs(rng, pop, outputs)
    autapses = np.repeat(pop.proofread, _whole(rng, recipe.AUTAPSE_SHARE * pop.n_inputs))
    zero_out = np.repeat(pop.proofread, _whole(rng, recipe.ROOT_ZERO_SHARE * pop.n_outputs))
    zero_in = np.repeat(pop.proofread, _whole(rng, recipe.ROOT_ZERO_SHARE * pop.n_inputs))
    parts = [
        outputs,
        filled,
        (autapses, autapses),
        (zero_out, np.full_like(zero_out, -1)),
        (np.full_like(zero_in, -1), zero_in),
    ]

    n_cells = len(pop.type_code)
    demand_in = _fragment_inputs(rng, size, pop, parts)
    to_post, n_axons = _fragments(rng, pop, demand_in, AXON_FRAGMENT_DEGREE, recipe.MOST_PER_INPUT_PAIR)
    demand_out = np.zeros(n_cells, dtype=np.int64)
    demand_out[pop.proofread] = np.rint(pop.n_outputs * recipe.OUTPUT_FRAGMENT_SHARE)
    giant = pop.proofread[pop.giants]  # there are not enough cells in reach of a giant: fragments make up the rest
    created = np.bincount(outputs[0], minlength=n_cells)[giant]
    demand_out[giant] = np.maximum(demand_out[giant], pop.n_outputs[pop.giants] - created)
    to_pre, n_dendrites = _fragments(rng, pop, demand_out, DENDRITE_FRAGMENT_DEGREE, 4)
    parts.append((n_cells + to_post[1], to_post[0]))
    parts.append((to_pre[0], n_cells + n_axons + to_pre[1]))
    pre, post = (np.concatenate([part[side] for part in parts]) for side in (0, 1))
    order = np.lexsort([pre, post])
    return Wiring(pre[order], post[order], n_cells, n_axons, n_dendrites)


def is_inhibitory(type_code: NDArray[np.int8]) -> NDArray[np.bool_]:
    """True for the inhibitory types."""
    return (type_code >= N_EXCITATORY) & (type_code < N_NEURON_TYPES)


def multiplicity(rng: np.random.Generator, second: Floats, further: tuple[float, ...], most: int) -> Ints:
    """Synapses of each pair: `second` is the chance of a second one, `further[k]` that of one after k + 2."""
    count = np.ones(len(second), dtype=np.int64)
    going = np.flatnonzero(rng.random(len(second)) < second)
    for number in range(2, most + 1):
        count[going] = number
        chance = further[min(number - 2, len(further) - 1)]
        going = going[rng.random(len(going)) < chance]
    return count


def mean_multiplicity(second: Floats | float, further: tuple[float, ...]) -> Floats:
    """Expected synapses of a pair, without the upper limit."""
    tail = 1 / (1 - further[-1])
    for chance in reversed(further[:-1]):
        tail = 1 + chance * tail
    return 1 + np.asarray(second, dtype=float) * tail


def _whole(rng: np.random.Generator, expected: NDArray[np.floating]) -> Ints:
    """Whole numbers with these means: the fraction is the chance of one more."""
    return (np.floor(expected) + (rng.random(expected.shape) < expected % 1)).astype(np.int64)


def _second(pre_type: NDArray[np.int8], post_type: NDArray[np.int8]) -> Floats:
    """Chance of a second synapse by the classes of pre and post; an untyped cell counts as excitatory."""
    table = np.array([[recipe.SECOND[a, b] for b in "EI"] for a in "EI"])
    chances: Floats = table[is_inhibitory(pre_type).astype(int), is_inhibitory(post_type).astype(int)]
    return chances


def _near(rng: np.random.Generator, counts: Ints, from_um: Floats, to_um: Floats, reach_um: Floats) -> Pairs:
    """Pairs (row of `from_um`, row of `to_um`): `counts` draws for each row of `from_um`, less repetitions.

    The chance decays with lateral distance over `reach_um`.
    """
    rows, columns = [], []
    for start in range(0, len(counts) if len(to_um) else 0, ROWS_AT_ONCE):
        batch = slice(start, start + ROWS_AT_ONCE)
        dx = from_um[batch, 0, None].astype(np.float32) - to_um[None, :, 0].astype(np.float32)
        dz = from_um[batch, 2, None].astype(np.float32) - to_um[None, :, 2].astype(np.float32)
        weight = np.exp(-np.sqrt(dx * dx + dz * dz) / reach_um[batch, None].astype(np.float32))
        cumulative = np.cumsum(weight.astype(np.float64).ravel())
        last = cumulative[len(to_um) - 1 :: len(to_um)]
        begin = np.concatenate([[0.0], last[:-1]])
        row = np.repeat(np.arange(len(last)), counts[batch])
        draw = begin[row] + rng.random(len(row)) * (last - begin)[row]
        hit = np.clip(np.searchsorted(cumulative, draw, side="right") - row * len(to_um), 0, len(to_um) - 1)
        result = np.unique(row * np.int64(len(to_um)) + hit)
        rows.append(start + result // len(to_um))
        columns.append(result % len(to_um))
    return (np.concatenate(rows), np.concatenate(columns)) if rows else (np.empty(0, np.int64), np.empty(0, np.int64))


def _reach(pop: Population) -> Floats:
    reach = np.where(is_inhibitory(pop.slot_type), recipe.REACH_UM["I"], recipe.REACH_UM["E"]).astype(float)
    reach[pop.giants] = recipe.GIANT_REACH_UM
    return reach


def _outputs(rng: np.random.Generator, pop: Population) -> Pairs:
    """Synapses of proofread cells onto cells with a nucleus, as (pre, post) cells."""
    matrix = recipe.type_matrix()
    share = matrix / matrix.sum(axis=1, keepdims=True)
    onto_typed = 1 - recipe.OUTPUT_FRAGMENT_SHARE - recipe.OUTPUT_UNTYPED_SHARE - recipe.ROOT_ZERO_SHARE
    slot_type = pop.slot_type
    pre, post = [], []
    for code in [*range(N_NEURON_TYPES), UNTYPED]:
        of_type = pop.single & pop.is_neuron & (pop.type_code == code)
        cells = np.flatnonzero(of_type)
        of_outputs = onto_typed * share[slot_type, code] if code != UNTYPED else recipe.OUTPUT_UNTYPED_SHARE
        second = _second(slot_type, np.full_like(slot_type, code)) * recipe.SECOND_OUTSIDE * 1.2
        expected = pop.n_outputs * of_outputs / mean_multiplicity(second, recipe.CONTINUE)
        rows, columns = _near(rng, _whole(rng, expected), pop.soma_um[pop.proofread], pop.soma_um[cells], _reach(pop))
        pre.append(pop.proofread[rows])
        post.append(cells[columns])
    pairs = np.concatenate(pre), np.concatenate(post)
    return _repeat(rng, pop, _reciprocate(rng, pop, pairs))


def _reciprocate(rng: np.random.Generator, pop: Population, pairs: Pairs) -> Pairs:
    """Distinct pairs without autapses, with the opposite of some of those between proofread cells."""
    pre, post = pairs
    back = (pop.slot[post] >= 0) & (rng.random(len(pre)) < recipe.RECIPROCAL_SHARE)
    pre, post = np.concatenate([pre, post[back]]), np.concatenate([post, pre[back]])
    n_cells = len(pop.type_code)
    key = np.unique((pre * n_cells + post)[pre != post])
    return key // n_cells, key % n_cells


def _repeat(rng: np.random.Generator, pop: Population, pairs: Pairs) -> Pairs:
    """Each pair as often as it has synapses."""
    pre, post = pairs
    second = _second(pop.type_code[pre], pop.type_code[post])
    both = (pop.slot[pre] >= 0) & (pop.slot[post] >= 0)
    count = multiplicity(
        rng, np.where(both, second, second * recipe.SECOND_OUTSIDE), recipe.CONTINUE, recipe.MOST_PER_PAIR
    )
    return np.repeat(pre, count), np.repeat(post, count)


def _typed_inputs(rng: np.random.Generator, pop: Population, outputs: Pairs) -> Pairs:
    """Synapses of typed neurons that are not proofread onto proofread ones, up to the published share of inputs."""
    matrix = recipe.type_matrix()
    slot_type = pop.slot_type
    share_e = np.array([recipe.EXCITATORY_INPUT_SHARE[name] for name in recipe.NEURONS])[slot_type]
    onto = pop.slot[outputs[1]]
    inhibitory = is_inhibitory(pop.type_code[outputs[0]])
    pre, post = [], []
    for first, last, share in ((0, N_EXCITATORY, share_e), (N_EXCITATORY, N_NEURON_TYPES, 1 - share_e)):
        of_class = (onto >= 0) & (inhibitory == (first > 0))
        have = np.bincount(onto[of_class], minlength=len(slot_type))
        need = np.maximum(0, recipe.INPUT_TYPED_SHARE * share * pop.n_inputs - have)
        column = matrix[first:last] / matrix[first:last].sum(axis=0)
        reach = np.full(len(slot_type), recipe.REACH_UM["I" if first else "E"])
        reach[pop.giants] = recipe.GIANT_REACH_UM
        for code in range(first, last):
            cells = np.flatnonzero((pop.type_code == code) & (pop.slot < 0))
            second = _second(np.full_like(slot_type, code), slot_type) * recipe.SECOND_OUTSIDE
            expected = need * column[code - first, slot_type] / mean_multiplicity(second, recipe.CONTINUE)
            rows, columns = _near(rng, _whole(rng, expected), pop.soma_um[pop.proofread], pop.soma_um[cells], reach)
            pre.append(cells[columns])
            post.append(pop.proofread[rows])
    return _repeat(rng, pop, (np.concatenate(pre), np.concatenate(post)))


def _fragment_inputs(rng: np.random.Generator, size: Size, pop: Population, parts: list[Pairs]) -> Ints:
    """Number of inputs from fragments that each cell still needs."""
    need = np.zeros(len(pop.type_code), dtype=np.int64)
    others = pop.single & pop.is_neuron
    need[others] = rng.poisson(size.background_inputs * rng.gamma(1.5, 1 / 1.5, others.sum()))
    need[pop.proofread] = pop.n_inputs
    post = np.concatenate([part[1] for part in parts])
    have = np.bincount(post[post >= 0], minlength=len(need))
    need[pop.proofread] = np.maximum(0, pop.n_inputs - have[pop.proofread])
    return need


def _fragments(rng: np.random.Generator, pop: Population, demand: Ints, degree: float, most: int) -> tuple[Pairs, int]:
    """Synapses (cell, fragment) with `demand` for each cell, and the number of fragments.

    Cells and fragments are strung along a line that winds through the cortex, each cell with a stretch in proportion to
    its demand; a synapse goes to a fragment at a random distance along it, so that fragments join neighbours.
    """
    strip = (pop.soma_um[:, 0] // STRIP_UM).astype(np.int64)
    along = np.where(strip % 2 == 0, pop.soma_um[:, 2], -pop.soma_um[:, 2])
    line = np.lexsort([along, strip])
    line = line[demand[line] > 0]
    pairs = _whole(rng, demand[line] / mean_multiplicity(recipe.SECOND_INPUT, recipe.CONTINUE_INPUT))
    n_fragments = max(round(pairs.sum() / degree), min(FEWEST_FRAGMENTS, int(pairs.sum())))
    row = np.repeat(np.arange(len(line)), pairs)
    reach = np.full(len(line), max(FRAGMENT_REACH, 0.06 * n_fragments))
    reach[np.isin(line, pop.proofread[pop.giants])] = n_fragments
    place = np.arange(len(row)) / len(row) * n_fragments + rng.laplace(0, reach[row])
    weight = np.exp(rng.normal(0, FRAGMENT_SD_LN, n_fragments))
    edges = np.cumsum(weight) / weight.sum() * n_fragments
    fragment = np.minimum(np.searchsorted(edges, place % n_fragments), n_fragments - 1)
    count = multiplicity(rng, np.full(len(row), recipe.SECOND_INPUT), recipe.CONTINUE_INPUT, most)
    used, number = np.unique(fragment, return_inverse=True)
    return (np.repeat(line[row], count), np.repeat(number, count)), len(used)
