"""Matrices of populations against pandas, and how alike cells are against scipy."""

from __future__ import annotations

import time

import numpy as np
import pandas as pd
import pytest
from scipy.cluster import hierarchy
from scipy.spatial import distance

from components.figures.matrix import ordered as drawn
from services.populations import similarity
from services.populations.edges import Edges, edges_of
from services.populations.groupings import Grouping, of_values
from services.populations.matrices import Value, matrix
from services.populations.orders import Order, order

IDS = np.arange(864691135000000001, 864691135000000041, dtype=np.int64)


@pytest.fixture(scope="module", params=[1, 2, 3])
def synapses(request: pytest.FixtureRequest) -> pd.DataFrame:
    rng = np.random.default_rng(request.param)
    frame = pd.DataFrame({"pre_root_id": rng.choice(IDS, 900), "post_root_id": rng.choice(IDS, 900)})
    return frame.assign(size=rng.integers(1, 1000, 900).astype(np.float32))


@pytest.mark.parametrize(
    "value", ["synapses", "connections", "connected_fraction", "synapses_per_connection", "net_size", "mean_size"]
)
def test_matrix_against_pandas(synapses: pd.DataFrame, value: Value) -> None:
    pre_ids, post_ids = IDS[:30], IDS[10:]  # sets that share cells
    types = pd.Series(["B", "A", None, "A10", "A9"] * 8, index=IDS, dtype="string")
    pre, post = (of_values("type", types.loc[ids]) for ids in (pre_ids, post_ids))
    assert pre.names == ("A", "A9", "A10", "B", None)
    created = matrix(edges_of(synapses, pre_ids, post_ids), pre, post, value).frame()
    among = synapses[synapses["pre_root_id"].isin(pre_ids) & synapses["post_root_id"].isin(post_ids)]
    among = among[among["pre_root_id"] != among["post_root_id"]]
    for row in created.itertuples():
        own, other = (types.isna() if pd.isna(name) else types == name for name in (row.pre, row.post))
        cells, targets = (
            set(types.index[own.fillna(False)]) & {*pre_ids},
            set(types.index[other.fillna(False)]) & {*post_ids},
        )
        part = among[among["pre_root_id"].isin(cells) & among["post_root_id"].isin(targets)]
        pairs, size = len(part.groupby(["pre_root_id", "post_root_id"])), float(part["size"].sum())
        possible = sum(a != b for a in cells for b in targets)
        above, below = {
            "synapses": (len(part), None),
            "connections": (pairs, None),
            "connected_fraction": (pairs, possible),
            "synapses_per_connection": (len(part), pairs),
            "net_size": (size, None),
            "mean_size": (size, len(part)),
        }[value]
        assert row.denominator is pd.NA if below is None else row.denominator == below
        expected = above if below is None else above / below if below else None
        assert row.value is pd.NA if expected is None else row.value == pytest.approx(expected)


def test_a_size_that_is_not_known_is_not_zero() -> None:
    frame = pd.DataFrame({"pre_root_id": [1, 1], "post_root_id": [2, 3], "size": [5.0, np.nan]})
    ids = np.array([1, 2, 3])
    edges = edges_of(frame, ids, ids)
    assert edges.net_size[0] == 5 and np.isnan(edges.net_size[1])
    every = Grouping("cell", ("1", "2", "3"), np.arange(3))
    one = Grouping("all", ("all",), np.zeros(3, np.int64))
    assert matrix(edges, every, every, "mean_size").numbers[0, 1] == 5
    assert np.isnan(matrix(edges, one, one, "net_size").numbers[0, 0])


@pytest.mark.parametrize("value", ["synapses", "mean_size", "connected_fraction"])
@pytest.mark.parametrize("by", ["cells", "synapses", "degree"])
def test_an_order_is_of_what_it_says_whatever_is_shown(synapses: pd.DataFrame, value: Value, by: Order) -> None:
    types = pd.Series(["B", "A", None, "A10", "A9"] * 8, index=IDS, dtype="string")
    groups, edges = of_values("type", types), edges_of(synapses, IDS, IDS)
    nowhere = np.full((len(IDS), 3), np.nan)
    among = synapses[synapses["pre_root_id"] != synapses["post_root_id"]]
    pairs = among.drop_duplicates(["pre_root_id", "post_root_id"])
    result = order(matrix(edges, groups, groups, value), edges, by, (nowhere, nowhere))
    for names, end in ((result.rows, "pre_root_id"), (result.columns, "post_root_id")):
        rows = {"cells": types.reset_index(), "synapses": among, "degree": pairs}[by]
        named = types.rename("type") if by == "cells" else rows[end].map(types)
        counts = named.fillna("none").value_counts()
        ordered = [counts[name or "none"] for name in names]
        assert ordered == sorted(counts, reverse=True)


def test_cells_by_type_are_in_the_order_of_their_types(synapses: pd.DataFrame) -> None:
    ids = IDS[0] + np.arange(100)
    types = pd.Series(["B", "A", None, "A10", "A9"] * 20, index=ids, dtype="string")
    edges, cells = edges_of(synapses, ids, ids), Grouping("cell", tuple(map(str, ids)), np.arange(len(ids)))
    nowhere = np.full((len(ids), 3), np.nan)
    matrix_of_cells = matrix(edges, cells, cells, "synapses")
    result = order(matrix_of_cells, edges, "type", (nowhere, nowhere), (of_values("type", types), None))
    kept = [str(root) for kind in ("A", "A9", "A10", "B") for root in types.index[types == kind]]
    assert result.rows == [*kept, *map(str, types.index[types.isna()])] and result.columns == list(map(str, ids))
    sums = dict(zip(cells.names, matrix_of_cells.numbers.sum(axis=1), strict=True))
    assert result.numbers.sum(axis=1).tolist() == [sums[root] for root in result.rows] and sum(sums.values()) > 0
    rows, columns = (drawn(result, "")["layout"][axis] for axis in ("yaxis", "xaxis"))
    assert rows["ticktext"] == ["A", "A9", "A10", "B", "no type"] and rows["tickvals"] == [9.5, 29.5, 49.5, 69.5, 89.5]
    assert not columns["showticklabels"]


def test_types_of_two_million_edges_are_quick() -> None:
    rng = np.random.default_rng(0)
    count, cells = 2_000_000, 20_000
    ids = np.arange(cells, dtype=np.int64)
    keys = np.unique(rng.integers(0, cells * cells, count))
    edges = Edges(ids, ids, keys // cells, keys % cells, rng.integers(1, 9, len(keys)), rng.random(len(keys)))
    types = Grouping("type", tuple("abcdefghijklmnopqrst"), rng.integers(0, 20, cells))
    for value in ("synapses", "connected_fraction", "mean_size"):
        start = time.process_time()
        matrix(edges, types, types, value)
        assert time.process_time() - start < 0.5, value


@pytest.mark.parametrize("measure", similarity.MEASURES)
def test_similarities_against_scipy(measure: similarity.Measure) -> None:
    profiles = np.random.default_rng(1).integers(0, 3, (12, 8)).astype(float)
    profiles[4] = 0
    result = similarity.similarities(profiles, measure)
    given = profiles if measure == "cosine" else profiles > 0
    theirs = 1 - distance.squareform(distance.pdist(given, measure))
    known = np.delete(np.arange(12), 4)
    np.testing.assert_allclose(result[np.ix_(known, known)], theirs[np.ix_(known, known)])
    assert np.isnan(result[4]).all()


def test_alike_cells_stand_side_by_side() -> None:
    profiles = np.array([[9.0, 0, 1], [0, 5, 5], [8, 0, 1], [0, 6, 5], [0, 0, 0]])
    tree = similarity.clustering(profiles)
    order = similarity.leaves(tree).tolist()
    assert abs(order.index(0) - order.index(2)) == 1 and abs(order.index(1) - order.index(3)) == 1
    assert sorted(order) == [0, 1, 2, 3, 4]
    along, height = similarity.branches(tree)
    theirs = hierarchy.dendrogram(tree, no_plot=True)
    expected = zip(np.array(theirs["icoord"]) / 10 - 0.5, theirs["dcoord"], strict=True)
    own = sorted([*map(float, x), *map(float, y)] for x, y in zip(along, height, strict=True))
    np.testing.assert_allclose(own, sorted([*map(float, x), *map(float, y)] for x, y in expected))


def test_a_dendrogram_of_a_deep_tree() -> None:
    chain = np.array([[0 if at == 0 else 3_000 + at - 1, at + 1, at + 1, at + 2] for at in range(2_999)], float)
    along, _ = similarity.branches(chain)
    assert along.max() == 2_999
