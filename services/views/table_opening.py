"""Opens the table of an address: for a page, with defaults filled in; for the API, exactly as the address says."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from services.cave.client import Cave
from services.cave.release import Release
from services.core.columns import in_words
from services.core.errors import BadInput
from services.tables import (
    filter_units,
    joins,
    large_tables,
    live,
    narrowed_tables,
    plots,
    tables,
)
from services.tables.large_tables import LargeTable
from services.tables.position_units import columns_in
from services.tables.tables import TableFrame
from services.views.addresses import TableAddress
from services.views.resolving import default_table, fitting, query_of, release_of, short
from services.views.table_view import HeldView, PagedView


def open_view(cave: Cave, address: TableAddress) -> HeldView | PagedView:
    """The table of an address, for a page: defaults are filled in, and columns that the table does not have are left
    out with a sentence in `messages`. Raises NotFound for a table that the version does not have."""
    release, opened, table, warnings = _opened(cave, address)
    concrete = short(cave, opened, table)
    names = [column.name for column in table.columns]
    held_columns = set(names)
    axes = set() if isinstance(table, LargeTable) else {column.name for column in plots.axes_of(table)}
    any_held = set() if isinstance(table, LargeTable) else held_columns
    allowed = {"x": axes, "y": axes, "group_by": any_held, "left": any_held, "right": any_held}
    parts: dict[str, Any] = {part: getattr(address, part) for part in allowed}
    fitting_parts: dict[str, Any] = {part: name if name in allowed[part] else "" for part, name in parts.items()}
    requested = joins.with_joined(names, address.join, address.columns)
    ticked = () if held_columns <= set(requested) else tuple(name for name in names if name in requested)
    kept_address = replace(concrete, columns=joins.with_marks(concrete.join, ticked), **fitting_parts)
    readable = {name for name in requested if joins.is_here(name, concrete.join)}
    messages = (*warnings, *map(_no_column, {*readable, *parts.values()} - held_columns - {""}))
    if isinstance(table, LargeTable):
        return PagedView(release, kept_address, table, messages)
    return HeldView(release, kept_address, table, messages)


def exact_view(cave: Cave, address: TableAddress, on: str = "auto") -> HeldView | PagedView:
    """The table of an address, for the API: nothing may be left out. The tables in its `join` are joined by the id `on`
    (see :func:`joins.join`). Raises BadInput, NotFound or TooLarge where any part of the address cannot be met."""
    release = release_of(cave, address)
    named = replace(address, datastack=release.datastack, version=str(release.version.label))
    query = query_of(cave, named)
    table = narrowed_tables.open_narrowed(release, address.table, query=query, unit=address.unit)
    if not isinstance(table, LargeTable):
        joined, _ = joins.join_all(cave, table, address.join, on)
        return HeldView(release, named, tables.with_units(joined, address.unit))
    if address.join:
        raise BadInput(f"{address.table} is too large to hold, so no table stands beside it.", "Leave join out.")
    return PagedView(release, named, large_tables.with_units(table, address.unit))


def held(view: HeldView | PagedView) -> HeldView:
    """The view itself, if its table is held in memory. Raises TooLarge where it is not."""
    if isinstance(view, PagedView):
        raise large_tables.too_many(view.release.cave, view.table)
    return view


def _opened(cave: Cave, address: TableAddress) -> tuple[Release, TableAddress, TableFrame | LargeTable, list[str]]:
    """The release of an address, the address with defaults filled in, its table, and sentences for parts that do not
    fit.

    Boxes and sorts use the names of the table's own columns; those of columns that it does not have are left out.
    """
    release = release_of(cave, address)
    name = address.table or default_table(release)
    table = large_tables.open_any(release, name)
    if isinstance(table, LargeTable):
        table = _narrowed(cave, replace(address, datastack=release.datastack), table) or table
    if isinstance(table, LargeTable):
        view, warnings = _paged(address, table)
        messages = [*live.sentences(release.datastack, release.version, table.info), *warnings]
        table = large_tables.with_units(table, address.unit)
    else:
        table, warnings = joins.join_possible(cave, table, address.join)
        view, table = replace(address, join=table.joins), tables.with_units(table, address.unit)
        messages = [
            *live.sentences(release.datastack, release.version, table.info),
            *narrowed_tables.sentences(table),
            *warnings,
        ]
    boxes, lost_boxes = fitting(view.boxes.items(), table.columns)
    sort, lost_sorts = fitting(view.sort, table.columns)
    concrete = replace(view, datastack=release.datastack, version=str(release.version.label), table=name)
    fitted = replace(concrete, boxes=dict(boxes), sort=tuple(sort))  # type: ignore[arg-type]
    counted, unread = _in_its_unit(cave, fitted, table)
    return release, counted, table, [*lost_boxes, *lost_sorts, *unread, *messages]


def _narrowed(cave: Cave, address: TableAddress, table: LargeTable) -> TableFrame | None:
    """The rows of a large table that the filter of an address keeps, if these can be held in memory; else None."""
    counted = large_tables.with_units(table, address.unit)
    boxes, _ = fitting(address.boxes.items(), counted.columns)
    view, _ = _in_its_unit(cave, replace(address, boxes=dict(boxes)), counted)
    return narrowed_tables.narrowed(cave, table, query_of(cave, view), address.unit)


def _in_its_unit(cave: Cave, view: TableAddress, table: TableFrame | LargeTable) -> tuple[TableAddress, list[str]]:
    """The address with its filter rewritten to the unit of its positions, and a sentence where it cannot be parsed."""
    plain = replace(view, filters_in="")
    if view.filters_in in ("", view.unit):
        return plain, []
    columns, unit = columns_in(table.columns, view.filters_in), in_words(view.unit)
    try:
        rewritten = filter_units.rewritten(columns, query_of(cave, view), filter_units.to_unit(view.unit))
    except BadInput:
        return plain, [f"The filter cannot be read, so its numbers stayed as they are: positions now count in {unit}."]
    return replace(plain, where=rewritten.where, boxes=rewritten.boxes), []


def _paged(view: TableAddress, table: LargeTable) -> tuple[TableAddress, list[str]]:
    """The address without what a table that is read in pages cannot have (sorts, joins), and sentences about these."""
    warnings = ["The order that the address asks for was left out."] if view.sort else []
    if view.join:
        warnings.append(f"{table.info.name} is too large to hold: no table stands beside it.")
    return replace(view, sort=(), join=()), warnings


def _no_column(name: str) -> str:
    return f"This table has no column {name[:80]!r}; what the address asks of it was left out."
