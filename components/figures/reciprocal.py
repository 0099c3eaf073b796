"""Reciprocal partners: how many synapses they make against how many they receive."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from components.figures import axes
from components.figures.points import by_value
from components.figures.template import Figure, figure

HEIGHT_PX = 340
SPREAD = 0.32
"""Equal pairs of small numbers lie upon each other; they are spread by so much, the same way every time."""


def reciprocal_pairs(points: pd.DataFrame, colours: Mapping[str, str], *, blank: str = "no type") -> Figure:
    """A dot for each reciprocal partner: input synapses to the right, output synapses upwards, coloured by type.

    `points` has num_syn_in, num_syn_out, value (null = blank) and row, which comes back as customdata of a selection.
    """
    place = points["row"].to_numpy(float)
    turn, radius = place * 2.4, SPREAD * np.sqrt(place * 0.618 % 1)  # the golden angle and section
    spread = points.assign(
        num_syn_in=points["num_syn_in"].astype(float) + radius * np.cos(turn),
        num_syn_out=points["num_syn_out"].astype(float) + radius * np.sin(turn),
    )
    most = [float(points[name].max()) if len(points) else 1 for name in ("num_syn_in", "num_syn_out")]
    layout = {
        "dragmode": "select",
        "xaxis": {**axes.counts(most[0], room=1.1), "title": {"text": "input synapses"}},
        "yaxis": {**axes.counts(most[1], room=1.1), "title": {"text": "output synapses"}},
    }
    dots = by_value(spread, "num_syn_in", "num_syn_out", colours, blank, unit="synapses in, out")
    return figure(dots, HEIGHT_PX, **layout)
