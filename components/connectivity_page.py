"""The parts of the connectivity viewer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dash import dcc, html

from components import alerts, controls, glossary, later, partner_options, partner_panel, skeleton_view
from components.attributes import aria
from components.grid import ahead
from components.shell import heading
from components.truncated import with_offer
from components.viewer_panel import viewer_panel
from services.core.directions import Direction
from services.views.addresses import CONNECTIVITY_PAGE, NO_TYPES, TABS, CellAddress
from services.views.cell_choices import CellChoices

if TYPE_CHECKING:
    from services.cells.connectivity import Connectivity
    from services.cells.partner_table import PartnerTable

WITHOUT_TYPES: controls.Option = {"label": "No cell types", "value": NO_TYPES}
ID_TYPES: tuple[controls.Option, ...] = (
    {"label": "Detect", "value": "auto"},
    {"label": "Root id", "value": "root_id"},
    {"label": "Nucleus id", "value": "nucleus_id"},
    {"label": "Supervoxel id", "value": "supervoxel_id"},
    {"label": "Position x, y, z", "value": "position"},
    {"label": "Neuroglancer link", "value": "link"},
)


def page(view: CellAddress, query: Mapping[str, Any]) -> html.Div:
    """The whole page of a view whose cell is still to come. `query` is the address as it was given."""
    fields = [
        controls.text("Cell", "cell", "cell-id", view.cell, "ids, x, y, z, or a Neuroglancer link"),
        controls.choice("Id type", "id_type", "cell-id-type", view.id_type, ID_TYPES),
        controls.choice("Datastack", "datastack", "cell-datastack", view.datastack),
        controls.choice("Version", "version", "cell-version", view.version),
        controls.choice("Cell types", "type_table", "cell-types", view.type_table, [WITHOUT_TYPES], wide=True),
    ]
    placeholder = alerts.loading("Reading the cell's synapses…" if view.cell else "Opening the datastack…")
    return html.Div(
        [
            html.Div(
                [heading("Connectivity"), html.P(id="cell-status", className="k-status", role="status")],
                className="k-top",
            ),
            controls.view_form(CONNECTIVITY_PAGE, fields, "Show partners"),
            html.Div(id="alerts"),
            html.Div(id="cell-notes"),
            html.Div(placeholder, id="cell-results", className="k-results"),
            ahead() if view.cell else None,
            dcc.Store(id="cell-query", data=dict(query)),
            dcc.Store(id="cell-href"),
        ]
    )


def invitation() -> html.Div:
    """Stands where a cell would be."""
    return alerts.empty(
        "No cell yet",
        html.P("Type or paste a root, nucleus or supervoxel id, several ids, a position or a Neuroglancer link above."),
        html.P("Karst finds out which it is."),
        html.P(["Or choose one in a ", html.A("table", href="/table-viewer"), ": every root id there leads here."]),
    )


def results(
    view: CellAddress,
    about: Sequence[Any],
    sides: Mapping[str, PartnerTable],
    *,
    choices: CellChoices,
    front: Sequence[Any],
    alone: bool = True,
) -> list[Any]:
    """What is said `about` the cell or cells, which partners count, and a tab for each side; `front` stands in the one
    in front. A cell `alone` is followed between versions, and drawn."""
    words: dict[str, str] = {way: partner_panel.size(sides[way].frame) for way in Direction}
    words["both"] = partner_panel.reciprocal(sides["both"].frame)
    tabs = [partner_panel.tab(side, words.get(side, ""), chosen=view.tab == side) for side in TABS]
    panels = [partner_panel.panel(view, side, front if view.tab == side else ()) for side in sides]
    by_type = html.Div(
        front if view.tab == "types" else (),
        id="panel-types",
        role="tabpanel",
        hidden=view.tab != "types",
        **aria(labelledby="tab-types"),
    )
    return [
        *about,
        partner_options.options(view, choices),
        html.Div(id="cell-changes") if alone and view.against else None,
        html.Div(tabs, role="tablist", className="k-tabs k-tab-row", **aria(label="Partners")),
        html.Div(
            [
                html.Div([*panels, by_type]),
                html.Aside(
                    [
                        viewer_panel(view) if view.panel and choices.panel else None,
                        skeleton_view.place() if alone else None,
                        later.place("cell-figures"),
                    ],
                    className="k-aside",
                    **aria(label="Plots"),
                ),
            ],
            className="k-split k-with-panel" if view.panel and choices.panel else "k-split",
        ),
        dcc.Store(id="cell-address"),
        dcc.Store(id="tab", data=view.tab),
        dcc.Store(id="viewer-shown"),
        dcc.Store(id="cell-of", data=view.href()) if alone else None,
    ]


def warnings(view: CellAddress, connectivity: Connectivity) -> list[Any]:
    """What is to be known of the answer; a root id that was replaced can be kept instead, at another version, and what
    CAVE cut can be asked for."""
    cell = connectivity.cell
    messages = [
        with_offer(view, message) if message in connectivity.cut else message for message in connectivity.warnings
    ]
    if cell.valid_at is None or cell.repaired_from is None:
        return messages
    address = replace(view, cell=str(cell.repaired_from), id_type="root_id", version=str(cell.valid_at), partner="")
    way = html.A(f"Keep it by going to version {cell.valid_at}, where it is valid", href=address.href())
    return [html.Span([message, " ", way, "."]) if message in cell.warnings[:1] else message for message in messages]


def types_in_words(connectivity: Connectivity) -> str:
    """Which types partners have."""
    if not connectivity.type_table:
        return "no cell types"
    rule = f" by {connectivity.type_by}" if connectivity.type_by not in ("", "all") else ""
    return f"{'types of synapses' if connectivity.typed_synapses else 'cell types'} of {connectivity.type_table}{rule}"


def status(connectivity: Connectivity, description: str) -> list[Any]:
    """Which cell this is, of which version and day, with which types. `description` is that of the datastack."""
    version = connectivity.version
    types = types_in_words(connectivity)
    return [
        html.Strong(f"Cell {connectivity.cell.root_id}"),
        " · ",
        glossary.datastack(connectivity.datastack, description),
        f" · {version.words} · {types}{f' · partners of {connectivity.view.name}' if connectivity.view else ''}",
    ]
