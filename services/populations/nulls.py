"""Null models: the synapses or connections of each pair of groups against what a model expects by chance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from services.core.errors import BadInput, TooLarge
from services.populations.degree_shuffles import shuffles
from services.populations.edges import Edges, Floats, indices_of
from services.populations.groupings import Grouping
from services.populations.matrices import entries, nullable

Model = Literal["degrees", "depth", "distance"]
MODELS: tuple[Model, ...] = get_args(Model)
Counted = Literal["connections", "synapses"]
Samples: TypeAlias = npt.NDArray[np.int64]

MOST_PERMUTATIONS = 10_000
MOST_NUMBERS = 50_000_000
"""Permutations times pairs of groups that are held in memory: 400 MB."""
DEPTH_BIN_UM = 20.0
DISTANCE_BIN_UM = 50.0
MOST_PAIRS = 500_000_000
PAIRS_AT_ONCE = 2_000_000
MOST_COUNTED = 5_000_000
"""Pairs of cells in a distance bin up to which numpy's method "count" of the hypergeometric draw is faster than
"marginals"."""
INTERVAL = (0.025, 0.975)
Report: TypeAlias = Callable[[int], None]
"""Gets the number of permutations counted so far; an exception that it raises ends the counting."""

COUNTED: dict[Model, tuple[Counted, ...]] = {
    "degrees": ("connections", "synapses"),
    "depth": ("synapses",),
    "distance": ("connections",),
}
"""What each model can count; the first is the default."""

WORDS: dict[Model, str] = {
    "degrees": "Connections are shuffled so that every cell keeps its number of targets and of sources within these "
    "sets; no pair is connected twice, no cell to itself. The synapses of a connection go with its presynaptic cell.",
    "depth": f"Synapses are shuffled within bins of {DEPTH_BIN_UM:.0f} µm of depth: each group keeps its outputs and "
    "its inputs in each bin. Available inputs are those that the presynaptic set makes onto the postsynaptic one.",
    "distance": "Connections are put on any pairs of different cells whose somata are as far apart, in bins of "
    f"{DISTANCE_BIN_UM:.0f} µm along the surface and in depth; cells without exactly one soma are left out.",
}
STRAIGHT = (
    "Connections are put on any pairs of different cells whose somata are as far apart, in bins of "
    f"{DISTANCE_BIN_UM:.0f} µm; cells without exactly one soma are left out."
)
"""WORDS of the distance model in a volume without depths."""


@dataclass(frozen=True, eq=False)
class Null:
    """Observed numbers for each pair of groups against those of a null model; arrays are of shape (pre, post groups).

    `expected` is exact for the models of depth and distance, the mean of the permutations for degrees; `low` and `high`
    are the 2.5% and 97.5% quantiles of the permutations, `sd` their standard deviation. `p` is two-sided: twice the
    smaller share of permutations, counting the observed one among them, that are as extreme as it; 1 where the number
    cannot vary. `num` is the number of connections or synapses in all, `left_out` of those that the model cannot place.
    If not `deep`, the volume has no depths and distances are straight.
    """

    model: Model
    counted: Counted
    pre: Grouping
    post: Grouping
    observed: Floats
    expected: Floats
    low: Floats
    high: Floats
    sd: Floats
    p: Floats
    permutations: int
    seed: int
    num: int
    left_out: int = 0
    deep: bool = True

    @property
    def q(self) -> Floats:
        """`p` corrected for the number of pairs of groups that can vary (Benjamini and Hochberg 1995)."""
        return adjusted(self.p, self.sd > 0)

    @property
    def ratio(self) -> Floats:
        """Observed divided by expected; NaN where nothing is expected."""
        return np.divide(self.observed, self.expected, out=np.full(self.p.shape, np.nan), where=self.expected > 0)

    @property
    def z(self) -> Floats:
        """Observed minus expected, in standard deviations; NaN where the number cannot vary."""
        return np.divide(self.observed - self.expected, self.sd, out=np.full(self.p.shape, np.nan), where=self.sd > 0)

    def notes(self) -> tuple[str, ...]:
        """Sentences that explain the numbers: the model, the permutations, and what is left out."""
        tested = int((self.sd > 0).sum())
        sentences = [
            WORDS[self.model] if self.deep or self.model != "distance" else STRAIGHT,
            f"{self.permutations:,} permutations, seed {self.seed}, of {self.num:,} {self.counted}; intervals hold 95% "
            f"of these. q is p corrected for {tested:,} comparisons (Benjamini-Hochberg).",
        ]
        if self.left_out:
            sentences.append(f"{self.left_out:,} {self.counted} are left out, for the model cannot place them.")
        return tuple(sentences)

    def frame(self) -> pd.DataFrame:
        """One row for each pair of groups: pre, post (string), observed, expected, low, high, ratio, z, p and q
        (Float64)."""
        rows, columns = self.observed.shape
        names = ("observed", "expected", "low", "high", "ratio", "z", "p", "q")
        return pd.DataFrame(
            {
                "pre": pd.array(np.repeat(np.array(self.pre.names, dtype=object), columns), dtype="string"),
                "post": pd.array(np.tile(np.array(self.post.names, dtype=object), rows), dtype="string"),
                **{name: nullable(getattr(self, name).ravel()) for name in names},
            }
        )


def draws(permutations: int, seed: int) -> dict[str, Any]:
    """A number of permutations and a seed, as keyword arguments of the models. Raises BadInput for less than 1 or more
    than MOST_PERMUTATIONS."""
    if not 1 <= permutations <= MOST_PERMUTATIONS:
        raise BadInput(f"{permutations:,} permutations are not possible.", f"Choose 1 to {MOST_PERMUTATIONS:,}.")
    return {"permutations": permutations, "seed": seed}


def keep_degrees(
    edges: Edges,
    pre: Grouping,
    post: Grouping,
    counted: Counted,
    *,
    permutations: int,
    seed: int,
    report: Report = lambda _: None,
) -> Null:
    """The counts against wirings in which every cell keeps its numbers of targets and sources (:mod:`degree_shuffles`).

    Raises TooLarge for too many cells, or for more numbers than MOST_NUMBERS."""
    shape = _shape(pre, post, permutations)
    rows = pre.of[edges.pre] * shape[1]
    weights = edges.num_syn.astype(np.float64) if counted == "synapses" else None
    samples = np.empty((permutations, shape[0] * shape[1]), dtype=np.int64)
    for at, targets in enumerate(shuffles(edges, permutations, seed)):
        samples[at] = np.bincount(rows + post.of.take(targets), weights=weights, minlength=samples.shape[1])
        report(at + 1)
    observed = np.bincount(entries(edges, pre, post), weights=weights, minlength=samples.shape[1])
    expected = samples.mean(axis=0)
    return _null("degrees", counted, (pre, post), observed, samples, expected=expected, seed=seed)


def keep_depths(
    synapses: pd.DataFrame,
    edges: Edges,
    pre: Grouping,
    post: Grouping,
    *,
    permutations: int,
    seed: int,
    report: Report = lambda _: None,
) -> Null:
    """The numbers of synapses against wirings in which the synapses within each bin of DEPTH_BIN_UM are shuffled.
    `synapses` is a frame of :func:`synapse_reading.read` with depth_um. Raises BadInput where no depth is known,
    TooLarge for more numbers than MOST_NUMBERS."""
    shape = _shape(pre, post, permutations)
    pre_index, from_set = indices_of(edges.pre_ids, synapses["pre_root_id"].to_numpy(np.int64))
    post_index, onto_set = indices_of(edges.post_ids, synapses["post_root_id"].to_numpy(np.int64))
    depth = synapses["depth_um"].to_numpy(np.float64)
    counted = from_set & onto_set & (synapses["pre_root_id"] != synapses["post_root_id"]).to_numpy(bool)
    usable = counted & np.isfinite(depth)
    if counted.any() and not usable.any():
        raise BadInput("The depth of these synapses is not known, so it cannot be kept.", "Choose another null model.")
    bins, which = np.unique(depth_bins(depth[usable]), return_inverse=True)
    width = shape[0] * shape[1]
    entry = pre.of[pre_index[usable]] * shape[1] + post.of[post_index[usable]]
    tables = np.bincount(which * width + entry, minlength=len(bins) * width).reshape(len(bins), *shape)
    rng = np.random.default_rng(seed)
    samples, expected = np.zeros((permutations, width), dtype=np.int64), np.zeros(width)
    for at, table in enumerate(tables):
        null = stats.random_table(table.sum(axis=1), table.sum(axis=0))
        expected += null.mean().ravel()
        samples += null.rvs(size=permutations, random_state=rng).reshape(permutations, width).astype(np.int64)
        report(permutations * (at + 1) // len(tables))
    observed, left = tables.sum(axis=0).ravel(), int(counted.sum() - usable.sum())
    return _null(
        "depth",
        "synapses",
        (pre, post),
        observed=observed,
        samples=samples,
        expected=expected,
        seed=seed,
        left_out=left,
    )


def keep_distances(
    edges: Edges,
    somata_um: tuple[Floats, Floats],
    pre: Grouping,
    post: Grouping,
    *,
    permutations: int,
    seed: int,
    deep: bool = True,
    report: Report = lambda _: None,
) -> Null:
    """The numbers of connections against wirings in which each connection joins any pair of cells in the same bins of
    DISTANCE_BIN_UM: of lateral distance and of depth in a `deep` volume, else of straight distance. `somata_um` are the
    positions (x, depth or y, z) of the somata of `edges.pre_ids` and of `edges.post_ids`, NaN where not known. Raises
    BadInput where none is known, TooLarge for too many pairs of cells or more numbers than MOST_NUMBERS."""
    shape = _shape(pre, post, permutations)
    if len(edges.pre_ids) * len(edges.post_ids) > MOST_PAIRS:
        raise TooLarge("There are too many pairs of cells to measure their distances.", "Choose smaller sets.")
    width = shape[0] * shape[1]
    bins = distance_bins(somata_um[0][edges.pre], somata_um[1][edges.post], deep=deep)
    usable = bins >= 0
    if len(usable) and not usable.any():
        raise BadInput(
            "No connected cells have known somata, so distances cannot be kept.", "Choose another null model."
        )
    entry = entries(edges, pre, post)[usable]
    connections = dict(zip(*(values.tolist() for values in np.unique(bins[usable], return_counts=True)), strict=True))
    rng = np.random.default_rng(seed)
    samples, expected = np.zeros((permutations, width), dtype=np.int64), np.zeros(width)
    counts = _pairs_by_distance(edges, somata_um, pre, post, deep=deep)
    for at, (distance_bin, number) in enumerate(sorted(connections.items())):
        pairs = counts[distance_bin]
        expected += number * pairs / pairs.sum()
        method: Literal["count", "marginals"] = "count" if pairs.sum() <= MOST_COUNTED else "marginals"
        samples += rng.multivariate_hypergeometric(pairs, number, size=permutations, method=method)
        report(permutations * (at + 1) // len(connections))
    groups, observed, left = (pre, post), np.bincount(entry, minlength=width), int((~usable).sum())
    return _null(
        "distance",
        "connections",
        groups,
        observed=observed,
        samples=samples,
        expected=expected,
        seed=seed,
        left_out=left,
        deep=deep,
    )


def depth_bins(depths_um: Floats) -> npt.NDArray[np.int64]:
    """The bin of each depth; all have to be finite."""
    return np.floor(depths_um / DEPTH_BIN_UM).astype(np.int64)


def distance_bins(one_um: Floats, other_um: Floats, *, deep: bool = True) -> npt.NDArray[np.int64]:
    """The bin of the distance between positions (x, depth, z): one number for the lateral and the vertical bin together
    if `deep`, else the bin of the straight distance; -1 = not known."""
    lateral = np.hypot(one_um[..., 0] - other_um[..., 0], one_um[..., 2] - other_um[..., 2])
    vertical = np.abs(one_um[..., 1] - other_um[..., 1])
    finite = np.isfinite(lateral) & np.isfinite(vertical)
    ways = (lateral, vertical) if deep else (np.hypot(lateral, vertical), np.zeros(vertical.shape))
    steps = [np.where(finite, np.floor(way / DISTANCE_BIN_UM), 0).astype(np.int64) for way in ways]
    return np.where(finite, np.minimum(steps[0], 999) * 1000 + np.minimum(steps[1], 999), -1)


def _pairs_by_distance(
    edges: Edges, somata_um: tuple[Floats, Floats], pre: Grouping, post: Grouping, *, deep: bool
) -> dict[int, npt.NDArray[np.int64]]:
    """The number of pairs of different cells for each pair of groups (flattened), by distance bin."""
    width = len(pre.names) * len(post.names)
    step = max(1, PAIRS_AT_ONCE // max(len(edges.post_ids), 1))
    counts: dict[int, npt.NDArray[np.int64]] = {}
    for start in range(0, len(edges.pre_ids), step):
        batch = slice(start, start + step)
        bins = distance_bins(somata_um[0][batch, None, :], somata_um[1][None, :, :], deep=deep)
        bins[edges.pre_ids[batch, None] == edges.post_ids[None, :]] = -1
        entry = pre.of[batch, None] * len(post.names) + post.of[None, :]
        usable = bins >= 0
        different, which = np.unique(bins[usable], return_inverse=True)
        result = np.bincount(which * width + entry[usable], minlength=len(different) * width)
        for distance_bin, pairs in zip(different.tolist(), result.reshape(len(different), width), strict=True):
            counts[distance_bin] = counts[distance_bin] + pairs if distance_bin in counts else pairs
    return counts


def _shape(pre: Grouping, post: Grouping, permutations: int) -> tuple[int, int]:
    if len(pre.names) * len(post.names) * permutations > MOST_NUMBERS:
        raise TooLarge(
            f"{permutations:,} permutations of {len(pre.names):,} x {len(post.names):,} groups are too many to hold.",
            "Group the cells by type, or ask for fewer permutations.",
        )
    return len(pre.names), len(post.names)


def _null(
    model: Model,
    counted: Counted,
    groups: tuple[Grouping, Grouping],
    observed: npt.NDArray[Any],
    samples: Samples,
    *,
    expected: Floats,
    seed: int,
    left_out: int = 0,
    deep: bool = True,
) -> Null:
    shape = (len(groups[0].names), len(groups[1].names))
    low, high = np.quantile(samples, INTERVAL, axis=0) if samples.size else (expected, expected)
    return Null(
        model,
        counted,
        *groups,
        observed=observed.astype(np.float64).reshape(shape),
        expected=expected.reshape(shape),
        low=low.reshape(shape),
        high=high.reshape(shape),
        sd=samples.std(axis=0).reshape(shape),
        p=two_sided(observed, samples).reshape(shape),
        permutations=len(samples),
        seed=seed,
        num=int(observed.sum()),
        left_out=left_out,
        deep=deep,
    )


def two_sided(observed: npt.NDArray[Any], samples: npt.NDArray[Any]) -> Floats:
    """Twice the smaller share of `samples` (rows), counting `observed` among them, that are as extreme as it; at most
    1."""
    above, below = (samples >= observed).sum(axis=0) + 1, (samples <= observed).sum(axis=0) + 1
    p: Floats = np.minimum(2 * np.minimum(above, below) / (len(samples) + 1), 1.0)
    return p


def adjusted(p: Floats, tested: npt.NDArray[np.bool_]) -> Floats:
    """The `p` of those `tested`, corrected for their number (Benjamini and Hochberg 1995); 1 for all others."""
    q = np.ones(p.shape)
    if tested.any():
        q[tested] = stats.false_discovery_control(p[tested])
    return q
