"""A box in space: which points it keeps, in any unit, and that it reads back."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.core.columns import describe_columns
from services.core.errors import BadInput
from services.filters.filters import parse_line
from services.filters.nodes import Not
from services.tables import position_units

VOXEL_NM = (4.0, 4.0, 40.0)
points = st.lists(st.one_of(st.none(), st.tuples(*[st.integers(-1000, 1000)] * 3)), max_size=20)
# a box is rounded to the millionth of its unit, so that a smaller end is none
ends = st.one_of(st.none(), st.integers(-5000, 5000), st.floats(-5e3, 5e3).map(lambda end: round(end, 3)))
ranges = st.tuples(ends, ends).map(lambda pair: tuple(sorted(pair)) if None not in pair else pair)


def frame_of(points):
    columns = zip(*[point or (None, None, None) for point in points], strict=True) if points else ((), (), ())
    return pd.DataFrame(
        {
            f"pt_position_{axis}": pd.array(list(values), dtype="Int32")
            for axis, values in zip("xyz", columns, strict=True)
        }
    )


def columns_of(frame):
    return position_units.with_voxels(describe_columns(frame), VOXEL_NM)


def shown(end):
    return "" if end is None else repr(end)


@given(points, st.tuples(ranges, ranges, ranges), st.sampled_from(["vx", "nm", "um", ""]))
def test_a_box_keeps_what_lies_within(points, box, unit):
    frame = frame_of(points)
    line = "pt_position in box (" + ", ".join(f"{shown(low)}..{shown(high)}" for low, high in box) + f") {unit}"
    node = parse_line(line, columns_of(frame))
    factor = {"um": 1000.0, "nm": 1.0}
    for kept, point in zip(node.mask(frame), points, strict=True):
        inside = point is not None
        for value, size, (low, high) in zip(point or (), VOXEL_NM, box, strict=False):
            length = value if unit in ("vx", "") else value * size
            ends = [end if end is None or unit not in factor else round(end * factor[unit], 6) for end in (low, high)]
            inside &= ends[0] is None or length >= ends[0]
            inside &= ends[1] is None or length <= ends[1]
        assert kept == inside
    assert parse_line(node.text(), columns_of(frame)) == node


@given(points, st.tuples(ranges, ranges, ranges), st.sampled_from(["nm", "um"]))
def test_a_box_in_voxels_keeps_the_same_rows_in_every_unit(points, box, unit):
    corners = zip(*[[round(end or 0) for end in axis] for axis in box], strict=True)
    frame = frame_of([*points, *corners])
    columns = columns_of(frame)
    line = "pt_position in box (" + ", ".join(f"{shown(low)}..{shown(high)}" for low, high in box) + ") vx"
    in_voxels = parse_line(line, columns).mask(frame)
    there = parse_line(line, position_units.columns_in(columns, unit))
    assert there.mask(position_units.in_unit(frame, columns, unit)).tolist() == in_voxels.tolist()
    assert parse_line(there.text(), position_units.columns_in(columns, unit)) == there


def test_tenths_of_a_um_are_exact():
    frame = frame_of([(75, 0, 0), (76, 0, 0), (25, 0, 0)])
    node = parse_line("pt_position in box (0.1..0.3, .., ..) um", columns_of(frame))
    assert node.mask(frame).tolist() == [True, False, True]


def test_it_joins_with_other_conditions():
    frame = frame_of([(1, 2, 3), (10, 20, 30)]).assign(valid=pd.array([True, True], dtype="boolean"))
    columns = (*columns_of(frame[["pt_position_x", "pt_position_y", "pt_position_z"]]), *describe_columns(frame)[3:])
    node = parse_line("valid and not (pt_position not in box [0..5, 0..5, 0..5] or pt_position_x > 0.5)", columns)
    assert node.mask(frame).tolist() == [False, False]
    negative = parse_line("PT_POSITION not in box (0..5, ..5, 3..) voxels and valid", columns)
    assert negative.mask(frame).tolist() == [False, True]


def test_it_is_said_in_words():
    frame = frame_of([(1, 2, 3)])
    node = parse_line("pt_position in box (100..200, 300.., ..) um", columns_of(frame))
    assert node.describe() == "position is within x 100 to 200, y from 300 µm"
    assert isinstance(parse_line("pt_position not in box (.., .., ..)", columns_of(frame)), Not)


@pytest.mark.parametrize(
    "line",
    [
        "pt_position",
        "pt_position > 5",
        "pt_position in (1, 2, 3)",
        "pt_position in box 1..2",
        "pt_position in box (1..2, 3..4)",
        "pt_position in box (1..2, 3..4, 5..6, 7..8)",
        "pt_position in box (2..1, 3..4, 5..6)",
        "pt_position in box (a..b, 3..4, 5..6)",
        "pt_position in box (1..1e999, 3..4, 5..6)",
        "pt_position in box (1..2, 3..4, 5..6) miles",
        "pt_position in box (1..2, 3..4, 5..6",
        "pt_position in box",
    ],
)
def test_a_box_that_cannot_be_is_told_where(line):
    with pytest.raises(BadInput) as caught:
        parse_line(line, columns_of(frame_of([])))
    assert caught.value.position is not None


def test_without_the_size_of_voxels_there_are_only_voxels():
    columns = describe_columns(frame_of([(1, 2, 3)]))
    assert parse_line("pt_position in box (0..1, .., ..)", columns).mask(frame_of([(1, 2, 3)])) == np.array([True])
    with pytest.raises(BadInput, match="um"):
        parse_line("pt_position in box (0..1, .., ..) um", columns)
