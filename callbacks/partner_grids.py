"""The grids of partners: their rows, their counts and downloads, and links to Neuroglancer."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dash import ALL, MATCH, ClientsideFunction, Input, Output, State, clientside_callback, ctx, no_update

from callbacks import views
from callbacks.bodies import Block, GridOfSide, GridState, Href, IdText, OfSide
from callbacks.errors import no_rows
from callbacks.register import callback
from components import alerts, partner_panel
from components.grid import ROWS_AT_ONCE
from components.links import neuroglancer_link, no_neuroglancer_link
from services.cave.context import cave
from services.cells import column_groups
from services.cells import several_cells as several
from services.cells.skeleton_wall import MOST_CELLS
from services.core.directions import SIDES
from services.core.errors import KarstError
from services.filters.misread import misread
from services.tables import export, tables
from services.views.addresses import parse_connectivity
from services.views.cell_view import CellView

GRID = {"type": "partner-rows", "side": MATCH, "of": MATCH, "key": MATCH}
SIDE = {"side": MATCH}


@callback(
    Output(GRID, "getRowsResponse"),
    Input({**GRID, "type": "partner-requested"}, "data"),
    State(GRID, "id"),
    prevent_initial_call=True,
    on_error=no_rows,
)
def rows(request: Block | None, id: GridOfSide) -> Any:
    """One block of rows: a later one, or the first with another filter or order."""
    if not request:
        return no_update
    view = CellView.of(cave(), views.partner_address(request | {"of": id["of"]}))
    return _block(view, id["side"], request["startRow"], request["endRow"])


def _block(view: CellView, side: str, start: int = 0, end: int = ROWS_AT_ONCE) -> dict[str, Any]:
    frame, whole, _ = view.partners(side)
    return {"rowData": tables.to_records(frame.iloc[start:end], whole.columns), "rowCount": len(frame)}


@callback(
    Output({"type": "partner-counts", **SIDE}, "children"),
    Output({"type": "partner-csv", **SIDE}, "children"),
    Output({"type": "partner-menu", **SIDE}, "children"),
    Input({"type": "partner-shown", **SIDE}, "data"),
    State({"type": "partner-shown", **SIDE}, "id"),
    prevent_initial_call=True,
    on_error=lambda error: (alerts.problem(error), None, []),
)
def summarise(shown: GridState | None, id: OfSide) -> tuple[Any, ...]:
    """The counts and downloads for what one grid shows."""
    if not shown:
        return no_update, no_update, no_update
    return _summary(CellView.of(cave(), views.partner_address(shown)), id["side"])


def _summary(view: CellView, side: str) -> tuple[Any, ...]:
    frame, whole, kept_by = view.partners(side)
    words = kept_by.describe() if kept_by.text() else ""
    unfiltered = replace(view.address, where="", boxes={}, tab=side)
    first = frame["root_id"].head(MOST_CELLS).tolist()
    return (
        partner_panel.counts(frame, whole.frame, words, unfiltered, misread(kept_by, whole.frame)),
        *partner_panel.downloads(view.answerable[0], view.root_ids, side, kept_by.text(), first),
    )


def body(view: CellView, side: str) -> list[Any]:
    """The contents of the panel of one side of a concrete view, with the error in place of the counts if its filter
    cannot be parsed."""
    view_of_side = replace(view, address=partner_panel.of_side(view.address, side))
    rows_later: Any = {"block": {"rowData": [], "rowCount": 0}, "files": (None, [])}
    try:
        counted, *files = _summary(view_of_side, side)
        rows_later = {"block": _block(view_of_side, side), "files": files}
    except KarstError as error:
        counted = alerts.problem(error)
    whole, totals = view.table(side), several.totals(view.cells) if len(view.cells) > 1 else view.first.totals
    rows_later |= {"counted": counted, "hidden": column_groups.hidden(whole.columns, view.address.show)}
    return partner_panel.body(view_of_side.address, side, whole, totals, view.grouping[:2], **rows_later)


@callback(
    Output({"type": "partner-body", "side": ALL}, "children"),
    Input("tab", "data"),
    State("cell-href", "data"),
    State({"type": "partner-counts", "side": ALL}, "id"),
    State({"type": "partner-body", "side": ALL}, "id"),
    prevent_initial_call=True,
)
def open_tab(tab: str | None, of: Href, opened: list[OfSide], ids: list[OfSide]) -> list[Any]:
    """The panel of a side, when its tab is first opened."""
    opened_sides = [id["side"] for id in opened]
    if tab is None or tab in opened_sides or tab not in SIDES:
        return [no_update for _ in ids]
    view = CellView.of(cave(), parse_connectivity(views.query_of(of))[0])
    return [body(view, tab) if id["side"] == tab else no_update for id in ids]


@callback(
    Output({"type": "partner-link", **SIDE}, "children"),
    Output({"type": "partner-selection", **SIDE}, "children"),
    Output({"type": "partner-panel", **SIDE}, "data"),
    Input({"type": "partner-shown", **SIDE}, "data"),
    Input({"type": "partner-selected", **SIDE}, "data"),
    Input({"type": "partner-there", **SIDE}, "data"),
    State({"type": "partner-shown", **SIDE}, "id"),
    prevent_initial_call=True,
    running=[(Output({"type": "partner-link", **SIDE}, "className"), "k-link k-busy", "k-link")],
    on_error=lambda error: (no_neuroglancer_link(error), no_update, no_update),
)
def link(shown: GridState | None, selected: list[IdText] | None, _there: Any, id: OfSide) -> tuple[Any, ...]:
    """The link to the cells with the selected partners, or with all that the filters keep; built after the rows
    arrived."""
    if not shown:
        return no_update, no_update, no_update
    view, side = CellView.of(cave(), views.partner_address(shown)), id["side"]
    created, count = view.link(side, [int(root) for root in selected] if selected else None)
    subject = partner_panel.subject(count, side, selected=bool(selected), cells=len(view.cells))
    return neuroglancer_link(created, subject), partner_panel.selection(side, len(selected or ())), created.panel_url


@callback(
    Output({"type": "partner-copied", **SIDE}, "data"),
    Input({"type": "partner-copy", "as": ALL, **SIDE}, "n_clicks"),
    State({"type": "partner-shown", **SIDE}, "data"),
    State({"type": "partner-selected", **SIDE}, "data"),
    State({"type": "partner-shown", **SIDE}, "id"),
    prevent_initial_call=True,
)
def take(clicks: list[int | None], shown: GridState | None, selected: list[IdText] | None, id: OfSide) -> Any:
    """What to copy: the root ids of the ticked partners (of all shown if none is), a script, or the population page."""
    if not any(clicks) or not shown:
        return no_update
    view, form = CellView.of(cave(), views.partner_address(shown)), ctx.triggered_id["as"]
    if form == "script":
        return {"text": view.script(id["side"]), "message": "A script was copied."}
    rows = view.partners(id["side"])[0]
    chosen = rows[rows["root_id"].isin([int(root) for root in selected])] if selected else rows
    if form == "population":
        return views.population_of(view.address, chosen, "root_id")
    message = f"The root ids of {len(chosen):,} partners were copied."
    return {"text": export.listed_ids(chosen["root_id"], form), "message": message, "form": form}


GRID_OF_SIDE = {"type": "partner-rows", "side": MATCH, "of": ALL, "key": ALL}

clientside_callback(
    ClientsideFunction("grids", "shown"),
    Output({"type": "partner-shown", **SIDE}, "data"),
    Output({"type": "partner-there", **SIDE}, "data"),
    Input(GRID_OF_SIDE, "getRowsRequest"),
    Input(GRID_OF_SIDE, "filterModel"),
    Input(GRID_OF_SIDE, "columnState"),
    State(GRID_OF_SIDE, "id"),
    State({"type": "partner-shown", **SIDE}, "data"),
    State({"type": "partner-there", **SIDE}, "data"),
    prevent_initial_call=True,
)
clientside_callback(
    ClientsideFunction("picks", "selected"),
    Output({"type": "partner-selected", **SIDE}, "data"),
    Input(GRID_OF_SIDE, "selectedRows"),
    Input({"type": "partner-ticked", **SIDE}, "data"),
    State(GRID_OF_SIDE, "id"),
    State({"type": "partner-selected", **SIDE}, "data"),
    prevent_initial_call=True,
)
clientside_callback(
    ClientsideFunction("picks", "deselect"),
    Output(GRID_OF_SIDE, "selectedRows"),
    Input({"type": "partner-deselect", **SIDE}, "n_clicks"),
    State(GRID_OF_SIDE, "id"),
    prevent_initial_call=True,
)
clientside_callback(
    ClientsideFunction("panel", "show"),
    Output("viewer-shown", "data"),
    Input({"type": "partner-panel", "side": ALL}, "data"),
    Input("tab", "data"),
    State({"type": "partner-panel", "side": ALL}, "id"),
    prevent_initial_call=True,
)
clientside_callback(
    ClientsideFunction("picks", "tick"),
    Output({"type": "partner-ticked", **SIDE}, "data"),
    Input({"type": "partner-picked", **SIDE}, "data"),
    State({"type": "partner-picked", **SIDE}, "id"),
    State(GRID_OF_SIDE, "id"),
    prevent_initial_call=True,
)
clientside_callback(
    ClientsideFunction("clipboard", "copy"),
    Output({"type": "partner-copied-done", **SIDE}, "data"),
    Input({"type": "partner-copied", **SIDE}, "data"),
    prevent_initial_call=True,
)
