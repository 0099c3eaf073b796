"""Filters rewritten: the same rows in another unit of positions, and all else as it was typed."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.core.columns import describe_columns
from services.tables import position_units
from services.tables.filter_units import as_known, rewritten, to_unit
from services.tables.tables import TableQuery, filter_of

VOXEL_NM = (4.0, 4.0, 40.0)
SIZES = {"nm": 1, "um": 1000}
voxels = st.lists(st.tuples(*[st.integers(0, 400_000)] * 3), min_size=1, max_size=20)
units = st.permutations(["vx", "nm", "um"]).map(lambda three: three[:2])
BOXES = [
    "> {}",
    "{}",
    "!={}",
    "<= {}",
    "{}..",
    "!= {}..{}",
    "in {}, {}",
    "{}, null",
    "not in {}, null",
    "null",
    "{}..{}",
]


def table(places_vx, unit):
    frame = pd.DataFrame(places_vx, columns=[f"pt_position_{axis}" for axis in "xyz"]).astype("Int32")
    frame["cell_type"] = pd.array(["BC"] * len(frame), dtype="string")
    columns = position_units.with_voxels(describe_columns(frame), VOXEL_NM)
    shown = frame if unit == "vx" else position_units.in_unit(frame, columns, unit)
    return shown, position_units.columns_in(columns, unit)


@given(voxels, units, st.sampled_from("xyz"), st.sampled_from(BOXES), st.data())
def test_the_rows_of_a_filter_are_the_same_in_another_unit(places_vx, switched, axis, box, data):
    old, new = switched
    shown, columns = table(places_vx, old)
    name = f"pt_position_{axis}"
    cell, near = data.draw(st.sampled_from(shown[name].tolist())), data.draw(st.integers(0, 10**9))
    ends = sorted([cell, data.draw(st.sampled_from([cell, near / 1000, float(near)]))])
    text = box.format(*(repr(end) for end in ends))
    lines = [f"{name} {text}" if box[0] in "!<>{" and box.count("{") == 1 and "," not in box and box != "{}" else ""]
    for query in (TableQuery(boxes={name: text}), *map(TableQuery, lines)):
        after = rewritten(columns, query, to_unit(new))
        there, in_there = table(places_vx, new)
        assert filter_of(in_there, after).mask(there).tolist() == filter_of(columns, query).mask(shown).tolist()


@pytest.mark.parametrize(
    ("old", "new", "where", "boxes", "means"),
    [
        ("vx", "um", "pt_position_x > 100,000", {"pt_position_z": "1000..2000"},
         ("pt_position_x > 400", {"pt_position_z": "40..80"})),
        ("um", "vx", "not pt_position_x > 400", {"pt_position_z": "in 40, 80"},
         ("not (pt_position_x > 100000)", {"pt_position_z": "in (1000, 2000)"})),
        ("um", "nm", "", {"pt_position_x": "!= 2.3..4.1"}, ("", {"pt_position_x": "!= 2300..4100"})),
        ("vx", "um", "pt_position in box (1..2, ..3, ..)", {},
         ("pt_position in box (1..2, ..3, ..) vx", {})),
        ("vx", "nm", "cell_type=BC", {"cell_type": "!=MC", "pt_position_y": "null"},
         ("cell_type=BC", {"cell_type": "!=MC", "pt_position_y": "null"})),
    ],
)  # fmt: skip
def test_only_what_names_positions_is_written_anew(old, new, where, boxes, means):
    _, columns = table([(1, 2, 3)], old)
    after = rewritten(columns, TableQuery(where, boxes), to_unit(new))
    assert (after.where, after.boxes) == means


@pytest.mark.parametrize(
    ("where", "boxes", "means"),
    [
        ("", {"cell_type": "5p-np"}, ("", {"cell_type": "5P-NP"}, ("5P-NP",))),
        ("cell_type = bc and valid_id > 1", {}, ("cell_type = BC and valid_id > 1", {}, ("BC",))),
        ("cell_type in (NP, MC) or not cell_type is mc", {},
         ("cell_type in (5P-NP, MC) or not (cell_type = MC)", {}, ("5P-NP", "MC"))),
        ("", {"cell_type": "bc, null"}, ("", {"cell_type": "in (BC, null)"}, ("BC",))),
        ("", {"cell_type": "P"}, ("", {"cell_type": "5P-IT"}, ("5P-IT",))),  # the first that is known
        ("cell_type=BC", {"cell_type": "!=bc"}, ("cell_type=BC", {"cell_type": "!=bc"}, ())),
        ("cell_type=xyz", {"cell_type": '""'}, ("cell_type=xyz", {"cell_type": '""'}, ())),
        ("", {"cell_type": "~bc"}, ("", {"cell_type": "~bc"}, ())),
    ],
)  # fmt: skip
def test_a_value_of_another_letter_case_or_with_the_text_within_may_be_meant(where, boxes, means):
    columns = describe_columns(pd.DataFrame({"cell_type": pd.array(["BC"], dtype="string"), "valid_id": [1]}))
    after, meant = as_known(columns, TableQuery(where, boxes), {"cell_type": ("5P-IT", "5P-NP", "BC", "MC", "bC")})
    assert (after.where, after.boxes, meant) == means
