"""What a table's columns hold, counted live: values of categories, and histograms of numbers.

The numbers of a column are of the rows that the query keeps, its own box aside: so they say what a click on
another value would give. Every value and every bar carries the text that a click puts into the column's box.
Datasette's manner: each column has its turn, and what the time does not suffice for says so.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from services.core.columns import Column, as_stored, find_column
from services.filters.filters import box_of, parse_box, parse_line
from services.filters.nodes import Blank, Node, OneOf, Or
from services.filters.values import Value, format_value
from services.tables.tables import TableFrame, TableQuery

MOST_VALUES = 200
"""A text column with more distinct values is no category."""
MOST_NUMBERS = 20
"""A column of whole numbers with more distinct values is no category."""
_CATEGORICAL = ("text", "boolean", "number")
BARS = 24
BUDGET_S = 0.5


@dataclass(frozen=True)
class FacetValue:
    """One value of a column, None = blank. `count` rows have it now, `total` in the whole table.

    `chosen` says whether the column's box names it; `box` is the box after a click: with this value added, or
    taken away if it is chosen."""

    value: Value | None
    count: int
    total: int
    chosen: bool
    box: str


@dataclass(frozen=True)
class Facet:
    """The values of a column, most frequent now first, then in the whole table. `timed_out` = no time to count."""

    column: Column
    values: tuple[FacetValue, ...] = ()
    timed_out: bool = False


@dataclass(frozen=True)
class Bar:
    """The values of a column from `low` up to `high` (the last bar's included), in the column's unit. `count` rows
    have one now, `total` in the whole table; `box` keeps exactly these ("" = there are none)."""

    low: float
    high: float
    count: int
    total: int
    box: str


@dataclass(frozen=True)
class Histogram:
    """Bars of equal width over all values of a column at this version, whatever is filtered; `blank` rows have no
    number now. `timed_out` = there was no time to count."""

    column: Column
    bars: tuple[Bar, ...] = ()
    blank: int = 0
    timed_out: bool = False


def facets(table: TableFrame, query: TableQuery, *, budget_s: float = BUDGET_S) -> tuple[Facet, ...]:
    """One facet for each categorical column: text, true or false, or few whole numbers. Raises BadInput."""
    counted = []
    live = _Live(table, query)
    for column, in_time in _in_time(table.columns, budget_s):
        if column.kind not in _CATEGORICAL:
            continue
        if not in_time:
            counted.append(Facet(column, timed_out=True))
        elif codes := _categories(table, column):
            counted.append(_facet(live, column, codes))
    return tuple(counted)


def facet(table: TableFrame, query: TableQuery, name: str) -> Facet | None:
    """The facet of one column; None where the column is not categorical. Raises BadInput for an unknown column and for
    a query that cannot be read."""
    column = find_column(table.columns, name)
    codes = _categories(table, column)
    return _facet(_Live(table, query), column, codes) if codes else None


def histograms(
    table: TableFrame, query: TableQuery, *, bars: int = BARS, budget_s: float = BUDGET_S
) -> tuple[Histogram, ...]:
    """One histogram for each numeric column, positions included, with at most `bars` bars. Raises BadInput."""
    counted = []
    live = _Live(table, query)
    for column, in_time in _in_time(table.columns, budget_s):
        if column.kind in ("number", "position"):
            counted.append(_histogram(live, column, bars) if in_time else Histogram(column, timed_out=True))
    return tuple(counted)


def known_values(table: TableFrame, *, budget_s: float = BUDGET_S) -> dict[str, tuple[Value, ...]]:
    """The values that each categorical column has, most frequent first, as far as the time suffices."""
    values = {
        column.name: _categories(table, column)
        for column, in_time in _in_time(table.columns, budget_s)
        if in_time and column.kind in _CATEGORICAL
    }
    return {name: coded.values for name, coded in values.items() if coded}


def toggled(columns: Sequence[Column], query: TableQuery, name: str, value: Value | None) -> TableQuery:
    """The query after a click on a value of a facet: in the column's box, `value` is added or taken away.

    A box that says something else than a list of values is replaced. Raises BadInput for an unknown column.
    """
    column = find_column(columns, name)
    boxes = {key: text for key, text in query.boxes.items() if find_column(columns, key) != column}
    box = _clicked(column, _chosen(_own_box(columns, query, column)), value)
    return replace(query, boxes=boxes | ({column.name: box} if box else {}))


def bars_of(table: TableFrame, column: Column, bars: int) -> Binned:
    """At most `bars` bars of equal width over all numbers of a column."""

    def make() -> Binned:
        return binned(table.frame[column.name], bars)

    return table.derived.of("bars", column.name, bars).get(make)


def range_boxes(values: pd.Series, codes: npt.NDArray[Any], count: int) -> tuple[str, ...]:
    """The box that keeps exactly the numbers with each code from 0 to `count` - 1 ("" = there are none). Codes rise
    with the numbers; -1 is left out."""
    numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
    coded = np.flatnonzero(codes >= 0)
    order = coded[np.argsort(numbers[coded], kind="stable")]
    ends = np.searchsorted(codes[order], np.arange(count + 1))
    if not len(order):
        return ("",) * count
    # from the least to the greatest value that there is
    least, greatest = (
        as_stored(values.take(order[at.clip(0, len(order) - 1)])).tolist() for at in (ends[:-1], ends[1:] - 1)
    )
    return tuple(
        f"{low!r}..{high!r}" if end > start else ""
        for low, high, start, end in zip(least, greatest, ends[:-1], ends[1:], strict=True)
    )


class _Live:
    """Which rows a query keeps, with and without any one column's box."""

    def __init__(self, table: TableFrame, query: TableQuery) -> None:
        self.table = table
        self.query = query
        boxes = [(find_column(table.columns, name), text) for name, text in query.boxes.items()]
        self._failed = {
            column: ~parse_box(column, text, query.saved, table.columns).mask(table.frame) for column, text in boxes
        }
        self._failures = (~parse_line(query.where, table.columns, query.saved).mask(table.frame)).astype(np.int16)
        for failed in self._failed.values():
            self._failures += failed

    def mask(self, column: Column) -> npt.NDArray[np.bool_]:
        """For each row whether everything but the box of `column` keeps it."""
        mask: npt.NDArray[np.bool_] = self._failures == self._failed.get(column, False)
        return mask


@dataclass(frozen=True)
class _Coded:
    """Each row's place in `values` (-1 = blank) and how many rows have each; `values` most frequent first."""

    codes: npt.NDArray[np.int16]
    values: tuple[Value, ...]
    totals: npt.NDArray[np.int64]


@dataclass(frozen=True)
class Binned:
    """The bars of a histogram over a whole table: each row's bar (-1 = no number), where bars begin and end, how many
    rows each has, and the box that keeps exactly these ("" = there are none)."""

    codes: npt.NDArray[np.int16]
    edges: npt.NDArray[np.float64]
    totals: npt.NDArray[np.int64]
    boxes: tuple[str, ...]


def _in_time(columns: Sequence[Column], budget_s: float) -> Iterator[tuple[Column, bool]]:
    end = time.perf_counter() + budget_s
    for column in columns:
        yield column, time.perf_counter() < end


def _categories(table: TableFrame, column: Column) -> _Coded | None:
    def make() -> _Coded | None:
        return _encode(table.frame[column.name], column)

    return table.derived.of("categories", column.name).get(make)


def _encode(values: pd.Series, column: Column) -> _Coded | None:
    if column.kind == "number" and not pd.api.types.is_integer_dtype(values.dtype):
        return None
    encoded = pa.chunked_array([pa.array(values, from_pandas=True)]).combine_chunks()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = pa.concat_arrays(encoded.chunks)
    if not pa.types.is_dictionary(encoded.type):
        encoded = encoded.dictionary_encode()
    distinct = encoded.dictionary.to_pylist()
    if len(distinct) > (MOST_NUMBERS if column.kind == "number" else MOST_VALUES):
        return None
    codes = pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False)
    totals = np.bincount(codes[codes >= 0], minlength=len(distinct))
    order = sorted(range(len(distinct)), key=lambda at: (-totals[at], str(distinct[at])))
    rank = np.empty(len(distinct) + 1, dtype=np.int16)
    rank[order], rank[-1] = np.arange(len(distinct)), -1
    return _Coded(rank[codes], tuple(distinct[at] for at in order), totals[order].astype(np.int64))


def _facet(live: _Live, column: Column, coded: _Coded) -> Facet:
    chosen = _chosen(_own_box(live.table.columns, live.query, column))
    counts = np.bincount(coded.codes[live.mask(column)] + 1, minlength=len(coded.values) + 1).tolist()
    blank = len(coded.codes) - int(coded.totals.sum())
    rows: list[tuple[Value | None, int, int]] = [*zip(coded.values, counts[1:], coded.totals.tolist(), strict=True)]
    if blank:
        rows.append((None, counts[0], blank))
    rows.sort(key=lambda row: (-row[1], -row[2]))  # else by name, as they come
    return Facet(
        column,
        tuple(
            FacetValue(value, count, total, value in chosen, _clicked(column, chosen, value))
            for value, count, total in rows
        ),
    )


def _own_box(columns: Sequence[Column], query: TableQuery, column: Column) -> Node | None:
    texts = [text for name, text in query.boxes.items() if find_column(columns, name) == column]
    return parse_box(column, texts[-1], query.saved, columns) if texts else None


def _chosen(box: Node | None) -> tuple[Value | None, ...]:
    """The values that a box lists, None = blank; none where it says something else."""
    match box:
        case OneOf():
            return box.values
        case Blank(blank=True):
            return (None,)
        case Or(parts=(OneOf() as listed, Blank(blank=True))):
            return (*listed.values, None)
    return ()


def _clicked(column: Column, chosen: tuple[Value | None, ...], value: Value | None) -> str:
    after = [*(other for other in chosen if other != value), *(() if value in chosen else (value,))]
    values = [other for other in after if other is not None]
    if len(values) == len(after):
        return box_of(column, values) if values else ""
    listed = [*(format_value(value, column.words_beside) for value in values), "null"]
    return f"in ({', '.join(listed)})" if values else "null"


def _histogram(live: _Live, column: Column, bars: int) -> Histogram:
    binned = bars_of(live.table, column, bars)
    counts = np.bincount(binned.codes[live.mask(column)] + 1, minlength=len(binned.totals) + 1).tolist()
    edges = binned.edges.tolist()
    rows = zip(edges[:-1], edges[1:], counts[1:], binned.totals.tolist(), binned.boxes, strict=True)
    return Histogram(column, tuple(Bar(*row) for row in rows), counts[0])


def binned(values: pd.Series, bars: int) -> Binned:
    """A column of numbers in at most `bars` bars of equal width; no bars where it holds no finite number."""
    numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
    finite = numbers[np.isfinite(numbers)]
    if not len(finite):
        return Binned(np.full(len(numbers), -1, dtype=np.int16), np.zeros(0), np.zeros(0, np.int64), ())
    edges = _edges(finite.min(), finite.max(), bars, whole=pd.api.types.is_integer_dtype(values.dtype))
    count, codes = len(edges) - 1, codes_of(numbers, edges)
    return Binned(codes, edges, np.bincount(codes[codes >= 0], minlength=count), range_boxes(values, codes, count))


def codes_of(numbers: npt.NDArray[np.float64], edges: npt.NDArray[np.float64]) -> npt.NDArray[np.int16]:
    """The bar that each number is in; -1 = no number."""
    codes = np.full(len(numbers), -1, dtype=np.int16)
    finite = np.isfinite(numbers)
    codes[finite] = np.clip(np.searchsorted(edges, numbers[finite], side="right") - 1, 0, len(edges) - 2)
    return codes


def _edges(low: float, high: float, bars: int, *, whole: bool) -> npt.NDArray[np.float64]:
    """Where bars begin and end; few whole numbers have one each."""
    if whole and high - low < bars:
        return np.arange(low, high + 2) - 0.5
    return np.linspace(low, high, bars + 1) if high > low else np.array([low, np.nextafter(low, np.inf)])
