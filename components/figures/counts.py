"""Bars that count by value."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from components.figures.template import Figure, Trace, figure, plain

MOST_BARS = 40
BAR_PX = 21
ROOM = 1.2
"""Beyond the longest bar, for its number."""
NEUTRAL = "#8a9699"


def count_bars(
    counts: pd.DataFrame, colours: Mapping[str, str], *, counted: str, part: str = "", blank: str = "no type"
) -> Figure:
    """One bar for each row of `counts`, the largest first.

    `counts` has value (null = blank), count, and with `part` also count_part, the solid share of each bar that
    `part` names (the rest is pale). `colours` gives "#rrggbb" for a value; `counted` says what is counted. No more than
    MOST_BARS are drawn; the last one then sums up the others.
    """
    shown = _with_others(counts)
    labels = [blank if pd.isna(value) else _word(value) for value in shown["value"]]
    fills = [colours.get(str(value), NEUTRAL) for value in shown["value"]]
    whole = _bar(labels, shown["count"], fills, counted, text=shown["count"].map("{:,}".format))
    bars = [whole]
    if part:
        whole["marker"]["opacity"] = 0.4
        bars.append(_bar(labels, shown["count_part"], fills, part))
    most = float(shown["count"].max() or 1) if len(shown) else 1.0
    across = {"range": [0, most * ROOM], "tickformat": ",d", "nticks": 4, "dtick": 1 if most < 4 else None}
    down = {"autorange": "reversed", "showgrid": False, "type": "category", "ticklabelstandoff": 5}
    height_px = 44 + BAR_PX * len(shown)
    low = {"minreducedheight": BAR_PX}  # else plotly takes the room of one bar from the numbers below it
    return figure(bars, height_px, barmode="overlay", showlegend=False, xaxis=across, yaxis=down, **low)


def _word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool | np.bool_) else plain(str(value))


def _bar(labels: list[str], values: pd.Series, fills: list[str], name: str, text: pd.Series | None = None) -> Trace:
    return {
        "type": "bar",
        "x": values.tolist(),
        "y": labels,
        "orientation": "h",
        "marker": {"color": fills, "line": {"width": 0}},
        "name": name,
        "text": None if text is None else text.tolist(),
        "textposition": "outside",
        "cliponaxis": False,
        "hovertemplate": f"%{{y}}: %{{x:,}} {name}<extra></extra>",
    }


def _with_others(counts: pd.DataFrame) -> pd.DataFrame:
    if len(counts) <= MOST_BARS:
        return counts
    others = counts.iloc[MOST_BARS - 1 :]
    last = others.drop(columns="value").sum().to_frame().T.assign(value=f"{len(others):,} other values")
    return pd.concat([counts.iloc[: MOST_BARS - 1], last], ignore_index=True)
