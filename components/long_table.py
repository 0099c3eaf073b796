"""Tables of many rows, which the browser draws from plain values: cells as components keep Dash busy for seconds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

from dash import dcc, html

from components.attributes import aria

Cell: TypeAlias = "str | dict[str, Any] | list[Any]"
"""What a cell shows: a text, a part of :func:`link`, :func:`hint` or :func:`folded`, or several of these."""


def link(text: str, href: str, class_name: str = "") -> dict[str, Any]:
    """A link in a cell."""
    return {"text": text, "href": href, "look": class_name}


def hint(text: str) -> dict[str, Any]:
    """A text in a cell that is less than the others."""
    return {"text": text, "look": "k-hint"}


def folded(summary: str, parts: Sequence[Cell]) -> dict[str, Any]:
    """Parts that are shown once their summary is clicked."""
    return {"summary": summary, "parts": list(parts)}


def long_table(
    label: str, titles: Sequence[str], rows: Iterable[Sequence[Cell]], words: Sequence[str], caption: str = ""
) -> html.Div:
    """Rows under their titles; the columns of these `words` are no numbers. Drawn by assets/tables.js."""
    content = {
        "titles": list(titles),
        "left": [title in words for title in titles],
        "rows": [list(row) for row in rows],
        "caption": caption,
    }
    place = html.Table(id={"type": "long-table", "of": label}, hidden=True, className="k-table", **aria(label=label))
    return html.Div(
        [place, dcc.Store(id={"type": "long-table-rows", "of": label}, data=content)],
        className="k-scroll k-synapses",
        tabIndex="0",
        role="region",
        **aria(label=f"Rows: {label}"),
    )
