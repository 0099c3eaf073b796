"""Sentences for the person: what went wrong, what to know, what is under way."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import dash_bootstrap_components as dbc
from dash import html

from services.views.addresses import CATALOGUE_PAGE, TABLE_PAGE

if TYPE_CHECKING:
    from services.core.errors import KarstError

ADDRESS = r"https?://[^\s)]+"
STEPS = {
    "another datastack": (CATALOGUE_PAGE, ()),
    "another version": (CATALOGUE_PAGE, ("datastack",)),
    "Its versions": (CATALOGUE_PAGE, ("datastack",)),
    "another table": (CATALOGUE_PAGE, ("datastack", "version")),
    "Find ids": (f"{TABLE_PAGE}?panel=ids", ("datastack", "version")),
}
"""Words of a hint that lead to where one does it: the page, and what it is told of where to look."""
LINKED = re.compile(f"({'|'.join((ADDRESS, *STEPS))})")
SEEN, SEEN_BEFORE = 100, 60
"""Characters of a typed line that are shown with an error, and how many of them before it."""


def problem(error: KarstError, typed: str = "") -> dbc.Alert:
    """What happened, what to do about it, and the id that finds it in the log.

    `typed` is the text in which the error names a character; it is shown with a mark under that one."""
    position = getattr(error, "position", None)
    return dbc.Alert(
        [
            html.Span(f"Request {error.request_id}", className="k-request"),
            html.Strong(error.message),
            html.Span([" ", *_linked(error)]) if error.hint else None,
            *map(_sign_in, getattr(error, "servers", ())),
            _pointed(typed, position) if typed and position is not None else None,
        ],
        color="danger",
        className="k-alert",
    )


def _sign_in(server: str) -> html.A:
    """Where one signs in at a server, by its name ("" = the only one)."""
    words, query = (f"Sign in at {server}", f"?{urlencode({'server': server})}") if server else ("Sign in", "")
    return html.A(words, href=f"/sign-in{query}", target="_self", className="alert-link ms-1")


def _linked(error: KarstError) -> list[Any]:
    """What to do, in which addresses and places in Karst are links."""
    parts = LINKED.split(error.hint)
    return [_link(part, error) if i % 2 else part for i, part in enumerate(parts) if part]


def _link(words: str, error: KarstError) -> html.A:
    if words not in STEPS:
        return html.A(words, href=words, target="_blank", rel="noopener", className="alert-link")
    page, names = STEPS[words]
    query = urlencode({name: value for name in names if (value := getattr(error, name, ""))})
    return html.A(words, href=f"{page}{'&' if '?' in page else '?'}{query}" if query else page, className="alert-link")


def _pointed(typed: str, position: int) -> html.Pre:
    start = max(0, position - SEEN_BEFORE)
    line = " ".join(typed[start : start + SEEN].split("\n"))
    return html.Pre(f"{'…' if start else ''}{line}\n{' ' * (position - start + bool(start))}^", className="k-caret")


def notes(sentences: Iterable[Any]) -> list[dbc.Alert]:
    """Sentences that do not stop anything, one under the other in one box."""
    lines = [html.Div(sentence) for sentence in sentences]
    return [dbc.Alert(lines, color="warning", className="k-alert k-notes")] if lines else []


def without_tables(number: int, noun: str, datastack: str) -> html.P | None:
    """How many lessons or figures are not listed, for the datastack lacks their tables; None for none."""
    words = f"1 of the {noun} is" if number == 1 else f"{number} {noun} are"
    return html.P(f"{words} of tables that {datastack} does not have.", className="k-hint") if number else None


def notice(sentence: str) -> html.Span:
    """What the owner of a table gives notice of."""
    return html.Span(sentence, className="k-notice")


def notices(sentences: Iterable[str]) -> list[Any]:
    """What the owners of tables give notice of: one line, which opens where there are several."""
    lines = [notice(sentence) for sentence in sentences]
    if len(lines) < 2:
        return lines
    more = html.Span(f" · {len(lines) - 1} more", className="k-hint")
    return [html.Details([html.Summary([lines[0], more]), *lines[1:]], className="k-notices")]


def loading(sentence: str) -> html.Div:
    """Stands where results will be."""
    return html.Div([html.Span(className="k-spinner"), html.Span(sentence)], className="k-loading", role="status")


def empty(title: str, *children: Any) -> html.Div:
    """Stands where results would be, and says how to get some."""
    return html.Div([html.H2(title), *children], className="k-empty")
