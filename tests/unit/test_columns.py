"""What columns are called."""

import pandas as pd

from services.columns import describe_columns


def test_columns_of_synapses_are_called_presynaptic_and_postsynaptic() -> None:
    names = ("pre_pt_root_id", "post_pt_supervoxel_id", "pre_pt_position_x", "ctr_pt_position_y", "pt_position_z")
    titles = [column.title for column in describe_columns(pd.DataFrame({name: [1] for name in names}))]
    assert titles == [
        "presynaptic root id",
        "postsynaptic supervoxel id",
        "presynaptic position x",
        "ctr pt position y",
        "position z",
    ]
