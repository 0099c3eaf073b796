"""Comparisons of two populations: the same sets at two versions, or two sets with the same partners."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

import numpy as np
import pandas as pd
from scipy import sparse

from services.cave.release import Release
from services.cells import cells
from services.populations.distributions import BOOTSTRAPS, CONFIDENCE, LEAST_DRAWN
from services.populations.edges import Edges, End, Floats, Ids
from services.populations.groupings import Grouping
from services.populations.matrices import nullable

Compared = Literal["share", "synapses_per_cell", "connected_fraction"]
COMPARED: tuple[Compared, ...] = get_args(Compared)
WORDS: dict[Compared, str] = {
    "share": "Share of the synapses among these sets that are with cells of the group.",
    "synapses_per_cell": "Synapses of a cell with cells of the group, on average.",
    "connected_fraction": "Connected pairs, of all pairs of a cell and another of the group.",
}
SECOND = "With the second set"
"""Label of notes on the second of two sets."""


def at_version(label: str | int) -> str:
    """The label of notes on the sets at another version."""
    return f"At version {label}"


def nuclei(release: Release) -> pd.Series:
    """The nucleus id (int64) of each root id with exactly one nucleus, indexed by root id; empty without a nucleus
    table."""
    if not cells.nucleus_table(release):
        return pd.Series(dtype=np.int64, index=pd.Index([], dtype=np.int64))
    return (
        cells.somas(release).drop_duplicates("root_id", keep=False).set_index("root_id")["nucleus_id"].astype("int64")
    )


def changes(before: Edges, after: Edges, nuclei_before: pd.Series, nuclei_after: pd.Series) -> pd.DataFrame:
    """The change of each pair of cells that is connected at either of two versions, the largest changes first.

    Cells are matched by their nucleus (`nuclei_before` and `nuclei_after` are of :func:`nuclei`), those without one by
    their root id. Columns: pre_root_id_before, post_root_id_before, pre_root_id, post_root_id (Int64; null where the
    cell is not in the set at that version), num_syn_before, num_syn (int64) and change (str): "gained", "lost", "more",
    "fewer", "same", or "other cells" where a cell of the pair is in the sets of one version only.
    """
    earlier_edges, later_edges = _matched(before, nuclei_before), _matched(after, nuclei_after)
    merged = earlier_edges.merge(later_edges, on=["pre", "post"], how="outer", suffixes=("_before", ""))
    for end, ids in (("pre", "pre_ids"), ("post", "post_ids")):
        for suffix, edges, nucleus_of in (("_before", before, nuclei_before), ("", after, nuclei_after)):
            root_ids: Ids = getattr(edges, ids)
            # Int64, since a missing root id would turn the others into floats
            roots = pd.Series(root_ids, index=_identities(root_ids, nucleus_of), dtype="Int64")
            roots = roots[~roots.index.duplicated(keep=False)]
            merged[f"{end}_root_id{suffix}"] = roots.reindex(merged[end]).array
    counts = merged[["num_syn_before", "num_syn"]].fillna(0).astype(np.int64)
    ends = merged[[f"{end}_root_id{suffix}" for suffix in ("_before", "") for end in ("pre", "post")]].astype("Int64")
    earlier, later = counts["num_syn_before"], counts["num_syn"]
    change = np.select(
        [ends.isna().any(axis=1), earlier == 0, later == 0, later > earlier, later < earlier],
        ["other cells", "gained", "lost", "more", "fewer"],
        "same",
    )
    frame = pd.concat([ends, counts], axis=1).assign(change=change, apart=(later - earlier).abs())
    keys = ["apart", "pre_root_id", "post_root_id", "pre_root_id_before", "post_root_id_before"]
    return frame.sort_values(keys, ascending=[False, True, True, True, True], ignore_index=True).drop(columns="apart")


def difference(
    first: Edges,
    second: Edges,
    groups: Grouping,
    compared: Compared = "share",
    *,
    end: End = "pre",
    seed: int,
    bootstraps: int = BOOTSTRAPS,
) -> pd.DataFrame:
    """How two sets of presynaptic cells differ in their targets, by `groups` of the postsynaptic cells that both share.
    With the `end` "post": how two sets of postsynaptic cells differ in their sources, by `groups` of these.

    `compared` is one of COMPARED (see WORDS). Columns: group (string), first, second, difference (first minus second),
    low and high (Float64): the 95% bootstrap interval of the difference, from `bootstraps` resamplings of the cells of
    each set with a `seed`. All are null where the denominator is 0, low and high also where a set has a single cell.
    """
    rng = np.random.default_rng(seed)
    values, draws = [], []
    for edges in (first, second):
        above, below = _of_cells(edges, groups, compared, end)
        weights = _drawn(rng, len(above), bootstraps)
        values.append(_divided(above.sum(axis=0), below.sum(axis=0)))
        draws.append(_divided(weights @ above, weights @ below))
    apart = draws[0] - draws[1]
    fewest = min(len(edges.pre_ids if end == "pre" else edges.post_ids) for edges in (first, second))
    has_interval = np.isfinite(apart).any(axis=0) & (fewest >= LEAST_DRAWN)
    low, high = np.full((2, len(groups.names)), np.nan)
    tails = ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2)
    if has_interval.any():
        low[has_interval], high[has_interval] = np.nanquantile(apart[:, has_interval], tails, axis=0)
    numbers: Mapping[str, Floats] = {
        "first": values[0],
        "second": values[1],
        "difference": values[0] - values[1],
        "low": low,
        "high": high,
    }
    names = pd.array(np.array(groups.names, dtype=object), dtype="string")
    return pd.DataFrame({"group": names, **{name: nullable(value) for name, value in numbers.items()}})


def _of_cells(edges: Edges, groups: Grouping, compared: Compared, end: End) -> tuple[Floats, Floats]:
    """For each cell at an end (rows) and each group of its partners (columns), the terms of numerator and
    denominator."""
    end_index, partner_index, ids, others = (
        (edges.pre, edges.post, edges.pre_ids, edges.post_ids)
        if end == "pre"
        else (edges.post, edges.pre, edges.post_ids, edges.pre_ids)
    )
    shape = (len(ids), len(groups.names))
    weights = np.ones(len(edges)) if compared == "connected_fraction" else edges.num_syn.astype(np.float64)
    above: Floats = sparse.csr_array((weights, (end_index, groups.of[partner_index])), shape=shape).toarray()
    if compared == "share":
        return above, np.broadcast_to(above.sum(axis=1, keepdims=True), shape)
    if compared == "synapses_per_cell":
        return above, np.ones(shape)
    pairs = np.broadcast_to(groups.sizes.astype(np.float64), shape).copy()
    _, same, among = np.intersect1d(ids, others, assume_unique=True, return_indices=True)
    pairs[same, groups.of[among]] -= 1  # a cell is not a possible partner of itself
    return above, pairs


def _drawn(rng: np.random.Generator, cells: int, times: int) -> Ids:
    """How often each of some cells occurs in each of `times` resamplings with replacement, of shape (times, cells)."""
    return rng.multinomial(cells, np.full(cells, 1 / cells), size=times) if cells else np.zeros((times, 0), np.int64)


def _divided(above: Floats, below: Floats) -> Floats:
    return np.divide(above, below, out=np.full(above.shape, np.nan), where=below > 0)


def _matched(edges: Edges, nucleus_of: pd.Series) -> pd.DataFrame:
    """The edges with `pre` and `post` of :func:`_identities`, and num_syn."""
    frame = edges.frame()
    ends = {end: _identities(frame[f"{end}_root_id"].to_numpy(np.int64), nucleus_of) for end in ("pre", "post")}
    return pd.DataFrame({**ends, "num_syn": frame["num_syn"]})


def _identities(roots: Ids, nucleus_of: pd.Series) -> Ids:
    """The nucleus ids of cells, or root ids for those without one; nucleus ids are too small to be root ids."""
    nucleus_ids: Ids = nucleus_of.reindex(roots, fill_value=0).to_numpy(np.int64)
    return np.where(nucleus_ids > 0, nucleus_ids, roots)
