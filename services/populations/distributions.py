"""Distributions of the edges of a population: by strength, degree, target type, distance, tuning and depth."""

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
"""Fewer cells have no bootstrap interval: resampled, they are always the same."""
DISTANCE_BIN_UM = 25.0
MOST_UM = 500.0
"""Larger distances fall into the last bin."""
PAIRS_AT_ONCE = 2_000_000
DEPTH_BIN_UM = 20.0
TUNING_BIN_DEG = 10.0


def synapses_per_connection(edges: Edges) -> pd.DataFrame:
    """The number of connections for each number of synapses: num_syn and connections (int64), from 1 up without
    gaps."""
    counts = np.bincount(edges.num_syn, minlength=2)[1:]
    return pd.DataFrame({"num_syn": np.arange(1, len(counts) + 1), "connections": counts})


def degrees(edges: Edges, pre: Grouping, post: Grouping) -> pd.DataFrame:
    """The distribution of the number of targets ("out") and of sources ("in") of cells in each group, cells without any
    included.

    Columns: direction ("out" or "in"), group (string, null = no type), cells (int64), and low, q1, median, q3, high
    (float64): the 5%, 25%, 50%, 75% and 95% quantiles.
    """
    sides = (
        ("out", pre, np.bincount(edges.pre, minlength=len(edges.pre_ids))),
        ("in", post, np.bincount(edges.post, minlength=len(edges.post_ids))),
    )
    rows = []
    for direction, groups, counts in sides:
        for at, name in enumerate(groups.names):
            members = counts[groups.of == at]
            if len(members):
                quantiles = np.quantile(members, (0.05, 0.25, 0.5, 0.75, 0.95)).tolist()
                rows.append((direction, name, len(members), *quantiles))
    columns = ["direction", "group", "cells", "low", "q1", "median", "q3", "high"]
    return pd.DataFrame(rows, columns=columns).astype({"group": "string"})


def targets(edges: Edges, pre: Grouping, post: Grouping, *, seed: int, bootstraps: int = BOOTSTRAPS) -> pd.DataFrame:
    """The share of each presynaptic group's synapses that goes to each postsynaptic group, with the 95% bootstrap
    interval from `bootstraps` resamplings of the group's cells with a `seed`.

    Columns: pre, post (string), share, low, high (Float64, 0 to 1; null for a group without synapses, low and high also
    for one of a single cell).
    """
    rng = np.random.default_rng(seed)
    shape = (len(edges.pre_ids), len(post.names))
    of_cells = sparse.csr_array((edges.num_syn, (edges.pre, post.of[edges.post])), shape=shape).toarray()
    shape = (len(pre.names), len(post.names))
    share, low, high = (np.full(shape, np.nan) for _ in range(3))
    for at in range(len(pre.names)):
        counts = of_cells[pre.of == at]
        if not counts.sum():
            continue
        share[at] = counts.sum(axis=0) / counts.sum()
        if len(counts) < LEAST_DRAWN:
            continue
        weights = rng.multinomial(len(counts), np.full(len(counts), 1 / len(counts)), size=bootstraps)
        resampled = weights @ counts
        nonempty = resampled[resampled.sum(axis=1) > 0]
        shares = nonempty / nonempty.sum(axis=1, keepdims=True)
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
    """The connected fraction of pairs of different cells by the distance of their somata: along the surface ("lateral")
    and in depth ("vertical") in a volume with depths (`deep`), else in a straight line ("straight"). Pairs with a cell
    whose soma is not known are left out. `somata_um` are as of :func:`nulls.keep_distances`.

    Columns: way (str), distance_um (middle of the bin, float64), pairs, connections (int64), fraction, low and high
    (Float64; 95% Wilson score interval).
    """
    bins, ways = int(MOST_UM / DISTANCE_BIN_UM), ("lateral", "vertical") if deep else ("straight",)
    pairs, connections = (np.zeros((len(ways), bins), np.int64) for _ in range(2))
    step = max(1, PAIRS_AT_ONCE // max(len(edges.post_ids), 1))
    for start in range(0, len(edges.pre_ids), step):
        batch = slice(start, start + step)
        different = edges.pre_ids[batch, None] != edges.post_ids[None, :]
        for at, which in enumerate(_bins(somata_um[0][batch, None, :], somata_um[1][None, :, :], deep)):
            pairs[at] += np.bincount(which[different & (which >= 0)], minlength=bins)
    for at, which in enumerate(_bins(somata_um[0][edges.pre], somata_um[1][edges.post], deep)):
        connections[at] += np.bincount(which[which >= 0], minlength=bins)
    middles = (np.arange(bins) + 0.5) * DISTANCE_BIN_UM

    def counted(at: int) -> dict[str, Indices]:
        return {"pairs": pairs[at], "connections": connections[at]}

    parts = [
        pd.DataFrame({"way": way, "distance_um": middles, **counted(at), **_fractions(connections[at], pairs[at])})
        for at, way in enumerate(ways)
    ]
    return pd.concat([part[part["pairs"] > 0] for part in parts], ignore_index=True)


def compartments(tags: pd.Series, groups: Indices, names: tuple[str | None, ...]) -> pd.DataFrame:
    """The number of synapses of each group on each predicted compartment of the postsynaptic cell. `tags` has the
    compartment of each synapse (null = not predicted), `groups` the index of its group in `names`.

    Columns: group (string), spine, shaft, soma and not_predicted (int64; tags other than these count as not predicted).
    """
    counts = {tag: np.bincount(groups[(tags == tag).fillna(False)], minlength=len(names)) for tag in TAGS}
    others = np.bincount(groups, minlength=len(names)) - sum(counts.values())
    group = pd.array(np.array(names, dtype=object), dtype="string")
    return pd.DataFrame({"group": group, **counts, NOT_PREDICTED: others})


def by_tuning(edges: Edges, pref_ori_deg: tuple[Floats, Floats]) -> pd.DataFrame:
    """Connected and unconnected pairs of different cells by the difference of their preferred orientations.
    `pref_ori_deg` are the orientations of `edges.pre_ids` and of `edges.post_ids` (0 to 180; pairs with NaN are left
    out).

    Columns: delta_ori_deg (middle of the bin, 0 to 90; float64), connections, unconnected (int64), fraction, low and
    high (Float64: the connected fraction with its 95% Wilson score interval).
    """
    bins = int(90 / TUNING_BIN_DEG)
    pairs = np.zeros(bins, np.int64)
    for start in range(0, len(edges.pre_ids), step := max(1, PAIRS_AT_ONCE // max(len(edges.post_ids), 1))):
        batch = slice(start, start + step)
        different = edges.pre_ids[batch, None] != edges.post_ids[None, :]
        which = _tuning_bins(pref_ori_deg[0][batch, None], pref_ori_deg[1][None, :])
        pairs += np.bincount(which[different & (which >= 0)], minlength=bins)
    which = _tuning_bins(pref_ori_deg[0][edges.pre], pref_ori_deg[1][edges.post])
    connections = np.bincount(which[which >= 0], minlength=bins)
    middles = (np.arange(bins) + 0.5) * TUNING_BIN_DEG
    counts = {"connections": connections, "unconnected": pairs - connections}
    return pd.DataFrame({"delta_ori_deg": middles, **counts, **_fractions(connections, pairs)})


def _tuning_bins(first_deg: Floats, second_deg: Floats) -> Indices:
    """The bin of the difference between orientations in degrees, which are periodic in 180; -1 = not known."""
    apart = np.abs(first_deg - second_deg) % 180
    apart = np.minimum(apart, 180 - apart)
    last = int(90 / TUNING_BIN_DEG) - 1
    return np.where(np.isfinite(apart), np.minimum(np.nan_to_num(apart) // TUNING_BIN_DEG, last), -1).astype(np.int64)


def depths(depths_um: Floats, groups: Indices, names: tuple[str | None, ...]) -> pd.DataFrame:
    """A histogram of synapses by depth for each group, empty bins included: group (string), depth_um (middle of the
    bin, float64) and count (int64). `groups` has the index of each synapse's group in `names`; NaN depths are left
    out."""
    finite = np.isfinite(depths_um)
    if not finite.any():
        return pd.DataFrame({"group": pd.array([], "string"), "depth_um": [], "count": []})
    bins = (depths_um[finite] // DEPTH_BIN_UM).astype(np.int64)
    first, width = int(bins.min()), int(bins.max() - bins.min()) + 1
    keys = groups[finite].astype(np.int64) * width + bins - first
    counts = np.bincount(keys, minlength=len(names) * width)
    return pd.DataFrame(
        {
            "group": pd.array(np.repeat(np.array(names, object), width), dtype="string"),
            "depth_um": np.tile((np.arange(width) + first + 0.5) * DEPTH_BIN_UM, len(names)),
            "count": counts,
        }
    )


def depths_of(synapses: pd.DataFrame, groups: Indices, names: tuple[str | None, ...]) -> pd.DataFrame:
    """The histogram of :func:`depths` for a frame of synapses with depth_um."""
    return depths(synapses["depth_um"].to_numpy(np.float64), groups, names)


def _bins(one_um: Floats, other_um: Floats, deep: bool) -> list[Indices]:
    """The bin of the distances between positions, lateral and vertical if `deep`, else straight; -1 = not known."""
    lateral = np.hypot(one_um[..., 0] - other_um[..., 0], one_um[..., 2] - other_um[..., 2])
    vertical = np.abs(one_um[..., 1] - other_um[..., 1])
    last = int(MOST_UM / DISTANCE_BIN_UM) - 1
    return [
        np.where(np.isfinite(way), np.minimum(np.nan_to_num(way) // DISTANCE_BIN_UM, last), -1).astype(np.int64)
        for way in ((lateral, vertical) if deep else (np.hypot(lateral, vertical),))
    ]


def _fractions(connections: Indices, pairs: Indices) -> dict[str, pd.arrays.FloatingArray]:
    """The connected fraction with its 95% Wilson score interval (low, high); null without pairs."""
    fraction, low, high = (np.full(len(pairs), np.nan) for _ in range(3))
    for at in np.flatnonzero(pairs):
        tested = stats.binomtest(int(connections[at]), int(pairs[at]))
        interval = tested.proportion_ci(CONFIDENCE, method="wilson")
        fraction[at], low[at], high[at] = tested.statistic, interval.low, interval.high
    return {"fraction": nullable(fraction), "low": nullable(low), "high": nullable(high)}
