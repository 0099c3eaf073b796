"""Two populations beside each other: the same sets at two versions, or two sets with the same partners."""

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
"""What there is to say of the second of two sets stands after this."""


def at_version(label: str | int) -> str:
    """What there is to say of the sets at another version stands after this."""
    return f"At version {label}"


def nuclei(release: Release) -> pd.Series:
    """The nucleus id of each root id with exactly one nucleus (int64, by root id)."""
    if not cells.nucleus_table(release):
        return pd.Series(dtype=np.int64, index=pd.Index([], dtype=np.int64))
    return (
        cells.somas(release).drop_duplicates("root_id", keep=False).set_index("root_id")["nucleus_id"].astype("int64")
    )


def changes(before: Edges, after: Edges, nuclei_before: pd.Series, nuclei_after: pd.Series) -> pd.DataFrame:
    """What became of each pair of cells that is connected at either of two versions, the most changed first.

    A cell is followed by its nucleus (`nuclei_…` have the nucleus id of each root id), one without by its root id.
    Columns: pre_root_id_before, post_root_id_before, pre_root_id, post_root_id (Int64; null where the cell is not in
    the set at that version), num_syn_before, num_syn (int64), change: "gained", "lost", "more", "fewer", "same", or
    "other cells" where one of the two is in the sets of one version only.
    """
    one, other = _followed(before, nuclei_before), _followed(after, nuclei_after)
    merged = one.merge(other, on=["pre", "post"], how="outer", suffixes=("_before", ""))
    for end, ids in (("pre", "pre_ids"), ("post", "post_ids")):
        for suffix, edges, known in (("_before", before, nuclei_before), ("", after, nuclei_after)):
            own: Ids = getattr(edges, ids)
            roots = pd.Series(own, index=_identities(own, known), dtype="Int64")  # else a missing one makes floats
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
    """How two sets of presynaptic cells differ in their targets, by the `groups` of the same postsynaptic ones; with
    the `end` "post", two sets of postsynaptic cells in their sources.

    Columns: group (string), first, second, difference (first less second), low and high (Float64): its 95% interval,
    of drawing as many cells of either set anew, with replacement; null where there is nothing to divide by, and low and
    high where a set has a single cell.
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
    some = np.isfinite(apart).any(axis=0) & (fewest >= LEAST_DRAWN)
    low, high = np.full((2, len(groups.names)), np.nan)
    tails = ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2)
    if some.any():
        low[some], high[some] = np.nanquantile(apart[:, some], tails, axis=0)
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
    """For each cell at an end and each group of its partners, what is summed up and what the sum is divided by."""
    own, partner, ids, others = (
        (edges.pre, edges.post, edges.pre_ids, edges.post_ids)
        if end == "pre"
        else (edges.post, edges.pre, edges.post_ids, edges.pre_ids)
    )
    shape = (len(ids), len(groups.names))
    weights = np.ones(len(edges)) if compared == "connected_fraction" else edges.num_syn.astype(np.float64)
    above: Floats = sparse.csr_array((weights, (own, groups.of[partner])), shape=shape).toarray()
    if compared == "share":
        return above, np.broadcast_to(above.sum(axis=1, keepdims=True), shape)
    if compared == "synapses_per_cell":
        return above, np.ones(shape)
    pairs = np.broadcast_to(groups.sizes.astype(np.float64), shape).copy()
    _, same, among = np.intersect1d(ids, others, assume_unique=True, return_indices=True)
    pairs[same, groups.of[among]] -= 1  # a cell is no partner of itself
    return above, pairs


def _drawn(rng: np.random.Generator, cells: int, times: int) -> Ids:
    """How often each cell comes when as many are drawn with replacement."""
    return rng.multinomial(cells, np.full(cells, 1 / cells), size=times) if cells else np.zeros((times, 0), np.int64)


def _divided(above: Floats, below: Floats) -> Floats:
    return np.divide(above, below, out=np.full(above.shape, np.nan), where=below > 0)


def _followed(edges: Edges, known: pd.Series) -> pd.DataFrame:
    frame = edges.frame()
    ends = {end: _identities(frame[f"{end}_root_id"].to_numpy(np.int64), known) for end in ("pre", "post")}
    return pd.DataFrame({**ends, "num_syn": frame["num_syn"]})


def _identities(roots: Ids, known: pd.Series) -> Ids:
    """The nucleus ids of cells, else their root ids: no nucleus has so large an id."""
    own: Ids = known.reindex(roots, fill_value=0).to_numpy(np.int64)
    return np.where(own > 0, own, roots)
