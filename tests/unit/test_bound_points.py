"""Rows are where their bound points are, whatever a table calls these, and belong to the cells of all of them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from services.core.bound_points import position_columns, positions, root_columns


def named(*names: str) -> pd.DataFrame:
    return pd.DataFrame({name: [1] for name in names})


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["pt_root_id", "valid_id"], {"cell": "pt_root_id"}),
        (["root_id", "n_input"], {"cell": "root_id"}),
        (["pre_pt_root_id", "post_pt_root_id"], {"pre": "pre_pt_root_id", "post": "post_pt_root_id"}),
        (["post_pt_root_id", "pre_pt_root_id"], {"pre": "pre_pt_root_id", "post": "post_pt_root_id"}),
        (["pre_pt_root_id", "size"], {"pre": "pre_pt_root_id"}),
        (["sidea_pt_root_id", "sideb_pt_root_id"], {"sidea": "sidea_pt_root_id", "sideb": "sideb_pt_root_id"}),
        (["pt2_root_id", "pt_root_id"], {"cell": "pt_root_id", "pt2": "pt2_root_id"}),
        (["pt_position_x", "pt_root_id", "query_root_id"], {"cell": "pt_root_id"}),
        (["soma_position_x", "soma_root_id", "query_root_id"], {"soma": "soma_root_id"}),
        (["axon_supervoxel_id", "axon_root_id"], {"axon": "axon_root_id"}),
        (["pre_root_id", "post_root_id"], {"pre": "pre_root_id", "post": "post_root_id"}),
        (["target_id", "id", "types.pt_root_id", "pt_root_id_ref"], {}),
    ],
)
def test_the_cells_of_a_row_are_those_of_its_bound_points(names: list[str], expected: dict[str, str]) -> None:
    result = root_columns(named(*names))
    assert result == expected
    assert list(result) == list(expected)


def test_the_point_of_the_annotation_comes_first_then_a_centre_then_others() -> None:
    frame = named("sidea_pt_position_x", "pt2_position_x", "ctr_pt_position_x", "pt_position_x", "types.pt_position_x")
    assert position_columns(frame) == ["pt_position", "ctr_pt_position", "sidea_pt_position", "pt2_position"]
    assert position_columns(named("id")) == []


def test_a_row_is_where_its_first_known_point_is() -> None:
    columns = {
        "ctr_pt_position": [(1, 2, 3), None, None],
        "sidea_pt_position": [(4, 5, 6), (7, 8, 9), None],
    }
    frame = pd.DataFrame(
        {
            f"{name}_{axis}": pd.array([None if point is None else point[at] for point in points], "Int64")
            for name, points in columns.items()
            for at, axis in enumerate("xyz")
        },
        index=[5, 3, 8],
    )
    result = positions(frame)
    assert result is not None
    assert result.index.tolist() == [5, 3, 8]
    np.testing.assert_array_equal(result.to_numpy(), [[1, 2, 3], [7, 8, 9], [np.nan] * 3])
    assert positions(named("id")) is None
