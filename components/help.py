"""What `?` opens: keys, and how to filter."""

from __future__ import annotations

from collections.abc import Sequence

from dash import html

from components.attributes import aria, data

KEYS = (
    ("?", "this help"),
    ("/", "the search box"),
    ("← →", "another tab"),
    ("Enter", "on an id of a table: its page; on a box: into it"),
    ("Shift + click", "on a header: a further column to sort by"),
    ("Esc", "close a menu"),
)
FILTERS = (
    ("5P-NP", "rows that hold it"),
    (">500, 200..400", "numbers"),
    ("!=BC", "all but BC, blanks too"),
    ("in 23P, 4P", "any of them"),
    ("~^5P", "a regular expression"),
    ("null, not null", "blank, not blank"),
    ("<size", "against another column"),
)
LINE = "cell_type in (BC, MC) and not (volume < 200)"


def dialog() -> html.Dialog:
    """The help of all pages (see assets/help.js)."""
    close = html.Button("Close", type="button", className="btn btn-sm btn-secondary", **data(closes="help"))
    return html.Dialog(
        [
            html.H2("Help"),
            html.Div(
                [
                    _list("Keys", KEYS),
                    html.Div([_list("Boxes of columns", FILTERS), html.P(["As a line: ", html.Code(LINE)])]),
                ],
                className="k-help-lists",
            ),
            html.P([html.A("Glossary", href="/glossary"), close], className="k-help-end"),
        ],
        id="help",
        className="k-help",
        **aria(label="Help"),
    )


def opener(label: str) -> html.Button:
    """A small `?` that opens the help; `label` is its name."""
    return html.Button(
        "?",
        type="button",
        className="k-icon-button k-help-open",
        title=label,
        **data(opens="help"),
        **aria(label=label),
    )


def _list(title: str, pairs: Sequence[tuple[str, str]]) -> html.Div:
    rows = [html.Div([html.Dt(html.Kbd(key)), html.Dd(words)]) for key, words in pairs]
    return html.Div([html.H3(title), html.Dl(rows)])
