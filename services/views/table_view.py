"""What an address of the table viewer means: the table, the rows that it keeps, and everything derived from them."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from services.cave.context import outside_address
from services.cave.release import Release
from services.cells import id_search
from services.cells.id_search import IdSearch
from services.core.columns import Column, default_group, find_column
from services.core.errors import BadInput, KarstError
from services.filters.filters import parse_box, parse_line
from services.filters.misread import misread
from services.filters.nodes import Node
from services.filters.values import format_value
from services.neuroglancer import links
from services.neuroglancer.links import Link
from services.populations.sets import ROOT_IDS
from services.tables import (
    crosstabs,
    facets,
    filter_units,
    groups,
    large_tables,
    plots,
    saved_ids,
    scripts,
    systems,
    tables,
)
from services.tables.crosstabs import CrossTab
from services.tables.facets import Facet, Histogram
from services.tables.groups import Groups
from services.tables.large_tables import LargeTable
from services.tables.systems import OneSystem
from services.tables.tables import TableFrame, TableQuery
from services.views.addresses import LONGEST_ADDRESS, TableAddress
from services.views.resolving import query_of, short


@dataclass(frozen=True)
class TableView(ABC):
    """The table of an address, created once for a request and shared by everything that answers it.

    `address` has its defaults filled in and no part that the table does not have; `messages` are sentences about the
    parts left out. A view is a :class:`HeldView`, or a :class:`PagedView` where the table is too large to be held in
    memory.
    """

    release: Release
    address: TableAddress
    table: TableFrame | LargeTable
    messages: tuple[str, ...] = ()

    @property
    def query(self) -> TableQuery:
        """The filters and the order of rows in the address."""
        return query_of(self.release.cave, self.address)

    @property
    def names_cells(self) -> bool:
        """Whether its rows have root ids of a kept version, so that they can be the set of a population."""
        return self.table.version.materialized and ROOT_IDS in {column.name for column in self.table.columns}

    @property
    def columns(self) -> list[Column]:
        """The columns to show, in the order of the table."""
        return [
            column for column in self.table.columns if column.name in self.address.columns or not self.address.columns
        ]

    @property
    def filter(self) -> Node:
        """The filter of rows. Raises BadInput where it cannot be parsed."""
        return tables.filter_of(self.table.columns, self.query)

    def suggestion(self, total: int | None) -> tuple[str, str] | None:
        """Values that the user may have meant, where the filter keeps `total` rows, and the address of the view with
        them; None where there are none."""
        return None

    def unreadable_text(self) -> str:
        """The first text in a box, else in the query line, that cannot be parsed; "" if all can."""
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
        """The column whose values are the colours of the plot and the layers of the link; "" = none."""
        return ""

    def picked_ids(self, picked: Mapping[str, Any] | None) -> pd.Series | None:
        """The ids of the rows within the outline drawn in the plot; None where nothing was drawn, or can be."""
        return None

    def link(self, rows: pd.DataFrame, most: int | None = None) -> Link:
        """The link to some rows, grouped and coloured by :attr:`colour_by`, with the first `most` of them (None = as
        many as a viewer opens)."""
        viewer = self.address.viewer.strip() or None
        return links.table_link(
            self.release.cave, self.table, rows, viewer=viewer, most=most, group_by=self.colour_by or None
        )

    @abstractmethod
    def chosen(self, selected: list[str] | None, picked: Mapping[str, Any] | None) -> tuple[pd.DataFrame, str]:
        """The rows `selected` by id, else `picked` in the plot, else kept by the filter, and a phrase that counts
        them."""

    def chosen_link(self, selected: list[str] | None, picked: Mapping[str, Any] | None) -> tuple[Link, str]:
        """The link to the rows of :meth:`chosen`, and the phrase that counts them."""
        rows, subject = self.chosen(selected, picked)
        return self.link(rows), subject


@dataclass(frozen=True)
class HeldView(TableView):
    """A table that is held in memory."""

    table: TableFrame

    @property
    def colour_by(self) -> str:
        """The column whose values are the colours of the plot and the layers of the link: the chosen one, else a
        default."""
        return self.address.group_by or default_group(self.table.columns) or ""

    @property
    def groups(self) -> Groups | None:
        """The groups of :attr:`colour_by` over the whole table, with their colours; None without such a column."""
        return groups.of_table(self.release.cave, self.table, self.colour_by) if self.colour_by else None

    @property
    def total_rows(self) -> int | None:
        """The number of rows of the table before the filter (None = not known)."""
        return len(self.table.frame) if self.table.filters is None else self.table.info.row_count

    def block(self, start: int, count: int) -> tuple[pd.DataFrame, int | None]:
        """`count` rows that the filter keeps from position `start` on, and how many it keeps in all (None = not
        known)."""
        return tables.page(self.table, self.query, start, count)

    def counted(self) -> tuple[int | None, Sequence[str]]:
        """The number of rows that the filter keeps (None = not known), and warnings about the filter."""
        return tables.page(self.table, self.query, 0, 0)[1], self.misread

    @property
    def misread(self) -> tuple[str, ...]:
        """Warnings that the filter may keep other rows than a reader expects; see :func:`misread`."""
        derived = self.table.derived.of("misread", self.query.key())
        return derived.get(lambda: misread(self.filter, self.table.frame))

    def suggestion(self, total: int | None) -> tuple[str, str] | None:
        """Values of the table for typed ones that it does not have, and the address of the view with them; None where
        there are none, or they do not keep more than `total` rows."""
        if self.address == self.address.unfiltered():
            return None
        query, values = filter_units.as_known(self.table.columns, self.query, facets.known_values(self.table))
        if not values or tables.page(self.table, query, 0, 0)[1] <= (total or 0):
            return None
        return ", ".join(map(format_value, values)), replace(self.address, where=query.where, boxes=query.boxes).href()

    def system(self, *by: str) -> OneSystem | None:
        """The annotation system whose rows are shown alone, if any; see :func:`systems.shown_system`."""
        return systems.shown_system(self.table, self.query, self.release.roles.cell_types, by)

    def of_system(self, system: str) -> HeldView:
        """The view with a box that keeps the rows of one annotation system."""
        boxes = {**self.address.boxes, **systems.box(self.table, system)}
        return replace(self, address=replace(self.address, boxes=boxes))

    def single_system(self, *by: str) -> tuple[HeldView, OneSystem | None]:
        """The view of the rows of one annotation system, where rows of several would count twice, and which system
        that is; else the view itself. See :meth:`system`."""
        system = self.system(*by)
        return self.of_system(system.value) if system else self, system

    @property
    def plotted(self) -> HeldView:
        """The view of the rows in the plot; see :meth:`single_system`."""
        return self.single_system(self.colour_by)[0]

    def facets(self) -> tuple[Sequence[Facet], Sequence[Histogram], OneSystem | None]:
        """The values of every column, counted among the rows of one annotation system where these are of several; the
        systems themselves among all rows."""
        single, system = self.single_system()
        of_all = facets.facet(self.table, self.query, system.column) if system else None
        counted = facets.facets(single.table, single.query)
        merged = [of_all if of_all and of_all.column == facet.column else facet for facet in counted]
        return merged, facets.histograms(single.table, single.query), system

    def crosstab(self, left: str, right: str) -> tuple[CrossTab, HeldView, OneSystem | None]:
        """Two columns against each other, over the rows that the filter keeps but for the boxes of these two, of one
        annotation system where they are of several; and the view of these rows. Raises BadInput."""
        single, system = self.single_system(left, right)
        boxes = {name: text for name, text in single.address.boxes.items() if name not in {left, right}}
        return crosstabs.crosstab(single.table, replace(single.query, boxes=boxes), left, right), single, system

    def points(self) -> pd.DataFrame | None:
        """The points of a scatter plot or map; None for other plots. Columns as of :func:`plots.scatter` or
        `soma_map`."""
        address, table, query = self.address, self.table, self.query
        if address.plot in plots.MAPS:
            return plots.soma_map(table, query, self.release.volume, address.plot, self.groups)
        chosen = plots.axes(table, address.x, address.y)
        return plots.scatter(table, query, *chosen, self.groups) if address.plot == "scatter" and chosen else None

    def picked_ids(self, picked: Mapping[str, Any] | None) -> pd.Series | None:
        """The ids of the rows within the outline `picked`; None where there is none, or rows have no ids."""
        if not picked or "id" not in self.table.frame:
            return None
        outline, plotted = picked, self.plotted

        def find() -> pd.Series | None:
            points = plotted.points()
            return None if points is None else plots.within(points, outline)

        parts = (plotted.query.key(), self.address.plot, self.address.x, self.address.y, json.dumps(picked))
        return self.table.derived.of("picked ids", *parts).get(find)

    def picked_rows(self, selected: list[str] | None, picked: Mapping[str, Any] | None) -> tuple[pd.DataFrame, bool]:
        """The rows selected in the grid, else picked in the plot, and True; else all that the filter keeps, and
        False."""
        frame = self.table.frame
        if selected:
            return frame[frame["id"].isin([int(id) for id in selected])], True
        ids = self.picked_ids(picked)
        return (tables.select(self.table, self.query), False) if ids is None else (frame[frame["id"].isin(ids)], True)

    def chosen(self, selected: list[str] | None, picked: Mapping[str, Any] | None) -> tuple[pd.DataFrame, str]:
        """The rows `selected` by id, else `picked` in the plot, else kept by the filter, and a phrase that counts
        them."""
        rows, narrowed = self.picked_rows(selected, picked)
        return rows, _subject(len(rows), selected=narrowed)

    def chosen_link(self, selected: list[str] | None, picked: Mapping[str, Any] | None) -> tuple[Link, str]:
        """The link to the rows of :meth:`chosen`, and the phrase that counts them. A link to all rows that the filter
        keeps is kept in memory, without its state, for as long as CAVE has the state."""
        if selected or picked:
            return super().chosen_link(selected, picked)
        cave, datastack = self.release.cave, self.address.datastack
        parts = self.query.key(), self.address.viewer, self.colour_by, outside_address(cave)
        rows = tables.select(self.table, self.query)
        link = self.table.derived.of("link", *parts).get(
            lambda: replace(self.link(rows), state={}),
            lambda link: bool(link.state_ids) and all(cave.keeps_state(datastack, id) for id in link.state_ids),
        )
        return link, _subject(len(rows), selected=False)

    def script(self, columns: Sequence[Column] | None = None) -> str:
        """The Python script that reads the rows that the filter keeps, with some columns (None = those that are
        shown)."""
        return scripts.table_snippet(self.release.cave, self.table, self.query, columns or self.columns)

    def readings(self, names: Collection[str]) -> list[str]:
        """Parts of a script that define the variables in `names` for a figure: `rows`, which the filter keeps; `table`,
        all rows; and `um`, the positions of the rows along the axes of the volume."""
        cave, table = self.release.cave, self.table
        queries = {"table": TableQuery(), "rows": self.query}
        parts = [
            f"{scripts.table_snippet(cave, table, query)}{name} = frame{scripts.WITH_TEXTS}\n"
            for name, query in queries.items()
            if name in names
        ]
        return [*parts, *(["\n".join(scripts.positions(cave, table))] if "um" in names else [])]

    def find_ids(self, text: str, id_type: str = "auto") -> IdSearch:
        """What became of the ids in a pasted text, in the rows of the whole table; see :func:`id_search.search`."""
        return id_search.search(self.release.cave, self.table, text, id_type)

    def unavailable_formats(self, total: int | None) -> dict[str, str]:
        """The file formats that cannot be downloaded, each with the reason; `total` is the number of rows."""
        return {}

    def href_with_box(self, column: str, text: str) -> str:
        """The path and query of this view with `text` in the box of a column."""
        return replace(self.address, boxes={**self.address.boxes, column: text}).href()

    def line_of_ids(self, column: str, ids: pd.Series) -> str | None:
        """A query line that keeps the rows with these ids; many ids are saved on the server, and the line refers to
        them. None where they cannot be saved."""
        try:
            node = saved_ids.listed(
                self.release.cave, self.table.datastack, find_column(self.table.columns, column), ids
            )
        except KarstError:
            return None
        return node.text()

    def href_with_line(self, line: str) -> str | None:
        """The path and query of this view with a further query line; None where it would be too long."""
        where = f"({self.address.where}) and {line}" if self.address.where.strip() else line
        href = short(self.release.cave, replace(self.address, where=where), self.table).href()
        return href if len(href) <= LONGEST_ADDRESS else None


@dataclass(frozen=True)
class PagedView(TableView):
    """A table too large to be held in memory, which is read from CAVE page by page."""

    table: LargeTable

    @property
    def total_rows(self) -> int | None:
        """The number of rows of the table before the filter (None = not known)."""
        return self.table.info.row_count

    def block(self, start: int, count: int) -> tuple[pd.DataFrame, int | None]:
        """`count` rows that the filter keeps from position `start` on, and how many it keeps in all (None = not
        known)."""
        page = large_tables.read_page(self.release.cave, self.table, self.query, start, count)
        at_end = start + len(page.frame) if len(page.frame) < count else None
        return page.frame, at_end if page.total is None else page.total

    def counted(self) -> tuple[int | None, Sequence[str]]:
        """The number of rows that the filter keeps (None = not known), and warnings about the filter."""
        page = large_tables.read_page(self.release.cave, self.table, self.query)
        return page.total, (*page.sentences, large_tables.unsorted(self.release.cave, page.total))

    def chosen(self, selected: list[str] | None, picked: Mapping[str, Any] | None) -> tuple[pd.DataFrame, str]:
        """The rows `selected` by id, else the first that the filter keeps, and a phrase that counts them."""
        if selected:
            rows = large_tables.rows_with_ids(self.release.cave, self.table, list(map(int, selected)))
            return rows, _subject(len(rows), selected=True)
        rows, total = self.block(0, large_tables.MOST_AT_ONCE)
        return rows, _first_of(len(rows), total)

    def script(self, columns: Sequence[Column] | None = None) -> str:
        """The Python script that reads the rows that the filter keeps, with some columns (None = those that are
        shown)."""
        return scripts.large_snippet(self.release.cave, self.table, self.query, columns or self.columns)

    def unavailable_formats(self, total: int | None) -> dict[str, str]:
        """The file formats that cannot be downloaded, each with the reason; `total` is the number of rows."""
        most, why = large_tables.MOST_EXPORTED, "needs all rows at once, and these come from CAVE in parts"
        too_many = {"CSV": f"has {most:,} rows at most; filter further"} if (total or 0) > most else {}
        return {"Parquet": why, "Arrow": why, **too_many}


def _subject(count: int, *, selected: bool) -> str:
    """A phrase that counts the rows of a link."""
    return f"{count:,} {'selected ' if selected else ''}row{'' if count == 1 else 's'}"


def _first_of(count: int, total: int | None) -> str:
    """A phrase that counts the first rows, of a `total` (None = not known)."""
    if total == count:
        return _subject(count, selected=False)
    return f"first {count:,} rows" if total is None else f"first {count:,} of {total:,} rows"
