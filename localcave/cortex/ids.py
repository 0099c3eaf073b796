"""Ids as a PyChunkedGraph and CAVE make them, and random numbers that depend only on a seed and a name.

A supervoxel id holds its layer and chunk: ``1 << 56 | x << 48 | y << 40 | z << 32 | number``, a level 2 id the
same with 2; root ids begin at ``12 << 56``. With chunks of `CHUNK_NM` supervoxel ids have 17 digits.
"""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

CHUNK_NM = 20_480
CHUNK_BITS = 8
"""Of each axis in an id."""
ROOT_BASE = 864_691_135_000_000_000
ROOT_SPAN = 2_000_000_000
NUCLEUS_RANGE = (100_000, 800_000)
SYNAPSE_GAP = 180
"""Mean gap between synapse ids: the largest are of nine digits, as in the original."""


def stage_rng(seed: int, stage: str) -> np.random.Generator:
    """A generator of its own for each stage, so that a change in one stage leaves the others as they were."""
    return np.random.default_rng([seed, zlib.crc32(stage.encode())])


def distinct(rng: np.random.Generator, low: int, high: int, count: int) -> Ints:
    """`count` distinct integers of [low, high) in random order, int64."""
    result = np.empty(0, dtype=np.int64)
    while len(result) < count:
        more = rng.integers(low, high, size=count - len(result) + count // 20 + 16)
        result = np.unique(np.concatenate([result, more]))
    return rng.permutation(result)[:count]


def root_ids(rng: np.random.Generator, count: int) -> Ints:
    """Distinct root ids of 18 digits."""
    return distinct(rng, ROOT_BASE, ROOT_BASE + ROOT_SPAN, count)


def nucleus_ids(rng: np.random.Generator, count: int) -> Ints:
    """Distinct nucleus ids of 6 digits, ascending."""
    return np.sort(distinct(rng, *NUCLEUS_RANGE, count))


def chunk_key(position_nm: NDArray[np.floating]) -> Ints:
    """The chunk bits of an id for positions (n, 3)."""
    chunk = (position_nm // CHUNK_NM).astype(np.int64)
    return (chunk[:, 0] << 48) | (chunk[:, 1] << 40) | (chunk[:, 2] << 32)


def supervoxel_ids(key: Ints) -> Ints:
    """Supervoxel ids for chunk keys, distinct by their running number."""
    return (1 << 56) | key | np.arange(1, len(key) + 1)


def level2_ids(group: Ints, key: Ints) -> Ints:
    """Level 2 ids: one for each pair of `group` (what is always in one root) and chunk."""
    _, number = np.unique(group * np.int64(1 << 24) + (key >> 32), return_inverse=True)
    return (2 << 56) | key | (number + 1)
