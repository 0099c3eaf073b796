"""Turns every exception of a callback into a sentence on the page and, where it was not foreseen, a line in the log."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dash import ctx, set_props

from components.alerts import problem
from services.core.errors import BadInput, KarstError, NotFound, Unforeseen
from services.core.logs import explain


def on_error(error: Exception) -> None:
    """The handler of Dash for errors outside the callbacks of this package: logs and shows them."""
    show(explain(error))


def show(error: KarstError) -> None:
    """Shows an error among the alerts of the page; the rest of the page stays as it is."""
    set_props("alerts", {"children": problem(error)})


def left_to_load(value: Any = None) -> Callable[[KarstError], Any]:
    """A handler for callbacks that run beside `load`: it returns `value` (None = no change) and does not show the
    error, because `load` fails with the same one and does. An unforeseen error is particular to the callback, and is
    shown."""

    def handle(error: KarstError) -> Any:
        if isinstance(error, Unforeseen):
            show(error)
        return value

    return handle


def no_rows(error: KarstError) -> dict[str, Any]:
    """An empty block, so that the grid ends there. A filter at fault is left to `summarise` to show."""
    start = (ctx.triggered[0]["value"] or {}).get("startRow", 0)
    if start or not isinstance(error, (BadInput, NotFound)):
        show(error)
    return {"rowData": [], "rowCount": start}


def unless_typed(error: KarstError) -> Any:
    """The error in place of the result; nothing for a filter that cannot be parsed, which is shown with the counts."""
    return [] if isinstance(error, BadInput) else problem(error)
