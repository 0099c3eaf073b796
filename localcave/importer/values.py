"""Columns of a file converted to what a table holds, or refused, and the rows that a table takes.

Nothing is guessed: every value is parsed as what its column is to be, so that an id never passes through a float.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from localcave.errors import InputError
from localcave.importer.config import Condition
from localcave.importer.files import Rows
from localcave.importer.schemas import ARROW_TYPES

TRUE, FALSE = ("true", "t", "1", "yes"), ("false", "f", "0", "no")
INT32_MAX = 2**31 - 1
DIGITS = re.compile("-?[0-9]+")
FEWEST_ROUNDED = 4
"""So many long ids that are all rounded are not so by chance."""
MOST_CHECKED = 10_000
MOST_REPEATED = 200_000_000

_AS_INTEGERS = "save the column as integers or text"
_POINT = "write decimals with a point, thousands without a comma"
_DECIMAL_COMMA = re.compile(r"\s*[-+]?[0-9.]*[0-9],[0-9]+\s*")

_QUOTED_DIGITS = r"^(?:=?\"|['’‘`])\s*(-?[0-9]+(?:\.0*)?)\s*[\"'’]?$"
_POINTED = r"^(-?[0-9]+)\.0*$"
_AROUND_NUMBERS = r"(?i)(np\.\w+\(|array\(|dtype=\w+|point ?z?|[\[\](){},;\s])+"


def select(rows: Rows, conditions: Sequence[Condition]) -> Rows:
    """The rows that pass all conditions."""
    keep = np.ones(len(rows.numbers), dtype=bool)
    for condition in conditions:
        keep &= _passes(rows, condition)
    return replace(rows, table=rows.table.filter(pa.array(keep)), numbers=rows.numbers[keep])


def repeated(rows: Rows, column: str) -> Rows:
    """Each row as often as its `column` says. Raises InputError for what is no count, or too many in all."""
    counts = to_kind(rows, column, "id")
    wrong = np.asarray(pc.fill_null(pc.less(counts, 0), True))
    if wrong.any():
        first = _first(wrong)
        raise rows.refuse(column, first, f"{counts[first].as_py()!r} is no number of rows", "give 0 or more")
    total = int(pc.sum(counts).as_py() or 0)
    if total > MOST_REPEATED:
        raise InputError(
            f"{rows.file}, column {column!r}: it adds up to {total:,} rows, more than {MOST_REPEATED:,}; "
            "take fewer with where"
        )
    index = np.repeat(np.arange(len(counts)), np.asarray(counts))
    return replace(rows, table=rows.table.take(pa.array(index)), numbers=rows.numbers[index])


def _passes(rows: Rows, condition: Condition) -> np.ndarray:
    values = rows.column(condition.column)
    if condition.test == "empty":
        return _is_empty(values) == condition.value
    if condition.test in ("above", "below"):
        numbers = to_floats(rows, condition.column)
        limit = pa.scalar(float(condition.value))
        passed = pc.greater(numbers, limit) if condition.test == "above" else pc.less(numbers, limit)
    else:
        allowed = condition.value if condition.test in ("in", "not_in") else [condition.value]
        passed = _is_one_of(rows, condition.column, allowed)
    answer = np.asarray(pc.fill_null(passed, False))
    return ~answer if condition.test in ("not", "not_in") else answer


def _is_empty(values: pa.Array) -> np.ndarray:
    empty = pc.is_null(values, nan_is_null=pa.types.is_floating(values.type))
    if _is_text(values.type):
        empty = pc.or_(empty, pc.fill_null(pc.equal(values, ""), True))
    return np.asarray(empty)


def _is_one_of(rows: Rows, column: str, allowed: Sequence[Any]) -> pa.Array:
    """Which values are among `allowed`; a number in the TOML also meets its digits in a CSV."""
    values = rows.column(column)
    if _is_text(values.type):
        return pc.is_in(values.cast(pa.string()), pa.array([str(w) for w in allowed], pa.string()))
    try:
        return pc.is_in(values, pa.array(list(allowed)).cast(values.type))
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):
        raise InputError(
            f"{rows.file}: column {column!r} holds {values.type}, which cannot be one of {list(allowed)!r}; "
            "write values of the column's kind in where"
        ) from None


def to_kind(rows: Rows, column: str, kind: str) -> pa.Array:
    """The column as `id`, `int32`, `float32`, `float64`, `string` or `bool`; nulls stay.

    Raises InputError that names file, column and row of the first value that does not fit.
    """
    if kind == "id":
        return _to_integers(rows, column, pa.int64(), exact=True)
    if kind == "int32":
        return _to_integers(rows, column, pa.int32(), exact=False)
    if kind in ("float32", "float64"):
        return to_floats(rows, column).cast(ARROW_TYPES[kind])
    if kind == "bool":
        return _to_booleans(rows, column)
    return rows.column(column).cast(ARROW_TYPES[kind])


def _to_integers(rows: Rows, column: str, dtype: pa.DataType, *, exact: bool) -> pa.Array:
    """Whole numbers. Of floats, and of text like `17.0`, those that are exact: below 2^53, or what the type holds.
    An apostrophe before the digits, and `="17"`, are what spreadsheets put there to keep them."""
    values = rows.column(column)
    if pa.types.is_boolean(values.type):
        raise InputError(
            f"{rows.file}, column {column!r}: these are truth values, not whole numbers; name another column"
        )
    if pa.types.is_floating(values.type):
        values = _exact_floats(rows, column, values)
    if _is_text(values.type):
        values = _bare_digits(rows, column, values)
    low, high = (-(2**63), 2**63 - 1) if exact else (-INT32_MAX - 1, INT32_MAX)
    try:
        whole = values.cast(dtype)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        problem = f"is not a whole number between {low} and {high}"
        raise _first_refused(rows, column, values, lambda v: low <= _whole(v) <= high, problem) from None
    if exact:
        _refuse_rounded(rows, column, whole)
    return whole


def _exact_floats(rows: Rows, column: str, values: pa.Array) -> pa.Array:
    numbers = values.to_numpy(zero_copy_only=False)
    given = ~np.isnan(numbers)
    most = 2 ** (np.finfo(numbers.dtype).nmant + 1)
    wrong = given & ((np.abs(numbers) >= most) | (numbers != np.rint(numbers)))
    if wrong.any():
        first = _first(wrong)
        if numbers[first] != np.rint(numbers[first]):
            raise rows.refuse(column, first, f"{values[first].as_py()!r} is not a whole number")
        problem = f"is a float, which loses the last digits of ids above {most:,}"
        raise rows.refuse(column, first, f"{values[first].as_py()!r} {problem}", _AS_INTEGERS)
    return pa.array(np.where(given, numbers, 0).astype(np.int64), mask=~given)


def _bare_digits(rows: Rows, column: str, values: pa.Array) -> pa.Array:
    """Digits without what is around them; text that is no number stays as it is."""
    bare = pc.replace_substring_regex(pc.utf8_trim_whitespace(values), _QUOTED_DIGITS, r"\1")
    pointed = pc.match_substring_regex(bare, _POINTED)
    scientific = pc.match_substring_regex(bare, r"^[-+]?[0-9.]+[eE][-+]?[0-9]+$")
    long = pc.greater(pc.utf8_length(pc.replace_substring_regex(bare, r"\..*$", "")), 15)
    lost = np.asarray(pc.fill_null(pc.or_(scientific, pc.and_(pointed, long)), False))
    if lost.any():
        first = _first(lost)
        problem = "is not a whole number: written as a float it has lost digits"
        remedy = f"{_AS_INTEGERS}, from the source of the file"
        raise rows.refuse(column, first, f"{values[first].as_py()!r} {problem}", remedy)
    return pc.replace_substring_regex(bare, _POINTED, r"\1")


def _refuse_rounded(rows: Rows, column: str, ids: pa.Array) -> None:
    """Refuse a column whose ids above 2^53 are all such as floats hold, or as spreadsheets and JavaScript write them:
    by chance one of a hundred is."""
    values = np.unique(np.asarray(ids.drop_null()))
    large = values[np.abs(values) > 2**53][:MOST_CHECKED].tolist()
    if len(large) >= FEWEST_ROUNDED and all(_is_rounded(value) for value in large):
        first = int(np.argmax(np.asarray(pc.fill_null(pc.greater(pc.abs(ids), 2**53), False))))
        raise rows.refuse(
            column,
            first,
            f"{ids[first].as_py()} and all other long ids of the column are rounded, as floats, spreadsheets and "
            "JavaScript do",
            "take them from their source again, as text or integers",
        )


def _is_rounded(value: int) -> bool:
    return value % 128 == 0 or value % 1000 == 0 or value == Decimal(repr(float(value)))


def to_floats(rows: Rows, column: str) -> pa.Array:
    """The column as float64, NaN as null."""
    values = rows.column(column)
    if _is_text(values.type):
        values = pc.utf8_trim_whitespace(values)
    try:
        numbers = values.cast(pa.float64(), safe=False)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise _first_refused(rows, column, values, lambda v: isinstance(float(v), float), "is not a number") from None
    infinite = np.asarray(pc.fill_null(pc.is_inf(numbers), False))
    if infinite.any():
        raise rows.refuse(column, _first(infinite), "is infinite")
    return pc.if_else(pc.is_nan(numbers), None, numbers)


def _to_booleans(rows: Rows, column: str) -> pa.Array:
    values = rows.column(column)
    if pa.types.is_boolean(values.type) or pa.types.is_null(values.type):
        return values.cast(pa.bool_())
    words = pc.utf8_lower(pc.utf8_trim_whitespace(values.cast(pa.string())))
    true, false = (pc.is_in(words, pa.array(spellings)) for spellings in (TRUE, FALSE))
    strange = np.asarray(pc.and_(pc.is_valid(words), pc.invert(pc.or_(true, false))))
    if strange.any():
        first = _first(strange)
        raise rows.refuse(column, first, f"{values[first].as_py()!r} is neither true nor false")
    return pc.if_else(pc.is_valid(words), true, None)


def to_positions(rows: Rows, columns: Sequence[str]) -> np.ndarray:
    """Positions as float64 of shape (rows, 3), NaN where there is none.

    From three columns, or from one that holds lists of three numbers or text like `[1, 2, 3]`.
    """
    if len(columns) == 3:
        return np.column_stack([to_floats(rows, name).to_numpy(zero_copy_only=False) for name in columns])
    name = columns[0]
    values = rows.column(name)
    if _is_text(values.type):
        spaced = pc.utf8_trim_whitespace(pc.replace_substring_regex(values, _AROUND_NUMBERS, " "))
        values = pc.split_pattern(spaced, " ")
    if not (
        pa.types.is_list(values.type) or pa.types.is_large_list(values.type) or pa.types.is_fixed_size_list(values.type)
    ):
        raise InputError(
            f"{rows.file}, column {name!r}: one column for a position must hold three numbers in each row; "
            "name three columns, or one of lists or of text like [1, 2, 3]"
        )
    lengths = pc.list_value_length(values)
    wrong = np.asarray(pc.fill_null(pc.not_equal(lengths, 3), False))
    if wrong.any():
        raise rows.refuse(name, _first(wrong), "is not three numbers")
    valid = np.asarray(pc.is_valid(values))
    flat = replace(rows, table=pa.table({name: pc.list_flatten(values)}), numbers=np.repeat(rows.numbers[valid], 3))
    positions = np.full((len(values), 3), np.nan)
    positions[valid] = to_floats(flat, name).to_numpy(zero_copy_only=False).reshape(-1, 3)
    return positions


def _first_refused(rows: Rows, column: str, values: pa.Array, fits: Callable[[Any], bool], problem: str) -> InputError:
    """The error for the first value that does not fit, found only after the quick way has failed."""
    for index, value in enumerate(values.to_pylist()):
        try:
            if value is None or fits(value):
                continue
        except (ValueError, TypeError, OverflowError):
            pass
        remedy = (_POINT,) if isinstance(value, str) and _DECIMAL_COMMA.fullmatch(value) else ()
        return rows.refuse(column, index, f"{value!r} {problem}", *remedy)
    return InputError(
        f"{rows.file}, column {column!r}: {values.type} values cannot be used: each {problem}; name another column"
    )


def _whole(value: Any) -> int:
    number = int(value)
    if number != value and not (isinstance(value, str) and DIGITS.fullmatch(value)):
        raise ValueError(value)
    return number


def _is_text(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind)


def _first(mask: np.ndarray) -> int:
    return int(np.argmax(mask))
