"""Where in depth a cell's synapses lie, and where the somata of its partners."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from components.figures import axes
from components.figures.points import by_value
from components.figures.template import Figure, Trace, figure

HEIGHT_PX = 380
BESIDE_LAYERS = {"l": 8, "r": 42, "t": 8, "b": 8}
"""With room for their names."""


def depth_profile(
    profile: pd.DataFrame,
    layers: axes.Layers = (),
    somata_um: Sequence[float] = (),
    shown_um: axes.Range = None,
    *,
    layers_by: str = "",
) -> Figure:
    """Inputs to the left, outputs to the right, by depth, each on its own scale; red lines at `somata_um`, dotted ones
    at the `layers` of `layers_by`.

    `profile` has direction ("in" or "out"), depth_um (middle of a bin) and count.
    """
    sides = (("in", "input synapses", axes.INPUT), ("out", "output synapses", axes.OUTPUT))
    profiles = [profile[profile["direction"] == way] for way, _, _ in sides]
    bars = [_bars(rows, name, colour) for rows, (_, name, colour) in zip(profiles, sides, strict=True)]
    bars[1]["xaxis"] = "x2"
    most = [float(rows["count"].max()) if len(rows) else 1 for rows in profiles]
    layout = {
        "showlegend": False,
        "margin": BESIDE_LAYERS,
        "bargap": 0.05,
        **axes.facing(most, [name for _, name, _ in sides]),
        "yaxis": axes.depth_axis(axes.depth_title("depth below pia (µm)", layers, layers_by), shown_um),
        **axes.guides(layers, somata_um),
    }
    return figure(bars, HEIGHT_PX, **layout)


def _bars(rows: pd.DataFrame, name: str, colour: str) -> Trace:
    return {
        "type": "bar",
        "x": rows["count"].tolist(),
        "y": rows["depth_um"].tolist(),
        "orientation": "h",
        "name": name,
        "marker": {"color": colour, "line": {"width": 0}},
        "hovertemplate": f"%{{x:,}} {name} at %{{y:.0f}} µm<extra></extra>",
    }


def synapse_depths(
    points: pd.DataFrame,
    colours: Mapping[str, str],
    *,
    layers: axes.Layers = (),
    somata_um: Sequence[float] = (),
    shown_um: axes.Range = None,
    blank: str = "no type",
    layers_by: str = "",
) -> Figure:
    """One dot for each synapse: its depth against that of its partner's soma, coloured by type.

    `points` has depth_um, soma_depth_um, value (null = blank) and row, which comes back as customdata of a selection.
    """
    layout = {
        "dragmode": "select",
        "margin": BESIDE_LAYERS,
        "legend": {"y": 1.07},  # above the names of layers
        "xaxis": {"title": {"text": "soma depth of the partner (µm)"}},
        "yaxis": axes.depth_axis(axes.depth_title("synapse depth (µm)", layers, layers_by), shown_um),
        **axes.guides(layers, somata_um, x="x"),
    }
    return figure(by_value(points, "soma_depth_um", "depth_um", colours, blank), HEIGHT_PX, **layout)
