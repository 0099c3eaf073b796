"""Ways out of a page: copy buttons, downloads, Neuroglancer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dash import html

from components.attributes import aria, data

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from services.core.errors import KarstError
    from services.neuroglancer.links import Link

MOST_COLOURS = 40
"""Colours that a legend explains; the viewer has them all."""


def copy_button(text: str, noun: str) -> html.Button:
    """Copies `text`; a path is copied as a whole address, "" stands for the address of the page."""
    return html.Button(
        html.Span(className="k-copy-icon"),
        type="button",
        className="k-icon-button k-copy",
        title=f"Copy {noun}",
        **data(copy=text),
        **aria(label=f"Copy {noun}"),
    )


def copyable(text: str, noun: str) -> html.Span:
    """An id with a button to copy it."""
    return html.Span([html.Span(text, className="k-id"), copy_button(text, noun)], className="k-copyable")


def ways_out(csv: Any, menu: Sequence[Any], csv_id: Any, menu_id: Any) -> list[Any]:
    """Links to the rows as files, copies of them, and the address of this page, which even a view that cannot be read
    has. The menu stands, and stays open, while `menu`, what is in it, is drawn anew; empty it is not to be seen."""
    return [
        html.Div(csv, id=csv_id, className="k-csv"),
        html.Details([html.Summary("Export"), html.Div(menu, id=menu_id, className="k-menu")], className="k-take"),
        copy_button("", "link to this view"),
    ]


def neuroglancer_link(link: Link, subject: str) -> html.Div:
    """A real link to the viewer, with what is in it in words."""
    anchor = html.A(
        ["Neuroglancer: ", subject, html.Span(" ↗", **aria(hidden="true"))],
        href=link.url,
        target="_blank",
        rel="noopener noreferrer",
        className="btn btn-sm btn-primary k-neuroglancer",
    )
    segments, points = ("" if number == 1 else "s" for number in (link.num_segments, link.num_points))
    not_all = ", not all" if link.left_out else ""
    placed = html.Span(f", {link.num_points:,} point{points}{not_all}", className="k-points")
    words: list[Any] = [f"{link.num_segments:,} segment{segments}", placed]
    about = html.Div([html.P(f"{link.description} {link.left_out}"), *legend(link.legend)])
    contents = html.Details([html.Summary(words), about], className="k-contents")
    return html.Div([anchor, copy_button(link.url, "Neuroglancer link"), contents])


def legend(colours: Mapping[str, str]) -> list[Any]:
    """What the colours of a link stand for; nothing without colours."""
    if not colours:
        return []
    shown = [
        html.Li([html.Span(className="k-swatch", style={"backgroundColor": colour}), value])
        for value, colour in list(colours.items())[:MOST_COLOURS]
    ]
    more = [html.Li(f"and {len(colours) - MOST_COLOURS:,} more")] if len(colours) > MOST_COLOURS else []
    return [html.Ul([*shown, *more], className="k-legend", **aria(label="Colours in the viewer"))]


def no_neuroglancer_link(error: KarstError) -> html.Div:
    """Stands where the link would be, and says why there is none."""
    button = html.Button("Neuroglancer", type="button", disabled=True, className="btn btn-sm btn-secondary")
    return html.Div([button, html.Span(error.message, className="k-words")])


def deselect(id: Any, count: int) -> list[Any]:
    """How many rows are ticked, and a button that unticks them."""
    words = f"{count:,} selected"
    return [
        words,
        html.Button(
            "Clear", id=id, type="button", className="btn btn-sm btn-link k-deselect", **aria(label="Clear selection")
        ),
    ]


def separated(parts: Sequence[Any]) -> list[Any]:
    """Parts of a sentence with commas between them."""
    return [item for part in parts for item in (part, ", ")][:-1]
