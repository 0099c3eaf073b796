"""Where the somata of the partners lie."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from components.figures import axes
from components.figures.points import by_value
from components.figures.template import TEMPLATE

HEIGHT_PX = 620
VIEWS = (("soma_z_um", "z (µm)"), ("soma_depth_um", "depth below pia (µm)"))
"""What is on y from above and from the side; x is the same in both."""


def soma_map(
    points: pd.DataFrame,
    colours: Mapping[str, str],
    *,
    soma_um: tuple[float, float, float] | None = None,
    layers: axes.Layers = (),
    blank: str = "no type",
) -> go.Figure:
    """The partners' somata from above (x, z) and from the side (x, depth), one um as long in every direction.

    `points` has soma_x_um, soma_depth_um, soma_z_um, value (null = blank) and row, which comes back as
    customdata of a selection. `soma_um` is (x, depth, z) of the cell's own soma, drawn as a cross.
    """
    figure = make_subplots(2, 1, shared_xaxes=True, vertical_spacing=0.04, row_heights=[0.45, 0.55])
    for row, (y, _) in enumerate(VIEWS, start=1):
        for trace in by_value(points, "soma_x_um", y, colours, blank, showlegend=row == 2):
            figure.add_trace(trace, row, 1)
    if soma_um is not None:
        x, depth, z = soma_um
        for row, value in ((1, z), (2, depth)):
            figure.add_trace(_own(x, value, showlegend=row == 2), row, 1)
    figure.update_layout(template=TEMPLATE, height=HEIGHT_PX, dragmode="select")
    for row, (_, title) in enumerate(VIEWS, start=1):
        anchor: dict[str, Any] = {"scaleanchor": "x", "scaleratio": 1}
        figure.update_yaxes(title=title, autorange="reversed", **anchor, row=row, col=1)
    figure.update_xaxes(title="x (µm)", row=2, col=1)
    for name, top_um in layers[1:]:
        figure.add_hline(
            top_um,
            line=axes.GUIDE,
            layer="below",
            annotation={"text": name, "font": {"size": 10, "color": axes.NEUTRAL}},
            annotation_position="bottom right",
            row=2,
            col=1,
        )
    return figure


def _own(x: float, y: float, **options: Any) -> go.Scattergl:
    return go.Scattergl(
        x=np.array([x], dtype=np.float32),
        y=np.array([y], dtype=np.float32),
        mode="markers",
        name="this cell",
        legendgroup="this cell",
        marker={"color": axes.SOMA, "size": 11, "symbol": "x"},
        hovertemplate="this cell's soma<extra></extra>",
        **options,
    )
