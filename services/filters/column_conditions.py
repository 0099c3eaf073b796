"""Conditions over a whole column: one against another in the same row, and values that occur once."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from services.core.columns import Column, as_stored, find_column
from services.core.errors import BadInput
from services.filters.nodes import Condition, Mask, Node, Not
from services.filters.values import read_value, unquote, written

ONCE = re.compile(r"(not\s+)?once(?:\s*\(\s*(.*?)\s*\))?", re.IGNORECASE | re.DOTALL)
"""`once` in a box. In the box of words it needs its brackets, for a word can be "once" itself."""
_SIGNS = ("=", "!=", ">", ">=", "<", "<=")
_METHODS = {"=": "eq", "!=": "ne", ">": "gt", ">=": "ge", "<": "lt", "<=": "le"}
_HELD = {"id": "ids", "number": "numbers", "position": "positions", "time": "times", "boolean": "true or false"}
_UNORDERED = ("text", "boolean")


@dataclass(frozen=True)
class AgainstColumn(Condition):
    """The cell against that of another column in the same row: `!= valid_id`. `sign` is one of = != > >= < <=. A row
    where either is blank is not kept, whatever the sign."""

    sign: str
    other: Column

    WORDS: ClassVar[dict[str, str]] = {
        "=": "is equal to",
        "!=": "is not equal to",
        ">": "is more than",
        ">=": "is at least",
        "<": "is less than",
        "<=": "is at most",
    }

    def mask(self, frame: pd.DataFrame) -> Mask:
        left, right = (_plain(frame[column.name]) for column in (self.column, self.other))
        known = left.notna().to_numpy(dtype=bool) & right.notna().to_numpy(dtype=bool)
        answer: pd.Series = getattr(left[known], self.method)(right[known])
        mask = np.zeros(len(frame), dtype=bool)
        mask[known] = answer.to_numpy(dtype=bool)
        return mask

    @property
    def method(self) -> str:
        """The method of a Series that compares so."""
        return _METHODS[self.sign]

    def box(self) -> str:
        return f"{self.sign} {written(self.other.name)}"

    def words(self) -> str:
        return f"{self.WORDS[self.sign]} {self.other.title}"


@dataclass(frozen=True)
class Once(Condition):
    """A value that no other row of the table has: `once`, in a line `once(pt_root_id)`. A blank cell never does, nor
    does the id 0, which stands for none."""

    def mask(self, frame: pd.DataFrame) -> Mask:
        return occurs_once(frame[self.column.name], zero=self.column.kind != "id")

    def text(self) -> str:
        return f"once({written(self.column.name)})"

    def box(self) -> str:
        return self.text() if self.column.kind == "text" else "once"

    def words(self) -> str:
        return "occurs once"


def occurs_once(values: pd.Series, *, zero: bool) -> Mask:
    """For each cell whether no other one is equal. Blank ones are not, and 0 only if `zero` is a value like others."""
    alone = ~values.duplicated(keep=False).to_numpy(dtype=bool) & values.notna().to_numpy(dtype=bool)
    mask: Mask = alone if zero else alone & (values.fillna(0) != 0).to_numpy(dtype=bool)
    return mask


def once_in_box(column: Column, text: str) -> Node | None:
    """The filter of `once`, `not once` or `once(<its own name>)` typed into a box; None for other texts."""
    match = ONCE.fullmatch(text)
    if match is None or (match[2] is None and column.kind == "text"):
        return None
    name = match[2] or column.name
    if find_column([column], unquote(name) if name[0] in "\"'" else name) != column:
        return None
    return Not(Once(column)) if match[1] else Once(column)


def against_column(
    column: Column, sign: str, text: str, position: int, columns: Sequence[Column], *, quoted: bool
) -> Node | None:
    """The condition `column sign text` if `text` is the name of another of `columns`, None where it is a value.

    What can be a value is one. In a column of words nearly everything can: there the name of another such column has
    to stand without quotes and letter for letter. Raises BadInput for columns that cannot be compared.
    """
    sign = "=" if sign == "==" else sign
    if sign not in _SIGNS or not columns:
        return None
    if column.kind == "text":
        named = [other for other in columns if other.name == text and other.kind == "text" and other != column]
        other = None if quoted or not named else named[0]
    else:
        other = None if _is_value(column, text) else _named(columns, text)
    if other is None:
        return None
    _check(column, sign, other, position)
    return AgainstColumn(column, sign, other)


def _check(column: Column, sign: str, other: Column, position: int) -> None:
    if column.kind != other.kind:
        kinds = [_HELD.get(each.kind, "text") for each in (column, other)]
        raise BadInput(
            f"{column.name} holds {kinds[0]} and {other.name} {kinds[1]}, which cannot be compared.", position=position
        )
    if column.kind == "position" and (column.unit, column.voxel_nm) != (other.unit, other.voxel_nm):
        raise BadInput(
            f"The voxels of {column.name} and {other.name} are not equally long, so they cannot be compared.",
            position=position,
        )
    if column.kind in _UNORDERED and sign not in ("=", "!="):
        raise BadInput(f"{column.name} and {other.name} have no order; compare them with = or !=.", position=position)


def _is_value(column: Column, text: str) -> bool:
    try:
        read_value(column, text, 0)
    except BadInput:
        return False
    return True


def _named(columns: Sequence[Column], text: str) -> Column | None:
    try:
        return find_column(columns, text.strip())
    except BadInput:
        return None


def _plain(values: pd.Series) -> pd.Series:
    """Numbers with the digits they are written with, times in UTC without saying so."""
    if getattr(values.dtype, "tz", None) is not None:
        return values.dt.tz_convert("UTC").dt.tz_localize(None)
    return as_stored(values)
