"""Filter values as PostgreSQL would compare them with a column, or its refusal.

The engine writes values into SQL text as they come in the JSON, so that a quoted number is
accepted for a number column, a number is refused for a text column, and a percent sign in a
text is doubled on the way (and so never matches).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Any

import pyarrow as pa

from localcave.cave_errors import EngineError, failed_sql
from localcave.engine.store import Column

INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1
HUGEINT_MAX = 2**126
INTEGER_TEXT = re.compile(r"\s*[+-]?[0-9]+\s*")
FLOAT_TEXT = re.compile(
    r"\s*([+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?|[+-]?inf(inity)?|nan)\s*", re.IGNORECASE
)
BOOLEAN_WORDS = {
    "true": True,
    "yes": True,
    "on": True,
    "1": True,
    "false": False,
    "no": False,
    "off": False,
    "0": False,
}


def sql_type(column: Column) -> str:
    """The DuckDB type in which values are compared with the column."""
    kind = column.type
    if pa.types.is_integer(kind):
        return "BIGINT"
    if pa.types.is_floating(kind):
        return "DOUBLE"
    if pa.types.is_boolean(kind):
        return "BOOLEAN"
    if pa.types.is_timestamp(kind):
        return "TIMESTAMPTZ"
    return "VARCHAR"


def comparable(column: Column, value: Any) -> Any:
    """A single filter value to bind; raises EngineError where PostgreSQL would refuse the comparison."""
    if column.is_position:
        raise failed_sql("parse error - invalid geometry")
    kind = column.type
    if isinstance(value, float) and not math.isfinite(value):
        raise failed_sql(f'column "{value}" does not exist')
    if not isinstance(value, str | int | float):
        raise failed_sql(f"cannot compare {kind} with {type(value).__name__}")
    if pa.types.is_integer(kind):
        return _integer(value)
    if pa.types.is_floating(kind):
        return _float(value, kind)
    if pa.types.is_boolean(kind):
        return _boolean(value)
    if isinstance(value, str):
        return _text(value)
    raise failed_sql(f"operator does not exist: text with {type(value).__name__}")


def iterated(values: Any) -> list[Any]:
    """What Python makes of a value where the engine goes through it: the letters of a text, the keys of an object."""
    if not isinstance(values, list | str | dict):
        raise EngineError(f"'{type(values).__name__}' object is not iterable")
    return list(values)


def listed(column: Column, values: Any) -> list[Any]:
    """The values of an IN list to bind: nulls match nothing, and numbers that the column cannot hold are left out."""
    comparables = [comparable(column, value) for value in iterated(values) if value is not None]
    if pa.types.is_integer(column.type):
        return list(_whole_int64(comparables))
    return comparables


def _whole_int64(values: Iterable[Any]) -> Iterable[int]:
    for value in values:
        if int(value) == value and INT64_MIN <= value <= INT64_MAX:
            yield int(value)


def _integer(value: str | int | float) -> int | float:
    if isinstance(value, bool):
        raise failed_sql("operator does not exist: bigint = boolean")
    if isinstance(value, str):
        if not INTEGER_TEXT.fullmatch(value):
            raise failed_sql("invalid input syntax for type bigint")
        number = int(value)
        if not INT64_MIN <= number <= INT64_MAX:
            raise failed_sql("value is out of range for type bigint")
        return number
    # DuckDB holds whole numbers to 127 bits; beyond that the nearest float compares the same with any int64.
    return float(value) if abs(value) > HUGEINT_MAX and value < 1e308 else value


def _float(value: str | int | float, kind: pa.DataType) -> float:
    if isinstance(value, bool):
        raise failed_sql("operator does not exist: double precision = boolean")
    if isinstance(value, str):
        if not FLOAT_TEXT.fullmatch(value):
            raise failed_sql("invalid input syntax for type double precision")
        number = float(value)
        # A quoted number takes the column's own precision, an unquoted one is compared as a double.
        return float(pa.scalar(number, kind).as_py())
    try:
        return float(value)
    except OverflowError:
        return math.copysign(math.inf, value)


def _boolean(value: str | int | float) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        word = value.strip().lower()
        meanings = {meaning for full, meaning in BOOLEAN_WORDS.items() if word and full.startswith(word)}
        if len(meanings) == 1:
            return meanings.pop()
        raise failed_sql("invalid input syntax for type boolean")
    raise failed_sql("operator does not exist: boolean = number")


def _text(value: str) -> str:
    if "\0" in value:
        raise EngineError("A string literal cannot contain NUL (0x00) characters.")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise EngineError("surrogates not allowed") from error
    return value.replace("%", "%%")
