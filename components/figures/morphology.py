"""A cell in space: its skeleton with soma and synapses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from components.figures import axes
from components.figures.template import TEXT_PX, Figure, Trace, figure, packed

HEIGHT_PX = 340
COLOURS = {"axon": "#2a9d8f", "dendrite": "#8a6fbf", "apical dendrite": "#b07aa1", "soma": axes.SOMA}
SIDES = {"in": ("inputs", axes.INPUT, "circle"), "out": ("outputs", axes.OUTPUT, "diamond")}
_LINE = "rgba(138, 150, 153, 0.35)"


def skeleton(
    lines: Mapping[str, pd.DataFrame],
    synapses: Mapping[Any, pd.DataFrame],
    soma_um: tuple[float, float, float] | None = None,
    titles: Mapping[str, str] | None = None,
) -> Figure:
    """Lines of each compartment, points of each direction ("in", "out"), all with the volume's three axes (x_um,
    depth_um, ...; `titles` stand at them), and the soma at such a point. Seen from the side, the second axis downwards,
    a um equally long in every direction."""
    frames = [*lines.values(), *synapses.values()]
    x, middle, z = names = list(frames[0].columns if frames else ("x_um", "depth_um", "z_um"))
    traces = [
        _trace(points, name, mode="lines", line={"color": COLOURS.get(name, axes.NEUTRAL), "width": 3})
        for name, points in lines.items()
    ]
    for way, points in synapses.items():
        name, colour, symbol = SIDES[way]
        marker = {"color": colour, "symbol": symbol, "size": 2.2, "opacity": 0.8}
        traces.append(_trace(points, name, mode="markers", marker=marker))
    if soma_um is not None:
        soma = pd.DataFrame([soma_um], columns=names)
        traces.append(_trace(soma, "soma", mode="markers", marker={"color": axes.SOMA, "size": 7}))
    axis = {"showbackground": False, "gridcolor": _LINE, "zeroline": False, "nticks": 4, "showspikes": False}
    text = {"font": {"size": TEXT_PX}}
    scene = {
        "aspectmode": "data",
        "xaxis": {**axis, "title": {"text": axes.title(x, titles), **text}},
        "yaxis": {**axis, "title": {"text": axes.title(z, titles), **text}},
        "zaxis": {**axis, "title": {"text": axes.title(middle, titles), **text}, "autorange": "reversed"},
        "camera": {"eye": {"x": 0.2, "y": -1.75, "z": 0.12}},
    }
    return figure(traces, HEIGHT_PX, scene=scene, legend={"itemsizing": "constant"})


def _trace(points: pd.DataFrame, name: str, **style: Any) -> Trace:
    x, down, z = (packed(points[axis].to_numpy()) for axis in points.columns)
    hover = f"{name}<br>{points.columns[1].removesuffix('_um').replace('_', ' ')} %{{z:.0f}} µm<extra></extra>"
    place = {"x": x, "y": z, "z": down}
    return {"type": "scatter3d", **place, "name": name, "hovertemplate": hover, "connectgaps": False, **style}
