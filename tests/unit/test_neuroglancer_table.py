"""Rows of a table as a Neuroglancer state."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.core.bound_points import position_columns, root_columns
from services.core.errors import BadInput
from services.neuroglancer.state_parts import Built, Limits
from services.neuroglancer.table_state import table_state
from services.tables.groups import Groups
from tests.neuroglancer_checks import assert_sound, layer_of
from tests.unit.neuroglancer_samples import NEAR, PALETTE, TYPES_OF, VOXEL_NM, base, cells

GOLDEN = Path(__file__).parent / "neuroglancer_golden"
LARGEST = 2**63 - 1


def build(rows: pd.DataFrame, **options: object) -> Built:
    given_options = {"name": "cells", "row_voxel_nm": VOXEL_NM, "voxel_nm": VOXEL_NM, **options}
    built = table_state(base(), rows, **given_options)
    assert_sound(built.state)
    return built


def test_it_is_the_state_that_spelunker_is_known_to_open() -> None:
    built = build(cells(3), groups=TYPES_OF)
    assert built.state == json.loads((GOLDEN / "table_by_type.json").read_text())


def test_ids_keep_their_last_digit() -> None:
    built = build(cells(5))
    wanted = [str(NEAR + i) for i in range(5)]
    assert layer_of(built.state, "segmentation")["segments"] == wanted
    points = layer_of(built.state, "cells")["annotations"]
    assert [point["segments"] for point in points] == [[[root]] for root in wanted]
    assert [point["id"] for point in points] == [str(1000 + i) for i in range(5)]


def test_floats_that_have_lost_digits_are_refused() -> None:
    rows = cells(2)
    rows["pt_root_id"] = rows["pt_root_id"].astype("float64")
    with pytest.raises(TypeError, match="pt_root_id"):
        build(rows)


def test_points_keep_the_order_of_the_rows() -> None:
    rows = cells(6).iloc[::-1].reset_index(drop=True)
    points = layer_of(build(rows).state, "cells")["annotations"]
    assert [point["id"] for point in points] == [str(id_) for id_ in rows["id"]]
    assert points[0]["point"] == [100_050, 200_050, 20_005]


def test_positions_are_in_voxels_of_the_viewer() -> None:
    built = build(cells(1), row_voxel_nm=(8, 8, 40), voxel_nm=(4, 4, 40))
    assert layer_of(built.state, "cells")["annotations"][0]["point"] == [200_000, 400_000, 20_000]
    assert built.state["position"] == [200_000, 400_000, 20_000]


def test_rows_without_a_position_give_a_segment_but_no_point() -> None:
    rows = cells(4)
    rows.loc[1, ["pt_position_x", "pt_position_y", "pt_position_z"]] = pd.NA
    rows["pt_position_z"] = rows["pt_position_z"].astype("float64")
    rows.loc[2, "pt_position_z"] = np.nan
    built = build(rows)
    assert (built.num_points, built.num_segments) == (2, 4)
    assert built.notes == ("2 of the rows have no position and so no point.",)


def test_root_zero_and_null_give_a_point_but_no_segment() -> None:
    rows = cells(4)
    rows.loc[1, "pt_root_id"] = 0
    rows.loc[2, "pt_root_id"] = pd.NA
    built = build(rows, groups=TYPES_OF)
    assert (built.num_points, built.num_segments) == (4, 2)
    layer = layer_of(built.state, "BC")
    assert [point["segments"] for point in layer["annotations"]] == [[[]]]


def test_a_root_id_of_several_rows_is_one_segment_in_the_colour_of_the_first() -> None:
    rows = cells(3)
    rows["pt_root_id"] = pd.array([NEAR] * 3, "Int64")
    segmentation = layer_of(build(rows, groups=TYPES_OF).state, "segmentation")
    assert segmentation["segments"] == [str(NEAR)]
    assert segmentation["segmentColors"] == {str(NEAR): PALETTE["23P"]}


def test_repeated_annotation_ids_are_replaced_by_numbers() -> None:
    rows = cells(3)
    rows["id"] = pd.array([7, 7, 8], "Int64")
    points = layer_of(build(rows).state, "cells")["annotations"]
    assert [point["id"] for point in points] == ["0", "1", "2"]


def test_each_group_is_a_layer_in_its_colour_largest_first() -> None:
    built = build(cells(6), groups=TYPES_OF)
    names = [layer["name"] for layer in built.state["layers"]]
    assert names == ["imagery", "segmentation", "23P", "BC"]
    assert {name: layer_of(built.state, name)["annotationColor"] for name in names[2:]} == {
        "23P": PALETTE["23P"],
        "BC": PALETTE["BC"],
    }
    assert built.legend == PALETTE


def test_rows_are_painted_in_one_layer() -> None:
    rows = cells(3).assign(colour=pd.array(["x"] * 3, "string"))
    built = build(rows, groups=TYPES_OF, layered=False)
    layer = layer_of(built.state, "cells")
    assert [entry["id"] for entry in layer["annotationProperties"]] == ["cell_type", "volume", "colour"]
    assert [point["props"][-1] for point in layer["annotations"]] == [PALETTE[t] for t in ("23P", "BC", "23P")]
    assert layer_of(built.state, "segmentation")["segmentColors"][str(NEAR + 1)] == PALETTE["BC"]
    assert built.legend == PALETTE


def test_many_groups_share_a_last_layer() -> None:
    rows = cells(40)
    rows["cell_type"] = pd.array([f"type {i // 2}" for i in range(40)], "string")
    built = build(rows, groups=Groups("cell_type", {}), limits=Limits(groups=5))
    layers = built.state["layers"][2:]
    assert [len(layer["annotations"]) for layer in layers] == [2, 2, 2, 2, 32]
    assert layers[-1]["name"] == "others"


def test_a_group_without_a_value_has_a_layer() -> None:
    rows = cells(3)
    rows.loc[1, "cell_type"] = pd.NA
    names = [layer["name"] for layer in build(rows, groups=TYPES_OF).state["layers"]]
    assert names[2:] == ["23P", "(blank)"]


def test_a_layer_name_that_is_taken_gets_a_number() -> None:
    names = [layer["name"] for layer in build(cells(1), name="imagery").state["layers"]]
    assert names == ["imagery", "segmentation", "imagery (2)"]


def test_the_shader_can_use_types_and_numbers() -> None:
    layer = layer_of(build(cells(3)).state, "cells")
    assert layer["annotationProperties"] == [
        {"id": "cell_type", "type": "uint8", "enum_values": [0, 1], "enum_labels": ["23P", "BC"]},
        {"id": "volume", "type": "float32"},
    ]
    assert [point["props"] for point in layer["annotations"]] == [[0, 300.5], [1, 301.5], [0, 302.5]]


def test_a_number_that_is_missing_somewhere_is_no_property() -> None:
    rows = cells(3)
    rows.loc[1, "volume"] = pd.NA
    properties = layer_of(build(rows).state, "cells")["annotationProperties"]
    assert [entry["id"] for entry in properties] == ["cell_type"]


def test_more_rows_than_fit_are_left_out_with_both_numbers() -> None:
    built = build(cells(12), limits=Limits(points=5))
    assert (built.num_points, built.num_segments) == (5, 5)
    assert built.left_out == ("Limited to 5 of 12 rows.",)


def test_of_many_segments_the_first_few_are_drawn() -> None:
    built = build(cells(10), limits=Limits(visible=3))
    segments = layer_of(built.state, "segmentation")["segments"]
    assert [segment.startswith("!") for segment in segments] == [False] * 3 + [True] * 7
    assert built.num_visible == 3


def test_chosen_segments_are_drawn() -> None:
    built = build(cells(5), visible={NEAR + 1, NEAR + 4})
    segments = layer_of(built.state, "segmentation")["segments"]
    assert [segment for segment in segments if segment[0] != "!"] == [str(NEAR + 1), str(NEAR + 4)]


def test_synapses_are_linked_to_both_cells() -> None:
    rows = pd.DataFrame(
        {
            "id": pd.array([1, 2], "Int64"),
            "pre_pt_root_id": pd.array([NEAR, NEAR + 1], "Int64"),
            "post_pt_root_id": pd.array([NEAR + 2, 0], "Int64"),
            "pre_pt_position_x": [1, 2],
            "ctr_pt_position_x": [10, 20],
            "ctr_pt_position_y": [10, 20],
            "ctr_pt_position_z": [10, 20],
            "size": [100, 200],
        }
    )
    layer = layer_of(build(rows).state, "cells")
    assert layer["linkedSegmentationLayer"] == {"pre": "segmentation", "post": "segmentation"}
    assert [point["segments"] for point in layer["annotations"]] == [
        [[str(NEAR)], [str(NEAR + 2)]],
        [[str(NEAR + 1)], []],
    ]
    assert layer["annotations"][0]["point"] == [10, 10, 10]
    assert "prop_size()" in layer["shader"]


def test_a_table_without_root_ids_has_points_only() -> None:
    built = build(cells(2).drop(columns="pt_root_id"))
    assert (built.num_points, built.num_segments) == (2, 0)


def test_a_view_without_positions_has_segments_only() -> None:
    rows = pd.DataFrame({"root_id": pd.array([NEAR], "Int64"), "n_input": [5]})
    built = build(rows)
    assert (built.num_points, built.num_segments) == (0, 1)
    assert [layer["name"] for layer in built.state["layers"]] == ["imagery", "segmentation"]


@pytest.mark.parametrize("rows", [cells(0), pd.DataFrame({"tag": ["a"]})], ids=["no rows", "nothing to see"])
def test_nothing_to_show_is_said(rows: pd.DataFrame) -> None:
    with pytest.raises(BadInput):
        build(rows)


def test_the_row_s_own_position_and_root_id_are_used() -> None:
    names = ["bb_start_position_x", "pt_position_ref_x", "pt_position_x", "pt_root_id", "pt_root_id_ref"]
    rows = pd.DataFrame({name: [1] for name in names})
    assert position_columns(rows)[0] == "pt_position"
    assert root_columns(rows) == {"cell": "pt_root_id"}


names = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
columns = st.lists(
    st.tuples(st.integers(0, LARGEST), st.floats(0, 1e6) | st.just(np.nan), names | st.none()), min_size=1, max_size=12
)


@settings(deadline=None, max_examples=60)
@given(columns, names.filter(bool), st.booleans())
@example([(0, 0.0, ""), (0, 0.0, "\0")], "0", False)
def test_any_ids_positions_and_names_give_a_sound_state(
    values: list[tuple[int, float, str | None]], name: str, grouped: bool
) -> None:
    roots, xs, types = zip(*values, strict=True)
    rows = pd.DataFrame(
        {
            "pt_root_id": pd.array(roots, "Int64"),
            "pt_position_x": xs,
            "pt_position_y": 5.5,
            "pt_position_z": 7,
            name if name not in ("id",) else "tag": pd.Series(types, dtype="object"),
        }
    )
    column = str(rows.columns[-1])
    options = {"groups": Groups(column, {})} if grouped else {}
    built = build(rows, name=name, **options)
    listed = {int(root.strip("!")) for root in layer_of(built.state, "segmentation")["segments"]}
    assert listed == {root for root in roots if root}
    assert built.num_points == int(np.isfinite(xs).sum())
    linked = {
        int(root)
        for layer in built.state["layers"]
        for point in layer.get("annotations", [])
        for root in point["segments"][0]
    }
    assert linked == {root for root, x in zip(roots, xs, strict=True) if root and np.isfinite(x)}
