"""What the coregistered partners of a cell prefer to see."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import plotly.graph_objects as go

from components.figures.axes import SOMA
from components.figures.points import by_value
from components.figures.template import TEMPLATE

HEIGHT_PX = 300


def orientations(
    points: pd.DataFrame, colours: Mapping[str, str], *, own_deg: float | None = None, blank: str = "no type"
) -> go.Figure:
    """Synapses with each coregistered partner against its preferred orientation, coloured by type.

    `points` has pref_ori_deg (0 to 180), num_syn, value (null = blank) and row, which comes back as customdata of a
    selection. `own_deg` is the orientation that the cell itself prefers, drawn as a line.
    """
    layout = {
        "template": TEMPLATE,
        "height": HEIGHT_PX,
        "dragmode": "select",
        "xaxis": {"title": {"text": "preferred orientation of the partner (°)"}, "range": [-3, 183], "dtick": 45},
        "yaxis": {"title": {"text": "synapses"}, "rangemode": "tozero", "tickformat": ",d"},
    }
    if own_deg is not None:
        place = {"x0": own_deg, "x1": own_deg, "y0": 0, "y1": 1, "yref": "paper"}
        layout["shapes"] = [{"type": "line", **place, "line": {"color": SOMA, "width": 1.5}}]
        note = {"text": "this cell", "showarrow": False, "font": {"size": 10, "color": SOMA}}
        layout["annotations"] = [{**note, "x": own_deg, "y": 1, "yref": "paper", "xanchor": "left", "yanchor": "top"}]
    return go.Figure([*by_value(points, "pref_ori_deg", "num_syn", colours, blank, unit="synapses")], layout)
