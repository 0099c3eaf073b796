"""Nuclei: where they are, how large, of which type, and which cell (root) they belong to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from localcave.cortex import recipe, space
from localcave.cortex.ids import Floats, Ints, nucleus_ids, stage_rng
from localcave.cortex.recipe import TYPE, TYPES, UNTYPED, Size

ROOT_ZERO_SHARE_UNTYPED = 0.2
NEURON_SHARE_UNTYPED = 0.2
MULTI_SOMA_UNTYPED_PER_TYPED = 0.4
STRIP_UM = 60.0


@dataclass(frozen=True)
class Nuclei:
    """One entry per nucleus, ascending by id.

    `frame_um` (n, 3) is x, depth, z; `position_nm` (n, 3) the volume's; `type_code` an index into `TYPES` or
    `UNTYPED`; `cell` the index of its cell, -1 where the nucleus has root id 0; `area_um` the distance to the
    nearest border of its area.
    """

    id: Ints
    frame_um: Floats
    position_nm: Floats
    volume_um3: Floats
    type_code: NDArray[np.int8]
    is_neuron: NDArray[np.bool_]
    area: NDArray[np.int8]
    area_um: Floats
    cell: Ints

    @property
    def n_cells(self) -> int:
        """Number of cells, those with several nuclei counted once."""
        return int(self.cell.max()) + 1

    def somas_per_cell(self) -> Ints:
        """Number of nuclei of each cell."""
        return np.bincount(self.cell[self.cell >= 0], minlength=self.n_cells)


def make_nuclei(seed: int, size: Size) -> Nuclei:
    """Draw all nuclei of a cortex of this size."""
    rng = stage_rng(seed, "nuclei")
    total = round(recipe.NUCLEI * size.nuclei_share)
    singles = {name: round(n * size.nuclei_share) for name, n in recipe.SINGLE_SOMA_COUNTS.items()}
    twice = _scaled(recipe.TYPED_TWICE, size, least=4)
    zero = _scaled(recipe.TYPE_ROWS_ROOT_ZERO, size, least=5)
    multi = round(recipe.TYPE_ROWS * size.nuclei_share) - sum(singles.values()) - twice - zero

    weights = np.array([recipe.MULTI_SOMA_WEIGHTS[name] for name in TYPES], dtype=float)
    odd_types = rng.choice(len(TYPES), size=multi + zero, p=weights / weights.sum())
    single_types = np.repeat(np.arange(len(TYPES)), [singles[name] for name in TYPES])
    untyped = np.full(total - len(single_types) - len(odd_types), UNTYPED)
    type_code = np.concatenate([single_types, odd_types, untyped]).astype(np.int8)
    # What becomes of each nucleus: a cell of its own, one of several in a cell, or root id 0.
    fate = np.repeat([0, 1, 2, 0], [len(single_types), multi, zero, len(untyped)])
    loose = np.flatnonzero(type_code == UNTYPED)
    fate[rng.choice(loose, round(ROOT_ZERO_SHARE_UNTYPED * len(loose)), replace=False)] = 2
    others = loose[fate[loose] == 0]
    n_giant = recipe.LARGEST_MULTI_SOMA
    more = round(MULTI_SOMA_UNTYPED_PER_TYPED * multi)
    fate[rng.choice(others, max(more, n_giant), replace=False)] = 1

    frame_um, volume, is_neuron = _draw(rng, type_code)
    order = np.argsort(frame_um[:, 0], kind="stable")  # ids grow with x, as in the original
    frame_um, volume, is_neuron = frame_um[order], volume[order], is_neuron[order]
    type_code, fate = type_code[order], fate[order]
    area, area_um = areas(frame_um)
    return Nuclei(
        id=nucleus_ids(rng, total),
        frame_um=frame_um,
        position_nm=space.to_nm(frame_um),
        volume_um3=volume,
        type_code=type_code,
        is_neuron=is_neuron,
        area=area,
        area_um=area_um,
        cell=_cells(rng, frame_um, fate, type_code != UNTYPED, size),
    )


def _scaled(count: int, size: Size, least: int) -> int:
    return max(least, round(count * size.nuclei_share))


def from_quantiles(rng: np.random.Generator, percentiles: tuple[int, ...], values: tuple[float, ...], n: int) -> Floats:
    """`n` draws of the distribution whose quantiles are these, linear between them."""
    return np.interp(rng.uniform(0, 100, n), percentiles, values)


def _draw(rng: np.random.Generator, type_code: NDArray[np.int8]) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Positions x, depth, z in um, nucleus volumes in um^3, and what the neuron classifier says."""
    total = len(type_code)
    depth, volume = rng.uniform(1.5, 828.0, total), np.exp(rng.normal(np.log(70), 0.6, total))
    is_neuron = (type_code >= 0) & (type_code < recipe.N_NEURON_TYPES)
    loose_neuron = (type_code == UNTYPED) & (rng.random(total) < NEURON_SHARE_UNTYPED)
    volume[loose_neuron] = np.exp(rng.normal(np.log(215), 0.3, loose_neuron.sum()))
    for name, code in TYPE.items():
        of_type = np.flatnonzero(type_code == code)
        depth[of_type] = from_quantiles(rng, recipe.DEPTH_PERCENTILES, recipe.DEPTH_UM[name], len(of_type))
        volume[of_type] = from_quantiles(rng, recipe.VOLUME_PERCENTILES, recipe.VOLUME_UM3[name], len(of_type))
    in_v1 = rng.random(total) < recipe.V1_SHARE
    x = np.where(
        in_v1,
        rng.uniform(recipe.X_UM[0], recipe.V1_EDGE_X_UM, total),
        rng.uniform(recipe.V1_EDGE_X_UM, recipe.X_UM[1], total),
    )
    z = rng.uniform(*recipe.Z_UM, total)
    return np.column_stack([x, depth, z]), volume, is_neuron | loose_neuron


def areas(frame_um: Floats) -> tuple[NDArray[np.int8], Floats]:
    """Visual area (index into `AREAS`) by position, and the distance in um to the nearest border."""
    x, z = frame_um[:, 0], frame_um[:, 2]
    beyond = x - recipe.V1_EDGE_X_UM
    across = beyond / (recipe.X_UM[1] - recipe.V1_EDGE_X_UM) - (z - recipe.Z_UM[0]) / (recipe.Z_UM[1] - recipe.Z_UM[0])
    to_line = np.abs(across - recipe.AL_MARGIN) * 370.0  # the border is a line at 45 degrees of a 540 x 500 um box
    area = np.where(beyond < 0, 0, np.where(across > recipe.AL_MARGIN, 1, 2))
    (x_low, x_high), (z_low, z_high) = recipe.LM_BOX_UM
    in_lm = (x > x_low) & (x < x_high) & (z >= z_low) & (z < z_high)
    distance = np.where(beyond < 0, -beyond, np.minimum(beyond, to_line))
    distance = np.where(in_lm, z_high - z, distance)
    return np.where(in_lm, 3, area).astype(np.int8), distance


def _cells(
    rng: np.random.Generator, frame_um: Floats, fate: NDArray[np.int_], typed: NDArray[np.bool_], size: Size
) -> Ints:
    """Index of each nucleus's cell; nuclei that share one lie near each other, as false merges do.

    Every shared cell has two typed nuclei at least, so that it counts as one in the type table too.
    """
    cell = np.full(len(fate), -1, dtype=np.int64)
    shared = np.flatnonzero(fate == 1)
    strip = (frame_um[shared, 0] // STRIP_UM).astype(int)
    shared = shared[np.lexsort([frame_um[shared, 2], strip])]
    with_type, without = shared[typed[shared]], shared[~typed[shared]]
    sizes = _group_sizes(rng, len(with_type), size)
    group = np.repeat(np.arange(len(sizes)), sizes)
    cell[with_type] = group
    n_largest = recipe.LARGEST_MULTI_SOMA - sizes.max()
    largest = np.isin(np.arange(len(without)), rng.choice(len(without), n_largest, replace=False))
    cell[without[largest]] = np.argmax(sizes)
    others = group[group != np.argmax(sizes)]
    remaining = without[~largest]
    cell[remaining] = others[np.arange(len(remaining)) * len(others) // max(len(remaining), 1)]
    single = np.flatnonzero(fate == 0)
    cell[single] = len(sizes) + np.arange(len(single))
    return cell


def _group_sizes(rng: np.random.Generator, n_typed: int, size: Size) -> Ints:
    """Numbers of typed nuclei per multi-soma cell: at least 2, and in one of them far more."""
    largest = min(recipe.LARGEST_MULTI_SOMA // 2, n_typed // 3)
    left = n_typed - largest
    n_groups = min(_scaled(recipe.MULTI_SOMA_ROOTS, size, least=8) - 1, left // 2)
    extra = rng.multinomial(left - 2 * n_groups, rng.dirichlet(np.full(n_groups, 0.5)))
    return rng.permutation(np.append(2 + extra, largest)).astype(np.int64)
