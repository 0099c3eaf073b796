"""Which partners count and what is shown of them: one line between the cell and its partners."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import dash_bootstrap_components as dbc
from dash import html

from components.attributes import aria, data
from components.controls import Option
from services.views.addresses import CONNECTIVITY_PAGE, CellAddress

BY_TYPE: Option = {"label": "Cell type", "value": " "}
ALL_ROWS: Option = {"label": "all rows", "value": " "}
USUAL_ROWS: Option = {"label": "as usual", "value": " "}
"""What stands for no rule, and does where all rows are one of the rules."""
SYNAPSES_HELP = "Which synapses count: size, positions and scores of their table, depth_um, layer and compartment"
NO_VERSION: Option = {"label": "no version", "value": " "}
"""Blanks, which the address leaves out."""


@dataclass(frozen=True)
class Choices:
    """What there is to choose from: `rules` by which one of several types of a cell is chosen, `columns` that can group
    the partners, `more` that can be added to the table, `viewers` that links can open, other `versions` to compare
    with, `layers` whose boundaries plots can have, and whether a viewer can stand in the page. `usual` is the filter of
    synapses that counts where none is written."""

    rules: Sequence[Option]
    columns: Sequence[Option]
    more: Sequence[Option]
    viewers: Sequence[Option]
    versions: Sequence[Option]
    layers: Sequence[Option]
    panel: bool
    usual: str = ""


def options(view: CellAddress, choices: Choices) -> html.Div:
    """The line of choices: which partners count, what is told of them, and where else to look."""
    least, synapses = _form(_least(view)), _form(_synapses(view, choices.usual))
    top = _form(_top(view))
    group = (
        _form(_list("Group by", "group_by", view.group_by, [BY_TYPE, *choices.columns])) if choices.columns else None
    )
    blank = USUAL_ROWS if any(rule["value"] == "all" for rule in choices.rules) else ALL_ROWS
    rule = _form(_list("Types by", "type_by", view.type_by, [blank, *choices.rules])) if choices.rules else None
    other = _list("Compare with", "against", view.against, [NO_VERSION, *choices.versions])
    viewer = _list("Viewer", "viewer", view.viewer, choices.viewers)
    layers = _list("Layers", "layers", view.layers, choices.layers) if len(choices.layers) > 1 else None
    beside = [other if choices.versions else None, viewer if len(choices.viewers) > 1 else None, layers]
    panel = switch("3D panel", "panel", view, on=view.panel == "on") if choices.panel else None
    groups: list[list[Any]] = [
        [least, synapses, top, proofread_switch(view)],
        [_more(view, choices.more), rule, group],
        [_form(*(field for field in beside if field)) if any(beside) else None, panel],
    ]
    return html.Div(
        [html.Div([part for part in group if part], className="k-option-group") for group in groups if any(group)],
        className="k-options",
        **aria(label="Which partners, and what of them"),
        role="group",
    )


def keep_link(children: Any, view: CellAddress, name: str, **more: Any) -> html.A:
    """A link that changes the part `name` of the address to that of `view` (or several, with blanks between them), and
    keeps all else that is shown."""
    return html.A(children, href=view.href(), **data(keep=name), **more)


def proofread_switch(view: CellAddress) -> html.A:
    """Leaves out partners that nobody proofread, or shows them again."""
    on = view.proofread == "on"
    return switch("Proofread partners only", "proofread", view, on=on)


def switch(label: str, name: str, view: CellAddress, *, on: bool) -> html.A:
    """A part of the address that is on or off."""
    knob = html.Span(className="k-knob", **aria(hidden="true"))
    changed: Any = {name: "" if on else "on"}
    there = replace(view, **changed)
    marks = aria(checked=str(on).lower())
    return keep_link([knob, label], there, name, id=f"switch-{name}", className="k-switch", role="switch", **marks)


def _form(*fields: Any) -> html.Form:
    return html.Form([*fields], action=CONNECTIVITY_PAGE, method="get", **data(view="1"))


def _least(view: CellAddress) -> html.Label:
    box = dbc.Input(
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
    return html.Label(["At least ", box, " synapses"], htmlFor="cell-at-least")


def _synapses(view: CellAddress, usual: str) -> html.Label:
    box = dbc.Input(
        id="cell-synapses",
        name="synapses",
        value=view.synapses,
        placeholder=usual or "all",
        size="sm",
        autoComplete="off",
        class_name="k-synapse-filter",
    )
    return html.Label(["of those where ", box], htmlFor="cell-synapses", title=SYNAPSES_HELP)


def _top(view: CellAddress) -> html.Label:
    box = dbc.Input(
        id="cell-top",
        name="top",
        value=view.top,
        placeholder="100",
        size="sm",
        inputmode="decimal",
        autoComplete="off",
        maxLength=9,
        class_name="k-few",
    )
    return html.Label(["Largest that make up ", box, " %"], htmlFor="cell-top")


def _list(label: str, name: str, value: str, known: Sequence[Option]) -> html.Label:
    id, chosen = f"cell-{name.replace('_', '-')}", value or known[0]["value"]
    lost: list[Option] = [] if any(one["value"] == chosen for one in known) else [{"label": chosen, "value": chosen}]
    return html.Label(
        [f"{label} ", dbc.Select(id=id, name=name, value=chosen, options=[*known, *lost], size="sm")], htmlFor=id
    )


def _more(view: CellAddress, more: Sequence[Option]) -> html.Details:
    """A menu of columns to tick: those that are worked out, then tables whose columns are joined."""
    known = {option["value"] for option in more}
    chosen = [name for name in view.more if name in known]
    boxes = dbc.Checklist(id="cell-more", options=list(more), value=chosen, className="k-checks")
    show = dbc.Button("Show", id="cell-more-show", type="button", size="sm", color="primary")
    return html.Details(
        [
            html.Summary(f"Columns: {len(chosen)} added" if chosen else "Add columns"),
            html.Div([boxes, show], className="k-menu", role="group", **aria(label="Columns to add")),
        ],
        className="k-drop",
    )
