"""The bundled Neuroglancer beside a table, showing what is selected there."""

from __future__ import annotations

from dataclasses import replace

from dash import html

from components.attributes import aria
from components.partner_options import keep_link
from services.urls import ConnectivityView


def viewer_panel(view: ConnectivityView) -> html.Section:
    """The viewer, and a link that closes it. What it shows is set in the browser, see assets/panel.js."""
    close = keep_link("Close", replace(view, panel=""), "panel")
    return html.Section(
        [
            html.Div([html.H2("In 3D: what the link shows"), close], className="k-panel-top"),
            html.Iframe(id="viewer-frame", title="Neuroglancer with what the link shows", className="k-viewer"),
        ],
        **aria(label="3D view"),
    )
