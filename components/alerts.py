"""Sentences for the person: what went wrong, what to know, what is under way."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import dash_bootstrap_components as dbc
from dash import html

if TYPE_CHECKING:
    from services.errors import KarstError


def problem(error: KarstError) -> dbc.Alert:
    """What happened, what to do about it, and the id that finds it in the log."""
    return dbc.Alert(
        [
            html.Strong(error.message),
            html.Span(f" {error.hint}") if error.hint else None,
            html.Span(f"Request {error.request_id}", className="k-request"),
        ],
        color="danger",
        className="k-alert",
    )


def notes(sentences: Iterable[str]) -> list[dbc.Alert]:
    """Sentences that do not stop anything, one under the other."""
    return [dbc.Alert(sentence, color="warning", className="k-alert") for sentence in sentences]


def loading(what: str) -> html.Div:
    """Stands where results will be."""
    return html.Div([html.Span(className="k-spinner"), html.Span(what)], className="k-loading", role="status")


def empty(title: str, *children: Any) -> html.Div:
    """Stands where results would be, and says how to get some."""
    return html.Div([html.H2(title), *children], className="k-empty")
