"""Which columns the table viewer shows, and its positions in which unit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import dash_bootstrap_components as dbc
from dash import html

from components import controls
from components.attributes import data
from services.views.addresses import TABLE_PAGE, TableAddress

if TYPE_CHECKING:
    from services.tables.large_tables import LargeTable
    from services.tables.tables import TableFrame

UNITS: tuple[controls.Option, ...] = (
    {"label": "Voxels", "value": "vx"},
    {"label": "Nanometres", "value": "nm"},
    {"label": "Micrometres", "value": "um"},
)

NONE: controls.Option = {"label": "this table only", "value": " "}
"""A blank, for a list does not show an empty value; the address leaves it out."""


def column_panel(view: TableAddress, table: TableFrame | LargeTable, others: Sequence[str] | None) -> list[Any]:
    """A box to tick for each column, of which one at least stays ticked, the unit of positions, and which of `others`
    to set beside the table (None = none can be)."""
    names = [column.name for column in table.columns]
    shown = [name for name in names if name in view.columns] or names
    size = " × ".join(f"{side:g}" for side in table.info.voxel_resolution_nm)
    positions = any(column.kind == "position" for column in table.columns)
    fields = []
    if others is not None:
        fields.append(join_choice("Columns of", "table-join", view, others))
    if positions:
        fields.append(controls.choice("Positions in", "unit", "table-unit", view.unit, UNITS))
        fields.append(dbc.Input(type="hidden", name="filters_in", value=view.unit))
    return [
        html.Form(fields, action=TABLE_PAGE, className="k-plot-form", **data(view="1")) if fields else None,
        html.P(f"A voxel of this table is {size} nm.", className="k-hint") if view.unit == "vx" and positions else None,
        html.H2("Columns", id="table-columns-title"),
        dbc.Checklist(
            id="table-columns",
            options=[{"label": name, "value": name, "disabled": shown == [name]} for name in names],
            value=shown,
            className="k-checks",
        ),
        html.P("One column at least is shown: tick another to hide this one.", className="k-hint"),
    ]


def join_choice(label: str, id: str, view: TableAddress, others: Sequence[str]) -> html.Div:
    """Which of `others` to set beside the table of a view."""
    joinable: list[controls.Option] = [
        {"label": name.replace(":", ": "), "value": name} for name in others if name != view.table
    ]
    return controls.choice(label, "join", id, next(iter(view.join), NONE["value"]), [NONE, *joinable])
