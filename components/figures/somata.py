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
ABOVE = ("soma_z_um", "z (µm)")
SIDE = (("soma_depth_um", "depth below pia (µm)"), ("soma_y_um", "y (µm)"))
"""What is on y from above, and from the side with or without depths; x is the same in both."""


def soma_map(
    points: pd.DataFrame,
    colours: Mapping[str, str],
    *,
    own_um: Sequence[Sequence[float]] = (),
    layers: axes.Layers = (),
    blank: str = "no type",
    layers_by: str = "",
) -> Figure:
    """The partners' somata from above (x, z) and from the side (x, depth or y), one um as long in every direction.

    `points` has soma_x_um, soma_depth_um or soma_y_um, soma_z_um, value (null = blank) and row, which comes back as
    customdata of a selection. `own_um` has (x, depth, z) of each asked cell's own soma, drawn as a cross.
    """
    views = (ABOVE, next(side for side in SIDE if side[0] in points))
    traces: list[Trace] = []
    for place, (y, _) in enumerate(views):
        options: dict[str, Any] = {"yaxis": "y2" if place else "y", "showlegend": bool(place)}
        traces += by_value(points, "soma_x_um", y, colours, blank, **options)
        if len(own_um):
            traces.append(_own([one[0] for one in own_um], [one[1 if place else 2] for one in own_um], **options))
    to_scale = {"scaleanchor": "x", "scaleratio": 1}
    layout: dict[str, Any] = {
        "dragmode": "select",
        "xaxis": {"title": {"text": "x (µm)"}, "anchor": "y2"},
        "yaxis": {**axes.depth_axis(views[0][1]), **to_scale, "domain": [0.57, 1]},
        "yaxis2": {
            **axes.depth_axis(axes.depth_title(views[1][1], layers, layers_by)),
            **to_scale,
            "domain": [0, 0.53],
        },
        **axes.guides(layers, y="y2"),
    }
    return figure(traces, HEIGHT_PX, **layout)


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
