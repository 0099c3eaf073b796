"""A synthetic cortex in the shape of V1DD: depth along its own axes, and synapses in finer voxels than all else."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from localcave.siblings.drawing import Floats, Ints, connect, root_ids

N_CELLS, N_FRAGMENTS, N_SYNAPSES = 400, 400, 30_000
FIRST_ROOT = 864691132600000000
PIA_NM = np.array([84255, 27946, 10871]) * [9.0, 9.0, 45.0]
UP = np.array([-0.00497765, 0.96349375, 0.26768454])
"""A point of the pia, and the direction that depth grows along: those of V1DD in standard_transform 2.0."""
WIDTH_NM = 300e3
TYPES = {  # class, depths of somata in um
    "L2IT": ("excitatory", 100, 250),
    "L4IT": ("excitatory", 250, 400),
    "L5ET": ("excitatory", 400, 550),
    "L6CT": ("excitatory", 550, 750),
    "PTC": ("inhibitory", 100, 750),
    "DTC": ("inhibitory", 100, 750),
}
STRATEGIES = ("axon_fully_extended", "axon_partially_extended", "none")
TARGETS = ("spine", "shaft", "soma")


def draw(rng: np.random.Generator) -> Mapping[str, pa.Table]:
    """The tables of the sibling: cells, proofreading, coregistration, synapses and where on the cell these sit."""
    n_segments = N_CELLS + N_FRAGMENTS
    roots = root_ids(rng, n_segments, FIRST_ROOT)
    kinds = rng.choice(list(TYPES), N_CELLS, p=[0.25, 0.25, 0.15, 0.15, 0.1, 0.1])
    depth_um = np.array([rng.uniform(TYPES[kind][1], TYPES[kind][2]) for kind in kinds])
    positions_nm = _positions(rng, np.concatenate([depth_um, rng.uniform(50, 800, N_FRAGMENTS)]))
    cells = {
        "id": 100_000 + np.arange(N_CELLS),
        "root": roots[:N_CELLS],
        **{axis: positions_nm[:N_CELLS, at] for at, axis in enumerate("xyz")},
        "volume": rng.normal(280, 40, N_CELLS),
        "class": [TYPES[kind][0] for kind in kinds],
        "cell_type": kinds,
    }
    return {
        "cells": pa.table(cells),
        "proofread": _proofread(rng, cells),
        "coregistered": _coregistered(rng, cells),
        **_synapses(rng, roots, positions_nm),
    }


def _positions(rng: np.random.Generator, depth_um: Floats) -> Floats:
    across = rng.uniform(-WIDTH_NM, WIDTH_NM, (len(depth_um), 3))
    across -= np.outer(across @ UP, UP)  # along the pia
    positions_nm: Floats = PIA_NM + across + np.outer(depth_um * 1e3, UP)
    return positions_nm


def _proofread(rng: np.random.Generator, cells: Mapping[str, object]) -> pa.Table:
    of = np.flatnonzero(rng.random(N_CELLS) < 0.4)
    strategy = rng.choice(STRATEGIES, len(of))
    columns = {name: np.asarray(cells[name])[of] for name in ("root", "x", "y", "z")}
    return pa.table({**columns, "axon": strategy != "none", "axon_strategy": strategy})


def _coregistered(rng: np.random.Generator, cells: Mapping[str, object]) -> pa.Table:
    of = np.flatnonzero(rng.random(N_CELLS) < 0.2)
    return pa.table(
        {**{name: np.asarray(cells[name])[of] for name in ("root", "x", "y", "z")}, "roi": np.arange(len(of))}
    )


def _synapses(rng: np.random.Generator, roots: Ints, positions_nm: Floats) -> Mapping[str, pa.Table]:
    ends = connect(rng, positions_nm, N_CELLS, N_SYNAPSES, reach_nm=5e3)
    ids = np.arange(1, N_SYNAPSES + 1)
    synapses = {
        "id": ids,
        "pre": roots[ends.pre],
        "post": roots[ends.post],
        **{axis: ends.centre_nm[:, at] for at, axis in enumerate("xyz")},
        "size": rng.integers(50, 4000, N_SYNAPSES).astype(np.float32),
    }
    tagged = rng.random(N_SYNAPSES) < 0.8
    targets = {"id": ids[tagged], "tag": rng.choice(TARGETS, tagged.sum(), p=[0.6, 0.35, 0.05])}
    return {"synapses": pa.table(synapses), "targets": pa.table(targets)}
