"""What columns are called."""

import pandas as pd

from services.core.columns import describe_columns


def test_the_points_of_a_row_are_named_in_words() -> None:
    names = (
        "pre_pt_root_id",
        "post_pt_supervoxel_id",
        "pre_pt_position_x",
        "ctr_pt_position_y",
        "pt_position_z",
        "soma_pt_position_x",
    )
    titles = [column.title for column in describe_columns(pd.DataFrame({name: [1] for name in names}))]
    assert titles == [
        "presynaptic root id",
        "postsynaptic supervoxel id",
        "presynaptic position x",
        "centre position y",
        "position z",
        "soma position x",
    ]


def test_numbers_say_what_they_count() -> None:
    names = ("nuc_volume", "sum_size", "residual", "soma_depth_um", "pt_position_lookup_y", "score")
    headings = [column.heading for column in describe_columns(pd.DataFrame({name: [1.5] for name in names}))]
    assert headings == [
        "nuc volume (µm³)",
        "sum size (vx)",
        "residual (µm)",
        "soma depth (µm)",
        "position lookup y (vx)",
        "score",
    ]


def test_numbers_of_a_column_have_the_same_decimals() -> None:
    frame = pd.DataFrame(
        {
            "volume": [297.0, 57.49, None],
            "count": [3, 4, 5],
            "whole": [3.0, 4.0, None],
            "score": [0.0012, 0.5, 0.25],
            "tiny": [1e-12, 1e-11, 1e-10],
            "nothing": [None, None, None],
        }
    ).astype({"nothing": "float64"})
    shown = {column.name: column.decimals for column in describe_columns(frame)}
    assert shown == {"volume": 2, "count": 0, "whole": 0, "score": 3, "tiny": 6, "nothing": 0}
