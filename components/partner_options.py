"""Which partners count and what is shown of them: one toolbar between the cell and its partners."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import dash_bootstrap_components as dbc
from dash import html

from components.attributes import aria, data
from components.controls import Option, layer_options, same
from services.views.addresses import CONNECTIVITY_PAGE, CellAddress
from services.views.cell_choices import CellChoices

BY_TYPE: Option = {"label": "Cell type", "value": " "}
ALL_ROWS: Option = {"label": "all rows", "value": " "}
USUAL_ROWS: Option = {"label": "as usual", "value": " "}
NO_VERSION: Option = {"label": "no version", "value": " "}
"""Blanks, which the address leaves out."""


def options(view: CellAddress, choices: CellChoices) -> html.Div:
    """The toolbar: which partners count, which columns are told of them, and how they are drawn."""
    columns = [_option(name.replace("_", " "), name) for name in choices.columns]
    rules = [_option(title, rule) for rule, title in choices.rules.items()]
    versions = [_option(f"v{number}", str(number)) for number in choices.versions]
    viewers, sets = [same(viewer.name) for viewer in choices.viewers], layer_options(choices.volume)
    group = _list("Group by", "group_by", view.group_by, [BY_TYPE, *columns]) if columns else None
    rule = _list("Types by", "type_by", view.type_by, [_no_rule(choices), *rules]) if rules else None
    other = _list("Compare with", "against", view.against, [NO_VERSION, *versions]) if versions else None
    viewer = _list("Viewer", "viewer", view.viewer, viewers) if len(viewers) > 1 else None
    layers = _list("Layers", "layers", view.layers, sets) if len(sets) > 1 else None
    looks = [group, rule, layers, viewer, other]
    counting = [view.at_least, view.synapses, view.top, view.proofread]
    chosen = [view.group_by, view.type_by, view.layers, view.viewer, view.against]
    return html.Div(
        [
            _presets(view, choices.show),
            _more(view, choices.more),
            _menu("Partners", counting, *_counting(view, choices)),
            _menu("Display", chosen, _form(*filter(None, looks))),
            switch("3D panel", "panel", view, on=view.panel == "on") if choices.panel else None,
        ],
        className="k-options",
        **aria(label="Partners and columns"),
        role="toolbar",
    )


def _option(label: str, value: str) -> Option:
    return {"label": label, "value": value}


def _no_rule(choices: CellChoices) -> Option:
    """What stands for no rule: the usual rows, where all of them are a rule of their own."""
    return USUAL_ROWS if "all" in choices.rules else ALL_ROWS


def _counting(view: CellAddress, choices: CellChoices) -> list[Any]:
    """Which partners count."""
    return [_form(_least(view)), _form(_synapses(view, choices)), _form(_top(view)), proofread_switch(view)]


def _menu(title: str, chosen: Sequence[str], *parts: Any) -> html.Details:
    """Settings behind a word, which says how many of them are `chosen`."""
    count = sum(bool(value.strip()) for value in chosen)
    summary = [title, html.B(f" {count} set") if count else None]
    return html.Details([html.Summary(summary), html.Div(parts, className="k-menu k-settings")], className="k-drop")


def _presets(view: CellAddress, groups: Mapping[str, str]) -> html.Div:
    """Columns to look at, a group at a time; `groups` has for each what it adds to the table ("" = nothing)."""
    links = []
    for group, added in {"": "", **groups}.items():
        more = view.more if not added or added in view.more else (*view.more, added)
        address = replace(view, show=group, more=more)
        marks = aria(current="true") if view.show == group else {}
        links.append(keep_link(group.capitalize() or "All", address, "show more", className="k-preset", **marks))
    return html.Div([html.Span("Columns"), *links], className="k-presets", role="group", **aria(label="Columns"))


def keep_link(children: Any, view: CellAddress, name: str, **more: Any) -> html.A:
    """A link that changes the part `name` of the address to that of `view` (or several, with blanks between them), and
    keeps all else that is shown."""
    return html.A(children, href=view.href(), **data(keep=name), **more)


def proofread_switch(view: CellAddress) -> html.A:
    """Leaves out partners that nobody proofread, or shows them again."""
    on = view.proofread == "on"
    return switch("Proofread only", "proofread", view, on=on)


def switch(label: str, name: str, view: CellAddress, *, on: bool) -> html.A:
    """A part of the address that is on or off."""
    knob = html.Span(className="k-knob", **aria(hidden="true"))
    changed: Any = {name: "" if on else "on"}
    address = replace(view, **changed)
    marks = aria(checked=str(on).lower())
    return keep_link([knob, label], address, name, id=f"switch-{name}", className="k-switch", role="switch", **marks)


def _form(*fields: Any) -> html.Form:
    return html.Form([*fields], action=CONNECTIVITY_PAGE, method="get", **data(view="1"))


def _least(view: CellAddress) -> html.Label:
    box = _box("at-least", "at_least", view.at_least, placeholder="1", inputmode="numeric", maxLength=9)
    return html.Label(["At least ", box, " synapses"], htmlFor="cell-at-least")


def _synapses(view: CellAddress, choices: CellChoices) -> html.Label:
    box = _box("synapses", "synapses", view.synapses, placeholder=choices.usual or "all", class_name="k-synapse-filter")
    words = f"Which synapses count, by {', '.join(choices.synapse_columns)}"
    return html.Label(["Synapses where ", box], htmlFor="cell-synapses", title=words)


def _top(view: CellAddress) -> html.Label:
    box = _box("top", "top", view.top, placeholder="100", inputmode="decimal", maxLength=9)
    return html.Label(["Largest, up to ", box, " % of synapses"], htmlFor="cell-top")


def _box(id: str, name: str, value: str, class_name: str = "k-few", **options: Any) -> dbc.Input:
    return dbc.Input(
        id=f"cell-{id}", name=name, value=value, size="sm", autoComplete="off", class_name=class_name, **options
    )


def _list(label: str, name: str, value: str, choices: Sequence[Option]) -> html.Label:
    id, chosen = f"cell-{name.replace('_', '-')}", value or choices[0]["value"]
    lost: list[Option] = (
        [] if any(option["value"] == chosen for option in choices) else [{"label": chosen, "value": chosen}]
    )
    return html.Label(
        [f"{label} ", dbc.Select(id=id, name=name, value=chosen, options=[*choices, *lost], size="sm")], htmlFor=id
    )


def _more(view: CellAddress, more: Mapping[str, str]) -> html.Details:
    """A menu of columns to tick: those that are worked out, then tables whose columns are joined."""
    chosen = [name for name in view.more if name in more]
    every = [_option(title, name) for name, title in more.items()]
    boxes = dbc.Checklist(id="cell-more", options=every, value=chosen, className="k-checks")
    show = dbc.Button("Show", id="cell-more-show", type="button", size="sm", color="primary")
    return html.Details(
        [
            html.Summary(["Add columns", html.B(f" {len(chosen)} set") if chosen else None]),
            html.Div([boxes, show], className="k-menu", role="group", **aria(label="Columns to add")),
        ],
        className="k-drop",
    )
