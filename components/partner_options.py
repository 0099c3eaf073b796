"""Which partners count and what is shown of them: one line between the cell and its partners."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import dash_bootstrap_components as dbc
from dash import html

from components.attributes import aria, data
from components.controls import Option
from services.urls import CONNECTIVITY_PAGE, ConnectivityView

BY_TYPE: Option = {"label": "Cell type", "value": " "}
NO_VERSION: Option = {"label": "no version", "value": " "}
"""Blanks, which the address leaves out."""


@dataclass(frozen=True)
class Choices:
    """What there is to choose from: `columns` that can group the partners, `more` that can be added to the table,
    `viewers` that links can open, other `versions` to compare with, and whether a viewer can stand in the page."""

    columns: Sequence[Option]
    more: Sequence[Option]
    viewers: Sequence[Option]
    versions: Sequence[Option]
    panel: bool


def options(view: ConnectivityView, choices: Choices) -> html.Div:
    """The line of choices."""
    panel = switch("3D panel", "panel", view, on=view.panel == "on") if choices.panel else None
    return html.Div(
        [_form(view, choices), proofread_switch(view), panel, _more(view, choices.more)],
        className="k-options",
        **aria(label="Which partners, and what of them"),
        role="group",
    )


def keep_link(children: Any, view: ConnectivityView, name: str, **more: Any) -> html.A:
    """A link that changes the part `name` of the address to that of `view`, and keeps all else that is shown."""
    return html.A(children, href=view.href(), **data(keep=name), **more)


def proofread_switch(view: ConnectivityView) -> html.A:
    """Leaves out partners that nobody proofread, or shows them again."""
    on = view.proofread == "on"
    return switch("Proofread partners only", "proofread", view, on=on)


def switch(label: str, name: str, view: ConnectivityView, *, on: bool) -> html.A:
    """A part of the address that is on or off."""
    knob = html.Span(className="k-knob", **aria(hidden="true"))
    changed: Any = {name: "" if on else "on"}
    there = replace(view, **changed)
    marks = aria(checked=str(on).lower())
    return keep_link([knob, label], there, name, id=f"switch-{name}", className="k-switch", role="switch", **marks)


def _form(view: ConnectivityView, choices: Choices) -> html.Form:
    least = dbc.Input(
        id="cell-at-least",
        name="at_least",
        value=view.at_least,
        placeholder="1",
        size="sm",
        inputmode="numeric",
        autoComplete="off",
        maxLength=9,
        class_name="k-few",
    )
    fields = [
        html.Label(["At least ", least, " synapses"], htmlFor="cell-at-least"),
        _list("Group by", "group_by", view.group_by, [BY_TYPE, *choices.columns]) if choices.columns else None,
        _list("Compare with", "against", view.against, [NO_VERSION, *choices.versions]) if choices.versions else None,
        _list("Viewer", "viewer", view.viewer, choices.viewers) if len(choices.viewers) > 1 else None,
    ]
    return html.Form([field for field in fields if field], action=CONNECTIVITY_PAGE, method="get", **data(view="1"))


def _list(label: str, name: str, value: str, known: Sequence[Option]) -> html.Label:
    id, chosen = f"cell-{name.replace('_', '-')}", value or known[0]["value"]
    lost: list[Option] = [] if any(one["value"] == chosen for one in known) else [{"label": chosen, "value": chosen}]
    return html.Label(
        [f"{label} ", dbc.Select(id=id, name=name, value=chosen, options=[*known, *lost], size="sm")], htmlFor=id
    )


def _more(view: ConnectivityView, more: Sequence[Option]) -> html.Details:
    """A menu of columns, each a link that adds or removes it."""
    chosen = [option["label"] for option in more if option["value"] in view.more]
    words = f"Columns: {len(chosen)} added" if chosen else "Add columns"
    return html.Details(
        [html.Summary(words), html.Ul([html.Li(_column(view, option)) for option in more])], className="k-drop"
    )


def _column(view: ConnectivityView, option: Option) -> html.A:
    name, on = option["value"], option["value"] in view.more
    there = tuple(other for other in view.more if other != name) if on else (*view.more, name)
    mark = html.Span("✓" if on else "", className="k-tick", **aria(hidden="true"))
    state = aria(label=f"{'Remove' if on else 'Add'} {option['label']}")
    return keep_link([mark, option["label"]], replace(view, more=there), "more", **state)
