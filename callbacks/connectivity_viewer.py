"""The connectivity viewer: reads the cell of the address, and keeps the address in step with what is shown."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dash import ALL, ClientsideFunction, Input, Output, State, clientside_callback, no_update
from flask import get_flashed_messages

from callbacks import partner_grids, views
from callbacks import several_cells as together
from callbacks.bodies import GridState, Href, OfSide
from callbacks.errors import left_to_load
from callbacks.register import callback
from components import (
    alerts,
    cell_card,
    connectivity_page,
    controls,
    several_cells,
    synapse_list,
    type_table,
)
from components.verdict import marks
from services.cave.context import cave
from services.cave.release import Release
from services.cells import card, partner_columns, partner_sets, verdict
from services.cells.partner_table import PartnerTable
from services.core.directions import SIDES, Direction
from services.core.errors import KarstError
from services.core.moments import number_of
from services.tables import tables
from services.views import head_start
from services.views.addresses import NO_TYPES, Query, parse_connectivity
from services.views.cell_choices import CellChoices
from services.views.cell_view import CellView


@callback(
    Output("cell-datastack", "options"),
    Output("cell-datastack", "value"),
    Output("cell-version", "options"),
    Output("cell-version", "value"),
    Output("cell-types", "options"),
    Output("cell-types", "value"),
    Input("cell-query", "data"),
    Input("reload", "data"),
    on_error=left_to_load(),
)
def fill_controls(query: Query | None, _reload: Any) -> tuple[Any, ...]:
    """The options and values of the controls for datastack, version and type table."""
    view, _ = parse_connectivity(query or {})
    datastack, datastacks, version, versions, listed = views.place_choices(view)
    release = Release.of(cave(), datastack, number_of(version)) if listed else None
    default = partner_columns.default_types(release) if release else ""
    type_tables = {info.name for info in tables.type_tables(release)} if release else set()
    typed = [info for info in listed if info.name in type_tables | {view.type_table}]
    chosen = view.type_table or default or NO_TYPES
    options = [connectivity_page.WITHOUT_TYPES, *controls.table_options(typed, chosen.replace(NO_TYPES, ""))]
    return datastacks, datastack, versions, version, options, chosen


def not_loaded(error: KarstError) -> tuple[Any, ...]:
    """The outputs of `load` for an error: the error alone, with the previous cell cleared."""
    return [], "No cell is shown.", alerts.problem(error), no_update


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
def load(query: Query | None, _reload: Any) -> tuple[Any, ...]:
    """The cell, or cells, of the address with their partners; the status line, notes, and the concrete address."""
    address, parsed = parse_connectivity(query or {})
    messages = [*parsed, *get_flashed_messages()]  # flashed messages are those of an old link, shown once
    view = head_start.view(cave(), address)
    if not view.address.cell.strip():
        return connectivity_page.invitation(), "", alerts.notes(messages), view.address.href()
    if len(view.cells) > 1:
        return _several(view, messages)
    result = view.first
    view, left_out = view.fitted()
    results, warnings = _results(view, _about(view)), connectivity_page.warnings(view.address, result)
    notes = [*alerts.notices(result.notices), *alerts.notes([*messages, *left_out, *warnings])]
    return results, connectivity_page.status(result, view.release.profile.description), notes, view.address.href()


@callback(
    Output("cell-address", "data"),
    Input({"type": "partner-shown", "side": ALL}, "data"),
    Input("tab", "data", allow_optional=True),
    State({"type": "partner-shown", "side": ALL}, "id"),
    prevent_initial_call=True,
)
def address(shown: list[GridState | None], tab: str | None, ids: list[OfSide]) -> Any:
    """The address of what the tab in front shows, with the filters and the order of its grid."""
    if tab is None:
        return no_update
    addresses = {id["side"]: views.partner_address(data) for data, id in zip(shown, ids, strict=True) if data}
    if tab in addresses:
        return replace(addresses[tab], tab=tab).href()
    other = next(iter(addresses.values()), None)  # a tab without filters
    return replace(other, tab=tab, where="", boxes={}, sort=()).href() if other else no_update


@callback(
    Output("panel-types", "children"),
    Input("tab", "data"),
    State("cell-href", "data"),
    State("panel-types", "children"),
    prevent_initial_call=True,
    on_error=alerts.problem,
)
def sum_up(tab: str | None, of: Href, drawn: Any) -> Any:
    """The table of partners by type, computed when its tab is first opened."""
    if tab != "types" or drawn:
        return no_update
    return _by_type(CellView.of(cave(), parse_connectivity(views.query_of(of))[0]))


def _by_type(view: CellView) -> Any:
    column, colours, values = view.grouping
    if not column:
        return type_table.without()
    groups: dict[str, Any] = {way: partner_sets.grouped(view.table(way).frame, column, values) for way in Direction}
    return type_table.type_table(view.address, column, groups, colours)


def _several(unfitted: CellView, messages: list[str]) -> tuple[Any, ...]:
    """The outputs of `load` for several cells, with the partners of any of them."""
    result = unfitted.cells
    view, left_out = unfitted.fitted()
    shown = _results(view, together.about(view), alone=False)
    notes = [*alerts.notices(result[0].notices), *alerts.notes([*messages, *left_out, *together.warnings(view)])]
    return shown, several_cells.status(result, view.release.profile.description), notes, view.address.href()


def _results(view: CellView, about: list[Any], *, alone: bool = True) -> list[Any]:
    sides: dict[str, PartnerTable] = {side: view.table(side) for side in SIDES}
    choices = CellChoices.of(view, sides)
    front = partner_grids.body(view, view.address.tab) if view.address.tab in sides else _by_type(view)
    return connectivity_page.results(view.address, about, sides, choices=choices, front=front, alone=alone)


def _about(view: CellView) -> list[Any]:
    """What is above the partners: the card of the cell with its verdict, and the synapses with one partner."""
    shown, _ = view.answerable
    listed = view.synapses_with_partner() if view.address.partner else {}
    cell_type, colours = view.own_types()[0], view.grouping[1]
    layer = card.layer_of(cave(), view.release.datastack, view.first.cell)
    trust = marks(verdict.verdict(cave(), view.first))
    return [
        cell_card.cell_card(view.address, view.first, (cell_type, colours.get(cell_type or "")), layer, trust),
        synapse_list.synapse_list(shown, view.root_ids, listed) if view.address.partner else None,
    ]


clientside_callback(ClientsideFunction("navigation", "remember"), Input("cell-href", "data"), prevent_initial_call=True)
clientside_callback(
    ClientsideFunction("navigation", "requested"),
    Input({"type": "partner-shown", "side": ALL}, "data"),
    Input("tab", "data", allow_optional=True),
    prevent_initial_call=True,
)
clientside_callback(
    ClientsideFunction("navigation", "answered"), Input("cell-address", "data"), prevent_initial_call=True
)
clientside_callback(
    ClientsideFunction("navigation", "more"),
    Input("cell-more-show", "n_clicks"),
    State("cell-more", "value"),
    prevent_initial_call=True,
)
