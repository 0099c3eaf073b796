"""Registers callbacks with Dash so that the name and the outcome of each reach the log."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

import dash
from dash.exceptions import PreventUpdate
from flask import g

from callbacks.errors import show
from services.core.logs import explain
from services.core.stages import begin_render

Function = TypeVar("Function", bound=Callable[..., Any])


def callback(*parts: Any, on_error: Callable[[Any], Any] = show, **options: Any) -> Callable[[Function], Function]:
    """As `dash.callback`, except that every exception is logged and passed to `on_error` as a KarstError to show, and
    that a callback with `prevent_initial_call=True` never runs without a change, whatever a browser sends."""
    waits = options.get("prevent_initial_call") is True

    def register(function: Function) -> Function:
        answer = _answering(function, waits=waits)
        register_with_dash = dash.callback(*parts, on_error=lambda error: on_error(explain(error)), **options)  # noqa: TID251
        register_with_dash(answer)
        return function

    return register


def _answering(function: Callable[..., Any], *, waits: bool) -> Callable[..., Any]:
    @wraps(function)
    def answer(*values: Any) -> Any:
        g.route = f"{function.__module__}.{function.__name__}"
        if waits and not dash.ctx.triggered:
            raise PreventUpdate
        try:
            return function(*values)
        finally:
            begin_render()

    return answer
