"""Tuning of cells and its differences."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.cells import tuning
from services.core.errors import BadInput
from services.core.records import TableInfo

CELL = 864691135771609595


def info(schema):
    return TableInfo("tuned", "table", schema, "", "", "nuclei", "", (4.0, 4.0, 40.0), None)


def rows(**columns):
    frame = pd.DataFrame(columns)
    ids = pd.array(range(1, len(frame) + 1), dtype="Int64")
    return frame.assign(id=ids, pt_root_id=frame["pt_root_id"].astype("Int64"))


@given(st.floats(0, 180), st.floats(0, 180))
def test_orientations_differ_by_90_degrees_at_most(one, other):
    apart = tuning.difference_deg([one], other, 180)[0]
    turned = math.degrees(math.acos(min(1.0, abs(math.cos(math.radians(one - other))))))
    assert apart == pytest.approx(turned, abs=1e-5)
    assert 0 <= apart <= 90


@given(st.floats(0, 360), st.floats(0, 360))
def test_directions_differ_by_180_degrees_at_most(one, other):
    apart = tuning.difference_deg([one], other, 360)[0]
    turned = math.degrees(math.acos(max(-1.0, min(1.0, math.cos(math.radians(one - other))))))
    assert apart == pytest.approx(turned, abs=1e-4)


def test_radians_and_degrees_are_told_apart_by_table():
    angles = {"pref_ori": [math.pi / 2], "pref_dir": [3 * math.pi / 2]}
    common = {"pt_root_id": [CELL], "target_id": [1], "gOSI": [0.5], "cc_abs": [0.3]}
    radians = tuning.best_units(rows(**common, **angles), info("func_properties_bcm"))
    degrees = tuning.best_units(rows(**common, pref_ori=[90.0], pref_dir=[270.0]), info("digital_twin_properties"))
    assert radians.loc[CELL, "pref_ori_deg"] == pytest.approx(90)
    pd.testing.assert_frame_equal(radians, degrees)


def test_of_several_units_the_best_predicted_speaks():
    table = rows(
        pt_root_id=[CELL, CELL, CELL, CELL + 1, CELL + 2, CELL + 2, 0],
        target_id=[1, 1, 1, 2, 3, 4, 5],
        pref_ori=[10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0],
        pref_dir=[10.0] * 7,
        cc_abs=[0.1, 0.9, None, 0.2, 0.3, 0.4, 0.5],
    )
    result = tuning.best_units(table, info("digital_twin_properties"))
    assert result.index.tolist() == [CELL, CELL + 1]  # the third has two nuclei, the last no segment
    assert result.loc[CELL, ["pref_ori_deg", "num_units"]].tolist() == [20, 3]
    assert result.attrs["ambiguous"].tolist() == [CELL + 2]


def test_partners_get_the_difference_to_the_cell_itself():
    tuned = tuning.best_units(
        rows(
            pt_root_id=[CELL, CELL + 1], target_id=[1, 2], pref_ori=[175.0, 5.0], pref_dir=[355.0, 185.0], cc_abs=[1, 1]
        ),
        info("digital_twin_properties"),
    )
    partners = pd.DataFrame({"root_id": [CELL + 1, CELL + 9], "num_syn": [3, 1]})
    result = tuning.with_tuning(partners, CELL, tuned)
    assert result["root_id"].tolist() == [CELL + 1]
    assert result[["delta_ori_deg", "delta_dir_deg"]].to_numpy().tolist() == [[10, 170]]
    assert "1 of 2 partners, with 3 of 4 synapses" in tuning.coverage(partners, result, "tuned")
    alone = tuning.with_tuning(partners, CELL + 9, tuned)
    assert np.isnan(alone["delta_ori_deg"].iloc[0])


def test_a_table_without_tuning_is_refused():
    with pytest.raises(BadInput, match="tuned"):
        tuning.best_units(rows(pt_root_id=[CELL]), info("cell_type_reference"))
