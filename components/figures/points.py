"""Many points, coloured by value, fast in the browser."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from components.figures.axes import NEUTRAL
from components.figures.template import plain

MOST_VALUES = 30
"""More in a legend nobody can read; the rarest are then drawn together."""


def by_value(
    points: pd.DataFrame, x: str, y: str, colours: Mapping[str, str], blank: str, *, unit: str = "µm", **options: object
) -> Iterator[go.Scattergl]:
    """A trace for each value of `points`, by name, blank last; `row` goes into customdata.

    Coordinates are sent as float32, whose error is far below a pixel. `options` go to every trace.
    """
    common = points["value"].value_counts().index[:MOST_VALUES]
    labels = points["value"].where(points["value"].isin(common) | points["value"].isna(), "other values").fillna(blank)
    last = {"other values": 1, blank: 2}
    for label in sorted(labels.unique(), key=lambda label: (last.get(label, 0), label)):
        own = points[(labels == label).to_numpy(bool)]
        yield go.Scattergl(
            x=own[x].to_numpy(np.float32),
            y=own[y].to_numpy(np.float32),
            # as objects they are a plain list in JSON, as Dash wants them, and plotly need not look at each
            customdata=own["row"].to_numpy(object),
            mode="markers",
            name=plain(label),
            legendgroup=label,
            marker={"color": colours.get(label, NEUTRAL), "size": 5, "opacity": 0.75},
            hovertemplate=f"%{{fullData.name}}<br>%{{x:.0f}}, %{{y:.0f}} {unit}<extra></extra>",
            **options,
        )
