"""Turns addresses and grid states from the browser into views, and into the options of controls."""

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
    """The query parameters of an address."""
    return parse_qs(urlsplit(href).query)


def table_address(shown: Mapping[str, Any]) -> TableAddress:
    """The address of what a grid of the table viewer shows: the one it was drawn for, with its present filters and
    order."""
    boxes, sort = boxes_and_sort(shown)
    return replace(parse_table(query_of(shown["of"]))[0], boxes=boxes, sort=sort)


def partner_address(shown: Mapping[str, Any]) -> CellAddress:
    """The address of what a grid of partners shows: the one it was drawn for, with its present filters and order."""
    boxes, sort = boxes_and_sort(shown)
    return replace(parse_connectivity(query_of(shown["of"]))[0], boxes=boxes, sort=sort)


def boxes_and_sort(request: Mapping[str, Any]) -> tuple[dict[str, str], Sort]:
    """The boxes and the order in the state or request of a grid, from AG Grid's filterModel and sortModel."""
    filters = request.get("filterModel") or {}
    boxes = {name: str(model.get("filter") or "") for name, model in filters.items()}
    sort = tuple((part["colId"], part["sort"]) for part in request.get("sortModel") or ())
    return {name: text for name, text in boxes.items() if text.strip()}, sort


def place_choices(
    view: TableAddress | CellAddress | PopulationAddress | WallAddress,
) -> tuple[str, list[Option], str, list[Option], list[TableInfo]]:
    """The datastack and its options, the version or moment and its options, and the tables of that version.

    A datastack or version that does not exist has no tables, and the others can still be chosen.
    """
    datastack, chosen = view.datastack or cave().settings.datastack, view.version
    versions: list[Version] = []
    listed: list[TableInfo] = []
    offered = False
    with suppress(NotFound, Expired, NotAllowed, BadInput):
        versions, offered = cave().versions(datastack), live.is_allowed(cave(), datastack)
        release = release_of(cave(), view)
        datastack, chosen = release.datastack, str(release.version.label)
        listed = live.catalogue(release)
    options = controls.version_options(versions, chosen, live=LIVE if offered else "")
    return datastack, controls.datastack_options(cave().datastacks(), datastack), chosen, options, listed


def of_table_grid(shown: Mapping[str, Any], columns: Sequence[str] = (), panel: str = "") -> HeldView | PagedView:
    """The view that a grid of the table viewer shows. `columns` and `panel` are the columns ticked and the panel in
    front at present, which links of the view then keep; without them, those of its address."""
    address = table_address(shown)
    ticked = joins.with_marks(address.join, columns)
    return open_view(cave(), replace(address, columns=ticked or address.columns, panel=panel or address.panel))


def is_few_now(view: HeldView | PagedView, of: str) -> bool:
    """Whether a large table is now filtered to few enough rows to be held in memory, but was not at the address `of`
    for which the page was drawn."""
    if isinstance(view, PagedView) or view.table.filters is None:
        return False
    return isinstance(open_view(cave(), parse_table(query_of(of))[0]), PagedView)


def population_of(view: TableAddress | CellAddress, cells: pd.DataFrame, column: str = "pt_root_id") -> dict[str, str]:
    """The address of the populations page for the cells of some rows, as {"href": ...}; many ids are saved on the
    server. Raises BadInput for rows without root ids."""
    if column not in cells:
        raise BadInput("These rows have no root ids, so they name no cells.", "Choose another table.")
    ids = saved_ids.named(cave(), view.datastack, export.listed_ids(cells[column], "commas"))
    return {"href": PopulationAddress(view.datastack, view.version, IDS, ids).href()}
