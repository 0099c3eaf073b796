"""Draws the plots of the partners shown in the tables, and selects the partners picked in the plots."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dash import ALL, MATCH, ClientsideFunction, Input, Output, State, clientside_callback, no_update

from callbacks import partner_plots, views
from callbacks.bodies import Drawn, GridState, OfPlot, OfSide
from callbacks.errors import unless_typed
from callbacks.figure_scripts import COPIED, COPY, copied
from callbacks.register import callback
from components import cell_figures
from services.cave.context import cave
from services.core import type_columns
from services.views.cell_view import READINGS, CellView

SHOWN = {"type": "partner-shown", "side": ALL}


@callback(
    Output("cell-figures", "children"),
    Input(SHOWN, "data"),
    Input("tab", "data"),
    Input("cell-figures-seen", "data"),
    State(SHOWN, "id"),
    prevent_initial_call=True,
    running=[(Output("cell-figures", "className"), "k-busy", "")],
    on_error=unless_typed,
)
def draw(shown: list[GridState | None], tab: str | None, seen: Any, ids: list[OfSide]) -> Any:
    """The plots of the partners that the tables show: those for both directions, and those of the tab in front. Drawn
    once they are scrolled into view."""
    front = _front(tab, ids)
    states = _states(shown, ids, front)
    if not seen or not states:
        return no_update
    plots, words = partner_plots.plots(_views(states), front)
    return cell_figures.figures([cell_figures.plot(plot, "cell") for plot in plots], words)


def _views(states: dict[str, GridState]) -> dict[str, CellView]:
    return {side: CellView.of(cave(), views.partner_address(state)) for side, state in states.items()}


def _front(tab: str | None, ids: list[OfSide]) -> str:
    return next((str(id["side"]) for id in ids if id["side"] == tab), "in")


def _states(shown: list[GridState | None], ids: list[OfSide], front: str | None) -> dict[str, GridState]:
    """The states of the tables to plot with the tab in front, by side; {} until all of these have one."""
    sides = ("both",) if front == "both" else ("in", "out")
    states = {str(id["side"]): state for id, state in zip(ids, shown, strict=True) if state and id["side"] in sides}
    return states if len(states) == len(sides) else {}


@callback(
    Output({"type": "partner-picked", "side": MATCH}, "data"),
    Input({"type": "partner-drawn", "side": MATCH}, "data"),
    State({"type": "partner-shown", "side": MATCH}, "data"),
    State({"type": "partner-drawn", "side": MATCH}, "id"),
    prevent_initial_call=True,
)
def pick(drawn: Drawn | None, shown: GridState | None, id: OfSide) -> Any:
    """The root ids of the partners that were outlined (by row number of the table) or clicked (by value)."""
    if not drawn or not shown:
        return no_update
    view = CellView.of(cave(), views.partner_address(shown))
    frame = view.partners(id["side"])[0]
    column, _, _ = view.grouping
    if "rows" in drawn:
        chosen = frame.iloc[[row for row in drawn["rows"] if 0 <= row < len(frame)]]
    else:
        chosen = frame[type_columns.as_counted(frame[column]).fillna("").astype(str) == drawn["value"]]
    return chosen["root_id"].astype(str).tolist()


@callback(
    Output({"type": COPIED, "of": "cell", "name": MATCH}, "data"),
    Input({"type": COPY, "of": "cell", "name": MATCH}, "n_clicks"),
    State({"type": COPY, "of": "cell", "name": MATCH}, "id"),
    State(SHOWN, "data"),
    State("tab", "data"),
    State(SHOWN, "id"),
    prevent_initial_call=True,
)
def copy_script(
    clicks: int | None, plot: OfPlot, shown: list[GridState | None], tab: str | None, ids: list[OfSide]
) -> Any:
    """The script that draws a plot, to copy."""
    if not clicks:
        return no_update
    front = _front(tab, ids)
    states = _states(shown, ids, front)
    if not states:
        return no_update
    cells = _views(states)
    plots, _ = partner_plots.plots(cells, front)
    return copied(plots, plot["name"], cells[front].address.href(), lambda names: _readings(cells, front, names))


def _readings(cells: Mapping[str, CellView], front: str, names: frozenset[str]) -> Iterator[str]:
    """Parts of a script that define the variables in `names`: partners first, since their script defines `client`."""
    for name in sorted(names, key=lambda name: (name not in READINGS, name)):
        yield from cells[READINGS.get(name, front)].reading(name)


PLOTS = {"type": "partner-plot", "name": ALL, "side": ALL}
DRAWN = {"type": "partner-drawn", "side": ALL}
clientside_callback(
    ClientsideFunction("picks", "drawn"),
    Output(DRAWN, "data"),
    Input(PLOTS, "selectedData"),
    Input(PLOTS, "clickData"),
    State(DRAWN, "id"),
    prevent_initial_call=True,
)
