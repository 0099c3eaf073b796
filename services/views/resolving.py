"""Shared by the views: the release and the row query of an address, and which parts of it fit a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from services.cave.client import Cave
from services.cave.release import Release
from services.core.columns import Column, find_column
from services.core.errors import BadInput, NotFound
from services.tables import live, saved_ids
from services.tables.large_tables import LargeTable
from services.tables.tables import TableFrame, TableQuery
from services.views.addresses import CellAddress, PopulationAddress, TableAddress, WallAddress


def release_of(cave: Cave, view: TableAddress | CellAddress | PopulationAddress | WallAddress) -> Release:
    """The datastack of an address (the configured one for "") at its version or moment. Raises as
    :func:`live.resolve`."""
    return live.resolve(cave, cave.full_name(view.datastack or cave.settings.datastack), view.version)


def default_table(release: Release) -> str:
    """The table to open when none is named: the profile's, else the first of the catalogue. Raises NotFound where the
    version has no tables."""
    names = [info.name for info in live.catalogue(release)]
    default = release.profile.default_table
    if not names:
        message = f"{release.datastack} has no tables at {release.version.title}."
        raise NotFound(message, "Choose another version.", datastack=release.datastack)
    return default if default in names else names[0]


def query_of(cave: Cave, view: TableAddress | CellAddress) -> TableQuery:
    """The filters and the order of rows in an address, with the saved id lists that it refers to."""
    return saved_ids.query(cave, view.datastack, view.where, view.boxes, view.sort)


def fitting(pairs: Any, columns: Sequence[Column]) -> tuple[list[tuple[str, str]], list[str]]:
    """The (column, value) pairs whose column is in `columns`, by its own name, and a sentence for each other pair."""
    present, messages = [], []
    for name, value in pairs:
        try:
            present.append((find_column(columns, name).name, value))
        except BadInput:
            messages.append(f"This table has no column {name[:80]!r}; what the address asks of it was left out.")
    return present, messages


def short(cave: Cave, address: TableAddress, table: TableFrame | LargeTable) -> TableAddress:
    """The address with long lists of ids replaced by saved ones, so that it stays short enough for web servers."""
    shortened = saved_ids.shortened(cave, table, query_of(cave, address))
    return replace(address, where=shortened.where, boxes=shortened.boxes)
