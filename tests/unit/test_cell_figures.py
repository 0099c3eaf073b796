"""The frames behind a cell's plots against loops, and what the figures make of them."""

from collections import Counter
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.figures import axes, by_type, depth, reciprocal, somata, tuning
from services.cells import plot_frames
from services.cells import tuning as functional
from tests.figures import drawn

CELL = 864691135771609595
LAYERS = (("L1", 0.0), ("L2/3", 91.8), ("L4", 261.2))
AXES = ("x_um", "depth_um", "z_um")
COLOURS = {"23P": "#8268dc", "BC": "#d68c66"}


def partner_frame():
    return pd.DataFrame(
        {
            "root_id": [CELL + 1, CELL + 2, CELL + 3],
            "num_syn": [3, 2, 1],
            "net_size": [600.0, 400.0, 160.0],
            "soma_depth_um": [100.0, np.nan, 300.0],
            "soma_x_um": [10.0, np.nan, 30.0],
            "soma_z_um": [1.0, np.nan, 3.0],
            "cell_type": pd.array(["23P", None, "BC"], dtype="string"),
        }
    )


def synapse_frame():
    roots = [CELL + 1, CELL + 1, CELL + 2, CELL + 3, CELL + 1, CELL + 2, CELL, 0]
    depths = [110.0, 115.0, 200.0, 310.0, 140.0, 205.0, 5.0, 6.0]
    sizes = [160.0, 200.0, 240.0, 160.0, 240.0, 160.0, 400.0, 400.0]
    return pd.DataFrame({"root_id": roots, "depth_um": depths, "size": sizes})


@given(st.lists(st.floats(-50, 900), max_size=60), st.lists(st.floats(-50, 900), max_size=60))
def test_the_depth_profile_counts_every_synapse_once(inputs, outputs):
    given_um = {"in": inputs, "out": outputs}
    frames: Any = {way: pd.DataFrame({"depth_um": depths}, dtype="float64") for way, depths in given_um.items()}
    profile = plot_frames.depth_profile(frames)
    for way, depths in given_um.items():
        own = profile[profile["direction"] == way].set_index("depth_um")["count"]
        counted = Counter(depth // 20 * 20 + 10 for depth in depths)
        assert own[own > 0].to_dict() == counted
    if inputs or outputs:
        assert len(profile) == 2 * profile["depth_um"].nunique()
        assert set(np.diff(np.unique(profile["depth_um"]))) <= {20.0}


def test_the_depth_profile_draws_inputs_left_and_outputs_right_with_layers_and_soma():
    profile = plot_frames.depth_profile({"in": synapse_frame(), "out": synapse_frame().iloc[:1]})
    figure = drawn(depth.depth_profile(profile, LAYERS, [123.0], (0.0, 775.0)))
    inputs, outputs = figure.data
    assert (sum(inputs.x), sum(outputs.x)) == (8, 1)
    assert figure.layout.xaxis.range[0] > figure.layout.xaxis.range[1] == figure.layout.xaxis2.range[0] == 0
    assert 0 not in figure.layout.xaxis2.tickvals, "the 0 in the middle is written twice"
    assert figure.layout.yaxis.autorange == "reversed"
    assert {shape.y0 for shape in figure.layout.shapes} == {91.8, 261.2, 123.0}
    assert {note.text for note in figure.layout.annotations} == {"L1", "L2/3", "L4"}


def test_a_cell_without_synapses_has_empty_plots():
    nothing, nobody = synapse_frame().iloc[:0], partner_frame().iloc[:0]
    drawn(depth.depth_profile(plot_frames.depth_profile({"in": nothing, "out": nothing})))
    drawn(depth.synapse_depths(plot_frames.synapse_depths(nothing, nobody, "cell_type"), COLOURS))
    drawn(somata.soma_map(plot_frames.soma_map(nobody, "cell_type", AXES), COLOURS))
    drawn(by_type.synapses_per_partner(plot_frames.per_partner({"in": nobody, "out": nobody})))
    drawn(by_type.sizes_by_type(plot_frames.sizes_by_type(nothing, nobody, "cell_type"), COLOURS))
    groups = plot_frames.by_type(nobody, "cell_type", ["23P", "BC"])
    figure = drawn(by_type.type_counts(groups, groups, COLOURS))
    assert [list(bars.x) for bars in figure.data] == [[], []]


def test_synapse_depths_have_a_dot_for_each_synapse_of_a_partner_with_one_soma():
    points = plot_frames.synapse_depths(synapse_frame(), partner_frame(), "cell_type")
    assert points["row"].tolist() == [0, 0, 2, 0]
    assert points["depth_um"].tolist() == [110, 115, 310, 140]
    assert points["soma_depth_um"].tolist() == [100, 100, 300, 100]
    figure = drawn(depth.synapse_depths(points, COLOURS, layers=LAYERS, somata_um=[50.0]))
    assert [(trace.name, trace.marker.color, list(trace.customdata)) for trace in figure.data] == [
        ("23P", "#8268dc", [0, 0, 0]),
        ("BC", "#d68c66", [2]),
    ]


def test_synapse_depths_without_types_are_one_group():
    points = plot_frames.synapse_depths(synapse_frame(), partner_frame(), None)
    assert [trace.name for trace in drawn(depth.synapse_depths(points, {})).data] == ["no type"]


def test_types_are_counted_for_both_directions_by_name_and_blank_last():
    outputs = plot_frames.by_type(partner_frame(), "cell_type", ["23P", "BC", "MC"])
    inputs = plot_frames.by_type(partner_frame().iloc[:1], "cell_type", ["23P", "BC", "MC"])
    figure = drawn(by_type.type_counts(inputs, outputs, COLOURS))
    left, right = figure.data
    assert list(left.y) == list(right.y) == ["23P", "BC", "no type"]
    assert list(left.x) == [3, 0, 0]
    assert list(right.x) == [3, 1, 2]
    assert list(left.marker.color)[:2] == ["#8268dc", "#d68c66"]
    assert [one[0] for one in right.customdata] == ["23P", "BC", ""]


def test_no_type_does_not_set_the_scale_but_has_its_number():
    groups = pd.DataFrame({"value": ["BC", None], "num_syn": [4, 900], "num_partners": [2, 500]})
    bars = drawn(by_type.type_counts(groups, groups, COLOURS)).data[1]
    assert list(bars.x) == [4, 4]
    assert list(bars.text) == ["4", "900"]
    assert [one[2] for one in bars.customdata] == [4, 900]


def test_synapses_per_partner_counts_partners():
    counts = plot_frames.per_partner({"in": partner_frame(), "out": partner_frame().iloc[:0]})
    assert counts[["num_syn", "num_partners"]].to_numpy().tolist() == [[1, 1], [2, 1], [3, 1]]
    assert sum(drawn(by_type.synapses_per_partner(counts)).data[0].y) == 3


def test_sizes_by_type_are_quantiles():
    sizes = plot_frames.sizes_by_type(synapse_frame(), partner_frame(), "cell_type")
    row = sizes.set_index("value").loc["23P"]
    assert row["num_syn"] == 3
    for name, share in {"low": 5, "q1": 25, "median": 50, "q3": 75, "high": 95}.items():
        assert row[name] == pytest.approx(np.percentile([160, 200, 240], share))
    assert [box.name for box in drawn(by_type.sizes_by_type(sizes, COLOURS)).data][-1] == "no type (n = 2)"


def test_compartments_are_shares_of_each_types_synapses():
    partners = partner_frame().assign(
        on_spine=[1, 0, 0], on_shaft=[1, 1, 0], on_soma=[0, 0, 1], not_predicted=[1, 1, 0]
    )
    figure = drawn(by_type.compartments_by_type(plot_frames.compartments_by_type(partners, "cell_type"), COLOURS))
    shares = {bars.name: list(bars.x) for bars in figure.data}
    assert shares["spine"] == [33.33, 0, 0]
    assert [sum(column) for column in zip(*shares.values(), strict=True)] == pytest.approx([100, 100, 100], abs=0.1)


def test_the_soma_map_has_both_views_to_scale():
    points = plot_frames.soma_map(partner_frame(), "cell_type", AXES)
    figure = drawn(somata.soma_map(points, COLOURS, own_um=[(5.0, 50.0, 2.0)], layers=LAYERS))
    named = {}
    for trace in figure.data:
        named.setdefault(trace.name, []).append((list(trace.x), list(trace.y)))
    assert named["23P"] == [([10.0], [1.0]), ([10.0], [100.0])]
    assert named["this cell"] == [([5.0], [2.0]), ([5.0], [50.0])]
    assert figure.layout.yaxis2.scaleanchor == figure.layout.yaxis.scaleanchor == "x"
    assert figure.layout.yaxis2.autorange == "reversed"


def test_orientations_show_coregistered_partners_against_the_cells_own():
    partners = partner_frame().assign(
        pref_ori_deg=[30.0, np.nan, 120.0], delta_ori_deg=[15.0, np.nan, 75.0], num_units=[2, None, 1]
    )
    points = plot_frames.orientations(partners, "cell_type")
    assert points[["pref_ori_deg", "num_syn", "row"]].to_numpy().tolist() == [[30, 3, 0], [120, 1, 2]]
    dots = [(trace.name, list(trace.x), list(trace.y)) for trace in drawn(tuning.orientations(points, COLOURS)).data]
    assert dots == [("23P", [15], [3]), ("BC", [75], [1])]
    assert functional.counted_in_words(partners, points).startswith("2 of 3 partners are coregistered")
    alone = plot_frames.orientations(partners.assign(delta_ori_deg=np.nan), "cell_type")
    assert [list(trace.x) for trace in drawn(tuning.orientations(alone, COLOURS)).data] == [[30], [120]]
    assert "no tuning to compare" in functional.counted_in_words(partners, alone)


def test_reciprocal_partners_are_dots_near_their_two_numbers():
    partners = partner_frame().assign(
        num_syn_in=pd.array([2, 0, None], dtype="Int64"),
        num_syn_out=pd.array([1, 2, 1], dtype="Int64"),
        reciprocal=pd.array([True, False, None], dtype="boolean"),
    )
    points = plot_frames.reciprocal(partners, "cell_type")
    assert points[["num_syn_in", "num_syn_out", "row"]].to_numpy().tolist() == [[2, 1, 0]]
    (dots,) = drawn(reciprocal.reciprocal_pairs(points, COLOURS)).data
    assert np.hypot(dots.x[0] - 2, dots.y[0] - 1) < 0.5
    assert list(dots.customdata) == [0]


@given(st.integers(0, 10**7))
def test_an_axis_that_counts_has_few_whole_numbers_up_to_the_most(most):
    axis = axes.counts(most)
    ticks = axis["tickvals"]
    assert ticks[0] == 0
    assert 2 <= len(ticks) <= 4
    assert ticks[-1] <= max(1, most) < axis["range"][1]


def test_more_values_than_a_legend_can_hold_are_drawn_together():
    count = 50
    points = pd.DataFrame(
        {
            "soma_depth_um": 1.0,
            "depth_um": 1.0,
            "value": pd.array([f"t{place:02}" for place in range(count)], dtype="string"),
            "row": range(count),
        }
    )
    figure = drawn(depth.synapse_depths(points, {}))
    assert len(figure.data) == 31
    assert figure.data[-1].name == "other values"
    assert sum(len(trace.x) for trace in figure.data) == count


def test_twenty_thousand_synapses_are_a_small_figure():
    count = 20_000
    partners = pd.DataFrame(
        {
            "root_id": np.arange(count),
            "soma_depth_um": np.random.default_rng(1).uniform(0, 700, count),
            "cell_type": "23P",
        }
    )
    synapses = pd.DataFrame({"root_id": np.arange(count), "depth_um": np.linspace(0, 700, count)})
    figure = drawn(depth.synapse_depths(plot_frames.synapse_depths(synapses, partners, "cell_type"), COLOURS))
    assert len(figure.to_json()) < 400_000
