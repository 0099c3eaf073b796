"""The 3D panel beside the rows of the table viewer."""

from __future__ import annotations

from typing import Any

from dash import ClientsideFunction, Input, Output, State, clientside_callback, no_update

from callbacks import views
from callbacks.bodies import GridState, IdText, Outline
from callbacks.register import callback
from components import alerts, viewer_panel
from services.views.table_opening import held

MOST = 3_000
"""Rows in the panel; the link has more."""


@callback(
    Output("table-3d-message", "children"),
    Output("table-3d", "data"),
    Input({"type": "table-front", "panel": "3d"}, "data"),
    Input("table-selected", "data"),
    Input("table-picked", "data"),
    State("tab", "data"),
    prevent_initial_call=True,
    running=[(Output("table-3d-message", "className"), "k-busy", "")],
    on_error=lambda error: (alerts.problem(error), ""),
)
def show(
    state: GridState | None, selected: list[IdText] | None, picked: Outline | None, panel: str | None
) -> tuple[Any, ...]:
    """The rows that were ticked, else picked in the plot, else filtered."""
    if not state or panel != "3d":
        return no_update, no_update
    shown = held(views.of_table_grid(state))
    rows, _ = shown.picked_rows(selected, picked)
    created = shown.link(rows, MOST)
    return viewer_panel.summary(created, len(rows)), created.panel_url


clientside_callback(
    ClientsideFunction("panel", "showOne"),
    Output("viewer-shown", "data"),
    Input("table-3d", "data"),
    prevent_initial_call=True,
)
