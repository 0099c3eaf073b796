"""Positions as numpy, JSON, spreadsheets and people write them, and what is said of those that are none."""

from __future__ import annotations

import pytest

from services.cells.position_text import parse
from services.core.errors import BadInput

PLACE = (240640.0, 207872.0, 21360.0)


@pytest.mark.parametrize(
    "text",
    [
        "240640, 207872, 21360",
        "240640\t207872\t21360\n",
        "240640;207872;21360",
        "[np.int64(240640), np.int64(207872), np.int64(21360)]",
        "(np.float32(240640.0), np.float32(207872.0), np.float32(21360.0))",
        "array([240640, 207872,  21360])",
        "np.array([240640., 207872., 21360.], dtype=np.float32)",
        "[240640. 207872.  21360.]",
        "tensor([240640, 207872, 21360], device='cuda:0')",
        "Point(240640, 207872, 21360)",
        "240,640 x 207,872 x 21,360",
        "240640x207872x21360",
        "240640 × 207872 × 21360",
        "240 640, 207 872, 21 360",
        "240 640,207 872,21 360",
        "240\u202f640; 207\u202f872; 21\u202f360",
        "240,640, 207,872, 21,360",
        "240,640 207,872 21,360",
        "240'640, 207'872, 21'360",
        "240_640, 207_872, 21_360",
        '"240640, 207872, 21360"',
        '"240,640","207,872","21,360"',
        '{"x": 240640, "y": 207872, "z": 21360}',
        "{'z': 21360, 'x': 240640, 'y': 207872}",
        "x=240640 y=207872 z=21360",
        "X: 240,640, Y: 207,872, Z: 21,360",
        "x 240640 y 207872 z 21360",
        "pt_position_x=240640\npt_position_y=207872\npt_position_z=21360",
        "pt_position = [240640, 207872, 21360]",
        "POINT Z (240640 207872 21360)",
        "pos 240640 207872 21360",
        "Position is (240640, 207872, 21360)",
        "coordinates [240640, 207872, 21360]",
        "POINT Z(240640.0 207872.0 21360.0)",
        "SRID=0;POINTZ (240640 207872 21360)",
        "point (240640 207872 21360)",
        "\u200f240640, 207872, 21360\u200e",
    ],
)
def test_however_it_is_written_a_position_is_its_three_numbers(text):
    given = parse(text)
    assert given is not None and given.numbers == PLACE and given.unit in ("", "vx")


@pytest.mark.parametrize(
    "text",
    [
        "POINT Z (1 2 3)",
        "POINTZ(1 2 3)",
        "SRID=4326;POINT (1 2 3)",
        "POINT(1 2 3)",
        "MULTIPOINT Z (1 2 3)",
        "SRID=0;MULTIPOINTZ((1 2 3))",
    ],
)
def test_a_point_of_a_database_is_surely_a_position(text):
    given = parse(text)
    assert given is not None and given.numbers == (1, 2, 3) and given.certain


@pytest.mark.parametrize(
    ("text", "certain"),
    [
        ("1,5; 2,25; 3,75", False),
        ("1,5\t2,25\t3,75", False),
        ("1,5 | 2,25 | 3,75", False),
        ("(1,5; 2,25; 3,75) um", True),
        ("1,5 2,25 3,75 nm", True),
        ("1,5, 2,25, 3,75 um", True),
        ('"1,5","2,25","3,75" um', True),
        ("x=1,5 y=2,25 z=3,75", True),
        ('{"x": 1,5, "y": 2,25, "z": 3,75}', True),
    ],
)
def test_a_comma_is_decimal_where_it_can_be_nothing_else(text, certain):
    given = parse(text)
    assert given is not None and (given.numbers, given.certain) == ((1.5, 2.25, 3.75), certain)


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("240.640,5; 207.872,0; 21.360,25", (240640.5, 207872, 21360.25)),
        ("240 640,5; 207 872; 21 360,25", (240640.5, 207872, 21360.25)),
        ("-1,500; 2,5; 3", (-1.5, 2.5, 3)),
        ("1,500; 2,500; 3,500", (1500, 2500, 3500)),
        ("1.5; 2.5; 3.5", (1.5, 2.5, 3.5)),
    ],
)
def test_commas_of_thousands_stay_these(text, numbers):
    given = parse(text)
    assert given is not None and given.numbers == numbers


@pytest.mark.parametrize("text", ["12,13\n14,15\n16,17", "12,13 14,15 16,17", "12,13, 14,15, 16,17"])
def test_pairs_of_ids_are_no_position(text):
    assert parse(text) is None


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("240640, 207872, 21360 nm", "nm"),
        ("240640 nm, 207872 nm, 21360 nm", "nm"),
        ("(240640, 207872, 21360) [nm]", "nm"),
        ("x_nm=240640 y_nm=207872 z_nm=21360", "nm"),
        ("240640 x 207872 x 21360 nanometers", "nm"),
        ("240640, 207872, 21360 µm", "um"),
        ("240640, 207872, 21360 microns", "um"),
        ("240640, 207872, 21360 in voxels", "vx"),
    ],
)
def test_a_unit_is_read_wherever_it_stands(text, unit):
    given = parse(text)
    assert given is not None and (given.numbers, given.unit, given.certain) == (PLACE, unit, True)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("240640, 207872 nm", "This has 2 numbers, but a position has three."),
        ("240,640 x 207,872", "This has 2 numbers, but a position has three."),
        ('{"x": 1, "y": 2}', "This has 2 numbers, but a position has three."),
        ("x=1 y=2 y=3", "This position is along x, y, y."),
        ("1 nm, 2 um, 3 nm", "This position is in nm and in um."),
        ("x=1 y=2 z=864691135000000101", "These numbers are too large for a position."),
        ("240 640,207 872,360", "'240 640,207 872,360' can be read as more than one position."),
    ],
)
def test_what_is_meant_as_a_position_but_is_none_is_said(text, words):
    with pytest.raises(BadInput) as caught:
        parse(text)
    assert caught.value.message == words


@pytest.mark.parametrize("text", ["12, 13", "", "nan, nan, nan", "1e400, 2, 3", "here", "1, 2, 3, 4", "()", "1" * 500])
def test_what_may_be_ids_is_no_position_unless_it_is_asked_for(text):
    assert parse(text) is None
    with pytest.raises(BadInput):
        parse(text, certain=True)


def test_three_ids_are_no_position():
    assert parse("864691135000000101, 864691135000000203, 864691135000000307") is None
