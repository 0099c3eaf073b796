"""Turns every exception of a callback into a sentence on the page and, where it is a fault of ours, a line in the
log."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dash import ctx, set_props

from components.alerts import problem
from services.core.errors import BadInput, KarstError, Unforeseen
from services.core.logs import explain


def on_error(error: Exception) -> None:
    """What Dash does with an error outside the callbacks of this package."""
    show(explain(error))


def show(error: KarstError) -> None:
    """Show what went wrong where the page has its alerts, and leave the rest of the page as it is."""
    set_props("alerts", {"children": problem(error)})


def left_to_load(value: Any = None) -> Callable[[KarstError], Any]:
    """A handler for what is read along with the results: it answers `value` (None = no change) and leaves it to `load`,
    which fails by the same error, to tell it; what nobody foresaw is of this callback alone, and shown."""

    def handle(error: KarstError) -> Any:
        if isinstance(error, Unforeseen):
            show(error)
        return value

    return handle


def no_rows(error: KarstError) -> dict[str, Any]:
    """An empty block, so that the grid ends there. What is wrong with the first block is reported by `summarise`."""
    start = (ctx.triggered[0]["value"] or {}).get("startRow", 0)
    if start or isinstance(error, Unforeseen):
        show(error)
    return {"rowData": [], "rowCount": start}


def unless_typed(error: KarstError) -> Any:
    """The error where the result would be; nothing for a filter that cannot be read, of which the counts tell."""
    return [] if isinstance(error, BadInput) else problem(error)
