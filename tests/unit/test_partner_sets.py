"""Threshold, groups, both directions and several cells, against plain loops."""

from collections import defaultdict
from datetime import UTC, datetime

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.cells import partner_sets
from services.cells.cells import Cell
from services.cells.connectivity import Connectivity
from services.core.directions import Direction
from services.core.errors import BadInput
from services.core.records import Version

CELL = 864691135771609595
TYPES = ["23P", "BC", None]


def frame_of(rows):
    """A partner frame of {root offset: (number of synapses, summed size)}."""
    rows = sorted(rows.items(), key=lambda item: (-item[1][0], item[0]))
    frame = pd.DataFrame(
        {
            "root_id": pd.array([CELL + root for root, _ in rows], dtype="int64"),
            "num_syn": pd.array([count for _, (count, _) in rows], dtype="int64"),
            "net_size": pd.array([float(size) for _, (_, size) in rows], dtype="float64"),
        }
    )
    frame["mean_size"] = frame["net_size"] / frame["num_syn"]
    types = [TYPES[root % 3] for root, _ in rows]
    return frame.assign(num_soma=1, cell_type=pd.array(types, dtype="string"))


sides = st.dictionaries(st.integers(1, 30), st.tuples(st.integers(1, 40), st.integers(160, 90_000)), max_size=20)


def connectivity(inputs, outputs, truncated=()):
    version = Version(1, datetime(2025, 1, 1, tzinfo=UTC), None, valid=True)
    cut = {way: {"shown": 1, "total": 2} if way in truncated else None for way in Direction}
    cell = Cell(CELL, (1,), "root_id", str(CELL))
    return Connectivity("ds", version, cell, None, frame_of(inputs), frame_of(outputs), {}, (), cut)


@given(sides, st.integers(1, 41))
def test_a_threshold_keeps_what_has_enough_and_says_what_it_left_out(rows, minimum):
    frame = frame_of(rows)
    kept = partner_sets.at_least(frame, minimum)
    enough = {CELL + root for root, (count, _) in rows.items() if count >= minimum}
    assert kept["root_id"].tolist() == [root for root in frame["root_id"] if root in enough]
    words = partner_sets.below(frame, minimum)
    left = [count for count, _ in rows.values() if count < minimum]
    who = "1 partner" if len(left) == 1 else f"{len(left)} partners"
    what = "1 synapse" if sum(left) == 1 else f"{sum(left)} synapses"
    assert words == (f"Left out: {who} with fewer than {minimum} synapses, {what}." if left else "")


def test_a_threshold_below_one_is_refused():
    with pytest.raises(BadInput):
        partner_sets.at_least(frame_of({1: (1, 160)}), 0)


@given(sides)
def test_subtotals_add_up_to_the_table(rows):
    frame = frame_of(rows)
    result = partner_sets.grouped(frame, "cell_type", ["23P", "BC", "MC"])
    expected = defaultdict(lambda: [0, 0, 0])
    for root, (count, size) in rows.items():
        for place, number in enumerate((count, 1, size)):
            expected[TYPES[root % 3]][place] += number
    for row in result.to_dict("records"):
        value = None if pd.isna(row["value"]) else row["value"]
        assert [row["num_syn"], row["num_partners"], row["net_size"]] == expected[value]
        if row["num_syn"]:
            assert row["mean_size"] == pytest.approx(row["net_size"] / row["num_syn"])
            assert row["syn_per_partner"] == pytest.approx(row["num_syn"] / row["num_partners"])
        else:
            assert pd.isna(row["mean_size"])
    assert set(result["value"].dropna()) == {"23P", "BC", "MC"}  # zeros too
    assert result["num_syn"].sum() == frame["num_syn"].sum()
    assert result["pct_of_shown"].sum() == pytest.approx(100 if rows else 0)
    assert not result["value"].iloc[:-1].isna().any()  # blank is last


def test_grouping_by_a_column_that_is_gone_is_told():
    with pytest.raises(BadInput, match="mtype"):
        partner_sets.grouped(frame_of({}), "mtype")


@given(sides, sides)
def test_both_directions_in_one_row_each(inputs, outputs):
    frame = partner_sets.both(connectivity(inputs, outputs))
    assert set(frame["root_id"]) == {CELL + root for root in {*inputs, *outputs}}
    assert frame["root_id"].is_unique
    for row in frame.to_dict("records"):
        root = row["root_id"] - CELL
        for way, side in (("in", inputs), ("out", outputs)):
            count, size = side.get(root, (0, 0))
            assert (row[f"num_syn_{way}"], row[f"net_size_{way}"]) == (count, size)
            assert pd.isna(row[f"mean_size_{way}"]) == (count == 0)
        assert row["reciprocal"] == (root in inputs and root in outputs)
        assert (row["cell_type"] if pd.notna(row["cell_type"]) else None) == TYPES[root % 3]
    keys = [
        (not row["reciprocal"], -row["num_syn_in"] - row["num_syn_out"], row["root_id"])
        for row in frame.to_dict("records")
    ]
    assert keys == sorted(keys)


def test_null_is_kept_apart_from_zero():
    """A direction that CAVE cut may have synapses that nobody has seen."""
    frame = partner_sets.both(connectivity({1: (3, 480), 2: (1, 160)}, {1: (2, 320), 4: (1, 160)}, truncated=["out"]))
    rows = frame.set_index(frame["root_id"] - CELL)
    assert rows.loc[4, "num_syn_in"] == 0
    assert pd.isna(rows.loc[2, "num_syn_out"]) and pd.isna(rows.loc[2, "reciprocal"])
    assert rows.loc[1, "reciprocal"] and not rows.loc[4, "reciprocal"]


@given(st.lists(sides, min_size=1, max_size=4))
def test_several_cells_combined_and_side_by_side(cells):
    frames = {CELL + 100 + place: frame_of(rows) for place, rows in enumerate(cells)}
    whole, beside = partner_sets.combined(frames), partner_sets.side_by_side(frames)
    assert len(whole) == len(beside) == len({root for rows in cells for root in rows})
    for row in whole.to_dict("records"):
        own = [rows[row["root_id"] - CELL] for rows in cells if row["root_id"] - CELL in rows]
        assert row["num_syn"] == sum(count for count, _ in own)
        assert row["net_size"] == sum(size for _, size in own)
        assert row["num_cells"] == len(own)
    for row in beside.to_dict("records"):
        counts = [rows.get(row["root_id"] - CELL, (0, 0))[0] for rows in cells]
        assert [row[f"num_syn_{root}"] for root in frames] == counts
    assert beside["num_cells"].is_monotonic_decreasing
