"""What the coregistered partners of a cell prefer to see."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from components.figures import axes
from components.figures.points import by_value
from components.figures.template import Figure, figure

HEIGHT_PX = 300


def orientations(points: pd.DataFrame, colours: Mapping[str, str], *, blank: str = "no type") -> Figure:
    """Synapses with each coregistered partner against how far its preferred orientation is from the cell's own,
    coloured by type; against the orientation itself where the cell has none.

    `points` has pref_ori_deg (0 to 180), delta_ori_deg (0 to 90, null where the cell has no tuning), num_syn, value
    (null = blank) and row, which comes back as customdata of a selection.
    """
    apart = bool(points["delta_ori_deg"].notna().any())
    most = float(points["num_syn"].max()) if len(points) else 1
    title, end = ("orientation from this cell's own (°)", 90) if apart else ("preferred orientation (°)", 180)
    layout = {
        "dragmode": "select",
        "xaxis": {"title": {"text": title}, "range": [-0.02 * end, 1.02 * end], "dtick": end / 6},
        "yaxis": {**axes.counts(most, room=1.1), "title": {"text": "synapses with this cell"}},
    }
    x = "delta_ori_deg" if apart else "pref_ori_deg"
    return figure(by_value(points, x, "num_syn", colours, blank, unit="(°, synapses)"), HEIGHT_PX, **layout)
