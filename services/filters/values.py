"""How a filter writes the values of a column, and reads them back."""

from __future__ import annotations

import math
import re
from collections.abc import Container, Iterable
from decimal import Decimal
from typing import TypeAlias

import pandas as pd

from services.core.columns import Column
from services.core.errors import BadInput
from services.core.id_text import EXACT, LARGEST_ID, as_id, cleaned, is_float, is_rounded, tokens

Value: TypeAlias = str | int | float | bool | pd.Timestamp

KEYWORDS = frozenset({"and", "or", "not", "in", "is", "null"})

_BARE = re.compile(r"""[^\s()\[\],=<>!~"']+""")
_WHOLE = re.compile(r"[+-]?[0-9]{1,15}")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_GROUPED = re.compile(r"[+-]?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?")
_TIME = re.compile(
    r"\d{4}-\d\d(-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?"
    r"( ?(?P<utc>Z|UTC|GMT)| ?(?P<sign>[+\-\u2212])(?P<offset>\d\d(:?\d\d)?))?)?)?",
    re.ASCII | re.IGNORECASE,
)
_TRUE, _FALSE = ("true", "t", "yes"), ("false", "f", "no")
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_UNESCAPES = {escaped: plain for plain, escaped in _ESCAPES.items()} | {"\\'": "'"}


def quote(text: str) -> str:
    """`text` in double quotes; backslash, quote, newline, return and tab are escaped with a backslash."""
    return '"' + "".join(_ESCAPES.get(character, character) for character in text) + '"'


def unquote(quoted: str) -> str:
    """What a quoted text means. A backslash before any other character stands for itself, as in `\\d`."""
    return re.sub(r"""\\[\\"'nrt]""", lambda result: _UNESCAPES[result[0]], quoted[1:-1])


def written(text: str) -> str:
    """`text` as a filter can hold it: bare where that is not mistaken for anything else, else quoted."""
    bare = _BARE.fullmatch(text) and ".." not in text and text.lower() not in KEYWORDS
    return text if bare else quote(text)


def format_value(value: Value, names: Container[str] = ()) -> str:
    """The one spelling of a value, which :func:`read_value` reads back as the same value. One of `names`, which mean
    something else where they stand bare, is quoted."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, pd.Timestamp):
        return value.isoformat()
    if isinstance(value, str):
        return quote(value) if value in names else written(value)
    return repr(value)


def read_value(column: Column, text: str, position: int, *, threshold: bool = False) -> Value:
    """The value that `text` is in a column: ids as exact int, numbers, booleans, times in UTC, else text. As the
    `threshold` of ids, which is none itself, a whole number may have an exponent.

    Raises BadInput at character `position` where the column cannot hold it.
    """
    read = {"id": _id, "number": _number, "position": _number, "boolean": _boolean, "time": _time}.get(column.kind)
    if read is None:
        return text
    value = read(text.strip())
    if value is None and threshold and column.kind == "id":
        value = _whole(text.strip())
    if value is None:
        expected = {"id": "ids (whole numbers)", "boolean": "true or false", "time": "times such as 2024-01-31"}
        if column.kind == "id" and is_rounded(text.strip()):
            raise BadInput(
                f"{column.name} holds ids, and {text.strip()[:60]!r} is one that was rounded.",
                "Copy the id again as text.",
                position=position,
            )
        raise BadInput(
            f"{column.name} holds {expected.get(column.kind, 'numbers')}; {text.strip()[:60]!r} is none.",
            position=position,
        )
    return value


def ungrouped(column: Column, text: str) -> str:
    """A single number, or range of two, without the commas between its thousands, as the page shows them. Other texts
    are returned as they are."""
    ends = [end.strip() for end in text.split("..")]
    if column.kind not in ("number", "position") or len(ends) > 2:
        return text
    numbers = all(_GROUPED.fullmatch(end) or _NUMBER.fullmatch(end) or not end for end in ends)
    return text.replace(",", "") if numbers else text


def _id(text: str) -> int | None:
    if re.fullmatch(r"[0-9]{1,19}", text):
        return int(text) if int(text) <= LARGEST_ID else None
    words = list(tokens(cleaned(text)))
    values = [as_id(word) for word in words if not word.isidentifier()]
    if len(values) != 1 or (len(words) > 1 and (values[0] or 0) <= EXACT):  # a word beside a small number is another
        return None
    return values[0]


def _whole(text: str) -> int | None:
    """The whole number that a float such as 1e17 is, if an id can be as large."""
    if not is_float(text) or float(text) > LARGEST_ID or Decimal(text) % 1:
        return None
    return int(Decimal(text))


def _number(text: str) -> int | float | None:
    if _WHOLE.fullmatch(text):
        return int(text)
    value = float(text) if _NUMBER.fullmatch(text) else math.nan
    return value if math.isfinite(value) else None


def _boolean(text: str) -> bool | None:
    word = text.lower()
    return word in _TRUE if word in (*_TRUE, *_FALSE) else None


def _time(text: str) -> pd.Timestamp | None:
    match = _TIME.fullmatch(text)
    if match is None:
        return None
    local = text
    if match["utc"]:
        local = f"{text[: match.start('utc')].strip()}Z"
    elif match["sign"]:
        sign = "+" if match["sign"] == "+" else "-"
        local = f"{text[: match.start('sign')].strip()}{sign}{match['offset']}"
    try:
        time = pd.Timestamp(local.upper())
        return time.tz_localize("UTC") if time.tz is None else time.tz_convert("UTC")
    except ValueError:  # OutOfBoundsDatetime is one
        return None


def described(values: Iterable[Value], last: str = "or", most: int = 6) -> str:
    """Values in a sentence: `BC, MC or NGC`; long lists end with how many more there are."""
    listed = [str(value.isoformat(" ") if isinstance(value, pd.Timestamp) else format_value(value)) for value in values]
    if len(listed) > most:
        return f"{', '.join(listed[: most - 1])} {last} {len(listed) - most + 1:,} more"
    return listed[0] if len(listed) == 1 else f"{', '.join(listed[:-1])} {last} {listed[-1]}"
