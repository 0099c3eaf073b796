"""Where the somata of the partners lie."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from components.figures import axes
from components.figures.points import by_value
from components.figures.template import Figure, Trace, figure, packed

HEIGHT_PX = 620
DEPTH = "soma_depth_um"


def soma_map(
    points: pd.DataFrame,
    colours: Mapping[str, str],
    *,
    titles: Mapping[str, str] | None = None,
    own_um: Sequence[Sequence[float]] = (),
    layers: axes.Layers = (),
    blank: str = "no type",
    layers_by: str = "",
) -> Figure:
    """The partners' somata from above (x, z) and from the side (x, depth or y), one um as long in every direction.

    `points` has first the places along the volume's three axes (soma_x_um, soma_depth_um, ...), then value (null =
    blank) and row, which comes back as customdata of a selection. `titles` are those of the axes (x_um, ...).
    `own_um` has (x, depth, z) of each asked cell's own soma, drawn as a cross.
    """
    x, middle, z = points.columns[:3]
    views = (z, middle)
    traces: list[Trace] = []
    for place, y in enumerate(views):
        options: dict[str, Any] = {"yaxis": "y2" if place else "y", "showlegend": bool(place)}
        traces += by_value(points, x, y, colours, blank, **options)
        if len(own_um):
            traces.append(
                _own([soma_um[0] for soma_um in own_um], [soma_um[1 if place else 2] for soma_um in own_um], **options)
            )
    to_scale = {"scaleanchor": "x", "scaleratio": 1}
    layout: dict[str, Any] = {
        "dragmode": "select",
        "xaxis": {"title": {"text": _title(x, titles)}, "anchor": "y2"},
        "yaxis": {**axes.depth_axis(_title(z, titles)), **to_scale, "domain": [0.57, 1]},
        "yaxis2": {
            **axes.depth_axis(axes.depth_title(_title(middle, titles), layers, layers_by)),
            **to_scale,
            "domain": [0, 0.53],
        },
        **axes.guides(layers, y="y2"),
    }
    return figure(traces, HEIGHT_PX, **layout)


def _title(column: str, titles: Mapping[str, str] | None) -> str:
    if column == DEPTH:
        return "depth below pia (µm)"
    return axes.title(column.removeprefix("soma_"), titles)


def _own(x: Sequence[float], y: Sequence[float], **options: Any) -> Trace:
    name = "this cell" if len(x) == 1 else "these cells"
    return {
        "type": "scatter",
        "x": packed(np.array(x)),
        "y": packed(np.array(y)),
        "mode": "markers",
        "name": name,
        "legendgroup": name,
        "marker": {"color": axes.SOMA, "size": 11, "symbol": "x"},
        "hovertemplate": f"{name}: soma<extra></extra>",
        **options,
    }
