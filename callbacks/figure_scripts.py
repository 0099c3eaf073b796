"""Copies a Python script that draws the same figure from CAVE."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from dash import MATCH, ClientsideFunction, Input, Output, clientside_callback, no_update

from components.cell_figures import Plot
from services.core import calls

COPY, COPIED, DONE = ("figure-script", "figure-script-copied", "figure-script-done")


def copied(plots: Iterable[Plot], name: str, href: str, readings: Callable[[frozenset[str]], Iterable[str]]) -> Any:
    """The script for the clipboard that draws the plot called `name`. `readings` returns the parts of a script that
    define the variables of some names, which the figure reads; `href` is the address of the page with the figure."""
    for plot in plots:
        if plot.name == name:
            parts = dict.fromkeys(readings(plot.figure.reads))
            script = calls.script(plot.figure, f"{plot.title}, {href}", [*parts])
            return {"text": script, "message": "A script was copied."}
    return no_update


clientside_callback(
    ClientsideFunction("clipboard", "copy"),
    Output({"type": DONE, "of": MATCH, "name": MATCH}, "data"),
    Input({"type": COPIED, "of": MATCH, "name": MATCH}, "data"),
    prevent_initial_call=True,
)
