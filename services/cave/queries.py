"""Queries of tables and views in caveclient's terms."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any

from services.core.errors import BadInput

Owners = Mapping[str, tuple[str, str]]
"""For columns of a merged frame: the table each is of, and its name there."""


@dataclass(frozen=True)
class Source:
    """What is queried: a table, a table merged with the `target` it refers to, or a view. It is public when whoever may
    read the datastack may read all of it."""

    table: str
    target: str | None = None
    is_view: bool = False
    is_public: bool = True


@dataclass(frozen=True)
class Filters:
    """What CAVE can filter by itself, each as {column: value}; all have to hold.

    `isin` takes lists, `regex` POSIX patterns for text columns, `box` a pair of corners in the voxels of
    the column's own table. There is no "not": CAVE ignores the one it has.
    """

    equal: Mapping[str, Any] = field(default_factory=dict)
    isin: Mapping[str, Iterable[Any]] = field(default_factory=dict)
    greater: Mapping[str, float] = field(default_factory=dict)
    less: Mapping[str, float] = field(default_factory=dict)
    greater_equal: Mapping[str, float] = field(default_factory=dict)
    less_equal: Mapping[str, float] = field(default_factory=dict)
    regex: Mapping[str, str] = field(default_factory=dict)
    box: Mapping[str, Any] = field(default_factory=dict)

    def columns(self) -> set[str]:
        """Names of all columns that are filtered."""
        return {column for part in fields(self) for column in getattr(self, part.name)}

    def arguments(self) -> dict[str, dict[str, Any]]:
        """As keyword arguments of `query_table` and `query_view`."""
        values = {_ARGUMENTS[part.name]: getattr(self, part.name) for part in fields(self)}
        return {name: {column: _plain(value) for column, value in by.items()} for name, by in values.items() if by}


NO_FILTERS = Filters()

_ARGUMENTS = {
    "equal": "filter_equal_dict",
    "isin": "filter_in_dict",
    "greater": "filter_greater_dict",
    "less": "filter_less_dict",
    "greater_equal": "filter_greater_equal_dict",
    "less_equal": "filter_less_equal_dict",
    "regex": "filter_regex_dict",
    "box": "filter_spatial_dict",
}


def query_arguments(
    source: Source, filters: Filters, owners: Owners, *, select_columns: Sequence[str] | None = None, **options: Any
) -> tuple[str, dict[str, Any]]:
    """Name of the method of caveclient's MaterializationClient, and its keyword arguments.

    `options` (limit, offset, desired_resolution, get_counts) are passed on where they are not None. Raises BadInput
    for a column of a merged frame that `owners` does not know.
    """
    arguments: dict[str, Any] = {name: value for name, value in options.items() if value is not None}
    if source.is_view:
        if select_columns is not None and len(select_columns) > 1:
            arguments["select_columns"] = list(select_columns)
        return "query_view", {"view_name": source.table, **arguments, **filters.arguments()}
    # CAVE fails on a single selected column, so the id always comes along; a view may have none.
    columns = None if select_columns is None else list(dict.fromkeys(["id", *select_columns]))
    arguments["log_warning"] = False
    if source.target is None:
        arguments |= {"table": source.table, "merge_reference": False, "select_columns": columns}
        return "query_table", arguments | filters.arguments()
    arguments["tables"] = [[source.table, "target_id"], [source.target, "id"]]
    arguments["suffixes"] = {source.table: "", source.target: "_ref"}
    if columns is not None:
        arguments["select_columns"] = _by_table(dict.fromkeys(columns), owners, list)
    for name, by in filters.arguments().items():
        arguments[name] = _by_table(by, owners, dict)
    return "join_query", arguments


def arguments_at(
    source: Source, filters: Filters, time: datetime, *, owners: Owners | None = None, **options: Any
) -> dict[str, Any]:
    """Keyword arguments of `live_live_query` of caveclient's MaterializationClient for a table, merged with its
    target, as it was at a time; `filters` are on its own columns, unless `owners` tell whose they are."""
    arguments: dict[str, Any] = {"table": source.table, "timestamp": time, "log_warning": False, "metadata": False}
    arguments |= {"allow_missing_lookups": True, "split_positions": True}
    if source.target is not None:
        arguments["joins"] = [[source.table, "target_id", source.target, "id"]]
        arguments["suffixes"] = {source.table: "", source.target: "_ref"}
    columns = filters.arguments()
    owner_of = owners or {column: (source.table, column) for by in columns.values() for column in by}
    return arguments | {name: _by_table(by, owner_of, dict) for name, by in columns.items()} | options


def _by_table(by_column: Mapping[str, Any], owners: Owners, collect: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
    """{column: value} of a merged frame, as {table: {its own column: value}}."""
    nested: dict[str, dict[str, Any]] = {}
    for column, value in by_column.items():
        if column not in owners:
            raise BadInput(f"This table has no column {column}.", "Choose one of its columns.")
        table, own_name = owners[column]
        nested.setdefault(table, {})[own_name] = value
    return {table: collect(by) for table, by in nested.items()}


def _plain(value: Any) -> Any:
    """The same with Python's numbers and lists for those of numpy and pandas, so that JSON can hold it."""
    if isinstance(value, str) or value is None:
        return value
    if isinstance(value, Iterable):
        return [_plain(part) for part in (value.tolist() if hasattr(value, "tolist") else value)]
    return value.item() if hasattr(value, "item") else value
