"""A synthetic fly brain in the shape of FlyWire: synapses with scores and transmitters but no size and no centre,
neuropils, several annotations of each cell, proofreading of whole cells, and a view of connected pairs."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from localcave.siblings.drawing import Floats, Ints, connect, root_ids

N_CELLS, N_FRAGMENTS, N_SYNAPSES = 500, 300, 40_000
FIRST_ROOT = 720575940600000000
EXTENT_NM = np.array([[200e3, 800e3], [100e3, 350e3], [2e3, 270e3]])
LEAST_CLEFT_SCORE = 50
"""Below this, FlyWire's releases do not count a synapse (Dorkenwald et al. 2024, https://doi.org/10.1038/s41586-024-07558-y)."""
SUPER_CLASSES = {"optic": 0.5, "central": 0.35, "sensory": 0.08, "descending": 0.04, "ascending": 0.03}
TRANSMITTERS = ("gaba", "ach", "glut", "oct", "ser", "da")
NEUROPILS = ("ME", "LO", "AL", "MB_CA", "FB", "GNG")


def draw(rng: np.random.Generator) -> Mapping[str, pa.Table]:
    """The tables of the sibling: cells, nuclei, annotations, tags, synapses and pairs."""
    n_segments = N_CELLS + N_FRAGMENTS
    roots = root_ids(rng, n_segments, FIRST_ROOT)
    positions_nm = rng.uniform(EXTENT_NM[:, 0], EXTENT_NM[:, 1], (n_segments, 3))
    super_class = rng.choice(list(SUPER_CLASSES), N_CELLS, p=list(SUPER_CLASSES.values()))
    cells = {
        "id": np.arange(1, N_CELLS + 1),
        "root": roots[:N_CELLS],
        **_xyz(positions_nm[:N_CELLS]),
        "flow": np.where(super_class == "sensory", "afferent", "intrinsic"),
        "super_class": super_class,
        "cell_type": [f"{name[:2].upper()}{rng.integers(1, 9):02d}" for name in super_class],
        "side": np.where(positions_nm[:N_CELLS, 0] < EXTENT_NM[0].mean(), "left", "right"),
        "proofread": rng.random(N_CELLS) < 0.9,
        "user": rng.integers(1, 50, N_CELLS),
    }
    nuclei = rng.random(N_CELLS) < 0.85
    synapses = _synapses(rng, roots, positions_nm, np.argmax(rng.random((N_CELLS, len(TRANSMITTERS))), axis=1))
    return {
        "cells": pa.table(cells),
        "nuclei": pa.table({**{name: np.asarray(cells[name])[nuclei] for name in ("id", "root", "x", "y", "z")},
                            "volume": rng.normal(60, 12, nuclei.sum())}),
        "annotations": _annotations(cells),
        "tags": _tags(rng, cells),
        "synapses": synapses,
        "neuropils": synapses.select(["id", "neuropil"]).filter(pa.array(rng.random(N_SYNAPSES) < 0.95)),
        "pairs": _pairs(synapses),
    }  # fmt: skip


def _xyz(points: Floats, begin: str = "") -> dict[str, Floats]:
    return {f"{begin}{axis}": points[:, at] for at, axis in enumerate("xyz")}


def _synapses(rng: np.random.Generator, roots: Ints, positions_nm: Floats, speaks: Ints) -> pa.Table:
    """Synapses whose transmitters are mostly those that their cell `speaks`."""
    ends = connect(rng, positions_nm, N_CELLS, N_SYNAPSES, reach_nm=4e3)
    apart = rng.normal(0, 60, (N_SYNAPSES, 3))
    strength = np.ones((N_SYNAPSES, len(TRANSMITTERS)))
    strength[np.arange(N_SYNAPSES), speaks[ends.pre]] += 9
    weights = rng.gamma(strength)
    nt = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
    third = np.searchsorted(np.quantile(ends.centre_nm[:, 2], [1 / 3, 2 / 3]), ends.centre_nm[:, 2])
    side = np.where(ends.centre_nm[:, 0] < EXTENT_NM[0].mean(), 0, 3)
    return pa.table(
        {
            "id": np.arange(1, N_SYNAPSES + 1),
            "pre": roots[ends.pre],
            "post": np.where(rng.random(N_SYNAPSES) < 0.03, 0, roots[ends.post]),
            **_xyz(ends.centre_nm - apart, "pre_"),
            **_xyz(ends.centre_nm + apart, "post_"),
            "connection_score": rng.uniform(10, 300, N_SYNAPSES).astype(np.float32),
            "cleft_score": rng.integers(0, 180, N_SYNAPSES).astype(np.float32),
            **{name: nt[:, at] for at, name in enumerate(TRANSMITTERS)},
            "neuropil": np.array(NEUROPILS)[(third + side) % len(NEUROPILS)],
        }
    )


def _annotations(cells: Mapping[str, object]) -> pa.Table:
    """Four annotations of each cell, a row each."""
    systems = ("flow", "super_class", "cell_type", "side")
    return pa.table(
        {
            "cell": np.tile(np.arange(1, N_CELLS + 1), len(systems)),
            "system": np.repeat(systems, N_CELLS),
            "value": np.concatenate([np.asarray(cells[system]) for system in systems]),
        }
    )


def _tags(rng: np.random.Generator, cells: Mapping[str, object]) -> pa.Table:
    """What people wrote about cells: none to three notes on each."""
    of = np.repeat(np.arange(N_CELLS), rng.integers(0, 4, N_CELLS))
    columns = {name: np.asarray(cells[name])[of] for name in ("root", "x", "y", "z", "cell_type", "side")}
    forms = rng.integers(0, 3, len(of))
    words = zip(forms, columns["cell_type"], columns["side"], strict=True)
    notes = [
        (f"putative {kind}", f"{kind}; {side}", f"{kind}_{side}, to be checked")[form] for form, kind, side in words
    ]
    return pa.table({**{name: columns[name] for name in ("root", "x", "y", "z")}, "note": notes,
                     "user": rng.integers(1, 50, len(of))})  # fmt: skip


def _pairs(synapses: pa.Table) -> pa.Table:
    """How many synapses with a good score each two cells have, autapses and those without a partner left out."""
    frame = synapses.select(["pre", "post", "cleft_score"]).to_pandas()
    good = frame[(frame["cleft_score"] >= LEAST_CLEFT_SCORE) & (frame["post"] != 0) & (frame["pre"] != frame["post"])]
    counts = good.groupby(["pre", "post"]).size().rename("n_syn").reset_index()
    return pa.Table.from_pandas(counts, preserve_index=False)
