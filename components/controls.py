"""Controls of a view. Each is a field of a form whose names are those of the address."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict

import dash_bootstrap_components as dbc
from dash import html

from components.attributes import aria, data
from components.glossary import explained
from services.views.addresses import LONGEST_VALUE

if TYPE_CHECKING:
    from services.core.profiles import Volume
    from services.core.records import TableInfo, Version

TERMS = {"Version": "materialization version", "Cell types": "cell type"}
"""Labels that the glossary has under another name."""


class Option(TypedDict):
    """One choice of a list."""

    label: str
    value: str
    disabled: NotRequired[bool]


def view_form(action: str, fields: Sequence[Any], submit: str) -> html.Form:
    """A form that leads to the view of its fields (see assets/navigation.js)."""
    button = dbc.Button(submit, type="submit", color="primary", className="k-submit")
    return html.Form([*fields, button], action=action, method="get", className="k-form", **data(view="1"))


def choice(
    label: str, name: str, id: str, value: str, options: Sequence[Option] = (), *, wide: bool = False
) -> html.Div:
    """A list to choose from. The value is always among the options: Dash drops it otherwise."""
    with_value = [*options] if any(option["value"] == value for option in options) else [same(value), *options]
    select = dbc.Select(id=id, name=name, value=value, options=with_value, size="sm")
    return _field(label, id, select, wide=wide)


def text(
    label: str, name: str, id: str, value: str, placeholder: str, *, hint: str = "", completed: bool = False
) -> html.Div:
    """A box to type into; counts on Enter. One that is `completed` offers what may be typed, from the words that a
    callback gives to `<id>-words` (see assets/complete.js)."""
    box: Any = dbc.Input(
        id=id,
        name=name,
        value=value,
        placeholder=placeholder,
        size="sm",
        autoComplete="off",
        debounce=True,
        maxLength=LONGEST_VALUE,
        class_name="k-text",
    )
    if completed:
        offers = html.Ul(id=f"{id}-offers", role="listbox", hidden=True, **aria(label="Completions"))
        box = html.Div([box, offers, html.Div(id=f"{id}-words", hidden=True)], className="k-completed")
    return _field(label, id, box, wide=True, hint=hint)


def same(value: str) -> Option:
    """The option of a value whose label is not known yet."""
    return {"label": value or "…", "value": value}


def datastack_options(names: Sequence[str], chosen: str) -> list[Option]:
    """Datastacks to choose from; one that was asked for but does not exist says so."""
    options: list[Option] = [{"label": name, "value": name} for name in names]
    return options if chosen in names else [*options, {"label": f"{chosen} (not there)", "value": chosen}]


def version_options(versions: Sequence[Version], chosen: str, *, live: str = "") -> list[Option]:
    """Versions to choose from (which come newest first), expired ones apart; one that was asked for but does not exist
    says so. `live` is the value of the present state ("" = it is not offered)."""
    materialized = [version for version in versions if version.valid]
    options = [_version_option(version, latest=version is materialized[0]) for version in materialized]
    expired = [_version_option(version) for version in versions if not version.valid]
    if live:
        options.append({"label": "Live: as of now", "value": live})
    if expired:
        options += [{"label": "Expired:", "value": "expired", "disabled": True}, *expired]
    if all(option["value"] != chosen for option in options):
        moment = chosen.rstrip("Z").replace("T", " ")
        of_time = live and chosen.endswith("Z")
        options.append({"label": f"Live: {moment} UTC" if of_time else f"v{chosen} (not there)", "value": chosen})
    return options


def table_options(tables: Sequence[TableInfo], chosen: str) -> list[Option]:
    """Tables to choose from; one that was asked for but does not exist at the version says so."""
    options: list[Option] = [{"label": _table_label(info), "value": info.name} for info in tables]
    if chosen and all(option["value"] != chosen for option in options):
        options.append({"label": f"{chosen} (not at this version)", "value": chosen})
    return options


def layer_options(volume: Volume) -> list[Option]:
    """The sources of layer boundaries to choose from, by name; the first is the default: a blank, which the address
    leaves out."""
    return [
        {"label": layer_set.name, "value": layer_set.key if place else " "}
        for place, layer_set in enumerate(volume.layer_sets)
    ]


def _version_option(version: Version, *, latest: bool = False) -> Option:
    end = f" · {'until' if version.valid else 'expired'} {version.expires:%d %b %Y}" if version.expires else ""
    label = f"v{version.number} · {version.timestamp:%d %b %Y}{' · latest' if latest else ''}{end}"
    return {"label": label, "value": str(version.number)}


def _table_label(info: TableInfo) -> str:
    rows = f" · {info.row_count:,} rows" if info.row_count is not None else " · view" if info.kind == "view" else ""
    return info.name + rows


def _field(label: str, id: str, control: Any, *, wide: bool = False, hint: str = "") -> html.Div:
    help_text = html.Div(hint, className="k-hint") if hint else None
    return html.Div(
        [html.Label(label, htmlFor=id, **explained(label, TERMS.get(label, ""))), control, help_text],
        className="k-field" + (" k-field-wide" if wide else ""),
    )
