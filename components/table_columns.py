"""Which columns the table viewer shows, and its positions in which unit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dash_bootstrap_components as dbc
from dash import html

from components import controls
from components.attributes import data
from services.urls import TABLE_PAGE, TableView

if TYPE_CHECKING:
    from services.tables import TableFrame

UNITS: tuple[controls.Option, ...] = (
    {"label": "Voxels", "value": "vx"},
    {"label": "Nanometres", "value": "nm"},
    {"label": "Micrometres", "value": "um"},
)


def column_panel(view: TableView, table: TableFrame) -> list[Any]:
    """A box to tick for each column, and the unit of positions."""
    names = [column.name for column in table.columns]
    shown = [name for name in names if name in view.columns] or names
    size = " × ".join(f"{side:g}" for side in table.info.voxel_resolution_nm)
    unit = html.Form(
        [controls.choice("Positions in", "unit", "table-unit", view.unit, UNITS)],
        action=TABLE_PAGE,
        className="k-plot-form",
        **data(view="1"),
    )
    positions = any(column.kind == "position" for column in table.columns)
    return [
        unit if positions else None,
        html.P(f"A voxel of this table is {size} nm.", className="k-hint") if view.unit == "vx" and positions else None,
        html.H3("Columns", id="table-columns-title"),
        dbc.Checklist(
            id="table-columns",
            options=[{"label": name, "value": name} for name in names],
            value=shown,
            className="k-checks",
        ),
    ]
