"""Rows as dots, and how often a number occurs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from components.figures.axes import NEUTRAL, Layers, guides
from components.figures.points import MOST_VALUES, OTHERS, by_value, in_order
from components.figures.template import Figure, Trace, figure, plain

if TYPE_CHECKING:
    import pandas as pd

    from services.tables.plots import Bars, Outline

HEIGHT_PX, HISTOGRAM_PX = 500, 380
PALE = "rgba(138, 150, 153, 0.3)"
SMALL = 0.1
"""A tallest bar of less than this part of the tallest of the whole table is too low to compare its parts."""
BELOW = {"yref": "container", "y": 0, "yanchor": "bottom"}
LISTED = {"traceorder": "normal", **BELOW}
MARGIN = {"t": 34}
"""Room for the buttons of a plot, which would else cover a part of it."""
BESIDE_LAYERS = {**MARGIN, "r": 42}
"""With room for their names."""
DRAWN = {"line": {"color": NEUTRAL, "width": 2}, "fillcolor": "rgba(138, 150, 153, 0.15)"}


def scatter(
    points: pd.DataFrame,
    titles: tuple[str, str],
    colours: Mapping[str, str],
    *,
    down: bool = False,
    layers: Layers = (),
    same_scale: bool = False,
    blank: str = "",
    outline: Outline | None = None,
) -> Figure:
    """One dot a row. `points` has x, y and value (null = blank, which `blank` names; without it there is no legend).

    `down` turns the y axis downwards, with guides at `layers`; `same_scale` makes a um equally long on both axes.
    `outline` was drawn before, and is drawn again; a single dot needs no line.
    """
    scale = {"scaleanchor": "x", "scaleratio": 1} if same_scale else {}
    guiding = guides(layers) if down else {"shapes": [], "annotations": []}
    layout = {
        "dragmode": "drawclosedpath",
        "newshape": DRAWN,
        "showlegend": bool(blank),
        "legend": {"itemsizing": "constant", **BELOW},
        "margin": BESIDE_LAYERS if down and layers else MARGIN,
        "xaxis": {"title": {"text": titles[0]}},
        "yaxis": {"title": {"text": titles[1]}, "autorange": "reversed" if down else True, **scale},
        **guiding,
        "shapes": guiding["shapes"] + _drawn(outline),
    }
    size, hover = 4 if len(points) < 20_000 else 2.5, "%{fullData.name}<br>%{x:,.4~r}, %{y:,.4~r}<extra></extra>"
    return figure(by_value(points, "x", "y", colours, blank, size=size, hovertemplate=hover), HEIGHT_PX, **layout)


def _drawn(outline: Outline | None) -> list[dict[str, Any]]:
    if not outline or len(outline["x"]) < 3:
        return []
    corners = "L".join(f"{x},{y}" for x, y in zip(outline["x"], outline["y"], strict=True))
    return [{"type": "path", "path": f"M{corners}Z", "editable": True, **DRAWN}]


def histogram(bars: Bars, colours: Mapping[str, str], blank: str) -> Figure:
    """How many rows have a number: those shown stacked by value (`blank` names the null one; "" = not by value), over a
    pale outline of the whole table where that has more. Some row has to be shown.

    Where few of the rows are shown (:func:`is_small_part`), the outline has a scale of its own at the right.
    """
    edges = np.array(bars.edges)
    common = {
        "type": "bar",
        "x": ((edges[:-1] + edges[1:]) / 2).tolist(),
        "text": [*bars.spans],
        "textposition": "none",
        "hovertemplate": "%{text}: %{y:,} %{fullData.name}<extra></extra>",
    }
    widths = np.diff(edges) if len(edges) > 2 else np.ones(len(edges[1:]))  # one number alone has no width
    traces: list[Trace] = []
    blank = blank or "shown"
    counts = bars.counts.set_axis(bars.counts.index.fillna(blank))
    most = counts.sum(axis=1).nlargest(MOST_VALUES).index
    counts = counts.groupby(counts.index.where(counts.index.isin(most), OTHERS)).sum()
    for label in in_order(counts.index, colours, blank):
        traces.append(
            {
                **common,
                "y": [*counts.loc[label]],
                "width": (0.9 * widths).tolist(),
                "name": plain(label),
                "marker": {"color": colours.get(label, NEUTRAL), "line": {"width": 0}},
            }
        )
    if filtered := sum(bars.totals) > bars.counts.to_numpy().sum():
        pale = {"marker": {"color": PALE, "line": {"width": 0}}, "width": widths.tolist(), "yaxis": "y2"}
        traces.append({**common, "y": [*bars.totals], "name": "in the whole table", **pale})
    layout = {"xaxis": {"title": {"text": bars.column.heading}}, **_scales(bars, filtered=filtered)}
    return figure(traces, HISTOGRAM_PX, barmode="stack", showlegend=True, legend=LISTED, margin=MARGIN, **layout)


def _scales(bars: Bars, *, filtered: bool) -> dict[str, Any]:
    """The axis of the rows shown, and below it that of the whole table."""
    shown, whole = _up(bars.counts.sum().max()), _up(max(bars.totals))
    if not filtered:
        return {"yaxis": {"title": {"text": "rows"}, **shown}}
    if is_small_part(bars):
        beside = {"title": {"text": "rows in the whole table"}, "side": "right", "showgrid": False, **whole}
        return {"yaxis": {"title": {"text": "rows shown"}, "overlaying": "y2", **shown}, "yaxis2": beside}
    return {
        "yaxis": {"title": {"text": "rows"}, "overlaying": "y2", **whole},
        "yaxis2": {"showticklabels": False, **whole},
    }


def _up(most: float) -> dict[str, Any]:
    ticks: dict[str, Any] = {"dtick": 1} if most < 6 else {"tickmode": "auto"}  # else an axis takes the other's places
    return {"range": [0, 1.05 * float(most)], "tickformat": ",d", **ticks}


def is_small_part(bars: Bars) -> bool:
    """Whether the rows shown could not be seen on the scale of the whole table."""
    return bool(bars.counts.sum().max() < SMALL * max(bars.totals))
