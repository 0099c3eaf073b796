"""What the table viewer shows: the table of an address or of a grid, and what is asked of its rows."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import pandas as pd

from callbacks import views
from components import table_page, table_plots
from services.cave.context import cave
from services.core.columns import Column, find_column
from services.core.errors import BadInput, KarstError
from services.filters.filters import parse_box, parse_line
from services.filters.nodes import Node
from services.filters.patterns import misread
from services.filters.values import format_value
from services.neuroglancer import links
from services.neuroglancer.links import Link
from services.tables import (
    facets,
    filter_units,
    groups,
    joins,
    large_tables,
    narrowed_tables,
    plots,
    saved_ids,
    scripts,
    tables,
)
from services.tables.groups import Groups
from services.tables.large_tables import LargeTable
from services.tables.tables import TableFrame, TableQuery
from services.views.addresses import LONGEST_ADDRESS, TableView, parse_table


@dataclass(frozen=True)
class _Shown:
    """A concrete view with its boxes, line and order as a query. `said` is what has to be told about it."""

    view: TableView
    table: TableFrame | LargeTable
    said: tuple[str, ...] = ()

    @property
    def query(self) -> TableQuery:
        return views.table_query(cave(), self.view)

    @property
    def columns(self) -> list[Column]:
        """The columns that are shown."""
        return [column for column in self.table.columns if column.name in self.view.columns or not self.view.columns]

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
        for name, text in self.view.boxes.items():
            try:
                parse_box(find_column(self.table.columns, name), text, self.query.saved, self.table.columns)
            except BadInput:
                return text
        try:
            parse_line(self.view.where, self.table.columns, self.query.saved)
        except BadInput:
            return self.view.where
        return ""


@dataclass(frozen=True)
class Shown(_Shown):
    """What is shown of a table that is held."""

    table: TableFrame

    @property
    def colour_by(self) -> str:
        """The column of colours in the plot and layers in the link: that chosen, else that to count by; "" = none."""
        return self.view.group_by or table_plots.grouping(self.table) or ""

    @property
    def groups(self) -> Groups | None:
        """The values of that column with their colours, over the whole table."""
        return groups.of_table(cave(), self.table, self.colour_by) if self.colour_by else None

    @property
    def whole(self) -> int:
        """How many rows the table has."""
        return len(self.table.frame) if self.table.filters is None else self.table.info.row_count or 0

    def block(self, start: int, count: int) -> tuple[pd.DataFrame, int | None]:
        """Some of the rows, and how many there are in all (None = unknown)."""
        return tables.page(self.table, self.query, start, count)

    def counted(self) -> tuple[int | None, Sequence[str]]:
        """How many rows the filter keeps (None = unknown), and what one may expect of them and does not get."""
        return tables.page(self.table, self.query, 0, 0)[1], misread(self.filter, self.table.frame)

    def meant(self, total: int | None) -> tuple[str, str] | None:
        """The values that may be meant where no cell has what was typed, and the address of the view with them, if that
        has more rows."""
        if self.view == table_page.unfiltered(self.view):
            return None
        query, values = filter_units.as_known(self.table.columns, self.query, facets.known_values(self.table))
        if not values or tables.page(self.table, query, 0, 0)[1] <= (total or 0):
            return None
        return ", ".join(map(format_value, values)), replace(self.view, where=query.where, boxes=query.boxes).href()

    def chosen(self, selected: list[str] | None, picked: Mapping[str, Any] | None) -> tuple[pd.DataFrame, str]:
        """The rows that were ticked, else picked in the plot, else filtered, and what to call them."""
        rows, narrowed = rows_of(self, selected, picked)
        return rows, table_page.subject(len(rows), selected=narrowed)

    def script(self) -> str:
        """Python that reads the rows."""
        return scripts.table_snippet(cave(), self.table, self.query, self.columns)

    def no_files(self, total: int | None) -> dict[str, str]:
        """Why there is no file of some format."""
        return {}

    def boxed(self, column: str, text: str) -> str:
        """The address of this view with `text` in the box of a column."""
        return replace(self.view, boxes={**self.view.boxes, column: text}).href()

    def keeping(self, column: str, ids: pd.Series) -> str | None:
        """The address of the rows with these ids, which are saved if they are many; None where that is not possible."""
        try:
            kept = saved_ids.listed(cave(), self.table.datastack, find_column(self.table.columns, column), ids)
        except KarstError:
            return None
        return self.narrowed(kept.text())

    def narrowed(self, line: str) -> str | None:
        """The address of the rows that also pass a query line; None where it would be too long."""
        where = f"({self.view.where}) and {line}" if self.view.where.strip() else line
        href = _short(replace(self.view, where=where), self.table).href()
        return href if len(href) <= LONGEST_ADDRESS else None


@dataclass(frozen=True)
class Paged(_Shown):
    """What is shown of a table that CAVE sends page by page, since it is too large to hold."""

    table: LargeTable
    colour_by: ClassVar[str] = ""  # which would need all values that a column has

    @property
    def whole(self) -> int:
        """How many rows the table has."""
        return self.table.info.row_count or 0

    def block(self, start: int, count: int) -> tuple[pd.DataFrame, int | None]:
        """Some of the rows, and how many there are in all (None = unknown)."""
        page = large_tables.read_page(cave(), self.table, self.query, start, count)
        at_end = start + len(page.frame) if len(page.frame) < count else None
        return page.frame, at_end if page.total is None else page.total

    def counted(self) -> tuple[int | None, Sequence[str]]:
        """How many rows the filter keeps (None = unknown), and what one may expect of them and does not get."""
        page = large_tables.read_page(cave(), self.table, self.query)
        return page.total, (*page.sentences, large_tables.unsorted(self.table))

    def chosen(self, selected: list[str] | None, picked: Mapping[str, Any] | None) -> tuple[pd.DataFrame, str]:
        """The rows that were ticked, else the first that the filter keeps, and what to call them."""
        if selected:
            rows = large_tables.rows_with_ids(cave(), self.table, list(map(int, selected)))
            return rows, table_page.subject(len(rows), selected=True)
        rows, total = self.block(0, large_tables.MOST_AT_ONCE)
        return rows, table_page.first_of(len(rows), total)

    def script(self) -> str:
        """Python that reads the rows."""
        return scripts.large_snippet(cave(), self.table, self.query, self.columns)

    def no_files(self, total: int | None) -> dict[str, str]:
        """Why there is no file of some format, of which `total` rows there would be."""
        most, why = large_tables.MOST_EXPORTED, "needs all rows at once, and these come from CAVE in parts"
        too_many = {"CSV": f"has {most:,} rows at most; filter further"} if (total or 0) > most else {}
        return {"Parquet": why, "Arrow": why, **too_many}


def of_grid(shown: Mapping[str, Any], columns: Sequence[str] = (), panel: str = "") -> Shown:
    """What a grid shows. `columns` are those that are ticked and `panel` the one in front since it was drawn, so that
    every way on keeps them; none = those of its view. Raises TooLarge where it is paged."""
    return held(any_of_grid(shown, columns, panel))


def of_view(view: TableView) -> Shown:
    """The table of a view. Columns that it names and the table does not have are left out, and said.

    Raises TooLarge where it is paged."""
    return held(any_of_view(view))


def any_of_grid(shown: Mapping[str, Any], columns: Sequence[str] = (), panel: str = "") -> Shown | Paged:
    """As :func:`of_grid`, held or paged."""
    view = views.table_view(shown)
    ticked = joins.with_marks(view.join, columns)
    return any_of_view(replace(view, columns=ticked or view.columns, panel=panel or view.panel))


def any_of_view(view: TableView) -> Shown | Paged:
    """As :func:`of_view`, held or paged."""
    opened, table, said = views.open_view(cave(), view)
    concrete = _short(opened, table)
    names = [column.name for column in table.columns]
    known = set(names)
    axes = set() if isinstance(table, LargeTable) else {column.name for column in plots.axes_of(table)}
    any_held = set() if isinstance(table, LargeTable) else known
    among = {"x": axes, "y": axes, "group_by": any_held, "left": any_held, "right": any_held}
    parts: dict[str, Any] = {part: getattr(view, part) for part in among}
    kept: dict[str, Any] = {part: name if name in among[part] else "" for part, name in parts.items()}
    asked = joins.with_joined(names, view.join, view.columns)
    ticked = () if known <= set(asked) else tuple(name for name in names if name in asked)
    fitting = replace(concrete, columns=joins.with_marks(concrete.join, ticked), **kept)
    here = {name for name in asked if joins.is_here(name, concrete.join)}
    told = (*said, *map(_lost, {*here, *parts.values()} - known - {""}))
    return Paged(fitting, table, told) if isinstance(table, LargeTable) else Shown(fitting, table, told)


def is_few_now(shown: Shown | Paged, of: str) -> bool:
    """Whether a large table is narrowed enough to be held, but was not yet at the address `of`, for which the page was
    drawn."""
    if isinstance(shown, Paged) or shown.table.filters is None:
        return False
    return isinstance(any_of_view(parse_table(views.query_of(of))[0]), Paged)


def held(shown: Shown | Paged) -> Shown:
    """What is shown, if it is held. Raises TooLarge."""
    if isinstance(shown, Paged):
        raise narrowed_tables.too_many(shown.table)
    return shown


def _lost(name: str) -> str:
    return f"This table has no column {name[:80]!r}; what the address asks of it was left out."


def _short(view: TableView, table: TableFrame | LargeTable) -> TableView:
    """The view with long lists of ids saved, so that its address stays one that servers take."""
    short = saved_ids.shortened(cave(), table, views.table_query(cave(), view))
    return replace(view, where=short.where, boxes=short.boxes)


def points(shown: Shown) -> pd.DataFrame | None:
    """The dots of the view's plot; None where it has none."""
    view, table, query = shown.view, shown.table, shown.query
    if view.plot in plots.MAPS:
        return plots.soma_map(table, query, cave().volume(view.datastack), view.plot, shown.groups)
    chosen = plots.axes(table, view.x, view.y)
    return plots.scatter(table, query, *chosen, shown.groups) if view.plot == "scatter" and chosen else None


def picked_ids(shown: Shown | Paged, picked: Mapping[str, Any] | None) -> pd.Series | None:
    """The ids of the rows within what was drawn in the plot; None where nothing was, or nothing can be."""
    if not picked or isinstance(shown, Paged) or "id" not in shown.table.frame:
        return None
    drawn, of, view = picked, shown, shown.view

    def find() -> pd.Series | None:
        dots = points(of)
        return None if dots is None else plots.within(dots, drawn)

    parts = (shown.query.key(), view.plot, view.x, view.y, json.dumps(picked))
    return shown.table.derived.of("picked ids", *parts).get(find)


def rows_of(shown: Shown, selected: list[str] | None, picked: Mapping[str, Any] | None) -> tuple[pd.DataFrame, bool]:
    """The rows that a person chose in the grid, else in the plot; else all that are shown, and False."""
    frame = shown.table.frame
    if selected:
        return frame[frame["id"].isin([int(id) for id in selected])], True
    ids = picked_ids(shown, picked)
    return (tables.select(shown.table, shown.query), False) if ids is None else (frame[frame["id"].isin(ids)], True)


def link(shown: Shown | Paged, rows: pd.DataFrame, most: int | None = None) -> Link:
    """The link to some rows, grouped and coloured as the view says, with the first `most` of them (None = as many as
    a viewer opens)."""
    viewer = shown.view.viewer.strip() or None
    return links.table_link(cave(), shown.table, rows, viewer=viewer, most=most, group_by=shown.colour_by or None)
