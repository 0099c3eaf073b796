"""Motifs, which are reciprocal pairs and the 13 connected triads, against random wirings that keep all degrees."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pandas as pd
from scipy import sparse

from services.core.errors import TooLarge
from services.populations.degree_shuffles import shuffles
from services.populations.edges import Edges, Indices
from services.populations.matrices import nullable
from services.populations.nulls import INTERVAL, WORDS, adjusted, two_sided

PERMUTATIONS = 100
"""The default number of permutations; each counts all triads again."""
MOST_STEPS = 10_000_000_000
"""Most paths of two connections to follow in all wirings together: ten minutes."""
STEPS_AT_ONCE = 10_000_000
"""Paths whose ends are held in memory at once: 0.2 GB."""
RECIPROCAL = "reciprocal"
TRIADS = ("021D", "021U", "021C", "111D", "111U", "030T", "030C", "201", "120D", "120U", "120C", "210", "300")
"""Names of Holland and Leinhardt (1976): numbers of mutual, asymmetric and null dyads, then Down, Up, Transitive,
Cyclic."""


def against_degrees(
    edges: Edges, *, permutations: int, seed: int, report: Callable[[int], None] = lambda _: None
) -> pd.DataFrame:
    """How often each motif occurs, against random wirings that keep the degrees of every cell (:mod:`degree_shuffles`).
    `report` gets the number of wirings counted so far; an exception that it raises ends the counting.

    Columns: motif (string; RECIPROCAL for pairs) and observed (int64); then Float64: expected (the mean over the
    wirings), low and high (2.5% and 97.5% quantiles), ratio (observed / expected, null where nothing is expected), z
    (observed minus expected, in standard deviations, null where nothing varies), p (two-sided, see :class:`nulls.Null`)
    and q (p corrected for all motifs that vary). Raises TooLarge as :func:`steps`.
    """
    nodes = np.union1d(edges.pre_ids, edges.post_ids)
    pre = np.searchsorted(nodes, edges.pre_ids)[edges.pre]
    place = np.searchsorted(nodes, edges.post_ids)
    steps(edges, permutations)
    observed = census(pre, place[edges.post], len(nodes))
    samples = np.empty((permutations, len(observed)), dtype=np.int64)
    for at, post in enumerate(shuffles(edges, permutations, seed)):
        samples[at] = census(pre, place[post], len(nodes))
        report(at + 1)
    expected, sd = samples.mean(axis=0), samples.std(axis=0)
    low, high = np.quantile(samples, INTERVAL, axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio, z = observed / expected, (observed - expected) / sd
    p = two_sided(observed, samples)
    numbers = {"expected": expected, "low": low, "high": high, "ratio": ratio, "z": z, "p": p, "q": adjusted(p, sd > 0)}
    finite = {name: nullable(np.where(np.isfinite(values), values, np.nan)) for name, values in numbers.items()}
    return pd.DataFrame({"motif": pd.array([RECIPROCAL, *TRIADS], dtype="string"), "observed": observed, **finite})


def notes(edges: Edges, rows: pd.DataFrame, *, permutations: int, seed: int) -> tuple[str, ...]:
    """Sentences that explain the `rows` of :func:`against_degrees`."""
    cells = len(np.union1d(edges.pre_ids[edges.pre], edges.post_ids[edges.post]))
    return (
        WORDS["degrees"],
        f"{permutations:,} permutations, seed {seed}, of {len(edges):,} connections among {cells:,} cells; intervals "
        f"hold 95% of these. q is p corrected for {int(rows['z'].notna().sum()):,} comparisons (Benjamini-Hochberg).",
    )


def census(pre: Indices, post: Indices, num_cells: int) -> Indices:
    """The number of reciprocal pairs and of each of TRIADS (int64), in a wiring without autapses and repeated pairs.
    `pre` and `post` are the cells of each edge, from 0 to `num_cells` - 1.

    Closed triads, in which all three pairs are connected, are counted in sparse products of the matrices of one-way and
    of mutual connections, a batch of rows at a time. Open triads are all paths of two connections through a cell minus
    those within closed triads.
    """
    ones = np.ones(len(pre), dtype=np.int64)
    adjacency = sparse.csr_array((ones, (pre, post)), shape=(num_cells, num_cells))
    mutual = adjacency.multiply(adjacency.T).tocsr()
    one_way = (adjacency - mutual).tocsr()
    back = one_way.T.tocsr()
    two_steps = _closed(one_way, one_way, one_way, back)
    mutual_steps = _closed(mutual, mutual, one_way, mutual)
    onward = _closed(mutual, one_way, one_way, back)
    t030, c030 = two_steps[0], two_steps[1] // 3
    d120 = _closed(one_way, mutual, one_way)[0] // 2
    u120, c120 = onward[0] // 2, onward[1]
    s210, s300 = mutual_steps[0], mutual_steps[1] // 6
    outs, ins, both = (np.asarray(matrix.sum(axis=1)).ravel() for matrix in (one_way, back, mutual))
    counts = {
        "021D": _pairs(outs) - t030 - d120,
        "021U": _pairs(ins) - t030 - u120,
        "021C": int((ins * outs).sum()) - t030 - 3 * c030 - c120,
        "111D": int((both * ins).sum()) - 2 * d120 - c120 - s210,
        "111U": int((both * outs).sum()) - 2 * u120 - c120 - s210,
        "030T": t030,
        "030C": c030,
        "201": _pairs(both) - s210 - 3 * s300,
        "120D": d120,
        "120U": u120,
        "120C": c120,
        "210": s210,
        "300": s300,
    }
    return np.array([int(both.sum()) // 2, *(counts[name] for name in TRIADS)], dtype=np.int64)


def steps(edges: Edges, permutations: int) -> int:
    """The number of paths of two connections that :func:`against_degrees` follows in all wirings together. Raises
    TooLarge for more than MOST_STEPS."""
    nodes = np.union1d(edges.pre_ids, edges.post_ids)
    ends = (np.searchsorted(nodes, ids)[at] for ids, at in ((edges.pre_ids, edges.pre), (edges.post_ids, edges.post)))
    outs, ins = (np.bincount(nodes_of_edges, minlength=len(nodes)) for nodes_of_edges in ends)
    paths = int((outs * ins).sum())
    if paths * (1 + permutations) <= MOST_STEPS:
        return paths * (1 + permutations)
    most = MOST_STEPS // paths - 1
    raise TooLarge(
        f"{len(edges):,} connections have {paths:,} paths of two, too many to count in {permutations:,} permutations.",
        f"Ask for {most:,} permutations at most, or take smaller sets." if most > 0 else "Choose smaller sets.",
    )


def _closed(first: sparse.csr_array, second: sparse.csr_array, *closing: sparse.csr_array) -> list[int]:
    """For each matrix in `closing`, the number of paths along a connection of `first` and then one of `second` whose
    ends it connects."""
    steps = np.cumsum(first @ np.diff(second.indptr))
    cuts = np.searchsorted(steps, np.arange(STEPS_AT_ONCE, steps[-1:].sum(), STEPS_AT_ONCE))
    sums = [0] * len(closing)
    for begin, end in pairwise(np.unique([0, *cuts, len(steps)])):
        paths = first[begin:end] @ second
        sums = [num + int(paths.multiply(last[begin:end]).sum()) for num, last in zip(sums, closing, strict=True)]
    return sums


def _pairs(counts: Indices) -> int:
    return int((counts * (counts - 1) // 2).sum())
