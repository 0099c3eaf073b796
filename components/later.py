"""Places of what is asked for when the rows are there and a person comes to see it."""

from __future__ import annotations

from typing import Any

from dash import dcc, html

from components.attributes import data


def place(id: str, *children: Any) -> html.Div:
    """A place with `children` until then. The store `<id>-seen` is set once, when it comes into view (assets/later.js);
    what is folded is not in view."""
    return html.Div(
        [html.Div(children, id=id), dcc.Store(id=f"{id}-seen")],
        **data(later=f"{id}-seen"),
    )
