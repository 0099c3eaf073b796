"""From what the browser sends to views, and from views to concrete ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

from components import controls
from components.controls import Option
from services.cave.client import Cave
from services.cave.release import Release
from services.core.columns import Column, find_column, in_words
from services.core.errors import BadInput, Expired, NotAllowed, NotFound
from services.core.moments import LIVE
from services.core.records import TableInfo, Version
from services.core.sorting import Sort
from services.tables import filter_units, joins, large_tables, live, narrowed_tables, saved_ids, tables
from services.tables.large_tables import LargeTable
from services.tables.position_units import columns_in
from services.tables.tables import TableFrame, TableQuery
from services.views.addresses import ConnectivityView, Query, TableView, parse_connectivity, parse_table


def query_of(href: str) -> Query:
    """The parameters of an address."""
    return parse_qs(urlsplit(href).query)


def table_view(shown: Mapping[str, Any]) -> TableView:
    """The view that a grid of the table viewer shows: that of its id, with what it asks for."""
    boxes, sort = asked(shown)
    return replace(parse_table(query_of(shown["of"]))[0], boxes=boxes, sort=sort)


def partner_view(shown: Mapping[str, Any]) -> ConnectivityView:
    """The view that a grid of partners shows: that of its id, with what it asks for."""
    boxes, sort = asked(shown)
    return replace(parse_connectivity(query_of(shown["of"]))[0], boxes=boxes, sort=sort)


def asked(request: Mapping[str, Any]) -> tuple[dict[str, str], Sort]:
    """Boxes and order of a grid's request, in AG Grid's terms."""
    filters = request.get("filterModel") or {}
    boxes = {name: str(model.get("filter") or "") for name, model in filters.items()}
    sort = tuple((part["colId"], part["sort"]) for part in request.get("sortModel") or ())
    return {name: text for name, text in boxes.items() if text.strip()}, sort


def table_query(cave: Cave, view: TableView | ConnectivityView) -> TableQuery:
    """What a view asks of its rows."""
    return saved_ids.query(cave, view.datastack, view.where, view.boxes, view.sort)


def open_view(cave: Cave, asked: TableView) -> tuple[TableView, TableFrame | LargeTable, list[str]]:
    """The view with datastack, version and table filled in, its table, and sentences for what does not fit.

    Boxes and sorts go by the names of the table's own columns; those of columns that it does not have are left out.
    """
    release = release_of(cave, asked)
    name = asked.table or default_table(release)
    table = large_tables.open_any(release, name)
    if isinstance(table, LargeTable):
        table = _narrowed(cave, replace(asked, datastack=release.datastack), table) or table
    if isinstance(table, LargeTable):
        view, said = paged(asked, table)
        table = large_tables.with_units(table, asked.unit)
    else:
        table, told = joins.join_possible(cave, table, asked.join)
        view, table = replace(asked, join=table.joined_names), tables.with_units(table, asked.unit)
        said = [
            *live.sentences(release.datastack, release.version, table.info),
            *narrowed_tables.sentences(table),
            *told,
        ]
    boxes, lost_boxes = fitting(view.boxes.items(), table.columns)
    sort, lost_sorts = fitting(view.sort, table.columns)
    concrete = replace(view, datastack=release.datastack, version=str(release.version.label), table=name)
    kept = replace(concrete, boxes=dict(boxes), sort=tuple(sort))  # type: ignore[arg-type]
    counted, unread = in_its_unit(cave, kept, table)
    return counted, table, [*lost_boxes, *lost_sorts, *unread, *said]


def _narrowed(cave: Cave, asked: TableView, table: LargeTable) -> TableFrame | None:
    """What the filter of a view leaves of a large table, if that can be held."""
    counted = large_tables.with_units(table, asked.unit)
    boxes, _ = fitting(asked.boxes.items(), counted.columns)
    view, _ = in_its_unit(cave, replace(asked, boxes=dict(boxes)), counted)
    return narrowed_tables.narrowed(cave, table, table_query(cave, view), asked.unit)


def in_its_unit(cave: Cave, view: TableView, table: TableFrame | LargeTable) -> tuple[TableView, list[str]]:
    """The view with its filter in the unit of its positions, and a sentence where one of another cannot be read."""
    plain = replace(view, filters_in="")
    if view.filters_in in ("", view.unit):
        return plain, []
    columns, unit = columns_in(table.columns, view.filters_in), in_words(view.unit)
    try:
        asked = filter_units.rewritten(columns, table_query(cave, view), filter_units.to_unit(view.unit))
    except BadInput:
        return plain, [f"The filter cannot be read, so its numbers stayed as they are: positions now count in {unit}."]
    return replace(plain, where=asked.where, boxes=asked.boxes), []


def paged(view: TableView, table: LargeTable) -> tuple[TableView, list[str]]:
    """The view of a table that is only read by pages, without what these cannot have, and sentences on that."""
    said = ["The order that the address asks for was left out."] if view.sort else []
    if view.join:
        said.append(f"{table.info.name} is too large to hold: no table stands beside it.")
    return replace(view, sort=(), join=()), said


def release_of(cave: Cave, view: TableView | ConnectivityView) -> Release:
    """The datastack of a view at its version or moment."""
    return live.resolve(cave, view.datastack or cave.settings.datastack, view.version)


def default_table(release: Release) -> str:
    """The table to open when none is named: the profile's, else the first of the catalogue."""
    names = [info.name for info in live.catalogue(release)]
    wanted = release.profile.default_table
    if not names:
        raise NotFound(f"{release.datastack} has no tables at {release.version.title}.", "Choose another version.")
    return wanted if wanted in names else names[0]


def place_choices(
    cave: Cave, view: TableView | ConnectivityView
) -> tuple[str, list[Option], str, list[Option], list[TableInfo]]:
    """Datastack and its options, version or moment and its options, and the tables there are then.

    What does not exist has no parts, yet others can still be chosen.
    """
    datastack, chosen = view.datastack or cave.settings.datastack, view.version
    known: list[Version] = []
    listed: list[TableInfo] = []
    offered = False
    with suppress(NotFound, Expired, NotAllowed, BadInput):
        known, offered = cave.versions(datastack), live.is_allowed(cave, datastack)
        release = release_of(cave, view)
        chosen = str(release.version.label)
        listed = live.catalogue(release)
    options = controls.version_options(known, chosen, live=LIVE if offered else "")
    return datastack, controls.datastack_options(cave.datastacks(), datastack), chosen, options, listed


def fitting(pairs: Any, columns: Sequence[Column]) -> tuple[list[tuple[str, str]], list[str]]:
    """The (column, value) pairs whose columns there are, by their own names, and sentences for the others."""
    kept, lost = [], []
    for name, value in pairs:
        try:
            kept.append((find_column(columns, name).name, value))
        except BadInput:
            lost.append(f"This table has no column {name[:80]!r}; what the address asks of it was left out.")
    return kept, lost
