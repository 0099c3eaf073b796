"""The bundled Neuroglancer beside a table, showing what the link there does. What it shows is set in the browser, see
assets/panel.js."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dash import dcc, html

from components import controls
from components.attributes import aria, data
from components.cell_card import counted
from components.links import legend
from components.partner_options import keep_link
from services.views.addresses import TABLE_PAGE, CellAddress, TableAddress

if TYPE_CHECKING:
    from services.core.profiles import Viewer
    from services.neuroglancer.links import Link


def viewer_panel(view: CellAddress) -> html.Section:
    """The viewer beside partners, and a link that closes it."""
    close = keep_link("Close", replace(view, panel=""), "panel")
    return html.Section(
        [html.Div([html.H2("In 3D: what the link shows"), close], className="k-panel-top"), _frame()],
        **aria(label="3D view"),
    )


def beside_table(view: TableAddress, viewers: Sequence[Viewer]) -> list[Any]:
    """The viewer beside rows, which the tabs there open and close, and the choice of the one that links open."""
    options: list[controls.Option] = [{"label": viewer.name, "value": viewer.name} for viewer in viewers]
    chosen = view.viewer or viewers[0].name
    form = html.Form(
        controls.choice("Links open in", "viewer", "table-viewer", chosen, options),
        action=TABLE_PAGE,
        className="k-plot-form",
        **data(view="1"),
    )
    stands = any(viewer.kind == "bundled" for viewer in viewers)
    frame = _frame() if stands else html.P("No viewer can be shown in the page.", className="k-hint")
    return [
        form,
        html.Div(id="table-3d-message", role="status"),
        frame,
        dcc.Store(id="table-3d"),
        dcc.Store(id="viewer-shown"),
    ]


def summary(link: Link, count: int) -> list[Any]:
    """What of `count` rows is in the panel."""
    words = f"{counted(link.num_segments, 'segment')}, {counted(link.num_points, 'point')} of {counted(count, 'row')}."
    return [html.P(f"{words} {link.left_out}", className="k-hint"), *legend(link.legend)]


def _frame() -> html.Iframe:
    return html.Iframe(id="viewer-frame", title="Neuroglancer with what the link shows", className="k-viewer")
