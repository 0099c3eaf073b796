"""What the siblings have in common: cells, fragments and the synapses between them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Ends:
    """Synapses as the indices of their presynaptic and postsynaptic segments, and where they are, in nm."""

    pre: Ints
    post: Ints
    centre_nm: Floats


def root_ids(rng: np.random.Generator, count: int, first: int) -> Ints:
    """Different ids above `first`, whose bits are those of a root's."""
    ids: Ints = first + 7 * rng.choice(10 * count, count, replace=False).astype(np.int64)
    return ids


def connect(rng: np.random.Generator, positions_nm: Floats, n_cells: int, n_synapses: int, reach_nm: float) -> Ends:
    """Synapses of which few cells have many, with up to 40 near segments each; one in fifty is an autapse.

    The first `n_cells` of the segments at `positions_nm` are cells, the others fragments, which are postsynaptic only.
    """
    pre = np.floor(n_cells * rng.random(n_synapses) ** 1.7).astype(np.int64)
    candidates = rng.integers(0, len(positions_nm), (n_cells, 160))
    apart = np.linalg.norm(positions_nm[candidates] - positions_nm[:n_cells, None], axis=2)
    near = np.take_along_axis(candidates, np.argsort(apart, axis=1), axis=1)[:, :40]
    post = near[pre, np.floor(40 * rng.random(n_synapses) ** 2).astype(np.int64)]
    post = np.where(rng.random(n_synapses) < 0.02, pre, post)
    between = rng.random((n_synapses, 1))
    centre_nm = positions_nm[pre] * between + positions_nm[post] * (1 - between)
    return Ends(pre, post, centre_nm + rng.normal(0, reach_nm, centre_nm.shape))
