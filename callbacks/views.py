"""From what the browser sends to views, and from views to concrete ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

from components import controls
from components.controls import Option
from services import joins, saved_ids, tables, versions
from services.cave import Cave
from services.columns import Column, find_column
from services.errors import BadInput, Expired, NotFound
from services.records import TableInfo, Version
from services.tables import TableFrame, TableQuery
from services.urls import ConnectivityView, Query, Sort, TableView, parse_connectivity, parse_table


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


def open_view(cave: Cave, view: TableView) -> tuple[TableView, TableFrame, list[str]]:
    """The view with datastack, version number and table filled in, its table, and sentences for what does not fit.

    Boxes and sorts go by the names of the table's own columns; those of columns that it does not have are left out.
    """
    datastack, number = place(cave, view)
    name = view.table or default_table(cave, datastack, number)
    joined, reports = joins.join_all(cave, tables.open_table(cave, datastack, number, name), view.join)
    table = tables.with_units(joined, view.unit)
    boxes, lost_boxes = fitting(view.boxes.items(), table.columns)
    sort, lost_sorts = fitting(view.sort, table.columns)
    concrete = replace(
        view,
        datastack=datastack,
        version=str(number),
        table=name,
        boxes=dict(boxes),
        sort=tuple(sort),  # type: ignore[arg-type]
    )
    return concrete, table, [*lost_boxes, *lost_sorts, *(report.sentence() for report in reports)]


def place(cave: Cave, view: TableView | ConnectivityView) -> tuple[str, int]:
    """Datastack and version number of a view."""
    datastack = view.datastack or cave.settings.datastack
    return datastack, versions.resolve(cave, datastack, view.version).number


def default_table(cave: Cave, datastack: str, version: int) -> str:
    """The table to open when none is named: the profile's, else the first of the catalogue."""
    names = [info.name for info in tables.catalogue(cave, datastack, version)]
    wanted = cave.profile(datastack).default_table
    if not names:
        raise NotFound(f"Version {version} of {datastack} has no tables.", "Choose another version.")
    return wanted if wanted in names else names[0]


def place_choices(
    cave: Cave, view: TableView | ConnectivityView
) -> tuple[str, list[Option], str, list[Option], list[TableInfo]]:
    """Datastack and its options, version and its options, and the tables of that version.

    What does not exist has no parts, yet others can still be chosen.
    """
    datastack, chosen = view.datastack or cave.settings.datastack, view.version
    known: list[Version] = []
    listed: list[TableInfo] = []
    with suppress(NotFound, Expired):
        known = cave.versions(datastack)
        chosen = str(versions.resolve(cave, datastack, view.version).number)
        listed = tables.catalogue(cave, datastack, int(chosen))
    options = controls.version_options(known, chosen)
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
