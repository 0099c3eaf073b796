"""A time names the same moment in every time zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.core.moments import is_moment, read_moment, written_moment
from services.views.addresses import TableAddress, parse_catalogue, parse_table

NOON = datetime(2025, 1, 13, 12, 10, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "2025-01-13T12:10:01Z",
        "2025-01-13t12:10:01z",
        "2025-01-13T12:10:01",
        "2025-01-13 12:10:01",
        "2025-01-13 12:10:01 UTC",
        "2025-01-13T12:10:01.987654Z",
        "2025-01-13T12:10:01,5+00:00",
        "2025-01-13T13:10:01+01:00",
        "2025-01-13T13:10:01+0100",
        "2025-01-13T13:10:01+01",
        "2025-01-13T13:10:01 +01:00",
        "2025-01-13T13:10:01 01:00",  # an address in which + was not quoted
        "2025-01-13T04:10:01-08:00",
        "2025-01-13T04:10:01\u221208:00",
        "2025-01-13T17:40:01+05:30",
        "2025-01-14T02:10:01+14:00",
    ],
)
def test_every_zone_is_understood(text):
    assert is_moment(text)
    assert read_moment(text) == NOON
    assert written_moment(text) == "2025-01-13T12:10:01Z"
    for view in (parse_table({"version": text})[0], parse_catalogue({"version": text})[0]):
        assert view == TableAddress(version="2025-01-13T12:10:01Z")


def test_seconds_may_be_left_out():
    assert read_moment("2025-01-13T14:10+02:00") == NOON.replace(second=0)


def test_a_day_alone_is_its_beginning():
    assert is_moment("2025-01-13")
    assert read_moment("2025-01-13") == datetime(2025, 1, 13, tzinfo=UTC)
    assert written_moment("2025-01-13") == "2025-01-13T00:00:00Z"


@pytest.mark.parametrize("text", ["1621", "latest", "2025-01-13Z", "20250113", "2025-01-13T12", "x2025-01-13T12:10Z"])
def test_what_is_not_written_as_a_time_is_none(text):
    assert not is_moment(text)
    with pytest.raises(ValueError, match="not written"):
        read_moment(text)


@pytest.mark.parametrize(
    "text", ["2025-13-01T00:00:00Z", "2025-01-01T25:00:00Z", "2025-01-01T00:00:00+99:00", "0001-01-01T00:00:00+05:00"]
)
def test_a_time_that_there_is_not_stays_as_it_was_written(text):
    assert is_moment(text)
    assert written_moment(text) == text


@given(
    st.integers(0, 4 * 10**9).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
    st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes))),
)
def test_any_offset_is_the_same_moment(time, zone):
    assert read_moment(time.astimezone(zone).isoformat()) == time
