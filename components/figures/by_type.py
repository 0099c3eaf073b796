"""Partners summed up by type, both directions at once, and what differs between types."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from components.figures import axes
from components.figures.axes import INPUT, NEUTRAL, OUTPUT
from components.figures.points import in_order
from components.figures.template import Figure, Trace, figure, plain

ROW_PX = 21
FRAME_PX = 70
ROOM = 1.5
"""Beyond the longest bar, for its number."""
COMPARTMENTS = {
    "on_spine": ("spine", "#4477aa"),
    "on_shaft": ("shaft", "#ccbb44"),
    "on_soma": ("soma", "#aa3377"),
    "not_predicted": ("not predicted", "#d5dadb"),
}


def type_counts(
    inputs: pd.DataFrame, outputs: pd.DataFrame, colours: Mapping[str, str], *, blank: str = "no type"
) -> Figure:
    """Synapses by type of the partner: inputs to the left, outputs to the right, each on its own scale.

    Both frames have value (null = blank), num_syn and num_partners. Types are in the order of `colours`, blank last;
    those without a synapse in either direction are left out. The bar of blank ends where the longest of a type does,
    and has its number: most synapses can be with partners of no type. A click gives the value as customdata, "" for
    the blank.
    """
    every = pd.concat([inputs, outputs])
    labels = in_order(every.loc[every["num_syn"] > 0, "value"].fillna(blank).unique(), colours, blank)
    sides = [
        frame.assign(label=frame["value"].fillna(blank))
        .set_index("label")[["num_syn", "num_partners"]]
        .reindex(labels, fill_value=0)
        for frame in (inputs, outputs)
    ]
    names = ("input synapses", "output synapses")
    bars = [_typed_bars(side, name, colours, blank) for side, name in zip(sides, names, strict=True)]
    bars[1]["xaxis"] = "x2"
    most = [_scale(side, blank) for side in sides]
    return _rows(bars, len(labels), **axes.facing(most, names, room=ROOM))


def _scale(counts: pd.DataFrame, blank: str) -> float:
    """The longest bar of a type; of blank where there is no other."""
    typed = counts["num_syn"].drop(blank, errors="ignore")
    most = typed.max() if typed.any() else counts["num_syn"].max()
    return float(most) if len(counts) and most > 0 else 1.0


def _typed_bars(counts: pd.DataFrame, name: str, colours: Mapping[str, str], blank: str) -> Trace:
    labels = counts.index.tolist()
    return {
        "type": "bar",
        "x": counts["num_syn"].clip(upper=_scale(counts, blank)).tolist(),
        "y": [plain(label) for label in labels],
        "orientation": "h",
        "name": name,
        "text": counts["num_syn"].map("{:,}".format).tolist(),
        "textposition": "outside",
        "cliponaxis": False,
        "customdata": [
            ["" if label == blank else label, partners, synapses]
            for label, synapses, partners in counts[["num_syn", "num_partners"]].itertuples()
        ],
        "marker": {"color": [colours.get(label, NEUTRAL) for label in labels], "line": {"width": 0}},
        "hovertemplate": f"%{{y}}: %{{customdata[2]:,}} {name}, %{{customdata[1]:,}} partners<extra></extra>",
    }


def synapses_per_partner(counts: pd.DataFrame) -> Figure:
    """How many partners have 1, 2, 3, ... synapses, on a logarithmic scale, for a few have many.

    `counts` has direction, num_syn and num_partners.
    """
    bars: list[Trace] = []
    for way, name, colour in (("in", "input partners", INPUT), ("out", "output partners", OUTPUT)):
        rows = counts[counts["direction"] == way]
        bars.append(
            {
                "type": "bar",
                "x": rows["num_syn"].tolist(),
                "y": rows["num_partners"].tolist(),
                "name": name,
                "marker": {"color": colour, "line": {"width": 0}},
                "hovertemplate": f"%{{y:,}} {name} with %{{x}} synapses<extra></extra>",
            }
        )
    most = int(counts["num_syn"].max()) if len(counts) else 1
    tallest = float(counts["num_partners"].max()) if len(counts) else 1.0
    # from a half, so that a single partner has a bar
    span = [math.log10(0.5), math.log10(tallest) + 0.1]
    across = {"title": {"text": "synapses with this cell"}, "tickformat": ",d", "dtick": 1 if most < 12 else None}
    up = {"title": {"text": "partners"}, "type": "log", "dtick": 1, "tickformat": ",d", "range": span}
    return figure(bars, 280, barmode="group", xaxis=across, yaxis=up)


def sizes_by_type(sizes: pd.DataFrame, colours: Mapping[str, str], *, blank: str = "no type") -> Figure:
    """The sizes of synapses by type of the partner: median, quartiles, and 5 % to 95 % as whiskers.

    `sizes` has value (null = blank), num_syn, low, q1, median, q3, high, in voxels. Types are in the order of
    `colours`, blank last.
    """
    boxes: list[Trace] = []
    sizes = sizes.set_index(sizes["value"].fillna(blank))
    labels = in_order(sizes.index, colours, blank)
    for label, row in zip(labels, sizes.loc[labels].itertuples(), strict=True):
        colour = colours.get(label, NEUTRAL)
        boxes.append(
            {
                "type": "box",
                "y": [plain(label)],
                "orientation": "h",
                "q1": [row.q1],
                "median": [row.median],
                "q3": [row.q3],
                "lowerfence": [row.low],
                "upperfence": [row.high],
                "name": f"{plain(label)} (n = {row.num_syn:,})",
                "marker": {"color": colour},
                "line": {"width": 1.2},
            }
        )
    across = {"title": {"text": "synapse size (voxels)"}, "type": "log", "tickformat": ",d", "dtick": "D2"}
    return _rows(boxes, len(labels), xaxis=across)


def compartments_by_type(counts: pd.DataFrame, colours: Mapping[str, str], *, blank: str = "no type") -> Figure:
    """Where the synapses with each type sit, as shares of its synapses.

    `counts` has value (null = blank) and the columns of COMPARTMENTS. Types are in the order of `colours`, blank last.
    """
    bars: list[Trace] = []
    counts = counts.set_index(counts["value"].fillna(blank))
    labels = in_order(counts.index, colours, blank)
    counts = counts.loc[labels]
    whole = counts[list(COMPARTMENTS)].sum(axis=1)
    for column, (name, colour) in COMPARTMENTS.items():
        share = counts[column] * 100 / whole.where(whole > 0)
        bars.append(
            {
                "type": "bar",
                "x": share.fillna(0).round(2).tolist(),
                "y": [plain(label) for label in labels],
                "orientation": "h",
                "name": name,
                "customdata": list(zip(counts[column].tolist(), whole.tolist(), strict=True)),
                "marker": {"color": colour, "line": {"width": 0}},
                "hovertemplate": f"%{{y}}, {name}: %{{x:.1f}} % (%{{customdata[0]:,}} of %{{customdata[1]:,}})"
                "<extra></extra>",
            }
        )
    across = {"title": {"text": "% of the type's synapses"}, "range": [0, 100]}
    return _rows(bars, len(labels), xaxis=across, barmode="stack", showlegend=True)


def _rows(traces: list[Trace], count: int, **layout: Any) -> Figure:
    """One line of text for each type, the first one on top."""
    down = {"autorange": "reversed", "type": "category", "showgrid": False}
    return figure(traces, FRAME_PX + ROW_PX * max(count, 1), **{"yaxis": down, "showlegend": False, **layout})
