"""The tray: what the browser keeps for a person, filled by assets/tray.js."""

from __future__ import annotations

from collections.abc import Iterable

from dash import html

from components.attributes import aria, data

SMALL = "btn btn-sm btn-outline-secondary"


def dialog() -> html.Dialog:
    """Sets of cells and what can be done with them, saved views, and recent cells."""
    ids = html.Div(
        [
            html.Label("Ids", htmlFor="tray-ids", className="visually-hidden"),
            html.Textarea(id="tray-ids", rows=1, placeholder="Paste ids", className="form-control form-control-sm"),
            _button("Add a set", "add"),
        ],
        className="k-tray-add",
    )
    combined = html.Div(
        [_button(how.capitalize(), how) for how in ("union", "intersection", "difference")], className="k-tray-add"
    )
    return html.Dialog(
        [
            html.H2("Tray"),
            html.P("Kept in this browser only.", className="k-muted"),
            html.H3("Sets of cells"),
            html.Ul(id="tray-sets"),
            combined,
            ids,
            html.P(id="tray-message", role="status", className="k-hint"),
            html.H3("Saved views"),
            html.Ul(id="tray-views"),
            _button("Save this view", "save"),
            html.H3("Recent cells"),
            html.Ul(id="tray-recent"),
            html.Div(
                [html.Span(_button("Undo", "undo"), id="tray-undo"), _button("Close", "close")], className="k-help-end"
            ),
        ],
        id="tray",
        className="k-help k-tray",
        **aria(label="Tray"),
    )


def collector(ids: Iterable[int], name: str) -> html.Button:
    """A button that makes a set of these root ids, called `name`."""
    listed = " ".join(map(str, sorted({*ids})))
    class_name = "btn btn-sm btn-link"
    return html.Button(
        "Cells to the tray", type="button", className=class_name, **data(tray="collect", ids=listed, name=name)
    )


def opener() -> html.Button:
    """Opens it, from the header."""
    return html.Button("Tray", type="button", className="k-nav k-tray-open", **data(tray="open"))


def _button(text: str, act: str) -> html.Button:
    return html.Button(text, type="button", className=SMALL, **data(tray=act))
