"""Distributions of populations against pandas and closed forms."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from components.figures import population as drawing
from services.populations import distributions
from services.populations.edges import Edges, edges_of
from services.populations.groupings import Grouping

CELLS = 50
TYPES = np.arange(CELLS) % 3


@pytest.fixture(scope="module")
def synapses() -> pd.DataFrame:
    rng = np.random.default_rng(8)
    frame = pd.DataFrame({"pre_root_id": rng.integers(0, CELLS, 800), "post_root_id": rng.integers(0, CELLS, 800)})
    return frame[frame["pre_root_id"] != frame["post_root_id"]].assign(size=1.0)


@pytest.fixture(scope="module")
def edges(synapses: pd.DataFrame) -> Edges:
    ids = np.arange(CELLS, dtype=np.int64)
    return edges_of(synapses, ids, ids)


def groups() -> Grouping:
    return Grouping("type", ("A", "B", None), TYPES)


def test_strengths(synapses: pd.DataFrame, edges: Edges) -> None:
    expected = synapses.groupby(["pre_root_id", "post_root_id"]).size().value_counts()
    result = distributions.synapses_per_connection(edges).set_index("num_syn")["connections"]
    assert result.index[0] == 1 and result[result > 0].to_dict() == expected.to_dict()


def test_degrees_count_cells_without_any(edges: Edges) -> None:
    alone = Edges(np.arange(60), edges.post_ids, edges.pre, edges.post, edges.num_syn, edges.net_size)
    of = Grouping("type", ("A", "B"), (np.arange(60) >= CELLS).astype(np.int64))
    result = distributions.degrees(alone, of, groups())
    out = result[result["direction"] == "out"].set_index("group")
    counts = pd.Series(edges.pre).value_counts().reindex(range(CELLS)).fillna(0)
    assert out.loc["A", "median"] == counts.median() and out.loc["A", "q3"] == counts.quantile(0.75)
    assert out.loc["B", "cells"] == 10 and out.loc["B", "high"] == 0


def test_targets_and_their_intervals(synapses: pd.DataFrame, edges: Edges) -> None:
    result = distributions.targets(edges, groups(), groups(), seed=1, bootstraps=400)
    by = synapses.assign(a=TYPES[synapses["pre_root_id"]], b=TYPES[synapses["post_root_id"]])
    for row, (a, b) in zip(result.itertuples(), itertools.product(range(3), repeat=2), strict=True):
        own = by[by["a"] == a]
        assert row.share == pytest.approx((own["b"] == b).mean())
        # synapses are drawn one by one here, so cells drawn anew spread as a binomial does
        spread = stats.binom(len(own), row.share).std() / len(own)
        assert row.low < row.share < row.high
        assert 2 < (row.high - row.low) / spread < 6
    assert result.equals(distributions.targets(edges, groups(), groups(), seed=1, bootstraps=400))


def test_a_group_of_one_cell_has_targets_without_intervals(edges: Edges) -> None:
    alone = Grouping("type", ("A", "B"), (np.arange(CELLS) > 0).astype(np.int64))
    result = distributions.targets(edges, alone, groups(), seed=1).set_index("pre")
    assert result.loc["A", "share"].sum() == pytest.approx(1) and result.loc["A", ["low", "high"]].isna().all(axis=None)
    assert result.loc["B", ["low", "high"]].notna().all(axis=None)
    texts = {text for bar in drawing.targets(result.reset_index(), {})["data"] for text in bar["text"]}
    assert "one cell" in texts and not any("nan" in text or "NA" in text for text in texts)


def test_fractions_by_distance(edges: Edges) -> None:
    somata = np.random.default_rng(1).uniform(0, 200, (CELLS, 3))
    somata[7] = np.nan
    result = distributions.by_distance(edges, (somata, somata)).set_index(["way", "distance_um"])
    created = {*zip(edges.pre.tolist(), edges.post.tolist(), strict=True)}
    pairs = [pair for pair in itertools.permutations(range(CELLS), 2) if 7 not in pair]
    away = np.array([somata[a] - somata[b] for a, b in pairs])
    straight = distributions.by_distance(edges, (somata, somata), deep=False)
    assert set(straight["way"]) == {"straight"}
    result = pd.concat([result, straight.set_index(["way", "distance_um"])])
    lateral = np.hypot(away[:, 0], away[:, 2])
    for way, apart in (("lateral", lateral), ("vertical", abs(away[:, 1])), ("straight", np.linalg.norm(away, axis=1))):
        bins = pd.Series(apart // 25 * 25 + 12.5)
        table = pd.DataFrame({"bin": bins, "made": [pair in created for pair in pairs]}).groupby("bin")["made"]
        for middle, part in table:
            row = result.loc[(way, middle)]
            assert (row["pairs"], row["connections"]) == (len(part), part.sum())
            interval = stats.binomtest(int(part.sum()), len(part)).proportion_ci(method="wilson")
            assert (row["low"], row["high"]) == (pytest.approx(interval.low), pytest.approx(interval.high))


def test_depths() -> None:
    result = distributions.depths(np.array([5.0, 45.0, np.nan, 47.0]), np.array([0, 1, 0, 1]), ("A", None))
    assert result["count"].tolist() == [1, 0, 0, 0, 0, 2]
    assert result["depth_um"].tolist() == [10.0, 30.0, 50.0] * 2 and result["group"].isna().sum() == 3


def test_compartments_of_each_group_against_a_crosstab() -> None:
    rng = np.random.default_rng(3)
    tags = pd.Series(rng.choice(["spine", "shaft", "soma", "axon"], 400), dtype="string").mask(rng.random(400) < 0.1)
    groups = rng.integers(0, 3, 400)
    result = distributions.compartments(tags, groups, ("a", "b", "c")).set_index("group")
    expected = pd.crosstab(np.array(["a", "b", "c"])[groups], tags.fillna("none"))
    for tag in ("spine", "shaft", "soma"):
        assert result[tag].to_dict() == expected[tag].to_dict()
    assert result["not_predicted"].to_dict() == (expected["none"] + expected["axon"]).to_dict()


def test_tuning_of_pairs_one_by_one() -> None:
    rng = np.random.default_rng(4)
    ids = np.arange(1, 41, dtype=np.int64)
    pairs = [(one, other) for one in ids for other in ids if one != other and rng.random() < 0.2]
    edges = edges_of(pd.DataFrame(pairs, columns=["pre_root_id", "post_root_id"]).assign(size=1.0), ids, ids)
    angle = np.where(rng.random(40) < 0.2, np.nan, rng.random(40) * 180)
    counts = {True: np.zeros(9, int), False: np.zeros(9, int)}
    for one in ids:
        for other in ids:
            apart = abs(angle[one - 1] - angle[other - 1])
            if one != other and np.isfinite(apart):
                counts[(one, other) in set(pairs)][int(min(apart, 180 - apart) // 10)] += 1
    result = distributions.by_tuning(edges, (angle, angle))
    assert result["connections"].tolist() == counts[True].tolist()
    assert result["unconnected"].tolist() == counts[False].tolist()
    assert result["fraction"].tolist() == pytest.approx((counts[True] / (counts[True] + counts[False])).tolist())
