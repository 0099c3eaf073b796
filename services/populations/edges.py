"""Edges: which cells of one set are connected to which cells of another, and by how many synapses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

End = Literal["pre", "post"]
"""An end of a synapse: the presynaptic or the postsynaptic cell."""
Ids: TypeAlias = npt.NDArray[np.int64]
Floats: TypeAlias = npt.NDArray[np.float64]
Indices: TypeAlias = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Edges:
    """The connections from one set of cells onto another.

    `pre_ids` and `post_ids` are the root ids of the sets, sorted and distinct. `pre` and `post` are the indices of each
    edge's ends in these, sorted by `pre`, then `post`, each pair once. `num_syn` is the number of synapses of each
    edge, `net_size` the sum of their sizes in voxels (NaN unless all are known). `autapses` counts the synapses of
    cells onto themselves, which are not edges."""

    pre_ids: Ids
    post_ids: Ids
    pre: Indices
    post: Indices
    num_syn: Ids
    net_size: Floats
    autapses: int = 0

    def __len__(self) -> int:
        return len(self.pre)

    def frame(self) -> pd.DataFrame:
        """One row for each edge: pre_root_id, post_root_id, num_syn (int64) and net_size (float64, in voxels)."""
        return pd.DataFrame(
            {
                "pre_root_id": self.pre_ids[self.pre],
                "post_root_id": self.post_ids[self.post],
                "num_syn": self.num_syn,
                "net_size": self.net_size,
            }
        )

    @property
    def in_both(self) -> tuple[Indices, Indices]:
        """The indices in `pre_ids` and in `post_ids` of the cells that are in both sets."""
        _, pre, post = np.intersect1d(self.pre_ids, self.post_ids, assume_unique=True, return_indices=True)
        return pre, post


def edges_of(synapses: pd.DataFrame, pre_ids: Ids, post_ids: Ids) -> Edges:
    """The edges from the cells `pre_ids` onto the cells `post_ids`.

    `synapses` have pre_root_id, post_root_id (int64) and size (voxels); those with any other cell are left out.
    """
    pre_ids, post_ids = np.unique(pre_ids), np.unique(post_ids)
    pre, from_set = indices_of(pre_ids, synapses["pre_root_id"].to_numpy(np.int64))
    post, onto_set = indices_of(post_ids, synapses["post_root_id"].to_numpy(np.int64))
    among = from_set & onto_set
    pre, post = pre[among], post[among]
    sizes = synapses["size"].to_numpy(np.float64, na_value=np.nan)[among]
    different = pre_ids[pre] != post_ids[post]
    keys = pre[different] * max(len(post_ids), 1) + post[different]
    pairs, which, num_syn = np.unique(keys, return_inverse=True, return_counts=True)
    return Edges(
        pre_ids,
        post_ids,
        pairs // max(len(post_ids), 1),
        pairs % max(len(post_ids), 1),
        num_syn.astype(np.int64),
        np.bincount(which, weights=sizes[different], minlength=len(pairs)).astype(np.float64),
        autapses=int((~different).sum()),
    )


def indices_of(sorted_ids: Ids, ids: Ids) -> tuple[Indices, npt.NDArray[np.bool_]]:
    """For each of `ids` its index in `sorted_ids`, and whether it is in these; else its index is meaningless."""
    if not len(sorted_ids):
        return np.zeros(len(ids), dtype=np.int64), np.zeros(len(ids), dtype=bool)
    result = np.minimum(np.searchsorted(sorted_ids, ids), len(sorted_ids) - 1)
    return result, sorted_ids[result] == ids
