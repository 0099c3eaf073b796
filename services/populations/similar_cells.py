"""Cells with similar connectivity, and the partners that two of them share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.cluster import hierarchy

from services.core.directions import Side
from services.core.errors import BadInput, NotFound, TooLarge
from services.populations import similarity
from services.populations.edges import Edges, Floats, Ids, Indices
from services.populations.groupings import Grouping
from services.populations.orders import MOST_CLUSTERED
from services.populations.similarity import Measure

CLUSTERS = 8
"""The default number of clusters."""
MOST_CLUSTERS = 50


@dataclass(frozen=True, eq=False)
class Profiles:
    """The number of synapses of each cell in `ids` (rows of `counts`, float64) with each group of partners
    (columns)."""

    ids: Ids
    counts: Floats

    def row(self, root_id: int) -> int:
        """The row of a cell in `counts`. Raises NotFound for a cell that is not in `ids`."""
        at = int(np.searchsorted(self.ids, root_id))
        if at == len(self.ids) or self.ids[at] != root_id:
            raise NotFound(f"Cell {root_id} is not among those compared here.", "Choose one of the set.")
        return at


def profiles(edges: Edges, pre: Grouping, post: Grouping, direction: Side) -> Profiles:
    """The connectivity profiles of presynaptic cells by the groups of their targets ("out"), of postsynaptic cells by
    the groups of their sources ("in"), or of the cells in both sets by both ("both": targets, then sources)."""
    outputs, inputs = _counts(edges.pre, edges.pre_ids, edges.post, post, edges), _inputs(edges, pre)
    if direction == "out":
        return Profiles(edges.pre_ids, outputs)
    if direction == "in":
        return Profiles(edges.post_ids, inputs)
    pre_index, post_index = edges.in_both
    return Profiles(edges.pre_ids[pre_index], np.hstack([outputs[pre_index], inputs[post_index]]))


def like(profiles: Profiles, root_id: int, measure: Measure = "cosine") -> pd.DataFrame:
    """The other cells by the similarity of their profiles to that of one cell, the most similar first; cells without
    synapses are left out. Columns: root_id (int64), similarity (float64, 0 to 1), num_syn (int64). Raises NotFound for
    a cell without a profile, BadInput for one without synapses."""
    at = profiles.row(root_id)
    if not profiles.counts[at].any():
        raise BadInput(f"Cell {root_id} has no synapses among these sets.", "Choose another cell.")
    similarities = similarity.similarities(profiles.counts[at : at + 1], measure, profiles.counts)[0]
    comparable = np.isfinite(similarities) & (profiles.ids != root_id)
    frame = pd.DataFrame(
        {
            "root_id": profiles.ids[comparable],
            "similarity": similarities[comparable],
            "num_syn": profiles.counts[comparable].sum(axis=1).astype(np.int64),
        }
    )
    return frame.sort_values(
        ["similarity", "num_syn", "root_id"], ascending=[False, False, True], kind="stable", ignore_index=True
    )


def clusters(profiles: Profiles, number: int = CLUSTERS, measure: Measure = "cosine") -> pd.DataFrame:
    """The cells in at most `number` clusters (average linkage), 1 the largest, in the order of the tree's leaves; cells
    without synapses are left out. Columns: root_id, cluster and num_syn (int64). Raises BadInput for a number that is
    not 1 to MOST_CLUSTERS, TooLarge for more than MOST_CLUSTERED cells."""
    if not 1 <= number <= MOST_CLUSTERS:
        raise BadInput(f"{number:,} clusters are not possible.", f"Choose 1 to {MOST_CLUSTERS}.")
    connected = profiles.counts.any(axis=1)
    ids, counts = profiles.ids[connected], profiles.counts[connected]
    if len(ids) > MOST_CLUSTERED:
        raise TooLarge(
            f"{len(ids):,} cells are more than the {MOST_CLUSTERED:,} that are clustered.", "Choose fewer cells."
        )
    labels, leaves = np.ones(len(ids), np.int64), np.arange(len(ids))
    if len(ids) > 1:
        tree = similarity.clustering(counts, measure)
        labels, leaves = hierarchy.fcluster(tree, number, "maxclust"), hierarchy.leaves_list(tree)
    return pd.DataFrame(
        {
            "root_id": ids[leaves],
            "cluster": _by_size(labels)[leaves],
            "num_syn": counts[leaves].sum(axis=1).astype(np.int64),
        }
    )


def partners(edges: Edges, cells: tuple[int, int], direction: Side) -> pd.DataFrame:
    """The partners of two cells within the sets, shared ones first, then by synapses.

    Columns: direction ("out": targets, "in": sources), root_id (int64), of (whose partner it is: "both", "first" or
    "second"), num_syn_first, num_syn_second (int64). Raises NotFound for a cell that is in neither set.
    """
    for cell in cells:
        if cell not in edges.pre_ids and cell not in edges.post_ids:
            raise NotFound(f"Cell {cell} is in neither set.", "Choose one of them.")
    frame = edges.frame()
    ways = (("out", "pre_root_id", "post_root_id"), ("in", "post_root_id", "pre_root_id"))
    parts = [_shared(frame, cells, *way) for way in ways if direction in (way[0], "both")]
    return pd.concat(parts, ignore_index=True)


def _shared(frame: pd.DataFrame, cells: tuple[int, int], way: str, own_column: str, partner: str) -> pd.DataFrame:
    first, second = (frame[frame[own_column] == cell].set_index(partner)["num_syn"] for cell in cells)
    counts = pd.DataFrame({"num_syn_first": first, "num_syn_second": second}).fillna(0).astype(np.int64)
    counts = counts.rename_axis("root_id").reset_index().astype({"root_id": np.int64})
    with_first, with_second = counts["num_syn_first"] > 0, counts["num_syn_second"] > 0
    of = np.select([with_first & with_second, with_first], ["both", "first"], "second")
    counts = counts.assign(direction=way, of=of, sum=counts["num_syn_first"] + counts["num_syn_second"])
    ordered = counts.sort_values(["of", "sum", "root_id"], ascending=[True, False, True], ignore_index=True)
    return ordered[["direction", "root_id", "of", "num_syn_first", "num_syn_second"]]


def _inputs(edges: Edges, pre: Grouping) -> Floats:
    return _counts(edges.post, edges.post_ids, edges.pre, pre, edges)


def _counts(rows: Indices, ids: Ids, partner: Indices, groups: Grouping, edges: Edges) -> Floats:
    shape = (len(ids), len(groups.names))
    counts: Floats = sparse.csr_array((edges.num_syn, (rows, groups.of[partner])), shape=shape).toarray()
    return counts.astype(np.float64)


def _by_size(labels: Indices) -> Indices:
    """The labels renumbered from 1 by size, so that 1 is the largest cluster."""
    _, which, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    ranks = np.empty(len(sizes), np.int64)
    ranks[np.argsort(-sizes, kind="stable")] = np.arange(1, len(sizes) + 1)
    result: Indices = ranks[which]
    return result
