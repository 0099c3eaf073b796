"""Times as people and addresses write them: ISO 8601 in any time zone."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from services.core.errors import BadInput

LIVE = "live"
"""How addresses write the present."""
MOMENT_FORMAT = "%Y-%m-%dT%H:%M:%SZ"
"""How addresses write a time, in UTC."""
_TIME = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d)(?:[T ](?P<time>\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?)"
    r"(?: ?(?P<utc>Z|UTC|GMT)| ?(?P<sign>[+\-\u2212])(?P<hours>\d\d)(?::?(?P<minutes>\d\d))?"
    r"| (?P<spoilt>\d\d:?\d\d))?)?",
    re.IGNORECASE | re.ASCII,
)
"""Without a zone it is UTC, as for CAVE, and a day alone is its beginning. An address turns a + that is not quoted
into a space."""


def is_moment(text: str) -> bool:
    """Whether a text is written as a time, be there such a time or not."""
    return _TIME.fullmatch(text.strip()) is not None


def read_moment(text: str) -> datetime:
    """The time that a text names, in UTC, in whole seconds. Raises ValueError where there is none."""
    match = _TIME.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not written as a time")
    zone = "+00:00"
    if match["hours"]:
        zone = f"{'+' if match['sign'] == '+' else '-'}{match['hours']}:{match['minutes'] or '00'}"
    elif match["spoilt"]:
        zone = f"+{match['spoilt'][:2]}:{match['spoilt'][-2:]}"
    return (
        datetime.fromisoformat(f"{match['day']}T{match['time'] or '00:00'}{zone}")
        .astimezone(UTC)
        .replace(microsecond=0)
    )


def written_moment(text: str) -> str:
    """The same time as addresses write it, in UTC; what is no time stays as it is."""
    try:
        return read_moment(text).strftime(MOMENT_FORMAT)
    except (ValueError, OverflowError):
        return text


FIRST_MOMENT = 10**9
"""Numbers from here on are times, in seconds since 1970; versions have at most nine digits."""


class MomentNumber(int):
    """What stands for a time where a version has its number; as text it is the time, as addresses write it."""

    def __str__(self) -> str:
        return datetime.fromtimestamp(int(self), UTC).strftime(MOMENT_FORMAT)

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)


def number_of(version: str) -> int:
    """The number of a version, or of a moment, in the text that an address has for it; "latest" is none. Raises
    BadInput."""
    if is_moment(version):
        return MomentNumber(read_moment(version).timestamp())
    if not (version.isascii() and version.isdigit() and len(version) < 10):
        raise BadInput(f"{version[:40]!r} is not a version number.", "Reload the page.")
    return int(version)
