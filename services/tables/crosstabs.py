"""Two columns against each other, such as the types that two tables give: do they agree, and where not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from services.core.columns import Column, find_column
from services.core.errors import BadInput
from services.filters.filters import box_of
from services.filters.nodes import Blank, Node, NoneOf, OneOf, all_of, any_of
from services.filters.values import Value
from services.tables.tables import TableFrame, TableQuery, select

Counts: TypeAlias = npt.NDArray[np.int64]
MOST_VALUES = 200


@dataclass(frozen=True)
class CrossTab:
    """How many rows have each pair of values. `counts[i, j]` is of `left_values[i]` and `right_values[j]`, most
    frequent first, None (blank) last.

    Of all `total` rows, `both` have a value on either side, of which `agree` have the same. `agreement` is agree /
    both; `kappa` corrects it for chance (Cohen 1960, doi:10.1177/001316446002000104); `majority` is the share of
    `both` whose right value is the one that most rows with their left value have, which means something where the two
    sides name things differently. All three are None where they are not defined. `disagreeing` is the query line that
    keeps the rows of `both` that do not agree, `minority` the one for those that do not follow the majority ("" = there
    are none).
    """

    left: Column
    right: Column
    left_values: tuple[Value | None, ...]
    right_values: tuple[Value | None, ...]
    counts: Counts
    total: int
    both: int
    agree: int
    agreement: float | None
    kappa: float | None
    majority: float | None
    disagreeing: str = ""
    minority: str = ""

    @property
    def shared(self) -> bool:
        """Whether the two sides have a value in common, without which none can agree."""
        return bool(set(self.left_values) & set(self.right_values) - {None})

    @property
    def off_majority(self) -> int:
        """How many rows of `both` do not follow the majority of their left value."""
        valued = self.counts[np.ix_(_valued(self.left_values), _valued(self.right_values))]
        return self.both - int(valued.max(axis=1).sum()) if self.both else 0

    def boxes(self, row: int | None, column: int | None) -> dict[str, str]:
        """The boxes of the two columns that keep the rows counted in `counts[row, column]`, of one of them where the
        other place is None."""
        boxes: dict[str, str] = {}
        if row is not None:
            boxes[self.left.name] = _box(self.left, self.left_values[row])
        if column is not None:
            boxes[self.right.name] = _box(self.right, self.right_values[column])
        return boxes

    def diagonal(self) -> list[int]:
        """The places of `right_values` in an order to read them in: each below the left value that most of its rows
        have, so that what corresponds lies along the diagonal; blank last."""
        valued = self.counts[_valued(self.left_values)]
        most = valued.argmax(axis=0) if len(valued) else np.zeros(len(self.right_values), dtype=np.int64)
        blank = [value is None for value in self.right_values]
        return sorted(range(len(self.right_values)), key=lambda j: (blank[j], most[j], j))

    def sentence(self, *, filtered: bool = False) -> str:
        """The figures in words, each with its denominator. Where rows were `filtered` so that all that are left agree,
        or none, this is what was asked for and no measure of agreement."""
        if not self.both:
            return f"None of {self.total:,} rows have both {self.left.title} and {self.right.title}."
        message = f"{self.both:,} of {self.total:,} rows have both; "
        if filtered and self.shared and self.agree in (0, self.both):
            ways = "agree" if self.agree else "disagree"
            return f"{message}of these the filter leaves only ones that {ways}: no measure of how far the two agree."
        if not self.shared:
            message += "the two have no value in common"
        else:
            message += f"{self.agree:,} of {self.both:,} agree ({self.agreement:.1%}"
            message += ")" if self.kappa is None else f", Cohen's kappa {self.kappa:.3f})"
        return message + f"; {self.majority:.1%} of {self.both:,} follow the majority of their {self.left.title}."


def sides(columns: Sequence[Column], left: str = "", right: str = "") -> tuple[Column, Column] | None:
    """The two columns to compare, out of `columns` that can be: those named, else the cell type and that of a joined
    table. None where there are not two.

    Raises BadInput for a name that is none of them.
    """
    if len(columns) < 2:
        return None
    first = find_column(columns, left) if left else min(columns, key=lambda column: column.name != "cell_type")
    others = [column for column in columns if column != first]
    bare = first.name.rpartition(".")[2]

    def unlike(other: Column) -> tuple[bool, bool]:
        joined, bare_other = "." in other.name, other.name.rpartition(".")[2]
        return not joined, bare_other != bare

    return first, find_column(columns, right) if right else min(others, key=unlike)


def crosstab(table: TableFrame, query: TableQuery, left: str, right: str) -> CrossTab:
    """Two columns of a table (joined ones too, see :func:`joins.join`) over the rows that a query keeps.

    Raises BadInput for an unknown column, and for one with more than 200 values.
    """
    first, second = find_column(table.columns, left), find_column(table.columns, right)
    rows = select(table, query)
    left_codes, left_values = _encode(rows[first.name], first)
    right_codes, right_values = _encode(rows[second.name], second)
    counts = np.zeros((len(left_values), len(right_values)), dtype=np.int64)
    np.add.at(counts, (left_codes, right_codes), 1)
    valued = counts[np.ix_(_valued(left_values), _valued(right_values))]
    both = int(valued.sum())
    same = _same(left_values, right_values)
    agree = int(sum(counts[i, j] for i, j in same))
    result = CrossTab(
        first,
        second,
        left_values,
        right_values,
        counts,
        total=len(rows),
        both=both,
        agree=agree,
        agreement=agree / both if both else None,
        kappa=_kappa(valued, same, agree / both) if both else None,
        majority=float(valued.max(axis=1).sum() / both) if both else None,
    )
    return replace(result, disagreeing=_others(result, dict(same)), minority=_others(result, _majority(result)))


def _encode(values: pd.Series, column: Column) -> tuple[Counts, tuple[Value | None, ...]]:
    """Each row's place among the distinct values, and these, most frequent first and blank last."""
    counts = values.value_counts(dropna=True)
    ordered = sorted(counts.index.tolist(), key=lambda value: (-counts[value], str(value)))
    if len(ordered) > MOST_VALUES:
        raise BadInput(
            f"{column.name} has {len(ordered):,} different values; a table of both takes at most {MOST_VALUES}.",
            "Choose a column with fewer, such as a cell type.",
        )
    codes = pd.Index(ordered).get_indexer(pd.Index(values)) if ordered else np.full(len(values), -1)
    blank = values.isna().to_numpy(dtype=bool)
    codes = np.where(blank, len(ordered), codes)
    return codes.astype(np.int64), (*ordered, *([None] if blank.any() else []))


def _box(column: Column, value: Value | None) -> str:
    return "null" if value is None else box_of(column, [value])


def _valued(values: tuple[Value | None, ...]) -> list[int]:
    return [at for at, value in enumerate(values) if value is not None]


def _same(left: tuple[Value | None, ...], right: tuple[Value | None, ...]) -> list[tuple[int, int]]:
    """Places of the values that both sides have."""
    return [(i, right.index(value)) for i, value in enumerate(left) if value is not None and value in right]


def _kappa(valued: Counts, same: list[tuple[int, int]], observed: float) -> float | None:
    shares = valued / valued.sum()
    expected = float(sum(shares[i].sum() * shares[:, j].sum() for i, j in same))
    return None if expected >= 1 else (observed - expected) / (1 - expected)


def _majority(result: CrossTab) -> dict[int, int]:
    """For each left value the place of the right one that most of its rows have."""
    places = _valued(result.right_values)
    return {i: places[int(result.counts[i, places].argmax())] for i in _valued(result.left_values)} if places else {}


def _others(result: CrossTab, expected: Mapping[int, int]) -> str:
    """The query line of the rows with a value on either side whose right value is not the `expected` one."""
    parts = []
    for i in _valued(result.left_values):
        others = [j for j in _valued(result.right_values) if j != expected.get(i)]
        if result.counts[i, others].sum() == 0:
            continue
        conditions: list[Node] = [_equals(result.left, result.left_values[i]), Blank(result.right, blank=False)]
        if i in expected:
            conditions.append(NoneOf(result.right, (result.right_values[expected[i]],)))  # type: ignore[arg-type]
        parts.append(all_of(conditions))
    return any_of(parts).text() if parts else ""


def _equals(column: Column, value: Value | None) -> Node:
    return Blank(column) if value is None else OneOf(column, (value,))
