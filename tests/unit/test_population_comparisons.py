"""Two populations beside each other, against pandas and scipy."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from components.figures import population as drawing
from services.populations import comparisons
from services.populations.edges import Edges, edges_of
from services.populations.groupings import of_values

FIRST = np.arange(1_001, 1_061, dtype=np.int64)
SECOND = np.arange(1_041, 1_101, dtype=np.int64)
POST = np.arange(1_031, 1_081, dtype=np.int64)
TYPES = pd.Series([("A", "A", "B", None)[root % 4] for root in POST], index=POST, dtype="string")


def wiring(pre: np.ndarray, means: dict[str | None, float], seed: int) -> tuple[pd.DataFrame, Edges]:
    rng = np.random.default_rng(seed)
    rows = [
        (one, other)
        for one in pre
        for other in POST
        if one != other
        for _ in range(rng.poisson(means[TYPES[other] if pd.notna(TYPES[other]) else None]))
    ]
    frame = pd.DataFrame(rows, columns=["pre_root_id", "post_root_id"]).assign(size=1.0)
    return frame, edges_of(frame, pre, POST)


def test_a_difference_is_that_of_pandas_and_its_interval_that_of_scipy() -> None:
    means = {"A": 0.3, "B": 0.1, None: 0.05}
    (one, first), (other, second) = wiring(FIRST, means, 1), wiring(SECOND, means | {"A": 0.1}, 2)
    groups = of_values("type", TYPES)
    per_cell = comparisons.difference(first, second, groups, "synapses_per_cell", seed=1, bootstraps=4_000)
    counts = [
        pd.crosstab(rows["pre_root_id"], rows["post_root_id"].map(TYPES.fillna("none"))).reindex(ids, fill_value=0)
        for rows, ids in ((one, FIRST), (other, SECOND))
    ]
    for row in per_cell.itertuples():
        own, their = (count["none" if pd.isna(row.group) else row.group].to_numpy(float) for count in counts)
        assert (row.first, row.second) == pytest.approx((own.mean(), their.mean()))
        drawn = stats.bootstrap(
            (own, their), lambda a, b, axis: a.mean(axis) - b.mean(axis), n_resamples=4_000, method="percentile", rng=3
        ).confidence_interval
        width = drawn.high - drawn.low
        assert (row.low, row.high) == pytest.approx((drawn.low, drawn.high), abs=0.1 * width)
    assert per_cell.set_index("group").loc["A", "low"] > 0  # planted
    share = comparisons.difference(first, second, groups, "share", seed=1).set_index("group")
    assert share.loc["A", "first"] == pytest.approx(counts[0]["A"].sum() / counts[0].to_numpy().sum())
    assert share["difference"].sum() == pytest.approx(0) and (share["low"] <= share["difference"]).all()
    fraction = comparisons.difference(first, second, groups, "connected_fraction", seed=1).set_index("group")
    pairs = one.drop_duplicates()
    possible = sum(a != b for a in FIRST for b in POST[(TYPES == "B").fillna(False).to_numpy(bool)])
    assert fraction.loc["B", "first"] == pytest.approx((pairs["post_root_id"].map(TYPES) == "B").sum() / possible)


def test_sources_of_two_postsynaptic_sets() -> None:
    rows, _ = wiring(FIRST, {"A": 0.3, "B": 0.1, None: 0.05}, 5)
    halves = [POST[:25], POST[25:]]
    types = pd.Series(["x" if root % 2 else "y" for root in FIRST], index=FIRST)
    edges = [edges_of(rows, FIRST, half) for half in halves]
    result = comparisons.difference(*edges, of_values("type", types), "synapses_per_cell", end="post", seed=1)
    for name, half in (("first", halves[0]), ("second", halves[1])):
        own = rows[rows["post_root_id"].isin(half)]
        counts = own["pre_root_id"].map(types).value_counts() / len(half)
        assert result.set_index("group")[name].to_dict() == pytest.approx(counts.to_dict())


def test_intervals_hold_what_is_true_as_often_as_they_say() -> None:
    """Of two sets of the same kind the interval has 0 about 95 times in 100."""
    groups, rng, hits = of_values("type", TYPES), np.random.default_rng(7), 0
    for seed in range(100):
        pair = []
        for ids in (FIRST, SECOND):
            one, other = np.nonzero(rng.random((len(ids), len(POST))) < 0.2)
            rows = pd.DataFrame({"pre_root_id": ids[one], "post_root_id": POST[other]}).assign(size=1.0)
            pair.append(edges_of(rows, ids, POST))
        row = comparisons.difference(*pair, groups, "connected_fraction", seed=seed, bootstraps=300).iloc[0]
        hits += row["low"] <= 0 <= row["high"]
    assert stats.binomtest(hits, 100, 0.95).pvalue > 0.001


def test_a_set_of_one_cell_has_a_difference_without_an_interval() -> None:
    """Drawn anew it is always the same, which was shown as an interval of no width."""
    one, many = (wiring(ids, {"A": 0.9, "B": 0.5, None: 0.5}, 5)[1] for ids in (FIRST[:1], SECOND))
    for pair in ((one, many), (many, one), (one, one)):
        result = comparisons.difference(*pair, of_values("type", TYPES), seed=1)
        assert result["difference"].notna().all() and result[["low", "high"]].isna().all(axis=None)
        dots = drawing.differences(result, ".1%")["data"][0]
        assert len(dots["x"]) == 3 and dots["error_x"]["array"] == dots["error_x"]["arrayminus"] == [None] * 3


def test_sets_without_cells_have_no_difference() -> None:
    none = edges_of(pd.DataFrame({"pre_root_id": [], "post_root_id": [], "size": []}), FIRST[:0], POST)
    _, edges = wiring(FIRST, {"A": 0.3, "B": 0.1, None: 0.05}, 5)
    result = comparisons.difference(edges, none, of_values("type", TYPES), seed=1)
    assert result["second"].isna().all() and result["low"].isna().all() and result["first"].notna().all()


def test_changes_follow_cells_by_their_nuclei() -> None:
    big = 864691136000000000

    def edges(rows: list[tuple[int, int, int]], *last: int) -> Edges:
        pairs = [(big + one, big + other, 1.0) for one, other, count in rows for _ in range(count)]
        ids = np.array([big + n for n in last])
        return edges_of(pd.DataFrame(pairs, columns=["pre_root_id", "post_root_id", "size"]), ids, ids)

    before = edges([(1, 2, 3), (2, 3, 1), (4, 1, 2)], 1, 2, 3, 4)
    after = edges([(11, 2, 5), (2, 11, 1), (5, 2, 9)], 11, 2, 3, 5)
    nuclei = (pd.Series({big + 1: 7, big + 2: 8, big + 4: 9}), pd.Series({big + 11: 7, big + 2: 8}))
    rows = comparisons.changes(before, after, *nuclei).to_dict("records")
    messages = {
        (row["pre_root_id_before"], row["post_root_id_before"], row["pre_root_id"], row["post_root_id"]): (
            row["num_syn_before"],
            row["num_syn"],
            row["change"],
        )
        for row in rows
    }
    assert messages == {
        (big + 1, big + 2, big + 11, big + 2): (3, 5, "more"),
        (big + 2, big + 3, big + 2, big + 3): (1, 0, "lost"),  # followed by its root id
        (big + 2, big + 1, big + 2, big + 11): (0, 1, "gained"),
        (big + 4, big + 1, None, big + 11): (2, 0, "other cells"),
        (None, big + 2, big + 5, big + 2): (0, 9, "other cells"),
    }
    assert rows[0]["num_syn"] == 9
