"""The application with a callback for each way of showing an error that fails as nobody foresaw, for gunicorn."""

from __future__ import annotations

from typing import Any

from dash import Input, Output

from callbacks.errors import left_to_load, no_rows, show, unless_typed
from callbacks.register import callback
from components.alerts import problem

WAYS = {
    "show": show,
    "left_to_load": left_to_load(),
    "unless_typed": unless_typed,
    "no_rows": no_rows,
    "problem": problem,
}


def _register(name: str, handler: Any) -> None:
    @callback(Output(f"broken-{name}", "children"), Input("broken", "data"), on_error=handler)
    def fail(typed: Any) -> Any:
        raise RuntimeError(f"nobody foresaw {typed}")


for way, shown_by in WAYS.items():
    _register(way, shown_by)

from app import server  # noqa: E402 - which takes the callbacks registered before


def broken() -> Any:
    """A route that fails."""
    raise RuntimeError("nobody foresaw this")


server.view_functions["api.v1.reference"] = broken
