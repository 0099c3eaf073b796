"""The table viewer: open the table of the address, answer its grid, say what is shown."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dash import ALL, MATCH, ClientsideFunction, Input, Output, State, callback, clientside_callback, no_update
from flask import get_flashed_messages

from callbacks import views
from callbacks.errors import explain
from components import alerts, controls, table_page
from components.links import neuroglancer_link, no_neuroglancer_link
from services import colours, neuroglancer, tables
from services.context import cave
from services.errors import KarstError
from services.urls import Query, parse_table

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
    on_error=lambda error: None,  # `load` says what is wrong
)
def fill_controls(query: Query, _reload: Any) -> tuple[Any, ...]:
    """Everything there is to choose from."""
    view, _ = parse_table(query or {})
    datastack, datastacks, version, versions, listed = views.place_choices(cave(), view)
    table = view.table or (views.default_table(cave(), datastack, int(version)) if listed else "")
    return datastacks, datastack, versions, version, controls.table_options(listed, table), table


def not_loaded(error: Exception) -> tuple[Any, ...]:
    """The error, and nothing of an earlier table."""
    return [], "No table is shown.", alerts.problem(explain(error))


@callback(
    Output("table-results", "children"),
    Output("table-status", "children"),
    Output("table-notes", "children"),
    Input("table-query", "data"),
    Input("reload", "data"),
    running=[(Output("table-results", "className"), "k-results k-busy", "k-results")],
    on_error=not_loaded,
)
def load(query: Query, _reload: Any) -> tuple[Any, ...]:
    """The table of the address."""
    asked, said = parse_table(query or {})
    lost_with_link = get_flashed_messages()  # what an old link meant is said once
    view, table, lost = views.open_view(cave(), asked)
    return table_page.results(view, table), table_page.status(table), alerts.notes([*said, *lost, *lost_with_link])


@callback(Output(GRID, "getRowsResponse"), Input(GRID, "getRowsRequest"), State(GRID, "id"), prevent_initial_call=True)
def rows(request: dict[str, Any] | None, id: dict[str, str]) -> Any:
    """One block of rows. `summarise` says what is wrong with a filter; the grid is then empty."""
    if not request:
        return no_update
    view = views.table_view(request | {"of": id["of"]})
    try:
        _, table, _ = views.open_view(cave(), view)
        start, end = request["startRow"], request["endRow"]
        frame, total = tables.page(table, views.table_query(view), start, end - start)
    except KarstError:
        return {"rowData": [], "rowCount": 0}
    return {"rowData": tables.to_records(frame, table.columns), "rowCount": total}


def not_summarised(error: Exception) -> tuple[Any, ...]:
    """The error where the counts would be, and nothing of an earlier filter."""
    return alerts.problem(explain(error)), [], [], no_update


@callback(
    Output("table-counts", "children"),
    Output("table-figure", "children"),
    Output("table-downloads", "children"),
    Output("table-href", "data"),
    Input("table-shown", "data"),
    prevent_initial_call=True,
    running=[(Output("table-summary", "className"), "k-summary k-busy", "k-summary")],
    on_error=not_summarised,
)
def summarise(shown: dict[str, Any]) -> tuple[Any, ...]:
    """Counts, bars, downloads and address of what the grid shows."""
    if not shown:
        return (no_update,) * 4
    view, table, _ = views.open_view(cave(), views.table_view(shown))
    query = views.table_query(view)
    total = tables.page(table, query, 0, 0)[1]
    words = tables.filter_of(table.columns, query)
    return (
        table_page.counts(
            total, len(table.frame), words.describe() if words.text() else "", replace(view, where="", boxes={}).href()
        ),
        _figure(table, query, view.group_by),
        table_page.downloads(view, words.text()),
        view.href(),
    )


def _figure(table: tables.TableFrame, query: tables.TableQuery, group_by: str) -> Any:
    column = group_by or table_page.grouping(table)
    if not column:
        return []
    counts = tables.count_by(table, query, column)
    palette = cave().profile(table.datastack).palette
    known = colours.assign(table.frame[column].dropna().astype(str), palette)
    return table_page.figure(counts, known, column)


@callback(
    Output("table-link", "children"),
    Output("table-selection", "children"),
    Input("table-shown", "data"),
    Input("table-selected", "data"),
    prevent_initial_call=True,
    running=[(Output("table-link", "className"), "k-link k-busy", "k-link")],
    on_error=lambda error: (no_neuroglancer_link(explain(error)), no_update),
)
def link(shown: dict[str, Any] | None, selected: list[str] | None) -> tuple[Any, ...]:
    """A link to the selected rows, else to the filtered ones."""
    if not shown:
        return no_update, no_update
    view, table, _ = views.open_view(cave(), views.table_view(shown))
    ids = [int(id) for id in selected or ()]
    chosen = table.frame[table.frame["id"].isin(ids)] if ids else tables.select(table, views.table_query(view))
    subject = table_page.subject(len(chosen), selected=bool(ids))
    made = neuroglancer.table_link(cave(), table, chosen, group_by=view.group_by or None)
    return neuroglancer_link(made, subject), table_page.selection(len(ids))


clientside_callback(
    ClientsideFunction("grids", "shown"),
    Output("table-shown", "data"),
    Input(GRIDS, "getRowsRequest"),
    State(GRIDS, "id"),
    State("table-shown", "data"),
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
    ClientsideFunction("grids", "deselect"),
    Output(GRIDS, "selectedRows"),
    Input("table-deselect", "n_clicks"),
    State(GRIDS, "id"),
    prevent_initial_call=True,
)
clientside_callback(
    ClientsideFunction("navigation", "remember"), Input("table-href", "data"), prevent_initial_call=True
)
