"""Null models of populations: closed forms, enumeration, nominal false positives, planted enrichment, networkx."""

from __future__ import annotations

import itertools
import time
from collections import Counter

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from scipy import stats

from services.core.errors import BadInput, TooLarge
from services.populations import motifs, nulls
from services.populations.degree_shuffles import shuffles
from services.populations.edges import Edges, edges_of
from services.populations.groupings import Grouping


def wiring(pairs: list[tuple[int, int]], cells: int, num_syn: list[int] | None = None) -> Edges:
    repeated = np.repeat(np.array(pairs, dtype=np.int64).reshape(-1, 2), num_syn or [1] * len(pairs), axis=0)
    frame = pd.DataFrame({"pre_root_id": repeated[:, 0], "post_root_id": repeated[:, 1], "size": 1.0})
    ids = np.arange(cells, dtype=np.int64)
    return edges_of(frame, ids, ids)


def random_wiring(cells: int, density: float, rng: np.random.Generator) -> Edges:
    pairs = np.argwhere((rng.random((cells, cells)) < density) & ~np.eye(cells, dtype=bool))
    return wiring([(int(a), int(b)) for a, b in pairs], cells)


def groups(of: list[int] | np.ndarray) -> Grouping:
    of = np.asarray(of, dtype=np.int64)
    return Grouping("type", tuple(f"T{n}" for n in range(of.max() + 1)), of)


PAPER = [(0, 1), (0, 3), (1, 3), (2, 5), (3, 0), (3, 1), (3, 2), (4, 3), (5, 0)]
"""The edges of the six cells of tests/six_cells.py."""


def test_shuffles_keep_degrees_without_repeats_or_autapses() -> None:
    edges = random_wiring(60, 0.2, np.random.default_rng(1))
    for post in shuffles(edges, 20, seed=3):
        assert (np.bincount(post, minlength=60) == np.bincount(edges.post, minlength=60)).all()
        assert (post != edges.pre).all()
        assert len({*zip(edges.pre.tolist(), post.tolist(), strict=True)}) == len(edges)


def test_shuffles_visit_all_wirings_alike() -> None:
    """Against every wiring of six cells with these degrees, found one by one."""
    edges = wiring(PAPER, 6)
    outs, ins = np.bincount(edges.pre, minlength=6), np.bincount(edges.post, minlength=6)
    choices = [itertools.combinations([c for c in range(6) if c != cell], int(outs[cell])) for cell in range(6)]
    every = {
        targets
        for targets in itertools.product(*(list(one) for one in choices))
        if (np.bincount(np.concatenate(targets).astype(int), minlength=6) == ins).all()
    }
    seen: Counter[tuple[tuple[int, ...], ...]] = Counter()
    for post in shuffles(edges, 6_000, seed=1):
        seen[tuple(tuple(sorted(post[edges.pre == cell].tolist())) for cell in range(6))] += 1
    assert set(seen) == every
    counts = np.array([seen[one] for one in every])
    assert abs(counts / counts.mean() - 1).max() < 0.6  # successive ones are alike


def test_degrees_of_a_sparse_wiring_against_the_closed_form() -> None:
    """Where repeats and autapses are rare, out x in / edges."""
    rng = np.random.default_rng(2)
    edges, of = random_wiring(600, 0.01, rng), groups(rng.integers(0, 4, 600))
    result = nulls.keep_degrees(edges, of, of, "connections", permutations=400, seed=1)
    outs, ins = np.bincount(of.of[edges.pre]), np.bincount(of.of[edges.post])
    closed = np.outer(outs, ins) / len(edges)
    np.testing.assert_allclose(result.expected, closed, rtol=0.03)
    hypergeometric = [[stats.hypergeom(len(edges), b, a).std() for b in ins.tolist()] for a in outs.tolist()]
    np.testing.assert_allclose(result.sd, hypergeometric, rtol=0.2)


def test_depth_against_the_closed_form() -> None:
    rng = np.random.default_rng(3)
    ids = np.arange(50, dtype=np.int64)
    rows = pd.DataFrame({"pre_root_id": rng.integers(0, 50, 3000), "post_root_id": rng.integers(0, 50, 3000)})
    rows = rows[rows["pre_root_id"] != rows["post_root_id"]].assign(size=1.0)
    rows["depth_um"] = rng.uniform(0, 200, len(rows))
    rows.loc[rows.index[:7], "depth_um"] = np.nan
    of = groups(rng.integers(0, 3, 50))
    result = nulls.keep_depths(rows, edges_of(rows, ids, ids), of, of, permutations=2000, seed=4)
    known = rows.dropna()
    by = known.assign(a=of.of[known["pre_root_id"]], b=of.of[known["post_root_id"]], bin=known["depth_um"] // 20)
    outs, ins, sizes = by.groupby(["bin", "a"]).size(), by.groupby(["bin", "b"]).size(), by.groupby("bin").size()
    for a, b in itertools.product(range(3), repeat=2):
        closed = sum(outs[d, a] * ins[d, b] / sizes[d] for d in sizes.index)
        spread = sum(stats.hypergeom(sizes[d], ins[d, b], outs[d, a]).var() for d in sizes.index) ** 0.5
        assert result.expected[a, b] == pytest.approx(closed)
        assert result.sd[a, b] == pytest.approx(spread, rel=0.1)
        assert result.observed[a, b] == ((by["a"] == a) & (by["b"] == b)).sum()
        assert result.low[a, b] < closed < result.high[a, b]
    assert result.left_out == 7 and result.num == len(known)


def test_distance_against_the_closed_form() -> None:
    rng = np.random.default_rng(5)
    cells = 60
    edges, of = random_wiring(cells, 0.2, rng), groups(rng.integers(0, 2, cells))
    somata = rng.uniform(0, 150, (cells, 3))
    somata[3] = np.nan
    result = nulls.keep_distances(edges, (somata, somata), of, of, permutations=2000, seed=1)
    bins: dict[tuple[float, float], list[tuple[int, int]]] = {}
    for a, b in itertools.permutations(range(cells), 2):
        if 3 not in (a, b):
            away = somata[a] - somata[b]
            bins.setdefault((np.hypot(away[0], away[2]) // 50, abs(away[1]) // 50), []).append((a, b))
    created = {*zip(edges.pre.tolist(), edges.post.tolist(), strict=True)}
    closed = np.zeros((2, 2))
    for pairs in bins.values():
        for a, b in pairs:
            closed[of.of[a], of.of[b]] += len(created & set(pairs)) / len(pairs)
    np.testing.assert_allclose(result.expected, closed)
    np.testing.assert_allclose(result.observed.sum() + result.left_out, len(edges))
    assert (result.low <= result.expected).all() and (result.expected <= result.high).all()
    straight = nulls.keep_distances(edges, (somata, somata), of, of, permutations=50, seed=1, deep=False)
    apart = np.linalg.norm(somata[:, None] - somata[None], axis=2) // 50
    linked, whole = np.zeros((cells, cells), bool), ~np.eye(cells, dtype=bool) & np.isfinite(apart)
    linked[edges.pre, edges.post] = True
    shares = {one: (linked & whole)[apart == one].sum() / whole[apart == one].sum() for one in np.unique(apart[whole])}
    for pre, post in np.ndindex(2, 2):
        these = apart[np.ix_(of.of == pre, of.of == post)][whole[np.ix_(of.of == pre, of.of == post)]]
        assert straight.expected[pre, post] == pytest.approx(sum(shares[one] for one in these))
    assert "depth" in " ".join(result.notes()) and "depth" not in " ".join(straight.notes())
    somata[:] = np.nan
    with pytest.raises(BadInput, match="known somata"):
        nulls.keep_distances(edges, (somata, somata), of, of, permutations=10, seed=1)


@pytest.mark.parametrize("model", nulls.MODELS)
def test_false_positives_are_nominal(model: nulls.Model) -> None:
    """Of wirings that follow the model, 5% are beyond the 5% level, whatever the pair of groups."""
    ps = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        edges, of = random_wiring(60, 0.1, rng), groups(rng.integers(0, 2, 60))
        ps.append(run(model, edges, of, rng).p[0, 0])
    share = np.mean(np.array(ps) <= 0.05)
    assert share <= stats.binom(60, 0.05).ppf(0.999) / 60
    assert 0.25 < np.mean(np.array(ps) <= 0.5) < 0.65  # counts are whole, so p is on the safe side


@pytest.mark.parametrize("model", nulls.MODELS)
def test_a_planted_enrichment_is_found(model: nulls.Model) -> None:
    rng = np.random.default_rng(11)
    of = groups(np.repeat([0, 1], 30))
    chance = np.array([[0.2, 0.05], [0.05, 0.2]])[of.of][:, of.of]
    pairs = np.argwhere((rng.random((60, 60)) < chance) & ~np.eye(60, dtype=bool))
    result = run(model, wiring([(int(a), int(b)) for a, b in pairs], 60), of, rng)
    assert result.q[0, 0] < 0.05 and result.q[0, 1] < 0.05
    assert result.ratio[0, 0] > 1 > result.ratio[0, 1] and result.z[0, 0] > 3
    assert result.observed[0, 0] > result.high[0, 0]


def run(model: nulls.Model, edges: Edges, of: Grouping, rng: np.random.Generator) -> nulls.Null:
    if model == "degrees":
        return nulls.keep_degrees(edges, of, of, "connections", permutations=199, seed=1)
    if model == "distance":
        somata = rng.uniform(0, 200, (len(edges.pre_ids), 3))
        return nulls.keep_distances(edges, (somata, somata), of, of, permutations=199, seed=1)
    rows = edges.frame().assign(size=1.0, depth_um=rng.uniform(0, 100, len(edges)))
    return nulls.keep_depths(rows, edges, of, of, permutations=199, seed=1)


def test_the_same_seed_gives_the_same() -> None:
    rng = np.random.default_rng(7)
    edges, of = random_wiring(50, 0.1, rng), groups(rng.integers(0, 3, 50))
    one, same, other = (
        nulls.keep_degrees(edges, of, of, "synapses", permutations=50, seed=seed).frame() for seed in (1, 1, 2)
    )
    assert one.equals(same) and not one.equals(other)


@pytest.mark.parametrize(("density", "at_once"), [(0.03, 10**6), (0.2, 10**6), (0.2, 7), (0.6, 1000)])
def test_census_against_networkx(density: float, at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(motifs, "STEPS_AT_ONCE", at_once)
    edges = random_wiring(40, density, np.random.default_rng(4))
    graph = nx.DiGraph([*zip(edges.pre.tolist(), edges.post.tolist(), strict=True)])
    reciprocal, *triads = motifs.census(edges.pre, edges.post, 40).tolist()
    theirs = nx.triadic_census(graph)
    assert dict(zip(motifs.TRIADS, triads, strict=True)) == {name: theirs[name] for name in motifs.TRIADS}
    assert reciprocal == sum(graph.has_edge(b, a) for a, b in graph.edges) / 2


def test_motifs_that_take_too_long_to_count_are_refused_at_once() -> None:
    hub = wiring([(0, cell) for cell in range(1, 10_001)] + [(cell, 0) for cell in range(1, 10_001)], 10_001)
    with pytest.raises(
        TooLarge, match=r"20,000 connections have 100,010,000 paths of two.* 100 permutations"
    ) as caught:
        motifs.against_degrees(hub, permutations=100, seed=1)
    assert caught.value.hint == "Ask for 98 permutations at most, or take smaller sets."


def test_motifs_of_six_cells() -> None:
    result = motifs.against_degrees(wiring(PAPER, 6), permutations=100, seed=1).set_index("motif")
    assert result.loc["reciprocal", "observed"] == 2
    planted = [(a, b) for a in range(0, 40, 2) for b in (a + 1,)] + [
        (b, a) for a, b in [(n, n + 1) for n in range(0, 40, 2)]
    ]
    message = motifs.against_degrees(wiring(planted, 40), permutations=200, seed=1).set_index("motif")
    assert message.loc["reciprocal", "observed"] == 20 and message.loc["reciprocal", "p"] < 0.02


def test_motifs_against_wirings_that_are_counted_apart() -> None:
    """Each number anew from the same wirings, by networkx; q by its definition."""
    edges = random_wiring(20, 0.25, np.random.default_rng(5))
    result = motifs.against_degrees(edges, permutations=40, seed=3).set_index("motif").astype(float)
    counts = []
    for post in shuffles(edges, 40, seed=3):
        graph = nx.DiGraph([*zip(edges.pre.tolist(), post.tolist(), strict=True)])
        counts.append(nx.triadic_census(graph) | {"reciprocal": sum(graph.has_edge(b, a) for a, b in graph.edges) / 2})
    drawn = pd.DataFrame(counts)[list(result.index)]
    np.testing.assert_allclose(result["expected"], drawn.mean())
    np.testing.assert_allclose(result[["low", "high"]].T, drawn.quantile([0.025, 0.975]))
    expected = {
        "z": (result["observed"] - drawn.mean()) / drawn.std(ddof=0),
        "ratio": result["observed"] / drawn.mean(),
    }
    for name, numbers in expected.items():
        np.testing.assert_allclose(result[name], numbers.where(np.isfinite(numbers))[result.index])
    p = result["p"].sort_values()
    steps = p * len(p) / np.arange(1, len(p) + 1)
    np.testing.assert_allclose(result["q"][p.index], np.minimum(steps[::-1].cummin()[::-1], 1))


def test_an_empty_wiring_has_nothing_to_compare() -> None:
    edges, of = wiring([], 4), groups([0, 0, 1, 1])
    for result in (run(model, edges, of, np.random.default_rng(1)) for model in nulls.MODELS):
        assert (result.observed == 0).all() and (result.p == 1).all() and np.isnan(result.ratio).all()
    assert motifs.against_degrees(edges, permutations=5, seed=1)["observed"].sum() == 0


def test_a_thousand_shuffles_of_75000_edges_are_quick() -> None:
    """A tenth of them, in a tenth of twice the time that an idle machine has for them."""
    rng = np.random.default_rng(0)
    keys = rng.choice(2200 * 2200, 76_000, replace=False)
    keys = np.sort(keys[keys // 2200 != keys % 2200])[:75_000]
    ids = np.arange(2200, dtype=np.int64)
    edges = Edges(ids, ids, keys // 2200, keys % 2200, np.ones(75_000, np.int64), np.ones(75_000))
    of = groups(rng.integers(0, 20, 2200))
    start = time.process_time()
    nulls.keep_degrees(edges, of, of, "connections", permutations=100, seed=1)
    assert time.process_time() - start < 1.0
