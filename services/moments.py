"""Times as people and addresses write them: ISO 8601 in any time zone."""

from __future__ import annotations

import re
from datetime import UTC, datetime

MOMENT_FORMAT = "%Y-%m-%dT%H:%M:%SZ"
"""How addresses write a time, in UTC."""
_TIME = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d)[T ](?P<time>\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?)"
    r"(?: ?(?P<utc>Z|UTC|GMT)| ?(?P<sign>[+\-\u2212])(?P<hours>\d\d)(?::?(?P<minutes>\d\d))?"
    r"| (?P<spoilt>\d\d:?\d\d))?",
    re.IGNORECASE | re.ASCII,
)
"""Without a zone it is UTC, as for CAVE. An address turns a + that is not quoted into a space."""


def is_moment(text: str) -> bool:
    """Whether a text is written as a time, be there such a time or not."""
    return _TIME.fullmatch(text.strip()) is not None


def read_moment(text: str) -> datetime:
    """The time that a text names, in UTC, in whole seconds. Raises ValueError where there is none."""
    found = _TIME.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text!r} is not written as a time")
    zone = "+00:00"
    if found["hours"]:
        zone = f"{'+' if found['sign'] == '+' else '-'}{found['hours']}:{found['minutes'] or '00'}"
    elif found["spoilt"]:
        zone = f"+{found['spoilt'][:2]}:{found['spoilt'][-2:]}"
    return datetime.fromisoformat(f"{found['day']}T{found['time']}{zone}").astimezone(UTC).replace(microsecond=0)


def written_moment(text: str) -> str:
    """The same time as addresses write it, in UTC; what is no time stays as it is."""
    try:
        return read_moment(text).strftime(MOMENT_FORMAT)
    except (ValueError, OverflowError):
        return text
