"""What a filter is made of: one small class per operator, joined by and, or, not.

Every node says which rows it keeps (`mask`), what that means (`describe`) and how it is written (`text`,
which `filters.parse_line` reads back as an equal node). A condition on a blank cell is false; its opposite
(`!=`, `not in`, `!~`, `not`) keeps every row that the condition does not, blank ones included.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pandas.api import types as dtypes

from services.core.columns import Column
from services.core.type_columns import SEVERAL, are_several
from services.filters.values import Value, described, format_value, written

Mask: TypeAlias = npt.NDArray[np.bool_]


class Node(ABC):
    """A filter over the rows of a frame."""

    @abstractmethod
    def mask(self, frame: pd.DataFrame) -> Mask:
        """For each row whether it is kept."""

    @abstractmethod
    def describe(self) -> str:
        """What is kept, in words."""

    @abstractmethod
    def text(self) -> str:
        """The one way to write it in a query line."""


@dataclass(frozen=True)
class Everything(Node):
    """Keeps every row: what an empty box or line means."""

    def mask(self, frame: pd.DataFrame) -> Mask:
        return np.ones(len(frame), dtype=bool)

    def describe(self) -> str:
        return "all rows"

    def text(self) -> str:
        return ""


@dataclass(frozen=True)
class And(Node):
    """Keeps what all parts keep. Make it with :func:`all_of`."""

    parts: tuple[Node, ...]

    def mask(self, frame: pd.DataFrame) -> Mask:
        return np.logical_and.reduce([part.mask(frame) for part in self.parts])

    def describe(self) -> str:
        return " and ".join(_bracketed(part, part.describe()) for part in self.parts)

    def text(self) -> str:
        return " and ".join(_bracketed(part, part.text()) for part in self.parts)


@dataclass(frozen=True)
class Or(Node):
    """Keeps what any part keeps. Make it with :func:`any_of`."""

    parts: tuple[Node, ...]

    def mask(self, frame: pd.DataFrame) -> Mask:
        return np.logical_or.reduce([part.mask(frame) for part in self.parts])

    def describe(self) -> str:
        return " or ".join(_bracketed(part, part.describe()) for part in self.parts)

    def text(self) -> str:
        return " or ".join(_bracketed(part, part.text()) for part in self.parts)


@dataclass(frozen=True)
class Not(Node):
    """Keeps what `part` does not."""

    part: Node

    def mask(self, frame: pd.DataFrame) -> Mask:
        return ~self.part.mask(frame)

    def describe(self) -> str:
        return f"not ({self.part.describe()})"

    def text(self) -> str:
        return f"not ({self.part.text()})"


def _bracketed(part: Node, text: str) -> str:
    return f"({text})" if isinstance(part, And | Or) else text


def all_of(parts: Iterable[Node]) -> Node:
    """The conjunction: nested ones are flattened, empty filters left out."""
    flat = [leaf for part in parts for leaf in (part.parts if isinstance(part, And) else (part,))]
    conditions = tuple(part for part in flat if not isinstance(part, Everything))
    return And(conditions) if len(conditions) > 1 else conditions[0] if conditions else Everything()


def any_of(parts: Iterable[Node]) -> Node:
    """The disjunction of at least one part: nested ones are flattened."""
    flat = tuple(leaf for part in parts for leaf in (part.parts if isinstance(part, Or) else (part,)))
    return Or(flat) if len(flat) > 1 else flat[0]


@dataclass(frozen=True)
class Condition(Node):
    """One operator on one column. `box` is what a person types into the column's box for it."""

    column: Column

    @abstractmethod
    def box(self) -> str:
        """The operator and its values without the column."""

    @abstractmethod
    def words(self) -> str:
        """The operator and its values after the column's title."""

    def text(self) -> str:
        return f"{written(self.column.name)} {self.box()}"

    def _listed(self, values: Iterable[Value]) -> str:
        return ", ".join(format_value(value, self.column.words_beside) for value in values)

    def describe(self) -> str:
        return f"{self.column.title} {self.words()}"

    def _values(self, frame: pd.DataFrame) -> pd.Series:
        return frame[self.column.name]

    def _unit(self) -> str:
        return f" {self.column.unit_words}" if self.column.unit else ""


@dataclass(frozen=True)
class OneOf(Condition):
    """Equal to one of the values: `= BC`, `in (BC, MC)`. SEVERAL is also any text of several values that differ."""

    values: tuple[Value, ...]

    def mask(self, frame: pd.DataFrame) -> Mask:
        column = self._values(frame)
        if len(self.values) == 1 and not isinstance(self.values[0], str):  # NumPy drops NULs at the end of a text
            with np.errstate(over="ignore"):
                return _true(column == _comparable(self.values[0], column))
        if self.column.kind == "time":
            return np.logical_or.reduce([_true(column == _comparable(value, column)) for value in self.values])
        values = list(self.values)
        if dtypes.is_float_dtype(column.dtype):
            # 0.1 of a Float32 column is the float32 0.1, which no float64 equals
            with np.errstate(over="ignore"):
                values = np.asarray(values, dtype=column.to_numpy(na_value=np.nan).dtype).tolist()
            column = column.astype("float64")
        matches = _true(column.isin(values))
        if SEVERAL in values and self.column.kind == "text":
            return matches | are_several(column).to_numpy(bool)
        return matches

    def box(self) -> str:
        return f"= {self._listed(self.values)}" if len(self.values) == 1 else f"in ({self._listed(self.values)})"

    def words(self) -> str:
        return f"is {described(self.values)}{self._unit()}"


@dataclass(frozen=True)
class NoneOf(Condition):
    """Equal to none of the values, or blank: `!= BC`, `not in (BC, MC)`."""

    values: tuple[Value, ...]

    def mask(self, frame: pd.DataFrame) -> Mask:
        return ~OneOf(self.column, self.values).mask(frame)

    def box(self) -> str:
        return f"!= {self._listed(self.values)}" if len(self.values) == 1 else f"not in ({self._listed(self.values)})"

    def words(self) -> str:
        return f"is not {described(self.values)}{self._unit()}"


@dataclass(frozen=True)
class InSaved(OneOf):
    """One of the ids of a list that CAVE keeps under `number`: `in saved(5560000000000001)`."""

    number: int

    def box(self) -> str:
        return f"in saved({self.number})"

    def words(self) -> str:
        return f"is one of {len(self.values):,} saved ids"


@dataclass(frozen=True)
class NotInSaved(NoneOf):
    """None of the ids of such a list, or blank: `not in saved(5560000000000001)`."""

    number: int

    def box(self) -> str:
        return f"not in saved({self.number})"

    def words(self) -> str:
        return f"is none of {len(self.values):,} saved ids"


@dataclass(frozen=True)
class Compare(Condition):
    """Greater or less: `> 500`. `sign` is one of > >= < <=."""

    sign: str
    value: Value

    WORDS: ClassVar[dict[str, str]] = {
        ">": "is more than",
        ">=": "is at least",
        "<": "is less than",
        "<=": "is at most",
    }

    def mask(self, frame: pd.DataFrame) -> Mask:
        column = self._values(frame)
        value = _comparable(self.value, column)
        with np.errstate(over="ignore"):  # a number beyond float32 is infinite for such a column, which is right here
            return _true({">": column.gt, ">=": column.ge, "<": column.lt, "<=": column.le}[self.sign](value))

    def box(self) -> str:
        return f"{self.sign} {format_value(self.value)}"

    def words(self) -> str:
        return f"{self.WORDS[self.sign]} {described([self.value])}{self._unit()}"


@dataclass(frozen=True)
class Between(Condition):
    """From `low` to `high`, both included: `200..400`."""

    low: Value
    high: Value

    def mask(self, frame: pd.DataFrame) -> Mask:
        return Compare(self.column, ">=", self.low).mask(frame) & Compare(self.column, "<=", self.high).mask(frame)

    def box(self) -> str:
        return f"= {format_value(self.low)}..{format_value(self.high)}"

    def words(self) -> str:
        return f"is between {described([self.low])} and {described([self.high])}{self._unit()}"


@dataclass(frozen=True)
class Matches(Condition):
    """Text in which the regular expression is found, as RE2 reads it: `~ ^5P`. `positive=False` is `!~`."""

    pattern: str
    positive: bool = True

    def mask(self, frame: pd.DataFrame) -> Mask:
        texts = pa.array(self._values(frame), type=pa.string(), from_pandas=True)
        matched = pc.fill_null(pc.match_substring_regex(texts, self.pattern), False)
        if isinstance(matched, pa.ChunkedArray):
            matched = matched.combine_chunks()
        mask: Mask = matched.to_numpy(zero_copy_only=False)
        return mask if self.positive else ~mask

    def box(self) -> str:
        return f"{'~' if self.positive else '!~'} {written(self.pattern)}"

    def words(self) -> str:
        return f"{'matches' if self.positive else 'does not match'} the pattern {self.pattern}"


@dataclass(frozen=True)
class Blank(Condition):
    """Nothing in the cell: `null`. `blank=False` is `not null`."""

    blank: bool = True

    def mask(self, frame: pd.DataFrame) -> Mask:
        empty: Mask = self._values(frame).isna().to_numpy(dtype=bool)
        return empty if self.blank else ~empty

    def box(self) -> str:
        return "null" if self.blank else "not null"

    def words(self) -> str:
        return "is blank" if self.blank else "is not blank"


def _comparable(value: Value, column: pd.Series) -> Value:
    """Times are UTC; a column may hold them without saying so."""
    naive = isinstance(value, pd.Timestamp) and getattr(column.dtype, "tz", None) is None
    return value.tz_localize(None) if naive and isinstance(value, pd.Timestamp) else value


def _true(answer: pd.Series) -> Mask:
    """True where the comparison is true; blank is false."""
    if isinstance(answer.dtype, pd.api.extensions.ExtensionDtype):
        return answer.to_numpy(dtype=bool, na_value=False)
    return answer.to_numpy(dtype=bool)
