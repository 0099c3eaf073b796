"""A checked request body becomes one SELECT with bound parameters."""
# ruff: noqa: S608  names come from manifests through `identifier` and `quote`, values are bound

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa

from localcave.cave_errors import EngineError, aborted, failed_sql, unknown_column, unknown_selection
from localcave.engine.postgres_regex import matching
from localcave.engine.query_values import INT64_MAX, INT64_MIN, comparable, listed, sql_type
from localcave.engine.store import AXES, Column, Source, Store, identifier
from localcave.engine.wire import Encoded

DEFAULT_SUFFIXES = ("x", "y", "z", "xx", "yy", "zz", "xxx", "yyy", "zzz")
DROPPED_FROM_TABLES = ("deleted", "superceded")
DROPPED_FROM_JOINS = ("deleted", "superceded_id")
"""Columns that the engine selects and then takes out of the result."""
COMPARISONS = {
    "filter_equal_dict": "=",
    "filter_greater_dict": ">",
    "filter_less_dict": "<",
    "filter_greater_equal_dict": ">=",
    "filter_less_equal_dict": "<=",
}
NUMBERS = {"BIGINT": "number", "DOUBLE": "number"}
PAGE_ROWS = 64
"""About as many rows of an annotation table as PostgreSQL keeps on one page."""
TYPE_NAMES = (
    (pa.types.is_int64, "BigInteger"),
    (pa.types.is_integer, "Integer"),
    (pa.types.is_floating, "Float"),
    (pa.types.is_boolean, "Boolean"),
    (pa.types.is_timestamp, "DateTime"),
)


@dataclass(frozen=True)
class Table:
    """A source in a query, and the voxel size in which it keeps positions."""

    source: Source
    voxel_nm: tuple[float, float, float]
    unknown: Callable[[str], EngineError] = unknown_column

    def column(self, name: str) -> Column:
        column = self.source.columns.get(name)
        if column is None:
            raise self.unknown(name)
        return column


@dataclass
class Query:
    """A SELECT in the making. `lookup` finds a table by name and raises what the engine says when there is none."""

    store: Store
    lookup: Callable[[str], Table]
    dropped: tuple[str, ...] = ()
    tables: dict[str, Table] = field(default_factory=dict)
    joins: list[tuple[tuple[str, str], tuple[str, str]]] = field(default_factory=list)
    selected: list[tuple[str, Column]] = field(default_factory=list)
    conditions: list[str] = field(default_factory=list)
    parameters: list[Any] = field(default_factory=list)
    ids_of: dict[str, dict[str, list[int]]] = field(default_factory=dict)
    column_names: dict[str, dict[str, str]] = field(default_factory=dict)
    relations: dict[str, pa.Table] = field(default_factory=dict)

    def use(self, name: str) -> Table:
        """Take a table into the query; one that is not joined makes a cross product, as in the engine."""
        if name not in self.tables:
            self.tables[name] = self.lookup(name)
        return self.tables[name]

    def join_tables(self, left: Sequence[str], right: Sequence[str]) -> None:
        """Inner join of two tables, each given as name and column."""
        for name, column in (left, right):
            self.use(name).column(column)
        self.joins.append(((left[0], left[1]), (right[0], right[1])))

    # ------------------------------------------------------------------ columns
    def select_all(self, name: str, besides: Collection[str] = ()) -> None:
        """Select the columns of a table but those named in `besides`."""
        columns = self.use(name).source.columns.values()
        self.selected += [(name, column) for column in columns if column.name not in besides]

    def select(self, name: str, column_name: str) -> None:
        """Select a column; a root id brings the supervoxel id beside it along."""
        table = self.use(name)
        column = table.source.columns.get(column_name)
        if column is None:
            raise unknown_selection(column_name, name)
        if column_name.endswith("_root_id"):
            beside = table.source.columns.get(column_name.removesuffix("root_id") + "supervoxel_id")
            if beside is not None:
                self._select_once(name, beside)
        self._select_once(name, column)

    def _select_once(self, name: str, column: Column) -> None:
        if (name, column) not in self.selected:
            self.selected.append((name, column))

    # ------------------------------------------------------------------ filters
    def filter(self, body: Mapping[str, Any]) -> None:
        """Apply all filters of a body. `filter_notin_dict` does nothing: the engine accepts and forgets it."""
        for name, column, values in self._each(body, "filter_in_dict"):
            self._is_in(name, column, values)
        for key, operator in COMPARISONS.items():
            for name, column, value in self._each(body, key):
                self._compare(name, column, operator, value)
        for name, column, box in self._each(body, "filter_spatial_dict"):
            self._inside(name, column, box)
        for name, column, pattern in self._each(body, "filter_regex_dict"):
            self._matches(name, column, pattern)

    def changed_between(self, name: str, first: datetime, last: datetime) -> None:
        """Only rows of a live table that were created or deleted between two times."""
        created, deleted = (f"{reference(name, column)}::TIMESTAMPTZ" for column in ("created", "deleted"))
        self._where(f"({created} BETWEEN ? AND ? OR {deleted} BETWEEN ? AND ?)", first, last, first, last)

    def present(self, name: str, column: Column) -> None:
        """Only rows that have a position."""
        self._where(f"{reference(name, column.parts[0])} IS NOT NULL")

    def sample(self, name: str, share: float) -> None:
        """Only the rows on a random share of a table's pages, as `TABLESAMPLE SYSTEM` gives; never quite that many."""
        if share < 0:
            raise failed_sql("sample percentage must be between 0 and 100")
        seed = secrets.randbelow(2**62)
        self._where(f"hash({reference(name, 'id')} // {PAGE_ROWS} + ?) < ?::DOUBLE * {2**64}", seed, share)

    def share(self, name: str, first: float, last: float) -> None:
        """Only a share of the rows, chosen by a hash of the id: those between two fractions of all."""
        fraction = f"hash({reference(name, 'id')}) / {2**64}::DOUBLE"
        self._where(f"{fraction} >= ? AND {fraction} < ?", first, last if last < 1 else 2)

    def _each(self, body: Mapping[str, Any], key: str) -> list[tuple[str, Column, Any]]:
        conditions = []
        for name, columns in body.get(key, {}).items():
            if columns is None:
                continue
            if not isinstance(columns, dict):
                raise EngineError(f"'{type(columns).__name__}' object has no attribute 'items'")
            conditions += [(name, self.use(name).column(column), value) for column, value in columns.items()]
        return conditions

    def _where(self, condition: str, *parameters: Any) -> None:
        self.conditions.append(condition)
        self.parameters += parameters

    def _is_in(self, name: str, column: Column, values: Any) -> None:
        allowed = listed(column, values)
        self._want(name, column, allowed)
        if len(allowed) == 1:
            self._where(f"{_compared(name, column)} = ?::{sql_type(column)}", allowed[0])
        else:
            self._where(f"{_compared(name, column)} IN (SELECT unnest(?::{sql_type(column)}[]))", allowed)

    def _compare(self, name: str, column: Column, operator: str, value: Any) -> None:
        if value is None:
            self._where(f"{_compared(name, column)} IS NULL" if operator == "=" else "FALSE")
            return
        compared = comparable(column, value)
        if operator == "=":
            self._want(name, column, [compared])
        cast = "" if isinstance(value, int | float) else f"::{sql_type(column)}"
        self._where(f"{_compared(name, column)} {operator} ?{cast}", compared)

    def _want(self, name: str, column: Column, values: Sequence[Any]) -> None:
        """Only rows with one of these values are wanted, so that others need not be read."""
        if column.is_stored and pa.types.is_int64(column.type):
            whole = [value for value in values if INT64_MIN <= value <= INT64_MAX]
            self.ids_of.setdefault(name, {}).setdefault(column.name, whole)

    def _inside(self, name: str, column: Column, box: Any) -> None:
        low, high = bounds(box)
        if not column.is_position:
            raise failed_sql("the column is not a geometry")
        for part, least, most in zip(column.parts, low, high, strict=True):
            self._where(f"{reference(name, part)} BETWEEN ? AND ?", least, most)

    def _matches(self, name: str, column: Column, pattern: Any) -> None:
        if column.is_position or not pa.types.is_string(column.type):
            raise EngineError("Regex filter is only supported on string columns")
        if pattern is None:
            self._where("FALSE")
            return
        if not isinstance(pattern, str):
            raise failed_sql("operator does not exist: text ~ number")
        text = reference(name, column.name)
        values = self.store.distinct(self.use(name).source, column.name)
        self._where(f"{text} IN (SELECT unnest(?::VARCHAR[]))", matching(pattern.replace("%", "%%"), values))

    # ------------------------------------------------------------------ the statement
    def sources_sql(self) -> str:
        """The FROM clause: the joined tables, then whatever else was named, as a cross product.

        Of a table of which few rows are wanted these are read first, into `relations`.
        """
        joined: dict[str, list[str]] = {}
        for pair in self.joins:
            for name, column in pair:
                joined.setdefault(name, []).append(column)
        items = {}
        for name, table in self.tables.items():
            ids = self.ids_of.get(name, {})
            rows = table.source.rows_with(ids)
            if rows is not None:
                self.relations[f"few rows of {name}"] = rows
            source = table.source.sql([*ids, *joined.get(name, [])], None if rows is None else f"few rows of {name}")
            items[name] = f"{source} AS {identifier(name)}"
        order = sorted(items, key=lambda name: name not in joined)
        return ", ".join(items[name] for name in order)

    def where_sql(self) -> str:
        """The join conditions and the filters."""
        joins = [self._join_sql(left, right) for left, right in self.joins if left[0] != right[0]]
        conditions = [*joins, *self.conditions]
        return f" WHERE {' AND '.join(conditions)}" if conditions else ""

    def _join_sql(self, left: tuple[str, str], right: tuple[str, str]) -> str:
        """Equality of two columns; PostgreSQL refuses those of different kinds, which DuckDB would convert."""
        left_column, right_column = (self.use(table).column(column) for table, column in (left, right))
        kinds = {NUMBERS.get(kind, kind) for kind in map(sql_type, (left_column, right_column))}
        if len(kinds) > 1 or left_column.is_position != right_column.is_position:
            raise failed_sql("operator does not exist: columns of different types are compared")
        if not (left_column.is_stored and right_column.is_stored):
            return "FALSE"
        pairs = zip(left_column.parts, right_column.parts, strict=True)
        return " AND ".join(f"{reference(left[0], a)} = {reference(right[0], b)}" for a, b in pairs)

    def count(self) -> int:
        """Number of rows, whatever the limit."""
        sql = f"SELECT count(*) FROM {self.sources_sql()}{self.where_sql()}"
        return int(self.store.arrow(sql, self.parameters, self.relations)[0][0].as_py())

    def extent(self, name: str, column: Column) -> tuple[int, ...]:
        """Number of rows, then the least and the greatest coordinates of a position in voxels."""
        parts = [reference(name, part) for part in column.parts]
        ends = ", ".join([f"min({part})" for part in parts] + [f"max({part})" for part in parts])
        sql = f"SELECT count(*), {ends} FROM {self.sources_sql()}{self.where_sql()}"
        return self.store.rows(sql, self.parameters)[0]

    def columns_sql(self, suffixes: Mapping[str, str], resolution_nm: Sequence[float] | None) -> list[str]:
        """The select list, names that clash between tables suffixed; fills `column_names`.

        Positions are scaled to `resolution_nm` and cut to whole voxels.
        """
        if len(set(suffixes.values())) != len(suffixes):
            raise EngineError(f"Duplicate suffixes set in {dict(suffixes)}")
        counts: dict[str, int] = {}
        for _, column in self.selected:
            counts[column.name] = counts.get(column.name, 0) + 1
        order = list(dict.fromkeys(name for name, _ in self.selected))
        items = []
        for name, column in self.selected:
            suffix = suffixes.get(name)
            if suffix is None:
                suffix = DEFAULT_SUFFIXES[min(order.index(name), len(DEFAULT_SUFFIXES) - 1)]
            label = column.name + suffix if counts[column.name] > 1 else column.name
            self.column_names.setdefault(name, {})[column.name] = label
            if column.name in self.dropped:
                continue
            items += self._item(name, column, label, resolution_nm)
        return items

    def _item(self, name: str, column: Column, label: str, resolution_nm: Sequence[float] | None) -> list[str]:
        if not column.is_stored:
            return [f"CAST(NULL AS {sql_type(column)}) AS {identifier(label)}"]
        if not column.is_position:
            return [f"{reference(name, column.name)} AS {identifier(label)}"]
        if resolution_nm is not None and not all(resolution_nm):
            raise EngineError("float division by zero")
        items = []
        for i, part in enumerate(column.parts):
            value = reference(name, part)
            ratio = 1.0 if resolution_nm is None else self.tables[name].voxel_nm[i] / resolution_nm[i]
            scaled = value if ratio == 1 else f"trunc({value} * {ratio!r}::DOUBLE)::INTEGER"
            items.append(f"{scaled} AS {identifier(f'{label}_{AXES[i]}')}")
        return items

    def run(
        self,
        suffixes: Mapping[str, str],
        resolution_nm: Sequence[float] | None,
        limit: int,
        offset: int,
    ) -> pa.Table:
        """The rows. Raises EngineError for what the engine cannot do either."""
        return self._fetched(self._statement(suffixes, resolution_nm, limit, offset))

    def encoded(
        self,
        suffixes: Mapping[str, str],
        resolution_nm: Sequence[float] | None,
        limit: int,
        offset: int,
        encode: Callable[[pa.Table], Encoded],
        *,
        remember: bool,
    ) -> Encoded:
        """The rows as they are sent. With `remember` those of whole tables, which everybody asks for, are kept."""
        sql = self._statement(suffixes, resolution_nm, limit, offset)
        if self.conditions or not remember:
            return encode(self._fetched(sql))
        return self.store.remembered(sql, lambda: encode(self._fetched(sql)))

    def _statement(
        self, suffixes: Mapping[str, str], resolution_nm: Sequence[float] | None, limit: int, offset: int
    ) -> str:
        if limit < 0 or offset < 0:
            raise failed_sql(f"{'LIMIT' if limit < 0 else 'OFFSET'} must not be negative")
        items = self.columns_sql(suffixes, resolution_nm)
        if not items:
            raise failed_sql("no columns are selected")
        return f"SELECT {', '.join(items)} FROM {self.sources_sql()}{self.where_sql()} LIMIT {limit} OFFSET {offset}"

    def _fetched(self, sql: str) -> pa.Table:
        rows = self.store.arrow(sql, self.parameters, self.relations)
        if rows.num_columns == 1 and rows.num_rows:
            column = self.selected[0][1]
            kind = next((word for test, word in TYPE_NAMES if test(column.type)), "String")
            raise EngineError(f"{kind!r} object has no attribute {column.name!r}")
        return rows


def reference(table: str, column: str) -> str:
    """A column of a table in SQL."""
    return f"{identifier(table)}.{identifier(column)}"


def _compared(table: str, column: Column) -> str:
    """A column as values are compared with it, a position by its first coordinate. DuckDB does not compare times of
    different precision."""
    name = reference(table, column.parts[0]) if column.is_stored else "NULL"
    return f"{name}::TIMESTAMPTZ" if pa.types.is_timestamp(column.type) else name


def bounds(box: Any) -> tuple[list[float], list[float]]:
    """Both corners of a box, in voxels. Raises EngineError when it is not a box of three axes with room inside."""
    try:
        corners = np.array(box)
        smaller = bool(np.all(corners[0] < corners[1]))
    except (TypeError, ValueError, IndexError) as error:
        raise EngineError("the box is not an array of two corners") from error
    if not smaller:
        raise EngineError(f"min bounds: {corners[0]} must be less than max bounds: {corners[1]}")
    if corners.ndim != 2 or corners.shape[1] != 3 or corners.dtype.kind not in "iuf" or not np.isfinite(corners).all():
        raise failed_sql("parse error - invalid geometry")
    return [float(value) for value in corners[0]], [float(value) for value in corners[1]]


def find_in_any(query: Query, column: str) -> str:
    """The first joined table that has a column; 400 when none has."""
    for name, table in query.tables.items():
        if column in table.source.columns:
            return name
    raise aborted(400, f"column {column} not found in any table referenced")
