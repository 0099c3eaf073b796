"""Cells: which are proofread, by which strategy at each version, and how many synapses they have."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from localcave.cortex import recipe
from localcave.cortex.ids import Floats, Ints, stage_rng
from localcave.cortex.nuclei import Nuclei, from_quantiles
from localcave.cortex.recipe import NEURONS, TYPE, UNTYPED, Size

STRATEGIES = ("axon_partially_extended", "axon_interareal", "axon_fully_extended", "none")
IN_COLUMN_SHARE = 0.85
COLUMN_SPREAD_LN = 0.25
NO_ROW = -1


@dataclass(frozen=True)
class Population:
    """Cells by index, and the proofread ones by *slot* (their place in `proofread`).

    `type_code` is the type of a cell with a single nucleus and UNTYPED otherwise; `soma_um` (x, depth, z) and
    `soma_nm` are those of its first nucleus. `strategy[version]` has an index into `STRATEGIES` for every slot, or
    `NO_ROW` where the cell was not yet in the proofreading table. `n_inputs`, `n_outputs` are the synapses wanted.
    """

    type_code: NDArray[np.int8]
    soma_um: Floats
    soma_nm: Floats
    single: NDArray[np.bool_]
    is_neuron: NDArray[np.bool_]
    proofread: Ints
    slot: Ints
    strategy: dict[int, NDArray[np.int8]]
    n_inputs: Ints
    n_outputs: Ints
    giants: Ints

    @property
    def slot_type(self) -> NDArray[np.int8]:
        """Type of the cell of each slot."""
        return self.type_code[self.proofread]


def make_population(seed: int, size: Size, nuclei: Nuclei) -> Population:
    """Choose the proofread cells and draw their strategies and numbers of synapses."""
    rng = stage_rng(seed, "population")
    first = np.full(nuclei.n_cells, -1)
    with_root = np.flatnonzero(nuclei.cell >= 0)
    first[nuclei.cell[with_root[::-1]]] = with_root[::-1]
    single = nuclei.somas_per_cell() == 1
    type_code = np.where(single, nuclei.type_code[first], UNTYPED).astype(np.int8)
    soma_um = nuclei.frame_um[first]

    strategy = _strategies(rng, size)
    proofread = _choose(rng, type_code, soma_um, len(strategy[recipe.NEWEST_VERSION]))
    slot = np.full(nuclei.n_cells, -1)
    slot[proofread] = np.arange(len(proofread))
    n_inputs, n_outputs = _degrees(rng, type_code[proofread], strategy[recipe.NEWEST_VERSION])
    giants = slot[[_nearest(type_code[proofread], soma_um[proofread], proofread, name) for name in ("BC", "5P-ET")]]
    n_inputs[giants] = size.giant_synapses * 21 // 20  # a little more than wanted: counts vary by a few per cent
    n_outputs[giants[0]] = size.giant_synapses * 21 // 20
    return Population(
        type_code=type_code,
        soma_um=soma_um,
        soma_nm=nuclei.position_nm[first],
        single=single,
        is_neuron=nuclei.is_neuron[first],
        proofread=proofread,
        slot=slot,
        strategy=strategy,
        n_inputs=n_inputs,
        n_outputs=n_outputs,
        giants=giants,
    )


def lateral_um(soma_um: Floats) -> Floats:
    """Distance of somata from the axis of the column, um."""
    x, z = recipe.COLUMN_CENTRE_UM
    return np.hypot(soma_um[:, 0] - x, soma_um[:, 2] - z)


def _nearest(type_code: NDArray[np.int8], soma_um: Floats, cells: Ints, name: str) -> int:
    distance = np.where(type_code == TYPE[name], lateral_um(soma_um), np.inf)
    return int(cells[np.argmin(distance)])


def _choose(rng: np.random.Generator, type_code: NDArray[np.int8], soma_um: Floats, count: int) -> Ints:
    """Proofread cells by type: most around the column, some anywhere; ascending."""
    published = np.array([recipe.PROOFREAD_TYPES[name] for name in NEURONS], dtype=float)
    shares = published / published.sum() * count
    counts = np.maximum(np.floor(shares).astype(int), 1)
    counts[np.argsort(shares - counts)[::-1][: count - counts.sum()]] += 1
    counts[0] += count - counts.sum()
    chosen = []
    for code in range(len(NEURONS)):
        cells = np.flatnonzero(type_code == code)
        distance = lateral_um(soma_um[cells]) * np.exp(rng.normal(0, COLUMN_SPREAD_LN, len(cells)))
        by_distance = cells[np.argsort(distance, kind="stable")]
        near = int(np.ceil(IN_COLUMN_SHARE * counts[code]))
        chosen += [by_distance[:near], rng.choice(by_distance[near:], counts[code] - near, replace=False)]
    return np.sort(np.concatenate(chosen))


def _strategies(rng: np.random.Generator, size: Size) -> dict[int, NDArray[np.int8]]:
    """Strategy of every slot at every version: from the newest back, as few cells change as the counts allow."""
    num_cells = {
        version: np.array([max(1, round(counts[name] * size.proofread_share)) for name in STRATEGIES])
        for version, counts in recipe.STRATEGY_AXON.items()
    }
    newest = np.repeat(np.arange(len(STRATEGIES)), num_cells[recipe.NEWEST_VERSION])
    strategies = {recipe.NEWEST_VERSION: rng.permutation(newest).astype(np.int8)}
    for version, later in zip(recipe.VERSIONS[-2::-1], recipe.VERSIONS[:0:-1], strict=True):
        strategy = strategies[later].copy()
        surplus = [
            rng.permutation(np.flatnonzero(strategy == code))[: max(0, (strategy == code).sum() - count)]
            for code, count in enumerate(num_cells[version])
        ]
        change = rng.permutation(np.concatenate(surplus))
        missing = [max(0, count - (strategy == code).sum()) for code, count in enumerate(num_cells[version])]
        into = np.repeat(np.arange(len(STRATEGIES)), missing)
        strategy[change] = np.concatenate([np.full(len(change) - len(into), NO_ROW), into])
        strategies[version] = strategy
    return strategies


def _degrees(rng: np.random.Generator, slot_type: NDArray[np.int8], strategy: NDArray[np.int8]) -> tuple[Ints, Ints]:
    """Numbers of inputs and outputs of every slot."""
    n_inputs, n_outputs = np.zeros(len(slot_type)), np.zeros(len(slot_type))
    factor = np.array([recipe.OUTPUT_FACTOR[name] for name in STRATEGIES])[strategy]
    for code, name in enumerate(NEURONS):
        of_type = np.flatnonzero(slot_type == code)
        n_inputs[of_type] = from_quantiles(rng, recipe.INPUT_PERCENTILES, recipe.INPUTS[name], len(of_type))
        median, sd_ln = recipe.OUTPUTS[name]
        draws = np.exp(rng.normal(np.log(median), sd_ln, len(of_type)))
        n_outputs[of_type] = draws * (factor[of_type] if code < recipe.N_EXCITATORY else np.minimum(factor[of_type], 1))
    scale = recipe.DEGREE_SCALE
    return np.rint(n_inputs * scale).astype(np.int64), np.maximum(3, np.rint(n_outputs * scale)).astype(np.int64)
