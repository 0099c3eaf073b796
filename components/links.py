"""Ways out of a page: copy buttons, downloads, Neuroglancer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dash import html

from components.attributes import aria, data

if TYPE_CHECKING:
    from services.errors import KarstError
    from services.neuroglancer import Link


def copy_button(text: str, what: str) -> html.Button:
    """Copies `text`; a path is copied as a whole address, "" stands for the address of the page."""
    return html.Button(
        html.Span(className="k-copy-icon"),
        type="button",
        className="k-icon-button k-copy",
        title=f"Copy {what}",
        **data(copy=text),
        **aria(label=f"Copy {what}"),
    )


def copyable(text: str, what: str) -> html.Span:
    """An id with a button to copy it."""
    return html.Span([html.Span(text, className="k-id"), copy_button(text, what)], className="k-copyable")


def neuroglancer_link(link: Link, subject: str) -> html.Div:
    """A real link to the viewer, with what is in it in words."""
    anchor = html.A(
        ["Neuroglancer: ", subject, html.Span(" ↗", **aria(hidden="true"))],
        href=link.url,
        target="_blank",
        rel="noopener noreferrer",
        className="btn btn-sm btn-primary k-neuroglancer",
    )
    words = f"{link.num_segments:,} segments, {link.num_points:,} points" + (", not all" if link.left_out else "")
    contents = html.Details(
        [html.Summary(words), html.P(f"{link.description} {link.left_out}")], className="k-contents"
    )
    return html.Div([anchor, copy_button(link.url, "Neuroglancer link"), contents])


def no_neuroglancer_link(error: KarstError) -> html.Div:
    """Stands where the link would be, and says why there is none."""
    button = html.Button("Neuroglancer", type="button", disabled=True, className="btn btn-sm btn-secondary")
    return html.Div([button, html.Span(error.message, className="k-words")])


def deselect(id: Any, count: int) -> list[Any]:
    """How many rows are ticked, and a button that unticks them."""
    words = f"{count:,} selected"
    return [
        words,
        html.Button("Clear", id=id, type="button", className="btn btn-sm btn-link", **aria(label="Clear selection")),
    ]
