"""Numbers are read as the page writes them, with commas between their thousands."""

import pytest

from services.filters.filters import parse_box, parse_line
from tests.unit.test_filters import BY_NAME, COLUMNS, kept


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("71,521", "= 71521"),
        ("= 71,521", "= 71521"),
        ("-1,234,567.25", "= -1234567.25"),
        ("!=71,521", "!= 71521"),
        (">1,000", "> 1000"),
        ("<= 1,000.5", "<= 1000.5"),
        ("1,000..2,000,000", "= 1000..2000000"),
        ("900 .. 1,000", "= 900..1000"),
        ("1,000..", ">= 1000"),
        ("71, 521", "in (71, 521)"),
        ("71,52", "in (71, 52)"),
        ("71,521,5", "in (71, 521, 5)"),
        ("1000,521", "in (1000, 521)"),
        ("in 71,521", "in (71, 521)"),
        ("in (71,521)", "in (71, 521)"),
        ("not in 71,521", "not in (71, 521)"),
        ("71,521 ,3", "in (71, 521, 3)"),
    ],
)
def test_a_number_as_the_page_shows_it_is_one_number(text, means):
    for name in ("volume", "pt_position_x"):
        assert parse_box(BY_NAME[name], text).text() == f"{name} {means}"
    assert kept(parse_box(BY_NAME["pt_root_id"], "1,000")) == kept(parse_box(BY_NAME["pt_root_id"], "1, 000"))


@pytest.mark.parametrize(
    ("line", "means"),
    [
        ("volume > 1,000 and valid", "volume > 1000 and valid = true"),
        ("(volume<=1,000)", "volume <= 1000"),
        ("volume 1,000..2,000 or volume is not 3,000", "volume = 1000..2000 or volume != 3000"),
        ("volume = ..1,000", "volume <= 1000"),
        ("volume in 1,000", "volume in (1, 0)"),
        ("volume in (71,521)", "volume in (71, 521)"),
    ],
)
def test_a_line_reads_numbers_as_the_page_shows_them(line, means):
    assert parse_line(line, COLUMNS).text() == means
