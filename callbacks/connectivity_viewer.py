"""The connectivity viewer: read the cell of the address, answer the grids of its partners, say what is shown."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal, cast

import pandas as pd
from dash import ALL, MATCH, ClientsideFunction, Input, Output, State, callback, clientside_callback, no_update
from flask import get_flashed_messages

from callbacks import views
from callbacks.errors import explain
from components import alerts, connectivity_page, controls
from components.links import neuroglancer_link, no_neuroglancer_link
from services import colours, connectivity, neuroglancer, summaries, tables
from services.columns import Column, describe_columns
from services.connectivity import Connectivity
from services.context import cave
from services.errors import KarstError
from services.memo import Memo, key_of
from services.urls import ConnectivityView, Query, parse_connectivity

GRID = {"type": "partner-rows", "side": MATCH, "of": MATCH, "key": MATCH}
GRIDS = {"type": "partner-rows", "side": ALL, "of": ALL, "key": ALL}

_read: Memo[Connectivity] = Memo(16)


@callback(
    Output("cell-datastack", "options"),
    Output("cell-datastack", "value"),
    Output("cell-version", "options"),
    Output("cell-version", "value"),
    Output("cell-types", "options"),
    Output("cell-types", "value"),
    Input("cell-query", "data"),
    Input("reload", "data"),
    on_error=lambda error: None,  # `load` says what is wrong
)
def fill_controls(query: Query, _reload: Any) -> tuple[Any, ...]:
    """Everything there is to choose from. Cell types are offered at once where no cell is named yet."""
    view, _ = parse_connectivity(query or {})
    datastack, datastacks, version, versions, listed = views.place_choices(cave(), view)
    typed = [info for info in listed if tables.is_type_table(info)]
    chosen = view.type_table or (typed[0].name if typed and not view.cell else "")
    options = [connectivity_page.NO_TYPES, *controls.table_options(typed, chosen)]
    return datastacks, datastack, versions, version, options, chosen or connectivity_page.NO_TYPES["value"]


def not_loaded(error: Exception) -> tuple[Any, ...]:
    """The error, and nothing of an earlier cell."""
    return [], "No cell is shown.", alerts.problem(explain(error)), no_update


@callback(
    Output("cell-results", "children"),
    Output("cell-status", "children"),
    Output("cell-notes", "children"),
    Output("cell-href", "data"),
    Input("cell-query", "data"),
    Input("reload", "data"),
    running=[(Output("cell-results", "className"), "k-results k-busy", "k-results")],
    on_error=not_loaded,
)
def load(query: Query, _reload: Any) -> tuple[Any, ...]:
    """The cell of the address with its partners."""
    asked, parsed = parse_connectivity(query or {})
    said = [*parsed, *get_flashed_messages()]  # what an old link meant is said once
    datastack, version = views.place(cave(), asked)
    view = replace(asked, datastack=datastack, version=str(version))
    if not view.cell.strip():
        return connectivity_page.invitation(), "", alerts.notes(said), view.href()
    found = read(view)
    sides = {way: columns_of(found.side(way)) for way in ("in", "out")}
    results = connectivity_page.results(view, found, sides, _own_type(view, found))
    return results, connectivity_page.status(found), alerts.notes([*said, *found.warnings]), view.href()


@callback(Output(GRID, "getRowsResponse"), Input(GRID, "getRowsRequest"), State(GRID, "id"), prevent_initial_call=True)
def rows(request: dict[str, Any] | None, id: dict[str, str]) -> Any:
    """One block of partners. `summarise` says what is wrong with a filter; the grid is then empty."""
    if not request:
        return no_update
    try:
        frame, columns, _ = partners(views.partner_view(request | {"of": id["of"]}), id["side"])
    except KarstError:
        return {"rowData": [], "rowCount": 0}
    block = frame.iloc[request["startRow"] : request["endRow"]]
    return {"rowData": tables.to_records(block, columns), "rowCount": len(frame)}


SIDE = {"side": MATCH}


@callback(
    Output({"type": "partner-counts", **SIDE}, "children"),
    Output({"type": "partner-figure", **SIDE}, "children"),
    Output({"type": "partner-downloads", **SIDE}, "children"),
    Input({"type": "partner-shown", **SIDE}, "data"),
    State({"type": "partner-shown", **SIDE}, "id"),
    prevent_initial_call=True,
    on_error=lambda error: (alerts.problem(explain(error)), [], []),
)
def summarise(shown: dict[str, Any] | None, id: dict[str, str]) -> tuple[Any, ...]:
    """Counts, bars and downloads of what one grid shows."""
    if not shown:
        return (no_update,) * 3
    view = views.partner_view(shown)
    frame, _, words = partners(view, id["side"])
    found = read(view)
    return (
        connectivity_page.counts(
            frame, found.side(id["side"]), words, replace(view, where="", boxes={}, tab=id["side"])
        ),
        _figure(found, frame, id["side"]),
        connectivity_page.downloads(view, found.cell.root_id, id["side"]),
    )


@callback(
    Output({"type": "partner-link", **SIDE}, "children"),
    Output({"type": "partner-selection", **SIDE}, "children"),
    Input({"type": "partner-shown", **SIDE}, "data"),
    Input({"type": "partner-selected", **SIDE}, "data"),
    State({"type": "partner-shown", **SIDE}, "id"),
    prevent_initial_call=True,
    running=[(Output({"type": "partner-link", **SIDE}, "className"), "k-link k-busy", "k-link")],
    on_error=lambda error: (no_neuroglancer_link(explain(error)), no_update),
)
def link(shown: dict[str, Any] | None, selected: list[str] | None, id: dict[str, str]) -> tuple[Any, ...]:
    """A link to the cell with its selected partners, else with the filtered ones."""
    if not shown:
        return no_update, no_update
    view, side = views.partner_view(shown), cast("Literal['in', 'out']", id["side"])
    found = read(view)
    filtered = partners(view, side)[0]["root_id"].tolist()
    chosen = [int(root) for root in selected or ()] or filtered
    only = chosen if len(chosen) < len(found.side(side)) else None
    made = neuroglancer.cell_link(cave(), found, direction=side, partners=only, group_by=view.group_by or None)
    subject = connectivity_page.subject(len(chosen), side, selected=bool(selected))
    return neuroglancer_link(made, subject), connectivity_page.selection(side, len(selected or ()))


@callback(
    Output("cell-link", "children"),
    Input("cell-whole", "data"),
    on_error=lambda error: no_neuroglancer_link(explain(error)),
)
def whole_link(of: str) -> Any:
    """A link to the cell with all its partners and synapses."""
    found = read(parse_connectivity(views.query_of(of))[0])
    return neuroglancer_link(neuroglancer.cell_link(cave(), found), "cell, inputs and outputs")


@callback(
    Output("cell-address", "data"),
    Input({"type": "partner-shown", "side": ALL}, "data"),
    Input("tab", "data"),
    State({"type": "partner-shown", "side": ALL}, "id"),
    prevent_initial_call=True,
)
def address(shown: list[dict[str, Any] | None], tab: str, ids: list[dict[str, str]]) -> Any:
    """The address of what the tab in front shows."""
    front = next((data for data, id in zip(shown, ids, strict=True) if data and id["side"] == tab), None)
    return replace(views.partner_view(front), tab=tab).href() if front else no_update


def read(view: ConnectivityView) -> Connectivity:
    """The cell of a view whose version is a number, with its partners."""
    parts = (view.datastack, int(view.version), view.cell, view.id_type)
    key = key_of(cave(), *parts, view.type_table)
    return _read.get(key, lambda: connectivity.read(cave(), *parts, type_table=view.type_table or None))


def partners(view: ConnectivityView, side: str) -> tuple[pd.DataFrame, tuple[Column, ...], str]:
    """The partners of one side that the view keeps, in its order, their columns, and the filter in words."""
    frame = read(view).side(side)
    columns, query = columns_of(frame), views.table_query(view)
    kept = frame.take(tables.rows_of(frame, columns, query))
    words = tables.filter_of(columns, query)
    return kept, columns, words.describe() if words.text() else ""


def columns_of(frame: pd.DataFrame) -> tuple[Column, ...]:
    """The columns of a partner frame in the order to show them: what the partner is comes before the sizes."""
    first = {"root_id": 0, "num_syn": 1} | dict.fromkeys(connectivity.PARTNER_COLUMNS[2:], 3)
    return tuple(sorted(describe_columns(frame), key=lambda column: first.get(column.name, 2)))


def _figure(found: Connectivity, frame: pd.DataFrame, side: str) -> Any:
    column = summaries.type_column(frame)
    if column is None:
        return connectivity_page.no_figure()
    both = pd.concat([found.inputs[column], found.outputs[column]]).dropna().astype(str)
    known = colours.assign(both, cave().profile(found.datastack).palette)
    return connectivity_page.figure(summaries.synapses_by(frame, column), known, column, side)


def _own_type(view: ConnectivityView, found: Connectivity) -> str | None:
    if not view.type_table:
        return None
    types = connectivity.type_rows(cave(), view.datastack, int(view.version), view.type_table)
    column = summaries.type_column(types)
    if column is None or found.cell.root_id not in types.index:
        return None
    value = types.at[found.cell.root_id, column]
    return None if pd.isna(value) else str(value)


for kind in ("shown", "selected"):
    clientside_callback(
        ClientsideFunction("grids", kind),
        Output({"type": f"partner-{kind}", "side": MATCH}, "data"),
        Input(
            {"type": "partner-rows", "side": MATCH, "of": ALL, "key": ALL},
            "getRowsRequest" if kind == "shown" else "selectedRows",
        ),
        State({"type": "partner-rows", "side": MATCH, "of": ALL, "key": ALL}, "id"),
        State({"type": f"partner-{kind}", "side": MATCH}, "data"),
        prevent_initial_call=True,
    )
clientside_callback(
    ClientsideFunction("grids", "deselect"),
    Output({"type": "partner-rows", "side": MATCH, "of": ALL, "key": ALL}, "selectedRows"),
    Input({"type": "partner-deselect", "side": MATCH}, "n_clicks"),
    State({"type": "partner-rows", "side": MATCH, "of": ALL, "key": ALL}, "id"),
    prevent_initial_call=True,
)
for store in ("cell-href", "cell-address"):
    clientside_callback(ClientsideFunction("navigation", "remember"), Input(store, "data"), prevent_initial_call=True)
