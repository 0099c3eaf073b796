"""The parts of the table viewer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pandas as pd
from dash import dcc, html

from components import alerts, controls, glossary, help
from components.attributes import aria, data
from components.grid import ahead, ordered, place, rows_grid, typed
from components.id_search import id_panel
from components.links import deselect, ways_out
from components.shell import heading
from components.table_columns import column_panel
from components.table_plots import plot_form
from services.core.sorting import format_sort
from services.views.addresses import TABLE_PAGE, CellAddress, PopulationAddress, TableAddress

if TYPE_CHECKING:
    from services.core.columns import Column
    from services.tables.large_tables import LargeTable
    from services.tables.tables import TableFrame

TITLES = {"plot": "Plot", "facets": "Facets", "compare": "Compare", "3d": "3D", "ids": "Find ids", "columns": "Columns"}
COMPUTED = ("plot", "facets", "compare", "3d")
"""Panels that show something of the rows on show."""
FILES = ("CSV", "Parquet", "Arrow")
PROVENANCE = "Where the rows of the CSV come from, as JSON"
COPIES = {
    "lines": "Ids, one a line",
    "commas": "Ids with commas",
    "python": "Ids as a Python list",
    "neuroglancer": "Ids for Neuroglancer",
    "tray": "Ids to the tray",
    "script": "Python that reads these rows",
}
CHOSEN = "Connections among the chosen"
"""Leads to the population of the rows that are ticked or outlined, else shown."""
OUTLINED = "btn btn-sm btn-outline-secondary"
WHERE_HINT = "Conditions on columns, joined with and, or, not"
"""Stands in the box of the query line where the table gives no example."""


def page(view: TableAddress, query: Mapping[str, Any]) -> html.Div:
    """The whole page of a view whose table is still to come. `query` is the address as it was given."""
    fields = [
        controls.choice("Datastack", "datastack", "table-datastack", view.datastack),
        controls.choice("Version", "version", "table-version", view.version),
        controls.choice("Table", "table", "table-name", view.table, wide=True),
        controls.text("Filter", "where", "table-where", view.where, WHERE_HINT, completed=True),
    ]
    return html.Div(
        [
            html.Div(
                [heading("Tables"), html.P(id="table-status", className="k-status", role="status")], className="k-top"
            ),
            controls.view_form(TABLE_PAGE, fields, "Show"),
            html.Div(id="alerts"),
            html.Div(id="table-notes"),
            html.Div(alerts.loading("Opening the table…"), id="table-results", className="k-results"),
            ahead(),
            dcc.Store(id="table-query", data=dict(query)),
            dcc.Store(id="table-selected"),
            dcc.Store(id="table-picked"),
            dcc.Store(id="table-href"),
        ]
    )


def results(
    view: TableAddress,
    table: TableFrame,
    axes: Sequence[Column],
    chosen: tuple[Column, Column] | None,
    others: Sequence[str],
    *,
    viewer: Sequence[Any],
    block: Mapping[str, Any],
    summary: Sequence[Any],
    layer_sets: Sequence[controls.Option] = (),
) -> list[Any]:
    """The rows of the view, `block` the first of them, their `summary` (counts, a link to them as a file, and the menu
    of downloads), and places for all else that is said about them.

    `axes` are the columns that plots can have, `chosen` those they do; `others` are the tables of the version,
    `viewer` is the panel of the rows in 3D, `layer_sets` are the boundaries of layers to choose from."""
    panels: dict[str, Sequence[Any]] = {
        "plot": [
            plot_form(view, table, axes, chosen, layer_sets),
            html.Div(id="table-figure"),
            html.Div(id="table-picked-message", className="k-picked", role="status"),
        ],
        "facets": [html.Div(alerts.loading("Counting…"), id="table-facets")],
        "compare": [html.Div(alerts.loading("Counting…"), id="table-compared")],
        "3d": viewer,
        "ids": id_panel(table),
        "columns": column_panel(view, table, others),
    }
    wide = view.panel == "plot" and view.plot != "counts"
    return _results(view, table, block, summary, _aside(view, panels, wide=wide))


def paged_results(view: TableAddress, table: LargeTable, block: Mapping[str, Any], summary: Sequence[Any]) -> list[Any]:
    """The same for a table that CAVE sends page by page, so that nothing can sort or plot it until it is narrowed."""
    pages = "they come from CAVE page by page, in its own order, and it filters them. "
    begin = (
        "The rows of this table are too many to be read as of a time. "
        if table.info.row_count is None
        else f"The {table.info.row_count:,} rows of this table are too many to sort or plot: {pages}"
    )
    why = (
        f"{begin}Those that a filter leaves can be sorted, plotted and joined "
        "where they are few enough. To find ids, type them into the box of a column: in 1, 2, 3."
    )
    panels = {"columns": [html.P(why, className="k-hint"), *column_panel(view, table, None)]}
    return _results(view, table, block, summary, _aside(view, panels), sortable=False)


def _results(
    view: TableAddress,
    table: TableFrame | LargeTable,
    block: Mapping[str, Any],
    summary: Sequence[Any],
    aside: html.Aside,
    *,
    sortable: bool = True,
) -> list[Any]:
    names = [column.name for column in table.columns]
    key = "id" if "id" in names else ""
    of = replace(view, boxes={}, sort=()).href()
    shown = {"of": of, "filterModel": typed(view.boxes), "sortModel": ordered(view.sort)}
    grid = rows_grid(
        {"type": "table-rows", "side": "table", "of": of, "key": key},
        table.columns,
        boxes=view.boxes,
        sort=view.sort,
        key=key or None,
        cell_href=lambda column: cell_href(view, table, column),
        label=f"Rows of {view.table}",
        hidden=[name for name in names if name not in view.columns] if set(names) & set(view.columns) else (),
        sortable=sortable,
    )
    counted, csv, menu = summary
    bar = html.Div(
        [
            html.Div(counted, id="table-counts", className="k-counts", role="status"),
            help.opener("How to filter"),
            html.Div(id="table-selection"),
            html.Div(id="table-link", className="k-link"),
            html.Div(ways_out(csv, menu, "table-csv", "table-menu"), className="k-downloads"),
        ],
        id="table-summary",
        className="k-summary",
    )
    stores = [
        dcc.Store(id="table-shown", data=shown),
        *(dcc.Store(id=f"table-{part}") for part in ("address", "there", "copied", "copied-done")),
    ]
    return [bar, html.Div([place(grid, block), aside], className="k-split"), *stores]


def _aside(view: TableAddress, panels: Mapping[str, Sequence[Any]], *, wide: bool = False) -> html.Aside:
    """The panels, that of the view in front, else the only one."""
    front = view.panel if view.panel in panels else next(iter(panels))
    tabs = html.Div(
        [_tab(name, front == name) for name in panels], role="tablist", className="k-tabs", **aria(label="Beside")
    )
    drawn = [
        html.Div(
            children,
            id=f"panel-{name}",
            role="tabpanel",
            hidden=front != name,
            **aria(labelledby=f"tab-{name}"),
        )
        for name, children in panels.items()
    ]
    fronts = [dcc.Store(id={"type": "table-front", "panel": name}) for name in panels if name in COMPUTED]
    stores = [*fronts, dcc.Store(id="tab", data=view.panel), dcc.Store(id="table-of", data=view.href())]
    return html.Aside(
        [tabs, *drawn, *stores],
        className="k-aside k-panel-aside" + (" k-aside-wide" if wide else ""),
    )


def _tab(name: str, chosen: bool) -> html.Button:
    return html.Button(
        TITLES[name],
        id=f"tab-{name}",
        type="button",
        role="tab",
        tabIndex="0" if chosen else "-1",
        **aria(selected=str(chosen).lower(), controls=f"panel-{name}"),
        **data(value=name),
    )


def status(table: TableFrame | LargeTable, catalogue: str, notices: Sequence[str], description: str) -> list[Any]:
    """Which table this is, of which version and day, and the owners' `notices`. `catalogue` is the address of all,
    `description` that of the datastack."""
    info, version = table.info, table.version
    parts = [
        html.Strong(info.name),
        " · ",
        glossary.datastack(table.datastack, description),
        f" · {version.words}",
        f" · references {info.reference_table}" if info.reference_table else "",
        " · ",
        html.A("all tables", href=catalogue),
    ]
    described = html.Span(info.description, className="k-description", title=info.description)
    return [*parts, described, *alerts.notices(notices)]


def counts(
    total: int | None,
    whole: int | None,
    words: str,
    unfiltered: str,
    notes: Sequence[Any] = (),
    *,
    suggestion: tuple[str, str] | None = None,
) -> list[Any]:
    """How many of the `whole` rows the filter leaves (None for either = nobody knows), what it says, and what else is
    `notes`. `suggestion` are the values that may be meant, and the address of the view with them."""
    more = [html.Div(sentence, className="k-words") for sentence in notes]
    if not words:
        return [html.Strong("An unknown number of" if whole is None else f"{whole:,}"), " rows", *more]
    clear = html.A("Clear filters", href=unfiltered, className="k-clear", **data(undo="Filters cleared."))
    count = html.Strong("An unknown number" if total is None else f"{total:,}")
    instead = [html.A(f"Did you mean {suggestion[0]}?", href=suggestion[1], className="k-clear")] if suggestion else []
    return [
        count,
        " rows" if whole is None else f" of {whole:,} rows",
        html.Span(f" where {words}", className="k-words"),
        *instead,
        clear,
        *more,
    ]


def few_enough(view: TableAddress) -> html.A:
    """A way to what can be done with rows that were too many before."""
    return html.A("Sort, plot and compare these rows", href=view.href(), target="_self")  # which reads the page anew


def selection(count: int) -> list[Any]:
    """How many rows are ticked."""
    if not count:
        return []
    return deselect("table-deselect", count)


def downloads(
    view: TableAddress, line: str, refused: Mapping[str, str], *, names_cells: bool
) -> tuple[list[Any], list[Any]]:
    """Links to who the cells connect to and to the rows as a file, and a menu of all files and of buttons that copy ids
    or a script. `refused` says of some files why there are none, `names_cells` whether rows can be those of a
    population."""
    path = f"/api/v1/{quote(view.datastack)}/{quote(view.version)}/tables/{quote(view.table)}/rows"
    sort = "".join(f"&sort={quote(text)}" for text in format_sort(view.sort))
    units = f"&units={view.unit}" if view.unit != "vx" else ""
    join = f"&join={quote(','.join(view.join))}" if view.join else ""
    columns = f"&columns={quote(','.join(view.columns))}" if view.columns else ""
    further = f"{f'&filter={quote(line)}' if line else ''}{sort}{units}{join}{columns}"
    title = "All rows of the filter, in this order, with the columns shown"
    files = [
        html.Span(f"{name} {refused[name]}", className="k-muted")
        if name in refused
        else html.A(name, href=f"{path}?format={name.lower()}{further}", download="", title=title)
        for name in FILES
    ]
    if "CSV" not in refused:
        files.append(html.A("Provenance", href=f"{path}?format=csv&head=only{further}", download="", title=PROVENANCE))
    csv = html.A("CSV", href=f"{path}?format=csv{further}", download="", className=OUTLINED, title=title)
    copies = [
        html.Button(
            words, id={"type": "table-copy", "as": form}, type="button", className="btn btn-sm btn-link k-copy-as"
        )
        for form, words in COPIES.items()
    ]
    chosen = among_chosen({"type": "table-copy"})
    menu = [html.H2("Files"), *files, html.H2("Copy"), *copies, html.H2("See"), chosen]
    ways = onwards(view, line) if names_cells else []
    return [*ways, *([] if "CSV" in refused else [csv])], menu


def among_chosen(id: dict[str, str]) -> html.Button:
    """A button to the population of the rows that are ticked or outlined, else shown; with the `id` of those that copy
    their ids."""
    return html.Button(CHOSEN, id={**id, "as": "population"}, type="button", className="btn btn-sm btn-link k-copy-as")


def onwards(view: TableAddress, line: str, root_href: str | None = None) -> list[Any]:
    """The ways on from the rows that a query line keeps: to their one cell where it has an address, else to who their
    cells connect to; none for a filter of other tables or units."""
    if root_href:
        return [html.A("Read this cell's partners", href=root_href)]
    if view.join or view.unit != "vx":
        return []
    cells = PopulationAddress(view.datastack, view.version, view.table, line)
    return [html.A("Connections among these cells", href=cells.href())]


def cell_href(view: TableAddress, table: TableFrame | LargeTable, column: Column) -> str | None:
    """The address of a root id of the table, ID in place of one; None for other columns."""
    if column.kind != "id" or not column.name.removesuffix("_ref").endswith("root_id"):
        return None
    types = view.table if table.info.schema_type.startswith("cell_type") else ""
    return CellAddress(view.datastack, view.version, "ID", "root_id", types).href()


def root_href(view: TableAddress, table: TableFrame, rows: pd.DataFrame) -> str | None:
    """The address of the cell of a single row; None for several rows, or one without a cell."""
    column = next((column for column in table.columns if cell_href(view, table, column)), None)
    if column is None or len(rows) != 1 or not (root := rows[column.name].fillna(0).iloc[0]):
        return None
    return str(cell_href(view, table, column)).replace("ID", str(root))


def drawn_for(view: TableAddress, children: Any) -> html.Div:
    """What is drawn for a view. Links in it change of the address what they change of that of this view, and keep all
    else as it is shown when they are clicked."""
    return html.Div(children, className="k-drawn-for", **data(of=view.href()))
