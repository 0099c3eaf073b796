"""A cell with its partners and synapses as a Neuroglancer state."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.core.directions import Direction
from services.core.errors import BadInput
from services.neuroglancer.cell_state import CELL_COLOUR, Partners, cell_state, shares
from services.neuroglancer.state_parts import Built, Limits
from services.tables.groups import Groups
from tests.neuroglancer_checks import assert_sound, layer_of
from tests.unit.neuroglancer_samples import NEAR, PALETTE, TYPES_OF, VOXEL_NM, base, synapses
from tests.unit.test_neuroglancer_table import GOLDEN

CELL, STRONG, WEAK, TARGET = NEAR, NEAR + 1, NEAR + 2, NEAR + 3
SOMA_NM = (400_000.0, 800_000.0, 800_000.0)


def inputs() -> Partners:
    """Two partners, the strong one with two synapses; an autapse and a synapse of nobody besides."""
    partners = pd.DataFrame({"root_id": [STRONG, WEAK], "num_syn": [2, 1], "cell_type": ["23P", "BC"]})
    rows = [(WEAK, CELL, 300), (STRONG, CELL, 100), (CELL, CELL, 50), (0, CELL, 60), (STRONG, CELL, 200)]
    return Partners(Direction.IN, partners, synapses(rows))


def outputs() -> Partners:
    """One partner without a type."""
    partners = pd.DataFrame({"root_id": [TARGET], "num_syn": [1], "cell_type": pd.array([None], "string")})
    return Partners(Direction.OUT, partners, synapses([(CELL, TARGET, 400)]))


def build(*sides: Partners, **options: object) -> Built:
    given_options = {"voxel_nm": VOXEL_NM, **options}
    cells = given_options.pop("cells", {CELL: SOMA_NM})
    built = cell_state(base(), cells, sides or (inputs(), outputs()), **given_options)
    assert_sound(built.state)
    return built


@pytest.mark.parametrize(
    ("golden", "make"),
    [
        ("cell_by_type", lambda: build(groups=TYPES_OF, layered=True)),
        ("cell_painted", lambda: build(groups=TYPES_OF, painted=True, visible=[WEAK])),
        ("several_cells", lambda: several(groups=TYPES_OF)),
    ],
)
def test_the_whole_state_is_as_it_was_written_down(golden: str, make: Callable[[], Built]) -> None:
    assert make().state == json.loads((GOLDEN / f"{golden}.json").read_text())


def test_synapses_come_in_the_order_of_the_partner_table() -> None:
    layer = layer_of(build().state, "input synapses")
    assert [point["id"] for point in layer["annotations"]] == ["504", "501", "500"]
    assert [entry["id"] for entry in layer["annotationProperties"]] == ["size", "partner"]
    assert [point["props"] for point in layer["annotations"]] == [[200, 1], [100, 1], [300, 2]]


def test_synapses_are_linked_to_both_cells_to_the_last_digit() -> None:
    state = build().state
    assert [point["segments"] for point in layer_of(state, "input synapses")["annotations"]] == [
        [[str(STRONG)], [str(CELL)]],
        [[str(STRONG)], [str(CELL)]],
        [[str(WEAK)], [str(CELL)]],
    ]
    assert layer_of(state, "output synapses")["annotations"][0]["segments"] == [[str(CELL)], [str(TARGET)]]


def test_the_cell_is_drawn_and_partners_are_listed() -> None:
    built = build()
    assert layer_of(built.state, "segmentation")["segments"] == [
        str(CELL),
        *(f"!{root}" for root in (STRONG, WEAK, TARGET)),
    ]
    assert (built.num_points, built.num_segments, built.num_visible) == (5, 4, 1)


def test_selected_partners_are_drawn_and_only_their_synapses_shown() -> None:
    built = build(selected=[WEAK])
    assert layer_of(built.state, "segmentation")["segments"] == [str(CELL), str(WEAK)]
    assert [point["id"] for point in layer_of(built.state, "input synapses")["annotations"]] == ["500"]
    assert "output synapses" not in [layer["name"] for layer in built.state["layers"]]


def test_selecting_no_partner_is_said() -> None:
    with pytest.raises(BadInput, match="partner"):
        build(selected=[NEAR + 77])


def test_the_camera_is_on_the_soma() -> None:
    assert build().state["position"] == [100_000, 200_000, 20_000]
    point = layer_of(build().state, "soma")["annotations"][0]
    assert (point["point"], point["segments"]) == ([100_000, 200_000, 20_000], [[str(CELL)]])


def test_without_a_soma_the_camera_is_among_the_synapses() -> None:
    state = build(inputs(), cells={CELL: None}).state
    assert state["position"] == [100_000, 200_250, 20_000]
    assert "soma" not in [layer["name"] for layer in state["layers"]]


def test_a_cell_without_synapses_is_shown_alone() -> None:
    nobody = Partners(Direction.IN, inputs().partners.head(0), synapses([]))
    built = build(nobody, cells={CELL: None}, groups=TYPES_OF)
    assert (built.num_points, built.num_segments) == (0, 1)


def test_partners_have_the_colour_of_their_type() -> None:
    built = build(groups=Groups("cell_type", {**PALETTE, "(blank)": "#9e9e9e"}))
    assert layer_of(built.state, "segmentation")["segmentColors"] == {
        str(CELL): CELL_COLOUR,
        str(STRONG): PALETTE["23P"],
        str(WEAK): PALETTE["BC"],
        str(TARGET): "#9e9e9e",
    }
    assert built.legend == {**PALETTE, "(blank)": "#9e9e9e"}
    (kind, *_) = layer_of(built.state, "input synapses")["annotationProperties"]
    assert (kind["id"], kind["enum_labels"]) == ("type", ["23P", "BC"])


def test_synapses_are_painted_in_one_layer() -> None:
    built = build(groups=TYPES_OF, painted=True)
    layer = layer_of(built.state, "input synapses")
    assert [entry["id"] for entry in layer["annotationProperties"]] == ["type", "size", "partner", "colour"]
    assert [point["props"][-1] for point in layer["annotations"]] == [PALETTE["23P"], PALETTE["23P"], PALETTE["BC"]]
    assert "setColor(prop_colour())" in layer["shader"]


def test_partners_are_coloured_by_ranges_of_a_number() -> None:
    groups = Groups("num_syn", {"1 to 2": "#111111", "2 to 9": "#222222"}, (1, 2, 9))
    built = build(inputs(), groups=groups, layered=True)
    names = [layer["name"] for layer in built.state["layers"]]
    assert names[-2:] == ["inputs: 2 to 9", "inputs: 1 to 2"]
    assert layer_of(built.state, names[-1])["annotationProperties"][0]["id"] == "num_syn"
    assert layer_of(built.state, "segmentation")["segmentColors"][str(STRONG)] == "#222222"


def test_chosen_partners_are_drawn_and_all_are_listed() -> None:
    built = build(visible=[WEAK])
    segments = layer_of(built.state, "segmentation")["segments"]
    assert segments == [str(CELL), f"!{STRONG}", str(WEAK), f"!{TARGET}"]
    assert (built.num_points, built.num_visible) == (5, 2)


def test_somata_of_partners_that_have_one_are_points_in_their_type_s_colour() -> None:
    somas = pd.DataFrame(
        {
            "root_id": [STRONG, WEAK, WEAK, NEAR + 50],
            "nucleus_id": [1, 2, 3, 4],
            "x_nm": [4.0, 8, 8, 8],
            "y_nm": 4.0,
            "z_nm": 40.0,
        }
    )
    built = build(groups=TYPES_OF, somas=somas)
    layer = layer_of(built.state, "partner somas")
    assert [(point["point"], point["segments"], point["props"]) for point in layer["annotations"]] == [
        ([1, 1, 1], [[str(STRONG)]], [PALETTE["23P"]])
    ]
    assert "prop_colour()" in layer["shader"]
    assert built.left_out == ()
    (note,) = built.notes
    assert "the 1 of 3 partners" in note
    assert "all partners are among the segments" in note


def several(**options: object) -> Built:
    """CELL, which has an autapse, and TARGET, of which CELL is a partner."""
    partners = pd.DataFrame({"root_id": [STRONG, CELL, WEAK], "num_syn": [3, 1, 1], "cell_type": ["23P", "BC", "BC"]})
    rows = [(STRONG, CELL, 1), (CELL, CELL, 9), (STRONG, TARGET, 3), (CELL, TARGET, 2), (WEAK, TARGET, 4), (0, CELL, 9)]
    side = Partners(Direction.IN, partners, synapses(rows))
    return build(side, cells={CELL: SOMA_NM, TARGET: (404_000.0, 800_000.0, 800_000.0)}, **options)


def test_several_cells_are_drawn_each_with_its_synapses_in_a_colour_of_its_own() -> None:
    built = several(groups=TYPES_OF)
    assert layer_of(built.state, "segmentation")["segments"] == [str(CELL), str(TARGET), f"!{STRONG}", f"!{WEAK}"]
    first, second = (built.legend[str(root)] for root in (CELL, TARGET))
    assert first != second
    colours = layer_of(built.state, "segmentation")["segmentColors"]
    assert (colours[str(CELL)], colours[str(TARGET)], colours[str(WEAK)]) == (first, second, PALETTE["BC"])
    layer = layer_of(built.state, "input synapses")
    assert [entry["id"] for entry in layer["annotationProperties"]] == ["type", "cell", "size", "partner", "colour"]
    assert layer["annotationProperties"][1]["enum_labels"] == [str(CELL), str(TARGET)]
    assert [(point["segments"], point["props"][1:]) for point in layer["annotations"]] == [
        ([[str(STRONG)], [str(TARGET)]], [1, 3, 1, second]),
        ([[str(STRONG)], [str(CELL)]], [0, 1, 1, first]),
        ([[str(CELL)], [str(TARGET)]], [1, 2, 2, second]),
        ([[str(WEAK)], [str(TARGET)]], [1, 4, 3, second]),
    ]
    somas = layer_of(built.state, "somas")["annotations"]
    assert [(point["segments"], point["props"]) for point in somas] == [
        ([[str(CELL)]], [first]),
        ([[str(TARGET)]], [second]),
    ]


def test_synapses_of_several_cells_are_in_layers_of_their_types_when_asked() -> None:
    names = [layer["name"] for layer in several(groups=TYPES_OF, layered=True).state["layers"]]
    assert names[-2:] == ["inputs: 23P", "inputs: BC"]


def test_of_several_cells_chosen_partners_have_their_synapses_with_all_of_them() -> None:
    layer = layer_of(several(selected=[STRONG]).state, "input synapses")
    assert [point["segments"][1] for point in layer["annotations"]] == [[str(TARGET)], [str(CELL)]]


def test_the_camera_shows_all_synapses_whichever_side_of_the_soma_they_are_on() -> None:
    """The view is centred, so a dendrite that goes one way only needs twice its length."""
    state = build(inputs(), cells={CELL: (400_000.0, 300_000.0, 800_000.0)}).state
    height_nm, farthest_nm = state["projectionScale"] * 4, 804_000 - 300_000 - 1000
    assert 2 * farthest_nm < height_nm < 2.5 * farthest_nm
    assert 30 < state["crossSectionScale"] * 4 < 100


def test_the_camera_is_in_the_middle_of_several_cells() -> None:
    """Somata 4 um apart in x; synapses with partners from the height of the somata to 4 um below it."""
    assert several().state["position"] == [100_500, 200_500, 20_000]


def test_many_synapses_are_small_so_that_they_do_not_hide_the_cell() -> None:
    partners = pd.DataFrame({"root_id": [STRONG]})
    for count, marker in ((200, "default=7"), (201, "default=4")):
        side = Partners(Direction.IN, partners, synapses([(STRONG, CELL, 100)] * count))
        assert marker in layer_of(build(side).state, "input synapses")["shader"]


def test_a_cap_is_shared_and_said() -> None:
    built = build(limits=Limits(points=3))
    assert built.left_out == ("Limited to 2 of 3 input synapses.",)
    assert len(layer_of(built.state, "output synapses")["annotations"]) == 1


def test_synapses_without_a_place_are_counted() -> None:
    side = inputs()
    side.synapses.loc[1, "ctr_pt_position_y_nm"] = np.nan
    built = build(side)
    assert built.notes == ("1 of the input synapses has no position and so no point.",)


@given(st.lists(st.integers(0, 100), min_size=1, max_size=4), st.integers(0, 150))
def test_shares_use_the_whole_budget_and_nobody_gets_too_much(wanted: list[int], budget: int) -> None:
    given_ = shares(wanted, budget)
    assert all(0 <= got <= requested for got, requested in zip(given_, wanted, strict=True))
    assert sum(given_) == min(budget, sum(wanted))
