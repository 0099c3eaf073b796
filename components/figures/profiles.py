"""How the arbor of a cell is spread: over spheres around its soma, and over depth."""

from __future__ import annotations

import pandas as pd

from components.figures.axes import NEUTRAL
from components.figures.morphology import COLOURS
from components.figures.template import Figure, figure

HEIGHT_PX = 220


def profile(measures: pd.DataFrame, x: str, x_title: str, y_title: str) -> Figure:
    """A line for each compartment over the column `x` of :func:`services.cells.arbor.sholl` or `depth_profile`."""
    lines = [
        {
            "type": "scatter",
            "mode": "lines",
            "name": name,
            "x": measures[x].tolist(),
            "y": measures[name].tolist(),
            "line": {"color": COLOURS.get(name, NEUTRAL), "width": 1.5},
            "hovertemplate": f"%{{y:,.0f}} {name} at %{{x:,.0f}} µm<extra></extra>",
        }
        for name in measures.columns
        if name not in (x, "soma")
    ]
    layout = {
        "xaxis": {"title": {"text": x_title}, "rangemode": "tozero"},
        "yaxis": {"title": {"text": y_title}, "rangemode": "tozero"},
        "legend": {"orientation": "h", "y": 1.2},
        "margin": {"l": 56, "r": 8, "t": 8, "b": 44},
    }
    return figure(lines, HEIGHT_PX, **layout)
