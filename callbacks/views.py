"""Turns what the browser sends into views, and views into concrete ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pandas as pd

from components import controls
from components.controls import Option
from services.cave.context import cave
from services.core.errors import BadInput, Expired, NotAllowed, NotFound
from services.core.moments import LIVE
from services.core.records import TableInfo, Version
from services.core.sorting import Sort
from services.tables import export, joins, live, saved_ids
from services.views.addresses import (
    IDS,
    CellAddress,
    PopulationAddress,
    Query,
    TableAddress,
    WallAddress,
    parse_connectivity,
    parse_table,
)
from services.views.resolving import release_of
from services.views.table_opening import open_view
from services.views.table_view import HeldView, PagedView


def query_of(href: str) -> Query:
    """The parameters of an address."""
    return parse_qs(urlsplit(href).query)


def table_address(shown: Mapping[str, Any]) -> TableAddress:
    """The view that a grid of the table viewer shows: that of its id, with what it asks for."""
    boxes, sort = boxes_and_sort(shown)
    return replace(parse_table(query_of(shown["of"]))[0], boxes=boxes, sort=sort)


def partner_address(shown: Mapping[str, Any]) -> CellAddress:
    """The view that a grid of partners shows: that of its id, with what it asks for."""
    boxes, sort = boxes_and_sort(shown)
    return replace(parse_connectivity(query_of(shown["of"]))[0], boxes=boxes, sort=sort)


def boxes_and_sort(request: Mapping[str, Any]) -> tuple[dict[str, str], Sort]:
    """Boxes and order of a grid's request, in AG Grid's terms."""
    filters = request.get("filterModel") or {}
    boxes = {name: str(model.get("filter") or "") for name, model in filters.items()}
    sort = tuple((part["colId"], part["sort"]) for part in request.get("sortModel") or ())
    return {name: text for name, text in boxes.items() if text.strip()}, sort


def place_choices(
    view: TableAddress | CellAddress | PopulationAddress | WallAddress,
) -> tuple[str, list[Option], str, list[Option], list[TableInfo]]:
    """Datastack and its options, version or moment and its options, and the tables there are then.

    What does not exist has no parts, yet others can still be chosen.
    """
    datastack, chosen = view.datastack or cave().settings.datastack, view.version
    known: list[Version] = []
    listed: list[TableInfo] = []
    offered = False
    with suppress(NotFound, Expired, NotAllowed, BadInput):
        known, offered = cave().versions(datastack), live.is_allowed(cave(), datastack)
        release = release_of(cave(), view)
        datastack, chosen = release.datastack, str(release.version.label)
        listed = live.catalogue(release)
    options = controls.version_options(known, chosen, live=LIVE if offered else "")
    return datastack, controls.datastack_options(cave().datastacks(), datastack), chosen, options, listed


def of_table_grid(shown: Mapping[str, Any], columns: Sequence[str] = (), panel: str = "") -> HeldView | PagedView:
    """What a grid of the table viewer shows. `columns` are those that are ticked and `panel` the one in front since it
    was drawn, so that every way on keeps them; none = those of its address."""
    address = table_address(shown)
    ticked = joins.with_marks(address.join, columns)
    return open_view(cave(), replace(address, columns=ticked or address.columns, panel=panel or address.panel))


def is_few_now(view: HeldView | PagedView, of: str) -> bool:
    """Whether a large table is narrowed enough to be held, but was not yet at the address `of`, for which the page was
    drawn."""
    if isinstance(view, PagedView) or view.table.filters is None:
        return False
    return isinstance(open_view(cave(), parse_table(query_of(of))[0]), PagedView)


def population_of(view: TableAddress | CellAddress, cells: pd.DataFrame, column: str = "pt_root_id") -> dict[str, str]:
    """Where the browser goes for the population of some rows, whose ids are saved if they are many. Raises BadInput for
    rows without root ids."""
    if column not in cells:
        raise BadInput("These rows have no root ids, so they name no cells.", "Choose another table.")
    ids = saved_ids.named(cave(), view.datastack, export.listed_ids(cells[column], "commas"))
    return {"href": PopulationAddress(view.datastack, view.version, IDS, ids).href()}
