"""What an address of the table viewer means: the table, the rows that it asks for, and all that is made of them."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from services.cave.client import Cave
from services.cave.release import Release
from services.core.columns import Column, default_group, find_column, in_words
from services.core.errors import BadInput, KarstError
from services.filters.filters import parse_box, parse_line
from services.filters.misread import misread
from services.filters.nodes import Node
from services.filters.values import format_value
from services.neuroglancer import links
from services.neuroglancer.links import Link
from services.populations.sets import ROOT_IDS
from services.tables import (
    facets,
    filter_units,
    groups,
    joins,
    large_tables,
    live,
    narrowed_tables,
    plots,
    saved_ids,
    scripts,
    tables,
)
from services.tables.groups import Groups
from services.tables.large_tables import LargeTable
from services.tables.position_units import columns_in
from services.tables.tables import TableFrame, TableQuery
from services.views.addresses import LONGEST_ADDRESS, TableAddress
from services.views.resolving import default_table, fitting, query_of, release_of


@dataclass(frozen=True)
class TableView:
    """A table as an address asks for it, made once for a request and handed to all that answers it.

    `address` has everything filled in that it left open, without what the table does not have; `messages` are sentences
    on that. It is a :class:`HeldView`, or a :class:`PagedView` where the table is too large to hold.
    """

    release: Release
    address: TableAddress
    table: TableFrame | LargeTable
    messages: tuple[str, ...] = ()

    @property
    def query(self) -> TableQuery:
        return query_of(self.release.cave, self.address)

    @property
    def names_cells(self) -> bool:
        """Whether its rows name cells, of a version that is kept, so that they can be those of a population."""
        return self.table.version.kept and ROOT_IDS in {column.name for column in self.table.columns}

    @property
    def columns(self) -> list[Column]:
        """The columns that are shown."""
        return [
            column for column in self.table.columns if column.name in self.address.columns or not self.address.columns
        ]

    @property
    def filter(self) -> Node:
        """What is asked of a row. Raises BadInput."""
        return tables.filter_of(self.table.columns, self.query)

    def meant(self, total: int | None) -> tuple[str, str] | None:
        """The values that may be meant where `total` rows have what was typed, and the address of the view with them;
        None where nobody knows."""
        return None

    def typed_wrongly(self) -> str:
        """The text of a box, else the query line, that cannot be read; "" if all can."""
        for name, text in self.address.boxes.items():
            try:
                parse_box(find_column(self.table.columns, name), text, self.query.saved, self.table.columns)
            except BadInput:
                return text
        try:
            parse_line(self.address.where, self.table.columns, self.query.saved)
        except BadInput:
            return self.address.where
        return ""

    @property
    def colour_by(self) -> str:
        """The column of colours in the plot and layers in the link; "" = none."""
        return ""

    def picked_ids(self, picked: Mapping[str, Any] | None) -> pd.Series | None:
        """The ids of the rows within what was drawn in the plot; None where nothing was, or nothing can be."""
        return None

    def link(self, rows: pd.DataFrame, most: int | None = None) -> Link:
        """The link to some rows, grouped and coloured as the address says, with the first `most` of them (None = as
        many as a viewer opens)."""
        viewer = self.address.viewer.strip() or None
        return links.table_link(
            self.release.cave, self.table, rows, viewer=viewer, most=most, group_by=self.colour_by or None
        )


@dataclass(frozen=True)
class HeldView(TableView):
    """A table that is held."""

    table: TableFrame

    @property
    def colour_by(self) -> str:
        """The column of colours in the plot and layers in the link: that chosen, else that to count by; "" = none."""
        return self.address.group_by or default_group(self.table.columns) or ""

    @property
    def groups(self) -> Groups | None:
        """The values of that column with their colours, over the whole table."""
        return groups.of_table(self.release.cave, self.table, self.colour_by) if self.colour_by else None

    @property
    def whole(self) -> int | None:
        """How many rows the table has (None = unknown)."""
        return len(self.table.frame) if self.table.filters is None else self.table.info.row_count

    def block(self, start: int, count: int) -> tuple[pd.DataFrame, int | None]:
        """Some of the rows, and how many there are in all (None = unknown)."""
        return tables.page(self.table, self.query, start, count)

    def counted(self) -> tuple[int | None, Sequence[str]]:
        """How many rows the filter keeps (None = unknown), and what one may expect of them and does not get."""
        return tables.page(self.table, self.query, 0, 0)[1], misread(self.filter, self.table.frame)

    def meant(self, total: int | None) -> tuple[str, str] | None:
        """The values that may be meant where no cell has what was typed, and the address of the view with them, if that
        has more rows."""
        if self.address == self.address.unfiltered():
            return None
        query, values = filter_units.as_known(self.table.columns, self.query, facets.known_values(self.table))
        if not values or tables.page(self.table, query, 0, 0)[1] <= (total or 0):
            return None
        return ", ".join(map(format_value, values)), replace(self.address, where=query.where, boxes=query.boxes).href()

    def points(self) -> pd.DataFrame | None:
        """The dots of the plot; None where it has none."""
        address, table, query = self.address, self.table, self.query
        if address.plot in plots.MAPS:
            return plots.soma_map(table, query, self.release.volume, address.plot, self.groups)
        chosen = plots.axes(table, address.x, address.y)
        return plots.scatter(table, query, *chosen, self.groups) if address.plot == "scatter" and chosen else None

    def picked_ids(self, picked: Mapping[str, Any] | None) -> pd.Series | None:
        """The ids of the rows within what was drawn in the plot; None where nothing was, or nothing can be."""
        if not picked or "id" not in self.table.frame:
            return None
        drawn = picked

        def find() -> pd.Series | None:
            dots = self.points()
            return None if dots is None else plots.within(dots, drawn)

        parts = (self.query.key(), self.address.plot, self.address.x, self.address.y, json.dumps(picked))
        return self.table.derived.of("picked ids", *parts).get(find)

    def picked_rows(self, selected: list[str] | None, picked: Mapping[str, Any] | None) -> tuple[pd.DataFrame, bool]:
        """The rows that a person chose in the grid, else in the plot; else all that are shown, and False."""
        frame = self.table.frame
        if selected:
            return frame[frame["id"].isin([int(id) for id in selected])], True
        ids = self.picked_ids(picked)
        return (tables.select(self.table, self.query), False) if ids is None else (frame[frame["id"].isin(ids)], True)

    def chosen(self, selected: list[str] | None, picked: Mapping[str, Any] | None) -> tuple[pd.DataFrame, str]:
        """The rows that were ticked, else picked in the plot, else filtered, and what to call them."""
        rows, narrowed = self.picked_rows(selected, picked)
        return rows, _subject(len(rows), selected=narrowed)

    def script(self, columns: Sequence[Column] | None = None) -> str:
        """Python that reads the rows, with these columns (None = those that are shown)."""
        return scripts.table_snippet(self.release.cave, self.table, self.query, columns or self.columns)

    def readings(self, names: Collection[str]) -> list[str]:
        """Parts of Python that leave what a figure reads in variables of these `names`: `rows`, those of the view;
        `table`, all that there are; and `um`, where the rows are along the axes of the volume."""
        cave, table = self.release.cave, self.table
        queries = {"table": TableQuery(), "rows": self.query}
        parts = [
            f"{scripts.table_snippet(cave, table, query)}{name} = frame{scripts.WITH_TEXTS}\n"
            for name, query in queries.items()
            if name in names
        ]
        return [*parts, *(["\n".join(scripts.positions(cave, table))] if "um" in names else [])]

    def no_files(self, total: int | None) -> dict[str, str]:
        """Why there is no file of some format."""
        return {}

    def boxed(self, column: str, text: str) -> str:
        """The address of this view with `text` in the box of a column."""
        return replace(self.address, boxes={**self.address.boxes, column: text}).href()

    def listed(self, column: str, ids: pd.Series) -> str | None:
        """A query line that keeps the rows with these ids, which are saved if they are many; None where that is not
        possible."""
        try:
            kept = saved_ids.listed(
                self.release.cave, self.table.datastack, find_column(self.table.columns, column), ids
            )
        except KarstError:
            return None
        return kept.text()

    def narrowed(self, line: str) -> str | None:
        """The address of the rows that also pass a query line; None where it would be too long."""
        where = f"({self.address.where}) and {line}" if self.address.where.strip() else line
        href = _short(self.release.cave, replace(self.address, where=where), self.table).href()
        return href if len(href) <= LONGEST_ADDRESS else None


@dataclass(frozen=True)
class PagedView(TableView):
    """A table too large to hold, which CAVE sends page by page."""

    table: LargeTable

    @property
    def whole(self) -> int | None:
        """How many rows the table has (None = unknown)."""
        return self.table.info.row_count

    def block(self, start: int, count: int) -> tuple[pd.DataFrame, int | None]:
        """Some of the rows, and how many there are in all (None = unknown)."""
        page = large_tables.read_page(self.release.cave, self.table, self.query, start, count)
        at_end = start + len(page.frame) if len(page.frame) < count else None
        return page.frame, at_end if page.total is None else page.total

    def counted(self) -> tuple[int | None, Sequence[str]]:
        """How many rows the filter keeps (None = unknown), and what one may expect of them and does not get."""
        page = large_tables.read_page(self.release.cave, self.table, self.query)
        return page.total, (*page.sentences, large_tables.unsorted(self.release.cave, page.total))

    def chosen(self, selected: list[str] | None, picked: Mapping[str, Any] | None) -> tuple[pd.DataFrame, str]:
        """The rows that were ticked, else the first that the filter keeps, and what to call them."""
        if selected:
            rows = large_tables.rows_with_ids(self.release.cave, self.table, list(map(int, selected)))
            return rows, _subject(len(rows), selected=True)
        rows, total = self.block(0, large_tables.MOST_AT_ONCE)
        return rows, _first_of(len(rows), total)

    def script(self, columns: Sequence[Column] | None = None) -> str:
        """Python that reads the rows, with these columns (None = those that are shown)."""
        return scripts.large_snippet(self.release.cave, self.table, self.query, columns or self.columns)

    def no_files(self, total: int | None) -> dict[str, str]:
        """Why there is no file of some format, of which `total` rows there would be."""
        most, why = large_tables.MOST_EXPORTED, "needs all rows at once, and these come from CAVE in parts"
        too_many = {"CSV": f"has {most:,} rows at most; filter further"} if (total or 0) > most else {}
        return {"Parquet": why, "Arrow": why, **too_many}


def open_view(cave: Cave, address: TableAddress) -> HeldView | PagedView:
    """The table of an address. Columns that it names and the table does not have are left out, and said."""
    release, opened, table, warnings = _opened(cave, address)
    concrete = _short(cave, opened, table)
    names = [column.name for column in table.columns]
    known = set(names)
    axes = set() if isinstance(table, LargeTable) else {column.name for column in plots.axes_of(table)}
    any_held = set() if isinstance(table, LargeTable) else known
    among = {"x": axes, "y": axes, "group_by": any_held, "left": any_held, "right": any_held}
    parts: dict[str, Any] = {part: getattr(address, part) for part in among}
    kept: dict[str, Any] = {part: name if name in among[part] else "" for part, name in parts.items()}
    requests = joins.with_joined(names, address.join, address.columns)
    ticked = () if known <= set(requests) else tuple(name for name in names if name in requests)
    kept_address = replace(concrete, columns=joins.with_marks(concrete.join, ticked), **kept)
    here = {name for name in requests if joins.is_here(name, concrete.join)}
    messages = (*warnings, *map(_lost, {*here, *parts.values()} - known - {""}))
    if isinstance(table, LargeTable):
        return PagedView(release, kept_address, table, messages)
    return HeldView(release, kept_address, table, messages)


def exact_view(cave: Cave, address: TableAddress, on: str = "auto") -> HeldView | PagedView:
    """The table of an address of which nothing may be left out; the tables of its `join` stand beside by the id `on`
    (see :func:`joins.join`). Raises BadInput, NotFound or TooLarge for what cannot be answered."""
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
    """A view, if its table is held. Raises TooLarge."""
    if isinstance(view, PagedView):
        raise large_tables.too_many(view.release.cave, view.table)
    return view


def _opened(cave: Cave, address: TableAddress) -> tuple[Release, TableAddress, TableFrame | LargeTable, list[str]]:
    """The release of an address, the address with everything filled in, its table, and sentences for what does not fit.

    Boxes and sorts go by the names of the table's own columns; those of columns that it does not have are left out.
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
    kept = replace(concrete, boxes=dict(boxes), sort=tuple(sort))  # type: ignore[arg-type]
    counted, unread = _in_its_unit(cave, kept, table)
    return release, counted, table, [*lost_boxes, *lost_sorts, *unread, *messages]


def _narrowed(cave: Cave, address: TableAddress, table: LargeTable) -> TableFrame | None:
    """What the filter of a view leaves of a large table, if that can be held."""
    counted = large_tables.with_units(table, address.unit)
    boxes, _ = fitting(address.boxes.items(), counted.columns)
    view, _ = _in_its_unit(cave, replace(address, boxes=dict(boxes)), counted)
    return narrowed_tables.narrowed(cave, table, query_of(cave, view), address.unit)


def _in_its_unit(cave: Cave, view: TableAddress, table: TableFrame | LargeTable) -> tuple[TableAddress, list[str]]:
    """The view with its filter in the unit of its positions, and a sentence where one of another cannot be read."""
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
    """The view of a table that is only read by pages, without what these cannot have, and sentences on that."""
    warnings = ["The order that the address asks for was left out."] if view.sort else []
    if view.join:
        warnings.append(f"{table.info.name} is too large to hold: no table stands beside it.")
    return replace(view, sort=(), join=()), warnings


def _lost(name: str) -> str:
    return f"This table has no column {name[:80]!r}; what the address asks of it was left out."


def _short(cave: Cave, address: TableAddress, table: TableFrame | LargeTable) -> TableAddress:
    """The address with long lists of ids saved, so that its address stays one that servers take."""
    short = saved_ids.shortened(cave, table, query_of(cave, address))
    return replace(address, where=short.where, boxes=short.boxes)


def _subject(count: int, *, selected: bool) -> str:
    """The rows of a link in words."""
    return f"{count:,} {'selected ' if selected else ''}row{'' if count == 1 else 's'}"


def _first_of(count: int, total: int | None) -> str:
    """The first rows of a table in words; `total` is how many there are (None = nobody knows)."""
    if total == count:
        return _subject(count, selected=False)
    return f"first {count:,} rows" if total is None else f"first {count:,} of {total:,} rows"
