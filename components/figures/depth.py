"""Where in depth a cell's synapses lie, and where the somata of its partners."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from components.figures import axes
from components.figures.points import by_value
from components.figures.template import TEMPLATE

HEIGHT_PX = 380


def depth_profile(
    profile: pd.DataFrame, layers: axes.Layers = (), soma_depth_um: float | None = None, shown_um: axes.Range = None
) -> go.Figure:
    """Inputs to the left, outputs to the right, by depth, each on its own scale.

    `profile` has direction ("in" or "out"), depth_um (middle of a bin) and count.
    """
    figure = make_subplots(1, 2, shared_yaxes=True, horizontal_spacing=0.01)
    sides = (("in", "input synapses", axes.INPUT), ("out", "output synapses", axes.OUTPUT))
    for place, (way, name, colour) in enumerate(sides, start=1):
        own = profile[profile["direction"] == way]
        bars = go.Bar(
            x=own["count"].tolist(),
            y=own["depth_um"].tolist(),
            orientation="h",
            name=name,
            marker={"color": colour, "line": {"width": 0}},
            hovertemplate=f"%{{x:,}} {name} at %{{y:.0f}} µm<extra></extra>",
        )
        figure.add_trace(bars, 1, place)
        figure.update_xaxes(title=name, rangemode="tozero", tickformat=",d", nticks=4, row=1, col=place)
    figure.update_layout(template=TEMPLATE, height=HEIGHT_PX, showlegend=False, bargap=0.05)
    figure.update_xaxes(autorange="reversed", row=1, col=1)
    axes.depth_axis(figure, shown_um)
    figure.update_yaxes(title=None, row=1, col=2)
    axes.layer_guides(figure, layers)
    axes.soma_line(figure, soma_depth_um)
    return figure


def synapse_depths(
    points: pd.DataFrame,
    colours: Mapping[str, str],
    *,
    layers: axes.Layers = (),
    soma_depth_um: float | None = None,
    shown_um: axes.Range = None,
    blank: str = "no type",
) -> go.Figure:
    """One dot for each synapse: its depth against that of its partner's soma, coloured by type.

    `points` has depth_um, soma_depth_um, value (null = blank) and row, which comes back as customdata of a selection.
    """
    figure = go.Figure(layout={"template": TEMPLATE, "height": HEIGHT_PX, "dragmode": "select"})
    for trace in by_value(points, "soma_depth_um", "depth_um", colours, blank):
        figure.add_trace(trace)
    axes.depth_axis(figure, shown_um, "synapse depth (µm)")
    figure.update_xaxes(title="soma depth of the partner (µm)")
    axes.layer_guides(figure, layers)
    axes.layer_guides(figure, layers, "x")
    axes.soma_line(figure, soma_depth_um)
    return figure
