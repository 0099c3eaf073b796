"""The grid in which all rows are read: blocks come from the server as they are scrolled to."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dash_ag_grid as dag
from dash import dcc, html
from dash.fingerprint import build_fingerprint

from components.glossary import of_column

if TYPE_CHECKING:
    from services.core.columns import Column
    from services.core.sorting import Sort

for _file in dag._js_dist:
    if _file["relative_package_path"] == "dash_ag_grid.min.js":
        _file["dynamic"] = True  # 1.3 MB that pages load after their first rows, see assets/rows.js

ROWS_AT_ONCE = 100
ROW_PX, HEADER_PX = 27, 32
"""Heights that the first rows have too, before there is a grid."""
EMPTY = "There are no rows to show."
"""Where the filter cannot be read, the style sheet hides it: then nobody knows which rows there are."""

_THEME = {
    "function": "themeQuartz.withParams({"
    "accentColor: 'var(--k-accent)', backgroundColor: 'var(--k-surface)', foregroundColor: 'var(--bs-body-color)',"
    "borderColor: 'var(--k-line)', headerBackgroundColor: 'var(--k-raised)', headerTextColor: 'var(--bs-body-color)',"
    "rowHoverColor: 'var(--k-hover)', selectedRowBackgroundColor: 'var(--k-selected)', browserColorScheme: 'inherit',"
    "fontFamily: 'inherit', fontSize: 'var(--k-size-dense)', headerFontWeight: 600, spacing: 5, wrapperBorderRadius: 6,"
    "inputFocusBorder: {color: 'var(--k-accent)'}"
    "})"
}
_BOX = {"filterOptions": ["contains"], "maxNumConditions": 1, "trimInput": True, "debounceMs": 350}
"""AG Grid's text filter only carries what is typed; the server reads it as a box of the filter language."""

_NUMBER = {"function": "number(params.value, params.colDef.context.decimals)"}
LONG_ID = 178
SHORT_IDS = {"id", "target_id", "nucleus_id"}
"""Of annotations, which are counted up; all others may have 18 digits."""
_WIDTHS = {"id": 110, "number": 100, "text": 150, "boolean": 95, "time": 190, "position": 120}

MARK = "k-marked"
"""A row that has this beside its columns is marked."""


def rows_grid(
    id: Mapping[str, str],
    columns: Sequence[Column],
    *,
    boxes: Mapping[str, str],
    sort: Sort,
    key: str | None,
    cell_href: Callable[[Column], str | None],
    label: str,
    hidden: Collection[str] = (),
    sortable: bool = True,
) -> dag.AgGrid:
    """An empty grid that asks for its rows with these boxes and this order.

    `key` is the column that tells rows apart (None: rows cannot be selected); `cell_href` gives the address
    of a column's ids with ID in place of one, or None. `label` is the name of the grid in words,
    `hidden` names columns that are not drawn. The rows are `sortable` by a click on a header.
    """
    options: dict[str, Any] = {
        "theme": _THEME,
        "cacheBlockSize": ROWS_AT_ONCE,
        "maxConcurrentDatasourceRequests": 1,  # the component answers only the latest request
        "maxBlocksInCache": 20,
        "suppressCellFocus": False,
        "enableCellTextSelection": True,
        "tooltipShowDelay": 400,
        "rowHeight": ROW_PX,
        "rowBuffer": 4,  # beyond the edge; each costs a new grid time
        "headerHeight": HEADER_PX,
        "floatingFiltersHeight": HEADER_PX,
        "rowClassRules": {MARK: f"params.data && params.data['{MARK}']"},
        "initialState": {
            "filter": {"filterModel": typed(boxes)},
            "columnVisibility": {"hiddenColIds": list(hidden)},
            "sort": {"sortModel": ordered(sort)},
        },
        "localeText": {"noRowsToShow": EMPTY, "noMatchingRows": EMPTY, "ariaLabel": label},
    }
    if key:
        options["rowSelection"] = {"mode": "multiRow", "enableClickSelection": False, "headerCheckbox": False}
        options["selectionColumnDef"] = {
            "width": 44,
            "pinned": "left",
            "headerName": "Ticked",  # for screen readers; the style sheet hides it
            "headerClass": "k-tick-title",
        }
    return dag.AgGrid(
        id=dict(id),
        className="k-grid",
        rowModelType="infinite",
        columnDefs=[_column(column, cell_href(column)) for column in columns],
        defaultColDef={
            "resizable": True,
            "sortable": sortable,
            "floatingFilter": True,
            "suppressHeaderMenuButton": True,
            "suppressHeaderFilterButton": True,
        },
        dashGridOptions=options,
        getRowId=f"params.data.{key}" if key else None,
        style={"height": None},
    )


def place(grid: dag.AgGrid, block: Mapping[str, Any]) -> html.Div:
    """Where a grid stands. The browser draws the first rows of `block` (an answer to the grid: `rowData`, `rowCount`)
    at once and the grid, which then shows the same rows, when they are on the screen."""
    kind = grid.id["type"].removesuffix("-rows")
    parts = {part: {**grid.id, "type": f"{kind}-{part}"} for part in ("place", "first", "requested")}
    return html.Div(
        [
            html.Div(className="k-first"),
            html.Div(id=parts["place"]),
            dcc.Store(id=parts["first"], data={"grid": grid, "block": block}),
            dcc.Store(id=parts["requested"]),
        ],
        className="k-rows",
        tabIndex="-1",
    )


def script() -> str:
    """The address of the grid's own code, which the browser keeps for good."""
    file = Path(dag.__file__).with_name("dash_ag_grid.min.js")
    name = build_fingerprint(file.name, dag.__version__, int(file.stat().st_mtime))
    return f"/_dash-component-suites/dash_ag_grid/{name}"


def ahead() -> html.Link:
    """Lets a page whose rows are still to come fetch that code meanwhile, once it needs nothing else."""
    return html.Link(rel="prefetch", href=script())


def marked(records: Iterable[dict[str, Any]], marks: Iterable[bool]) -> list[dict[str, Any]]:
    """Rows for the grid, with a mark on some."""
    return [{**record, MARK: True} if mark else record for record, mark in zip(records, marks, strict=True)]


def typed(boxes: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Boxes as the grid has them."""
    return {name: {"filterType": "text", "type": "contains", "filter": text} for name, text in boxes.items()}


def ordered(sort: Sort) -> list[dict[str, str]]:
    """An order as the grid has it."""
    return [{"colId": name, "sort": direction} for name, direction in sort]


def _column(column: Column, cell_href: str | None) -> dict[str, Any]:
    long = column.kind == "id" and column.name.removesuffix("_ref") not in SHORT_IDS
    definition: dict[str, Any] = {
        "field": column.name,
        "headerName": column.heading,
        "headerTooltip": f"{column.name}: {meaning}" if (meaning := of_column(column.name)) else column.name,
        "width": max(LONG_ID if long else _WIDTHS[column.kind], 8 * len(column.heading) + 58),
        "filter": "agTextColumnFilter",
        "filterParams": _BOX,
        "suppressFloatingFilterButton": True,
        "cellDataType": False,
    }
    if column.kind in ("number", "position"):
        definition |= {"type": "rightAligned", "valueFormatter": _NUMBER, "context": {"decimals": column.decimals}}
    if column.kind == "id":
        definition["cellClass"] = "k-id"
    if cell_href:
        definition |= {"cellRenderer": "CellLink", "cellRendererParams": {"href": cell_href}}
    return definition
