"""What the table viewer shows: the table of an address or of a grid, and what is asked of its rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from callbacks import views
from components import table_plots
from services import neuroglancer, plots, saved_ids, tables
from services.columns import Column, find_column
from services.context import cave
from services.errors import BadInput, KarstError
from services.filters import parse_box, parse_line
from services.neuroglancer import Link
from services.tables import TableFrame, TableQuery
from services.urls import LONGEST_ADDRESS, TableView


@dataclass(frozen=True)
class Shown:
    """A concrete view with its table, and its boxes, line and order as a query."""

    view: TableView
    table: TableFrame
    said: tuple[str, ...] = ()

    @property
    def query(self) -> TableQuery:
        return views.table_query(cave(), self.view)

    @property
    def columns(self) -> list[Column]:
        """The columns that are shown."""
        return [column for column in self.table.columns if column.name in self.view.columns or not self.view.columns]

    @property
    def colour_by(self) -> str:
        """The column that colours the plot and the link: the one chosen, else the one to count by; "" = none."""
        return self.view.group_by or table_plots.grouping(self.table) or ""

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

    def typed_wrongly(self) -> str:
        """The text of a box, else the query line, that cannot be read; "" if all can."""
        for name, text in self.view.boxes.items():
            try:
                parse_box(find_column(self.table.columns, name), text, self.query.saved)
            except BadInput:
                return text
        try:
            parse_line(self.view.where, self.table.columns, self.query.saved)
        except BadInput:
            return self.view.where
        return ""


def of_grid(shown: Mapping[str, Any], columns: Sequence[str] = (), panel: str = "") -> Shown:
    """What a grid shows. `columns` are those that are ticked and `panel` the one in front since it was drawn, so that
    every way on keeps them; none = those of its view."""
    view = views.table_view(shown)
    return of_view(replace(view, columns=tuple(columns) or view.columns, panel=panel or view.panel))


def of_view(view: TableView) -> Shown:
    """The table of a view. Columns that it names and the table does not have are left out, and said."""
    opened, table, said = views.open_view(cave(), view)
    concrete = _short(opened, table)
    names = [column.name for column in table.columns]
    known = set(names)
    axes = {column.name for column in plots.axes_of(table)}
    fitting = replace(
        concrete,
        group_by=view.group_by if view.group_by in known else "",
        x=view.x if view.x in axes else "",
        y=view.y if view.y in axes else "",
        left=view.left if view.left in known else "",
        right=view.right if view.right in known else "",
        columns=()
        if known <= set(view.columns)
        else tuple(one.name for one in table.columns if one.name in view.columns),
    )
    lost = {view.group_by, *view.columns, view.x, view.y, view.left, view.right} - known - {""}
    more = [f"This table has no column {name[:80]!r}; what the address asks of it was left out." for name in lost]
    return Shown(fitting, table, (*said, *more))


def _short(view: TableView, table: TableFrame) -> TableView:
    """The view with long lists of ids saved, so that its address stays one that servers take."""
    short = saved_ids.shortened(cave(), table, views.table_query(cave(), view))
    return replace(view, where=short.where, boxes=short.boxes)


def points(shown: Shown) -> pd.DataFrame | None:
    """The dots of the view's plot; None where it has none."""
    view, table, query = shown.view, shown.table, shown.query
    if view.plot in plots.MAPS:
        return plots.soma_map(table, query, cave().volume(view.datastack), view.plot, shown.colour_by)
    chosen = plots.axes(table, view.x, view.y)
    return plots.scatter(table, query, *chosen, shown.colour_by) if view.plot == "scatter" and chosen else None


def rows_of(shown: Shown, selected: list[str] | None, picked: Mapping[str, Any] | None) -> tuple[pd.DataFrame, bool]:
    """The rows that a person chose in the grid, else in the plot; else all that are shown, and False."""
    frame = shown.table.frame
    if selected:
        return frame[frame["id"].isin([int(id) for id in selected])], True
    drawn = points(shown) if picked and "id" in frame else None
    if drawn is not None and picked:
        return frame[frame["id"].isin(plots.within(drawn, picked))], True
    return tables.select(shown.table, shown.query), False


def link(shown: Shown, rows: pd.DataFrame, most: int | None = None) -> Link:
    """The link to some rows, grouped and coloured as the view says, with the first `most` of them (None = as many as
    a viewer opens)."""
    by = {"group_by": shown.view.group_by} if shown.view.group_by else {"colour_by": shown.colour_by or None}
    viewer = shown.view.viewer.strip() or None
    return neuroglancer.table_link(cave(), shown.table, rows, viewer=viewer, most=most, **by)
