"""What the edges of a population are distributed by: strength, degree, target type, distance and depth."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import sparse, stats

from services.cells.compartments import NOT_PREDICTED, TAGS
from services.populations.edges import Edges, Floats, Indices
from services.populations.groupings import Grouping
from services.populations.matrices import nullable

BOOTSTRAPS = 500
CONFIDENCE = 0.95
LEAST_DRAWN = 2
"""Fewer cells tell nothing of how they vary: drawn anew they are always the same."""
DISTANCE_BIN_UM = 25.0
MOST_UM = 500.0
"""Distances beyond are together in the last bin."""
PAIRS_AT_ONCE = 2_000_000
DEPTH_BIN_UM = 20.0
TUNING_BIN_DEG = 10.0


def synapses_per_connection(edges: Edges) -> pd.DataFrame:
    """How many connections have how many synapses: num_syn and connections (int64), from 1 to the most without gaps."""
    counts = np.bincount(edges.num_syn, minlength=2)[1:]
    return pd.DataFrame({"num_syn": np.arange(1, len(counts) + 1), "connections": counts})


def degrees(edges: Edges, pre: Grouping, post: Grouping) -> pd.DataFrame:
    """The numbers of targets ("out") and of sources ("in") of the cells of each group, cells without any included.

    Columns: direction, group (string, null = no type), cells (int64), and low, q1, median, q3, high (float64): the 5%,
    25%, 50%, 75% and 95% quantiles.
    """
    sides = (
        ("out", pre, np.bincount(edges.pre, minlength=len(edges.pre_ids))),
        ("in", post, np.bincount(edges.post, minlength=len(edges.post_ids))),
    )
    rows = []
    for direction, groups, counts in sides:
        for at, name in enumerate(groups.names):
            own = counts[groups.of == at]
            if len(own):
                quantiles = np.quantile(own, (0.05, 0.25, 0.5, 0.75, 0.95)).tolist()
                rows.append((direction, name, len(own), *quantiles))
    columns = ["direction", "group", "cells", "low", "q1", "median", "q3", "high"]
    return pd.DataFrame(rows, columns=columns).astype({"group": "string"})


def targets(edges: Edges, pre: Grouping, post: Grouping, *, seed: int, bootstraps: int = BOOTSTRAPS) -> pd.DataFrame:
    """The share of each presynaptic group's synapses that goes to each postsynaptic group, with 95% intervals: those of
    drawing as many cells of the group anew, with replacement.

    Columns: pre, post (string), share, low, high (Float64, 0 to 1; null for a group without synapses, and low and high
    for one of a single cell).
    """
    rng = np.random.default_rng(seed)
    shape = (len(edges.pre_ids), len(post.names))
    of_cells = sparse.csr_array((edges.num_syn, (edges.pre, post.of[edges.post])), shape=shape).toarray()
    shape = (len(pre.names), len(post.names))
    share, low, high = (np.full(shape, np.nan) for _ in range(3))
    for at in range(len(pre.names)):
        own = of_cells[pre.of == at]
        if not own.sum():
            continue
        share[at] = own.sum(axis=0) / own.sum()
        if len(own) < LEAST_DRAWN:
            continue
        weights = rng.multinomial(len(own), np.full(len(own), 1 / len(own)), size=bootstraps)
        drawn = weights @ own
        known = drawn[drawn.sum(axis=1) > 0]
        shares = known / known.sum(axis=1, keepdims=True)
        low[at], high[at] = np.quantile(shares, ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2), axis=0)
    names = (np.repeat(np.array(pre.names, object), shape[1]), np.tile(np.array(post.names, object), shape[0]))
    numbers = {"share": share, "low": low, "high": high}
    return pd.DataFrame(
        {
            "pre": pd.array(names[0], dtype="string"),
            "post": pd.array(names[1], dtype="string"),
            **{name: nullable(values.ravel()) for name, values in numbers.items()},
        }
    )


def by_distance(edges: Edges, somata_um: tuple[Floats, Floats], deep: bool = True) -> pd.DataFrame:
    """The connected fraction of pairs of different cells by the distance of their somata, along the surface ("lateral")
    and in depth ("vertical"), or "straight" unless the volume is `deep`; cells whose soma is not known are left out.
    `somata_um` are as of :func:`nulls.keep_distances`.

    Columns: way, distance_um (middle of the bin), pairs, connections (int64), fraction, low and high (Float64; Wilson's
    95% interval).
    """
    bins, ways = int(MOST_UM / DISTANCE_BIN_UM), ("lateral", "vertical") if deep else ("straight",)
    pairs, created = (np.zeros((len(ways), bins), np.int64) for _ in range(2))
    step = max(1, PAIRS_AT_ONCE // max(len(edges.post_ids), 1))
    for start in range(0, len(edges.pre_ids), step):
        some = slice(start, start + step)
        different = edges.pre_ids[some, None] != edges.post_ids[None, :]
        for at, which in enumerate(_bins(somata_um[0][some, None, :], somata_um[1][None, :, :], deep)):
            pairs[at] += np.bincount(which[different & (which >= 0)], minlength=bins)
    for at, which in enumerate(_bins(somata_um[0][edges.pre], somata_um[1][edges.post], deep)):
        created[at] += np.bincount(which[which >= 0], minlength=bins)
    middles = (np.arange(bins) + 0.5) * DISTANCE_BIN_UM

    def counted(at: int) -> dict[str, Indices]:
        return {"pairs": pairs[at], "connections": created[at]}

    parts = [
        pd.DataFrame({"way": way, "distance_um": middles, **counted(at), **_fractions(created[at], pairs[at])})
        for at, way in enumerate(ways)
    ]
    return pd.concat([part[part["pairs"] > 0] for part in parts], ignore_index=True)


def compartments(tags: pd.Series, groups: Indices, names: tuple[str | None, ...]) -> pd.DataFrame:
    """How many synapses of each group are predicted to sit on which part of the postsynaptic cell: group (string), the
    tags "spine", "shaft" and "soma" and not_predicted (int64; any other tag counts as that). `groups` are the places of
    the synapses' groups in `names`."""
    counts = {tag: np.bincount(groups[(tags == tag).fillna(False)], minlength=len(names)) for tag in TAGS}
    rest = np.bincount(groups, minlength=len(names)) - sum(counts.values())
    group = pd.array(np.array(names, dtype=object), dtype="string")
    return pd.DataFrame({"group": group, **counts, NOT_PREDICTED: rest})


def by_tuning(edges: Edges, pref_ori_deg: tuple[Floats, Floats]) -> pd.DataFrame:
    """Pairs of different cells by how far apart their preferred orientations are, connected and unconnected ones.
    `pref_ori_deg` are those of the cells of both sets (0 to 180; NaN = not known, whose pairs are left out).

    Columns: delta_ori_deg (middle of the bin, 0 to 90), connections, unconnected (int64), fraction, low and high
    (Float64: the connected fraction with Wilson's 95% interval).
    """
    bins = int(90 / TUNING_BIN_DEG)
    pairs = np.zeros(bins, np.int64)
    for start in range(0, len(edges.pre_ids), step := max(1, PAIRS_AT_ONCE // max(len(edges.post_ids), 1))):
        some = slice(start, start + step)
        different = edges.pre_ids[some, None] != edges.post_ids[None, :]
        which = _tuning_bins(pref_ori_deg[0][some, None], pref_ori_deg[1][None, :])
        pairs += np.bincount(which[different & (which >= 0)], minlength=bins)
    which = _tuning_bins(pref_ori_deg[0][edges.pre], pref_ori_deg[1][edges.post])
    created = np.bincount(which[which >= 0], minlength=bins)
    middles = (np.arange(bins) + 0.5) * TUNING_BIN_DEG
    counts = {"connections": created, "unconnected": pairs - created}
    return pd.DataFrame({"delta_ori_deg": middles, **counts, **_fractions(created, pairs)})


def _tuning_bins(one: Floats, other: Floats) -> Indices:
    """The bin of each difference of orientations, which repeat after 180 degrees; -1 = not known."""
    apart = np.abs(one - other) % 180
    apart = np.minimum(apart, 180 - apart)
    last = int(90 / TUNING_BIN_DEG) - 1
    return np.where(np.isfinite(apart), np.minimum(np.nan_to_num(apart) // TUNING_BIN_DEG, last), -1).astype(np.int64)


def depths(depths_um: Floats, groups: Indices, names: tuple[str | None, ...]) -> pd.DataFrame:
    """How many synapses of each group lie in each 20 um of depth, zeros included: group (string), depth_um (middle of
    the bin) and count (int64). `groups` are the places of the synapses' groups in `names`; unknown depths are left
    out."""
    known = np.isfinite(depths_um)
    if not known.any():
        return pd.DataFrame({"group": pd.array([], "string"), "depth_um": [], "count": []})
    bins = (depths_um[known] // DEPTH_BIN_UM).astype(np.int64)
    first, width = int(bins.min()), int(bins.max() - bins.min()) + 1
    keys = groups[known].astype(np.int64) * width + bins - first
    counts = np.bincount(keys, minlength=len(names) * width)
    return pd.DataFrame(
        {
            "group": pd.array(np.repeat(np.array(names, object), width), dtype="string"),
            "depth_um": np.tile((np.arange(width) + first + 0.5) * DEPTH_BIN_UM, len(names)),
            "count": counts,
        }
    )


def depths_of(synapses: pd.DataFrame, groups: Indices, names: tuple[str | None, ...]) -> pd.DataFrame:
    """:func:`depths` of synapses with depth_um."""
    return depths(synapses["depth_um"].to_numpy(np.float64), groups, names)


def _bins(one_um: Floats, other_um: Floats, deep: bool) -> list[Indices]:
    """The bin of each distance, along the surface and in depth, or straight unless `deep`; -1 = not known."""
    lateral = np.hypot(one_um[..., 0] - other_um[..., 0], one_um[..., 2] - other_um[..., 2])
    vertical = np.abs(one_um[..., 1] - other_um[..., 1])
    last = int(MOST_UM / DISTANCE_BIN_UM) - 1
    return [
        np.where(np.isfinite(way), np.minimum(np.nan_to_num(way) // DISTANCE_BIN_UM, last), -1).astype(np.int64)
        for way in ((lateral, vertical) if deep else (np.hypot(lateral, vertical),))
    ]


def _fractions(created: Indices, pairs: Indices) -> dict[str, pd.arrays.FloatingArray]:
    fraction, low, high = (np.full(len(pairs), np.nan) for _ in range(3))
    for at in np.flatnonzero(pairs):
        tested = stats.binomtest(int(created[at]), int(pairs[at]))
        interval = tested.proportion_ci(CONFIDENCE, method="wilson")
        fraction[at], low[at], high[at] = tested.statistic, interval.low, interval.high
    return {"fraction": nullable(fraction), "low": nullable(low), "high": nullable(high)}
