"""The table viewer: opens the table of the address, serves its grid, and reports what is shown."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from dash import ALL, MATCH, ClientsideFunction, Input, Output, State, clientside_callback, ctx, no_update
from flask import get_flashed_messages

from callbacks import views
from callbacks.bodies import Block, GridState, Href, IdText, Outline, TableGrid
from callbacks.errors import left_to_load, no_rows
from callbacks.register import callback
from components import alerts, controls, table_page
from components.grid import ROWS_AT_ONCE, marked
from components.links import neuroglancer_link, no_neuroglancer_link
from components.viewer_panel import beside_table
from services.cave.context import cave
from services.core.errors import BadInput, KarstError, NotFound
from services.neuroglancer import links
from services.tables import export, joins, live, plots, tables
from services.views.addresses import Query, parse_table
from services.views.resolving import default_table, release_of
from services.views.table_opening import open_view
from services.views.table_view import HeldView, PagedView

GRID = {"type": "table-rows", "side": MATCH, "of": MATCH, "key": MATCH}
GRIDS = {"type": "table-rows", "side": ALL, "of": ALL, "key": ALL}


@callback(
    Output("table-datastack", "options"),
    Output("table-datastack", "value"),
    Output("table-version", "options"),
    Output("table-version", "value"),
    Output("table-name", "options"),
    Output("table-name", "value"),
    Input("table-query", "data"),
    Input("reload", "data"),
    on_error=left_to_load(),
)
def fill_controls(query: Query | None, _reload: Any) -> tuple[Any, ...]:
    """The options and values of the controls for datastack, version and table."""
    view, _ = parse_table(query or {})
    datastack, datastacks, version, versions, listed = views.place_choices(view)
    table = view.table or (default_table(release_of(cave(), view)) if listed else "")
    return datastacks, datastack, versions, version, controls.table_options(listed, table), table


def not_loaded(error: KarstError) -> tuple[Any, ...]:
    """The outputs of `load` for an error: the error alone, with the previous table cleared."""
    return [], "No table is shown.", alerts.problem(error), no_update, no_update


@callback(
    Output("table-results", "children"),
    Output("table-status", "children"),
    Output("table-notes", "children"),
    Output("table-where", "value"),
    Output("table-href", "data"),
    Input("table-query", "data"),
    Input("reload", "data"),
    running=[(Output("table-results", "className"), "k-results k-busy", "k-results")],
    on_error=not_loaded,
)
def load(query: Query | None, _reload: Any) -> tuple[Any, ...]:
    """The table of the address."""
    address, warnings = parse_table(query or {})
    lost_with_link = get_flashed_messages()  # flashed messages are those of an old link, shown once
    shown = open_view(cave(), address)
    view = shown.address
    line = no_update if view.where == address.where else view.where
    notes = alerts.notes([*warnings, *shown.messages, *lost_with_link])
    description = shown.release.profile.description
    status = table_page.status(shown.table, view.catalogue(), live.notices(cave(), shown.table), description)
    return _results(shown), status, notes, line, view.href()


def _results(shown: HeldView | PagedView) -> Any:
    view = shown.address
    if isinstance(shown, PagedView):
        return table_page.paged_results(view, shown.table, _first(shown), _summary(shown))
    others = joins.joinable(cave(), shown.table)
    axes = plots.axes_of(shown.table), plots.axes(shown.table, view.x, view.y)
    viewer = beside_table(view, links.viewers(cave(), view.datastack))
    layers = controls.layer_options(cave().volume(view.datastack))
    more: Any = {"viewer": viewer, "layer_sets": layers, "block": _first(shown), "summary": _summary(shown)}
    return table_page.results(view, shown.table, *axes, others, **more)


@callback(
    Output(GRID, "getRowsResponse"),
    Input({**GRID, "type": "table-requested"}, "data"),
    State(GRID, "id"),
    State("table-picked", "data"),
    prevent_initial_call=True,
    on_error=no_rows,
)
def rows(request: Block | None, id: TableGrid, picked: Outline | None) -> Any:
    """One block of rows: a later one, or the first with another filter or order; rows picked in the plot are marked."""
    if not request:
        return no_update
    shown = views.of_table_grid(request | {"of": id["of"]})
    return _block(shown, request["startRow"], request["endRow"], picked)


def _first(shown: Any) -> dict[str, Any]:
    """The first rows; none where the filter is at fault, which `summarise` shows."""
    with suppress(BadInput, NotFound):
        return _block(shown, 0, ROWS_AT_ONCE)
    return {"rowData": [], "rowCount": 0}


def _block(shown: Any, start: int, end: int, picked: Outline | None = None) -> dict[str, Any]:
    frame, total = shown.block(start, end - start)
    records, ids = tables.to_records(frame, shown.table.columns), shown.picked_ids(picked)
    if ids is not None:
        records = marked(records, frame["id"].isin(ids))
    return {"rowData": records, "rowCount": total}


@callback(
    Output("table-counts", "children"),
    Output("table-csv", "children"),
    Output("table-menu", "children"),
    Input("table-shown", "data"),
    Input("table-columns", "value"),
    State("tab", "data"),
    State("table-of", "data"),
    prevent_initial_call=True,
    running=[(Output("table-summary", "className"), "k-summary k-busy", "k-summary")],
    on_error=lambda error: (alerts.problem(error), None, []),
)
def summarise(state: GridState | None, columns: list[str], panel: str | None, of: Href) -> tuple[Any, ...]:
    """The counts and downloads for what the grid shows, or what is wrong with its filter."""
    if not state:
        return no_update, no_update, no_update
    shown = views.of_table_grid(state, columns, panel or "")
    return _summary(shown, few_now=views.is_few_now(shown, of))


def _summary(shown: HeldView | PagedView, *, few_now: bool = False) -> tuple[Any, ...]:
    try:
        words = shown.filter
        total, more = shown.counted()
    except KarstError as error:
        problem = alerts.problem(error, shown.unreadable_text())
        return table_page.drawn_for(shown.address, problem), None, []
    condition = words.describe() if words.text() else ""
    unfiltered = shown.address.unfiltered().href()
    parts = [*more, *([table_page.few_enough(shown.address)] if few_now else [])]
    counts = table_page.counts(
        total, shown.total_rows, condition, unfiltered, parts, suggestion=shown.suggestion(total)
    )
    summary = table_page.drawn_for(shown.address, counts)
    refused = shown.unavailable_formats(total)
    return summary, *table_page.downloads(shown.address, words.text(), refused, names_cells=shown.names_cells)


@callback(
    Output("table-address", "data"),
    Input("table-shown", "data"),
    Input("tab", "data", allow_optional=True),
    Input("table-columns", "value", allow_optional=True),
    prevent_initial_call=True,
)
def address(state: GridState | None, panel: str | None, columns: list[str] | None) -> Any:
    """The address of what is shown."""
    if not state or panel is None or columns is None:
        return no_update
    return views.of_table_grid(state, columns, panel).address.href()


@callback(
    Output("table-link", "children"),
    Output("table-selection", "children"),
    Input("table-shown", "data"),
    Input("table-selected", "data"),
    Input("table-picked", "data"),
    Input("table-there", "data"),
    prevent_initial_call=True,
    running=[(Output("table-link", "className"), "k-link k-busy", "k-link")],
    on_error=lambda error: (no_neuroglancer_link(error), no_update),
)
def link(
    state: GridState | None, selected: list[IdText] | None, picked: Outline | None, rows_arrived: Any
) -> tuple[Any, ...]:
    """The link to the rows ticked, else picked in the plot, else kept by the filter; built after the rows arrived."""
    if not state or not rows_arrived:
        return no_update, no_update
    created, subject = views.of_table_grid(state).chosen_link(selected, picked)
    return neuroglancer_link(created, subject), table_page.selection(len(selected or ()))


@callback(
    Output("table-copied", "data"),
    Input({"type": "table-copy", "as": ALL}, "n_clicks"),
    State("table-shown", "data"),
    State("table-selected", "data"),
    State("table-picked", "data"),
    State("table-columns", "value", allow_optional=True),
    prevent_initial_call=True,
)
def take(
    clicks: list[int | None],
    state: GridState | None,
    selected: list[IdText] | None,
    picked: Outline | None,
    columns: list[str] | None,
) -> Any:
    """What to copy: the ids of the rows chosen (of all shown if none is), a script, or the population page."""
    if not any(clicks) or not state:
        return no_update
    shown, form = views.of_table_grid(state, columns or ()), ctx.triggered_id["as"]
    if form == "script":
        return {"text": shown.script(), "message": "A script was copied."}
    rows, subject = shown.chosen(selected, picked)
    column = next((name for name in ("pt_root_id", "id") if name in rows), str(rows.columns[0]))
    if form == "population":
        return views.population_of(shown.address, rows)
    message = f"The {column} of {subject} was copied."
    return {"text": export.listed_ids(rows[column], form), "message": message, "form": form}


clientside_callback(
    ClientsideFunction("grids", "shown"),
    Output("table-shown", "data"),
    Output("table-there", "data"),
    Input(GRIDS, "getRowsRequest"),
    Input(GRIDS, "filterModel"),
    Input(GRIDS, "columnState"),
    State(GRIDS, "id"),
    State("table-shown", "data"),
    State("table-there", "data"),
    prevent_initial_call=True,
)
clientside_callback(
    ClientsideFunction("grids", "selected"),
    Output("table-selected", "data"),
    Input(GRIDS, "selectedRows"),
    State(GRIDS, "id"),
    State("table-selected", "data"),
    prevent_initial_call=True,
)
clientside_callback(
    ClientsideFunction("grids", "ask"), Input("table-picked", "data"), State(GRIDS, "id"), prevent_initial_call=True
)
clientside_callback(
    ClientsideFunction("grids", "deselect"),
    Output(GRIDS, "selectedRows"),
    Input("table-deselect", "n_clicks"),
    State(GRIDS, "id"),
    prevent_initial_call=True,
)
clientside_callback(
    ClientsideFunction("navigation", "requested"),
    Input("table-shown", "data", allow_optional=True),
    Input("tab", "data", allow_optional=True),
    Input("table-columns", "value", allow_optional=True),
    prevent_initial_call=True,
)
clientside_callback(
    ClientsideFunction("navigation", "answered"), Input("table-address", "data"), prevent_initial_call=True
)
clientside_callback(
    ClientsideFunction("navigation", "remember"), Input("table-href", "data"), prevent_initial_call=True
)
clientside_callback(
    ClientsideFunction("clipboard", "copy"),
    Output("table-copied-done", "data"),
    Input("table-copied", "data"),
    prevent_initial_call=True,
)
