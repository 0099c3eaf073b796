"""Distributions of a population: strength, degree, targets, distance, depth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from components.figures.axes import Layers, depth_axis, guides
from components.figures.depth import BESIDE_LAYERS
from components.figures.template import Figure, figure, plain
from services.core.type_columns import NO_TYPE

NEUTRAL = "#5f8f9c"
HEIGHT_PX = 300
ROW_PX = 22
COMPARTMENTS = {"spine": "#66a9bf", "shaft": "#b9c3a0", "soma": "#dd9468"}
INTERVAL = {"thickness": 1, "width": 2, "color": "#8a9699"}


def strengths(counts: pd.DataFrame) -> Figure:
    """Connections by their number of synapses; `counts` as of `distributions.synapses_per_connection`."""
    bars = {"type": "bar", "x": counts["num_syn"].tolist(), "y": counts["connections"].tolist()}
    style = {"marker": {"color": NEUTRAL}, "hovertemplate": "%{y:,} connections of %{x} synapses<extra></extra>"}
    up = {"type": "log", "title": {"text": "connections"}, "dtick": 1}
    return figure([{**bars, **style}], HEIGHT_PX, xaxis={"title": {"text": "synapses per connection"}}, yaxis=up)


def degrees(quantiles: pd.DataFrame, direction: str) -> Figure:
    """A box for each group, from its quantiles (as of `distributions.degrees`): whiskers reach to 5% and 95%."""
    rows = quantiles[quantiles["direction"] == direction]
    names = [_name(group) for group in rows["group"]]
    box = {
        "type": "box",
        "orientation": "h",
        "y": names,
        **{name: rows[column].tolist() for name, column in (("q1", "q1"), ("median", "median"), ("q3", "q3"))},
        "lowerfence": rows["low"].tolist(),
        "upperfence": rows["high"].tolist(),
        "line": {"width": 1, "color": NEUTRAL},
        "showlegend": False,
    }
    words = "targets of a cell" if direction == "out" else "sources of a cell"
    down = {"autorange": "reversed", "type": "category"}
    return figure([box], 90 + ROW_PX * len(names), xaxis={"title": {"text": words}}, yaxis=down)


def targets(shares: pd.DataFrame, colours: Mapping[str, str]) -> Figure:
    """A bar for each presynaptic group, stacked by postsynaptic one; `shares` as of `distributions.targets`."""
    valid = shares.dropna(subset=["share"])
    bars: list[dict[str, Any]] = []
    for post, rows in valid.groupby("post", sort=False, dropna=False):
        name = _name(post)
        intervals = zip(rows["low"], rows["high"], strict=True)
        texts = ["one cell" if pd.isna(low) else f"{low:.1%} to {high:.1%}" for low, high in intervals]
        bars.append(
            {
                "type": "bar",
                "orientation": "h",
                "name": plain(name),
                "y": [_name(pre) for pre in rows["pre"]],
                "x": rows["share"].tolist(),
                "text": texts,
                "textposition": "none",
                "marker": {"color": colours.get(name), "line": {"width": 0}},
                "hovertemplate": f"%{{y}} → {plain(name)}: %{{x:.1%}} (%{{text}})<extra></extra>",
            }
        )
    rows_shown = valid["pre"].nunique(dropna=False)
    across = {"tickformat": ".0%", "range": [0, 1]}
    down = {"autorange": "reversed", "type": "category"}
    return figure(bars, 110 + ROW_PX * rows_shown, barmode="stack", xaxis=across, yaxis=down)


def by_distance(fractions: pd.DataFrame) -> Figure:
    """The connected fraction by distance, with intervals; `fractions` as of `distributions.by_distance`."""
    lines = []
    first = "straight" if "straight" in set(fractions["way"]) else "lateral"
    looks = ((first, NEUTRAL, "solid", "circle"), ("vertical", "#d08a4e", "dash", "diamond"))
    for way, colour, dash, symbol in looks[: 1 if first == "straight" else 2]:
        rows = fractions[fractions["way"] == way]
        up, down = rows["high"] - rows["fraction"], rows["fraction"] - rows["low"]
        lines.append(
            {
                "type": "scatter",
                "mode": "lines+markers",
                "name": way,
                "x": rows["distance_um"].tolist(),
                "y": rows["fraction"].tolist(),
                "error_y": {"type": "data", "array": up.tolist(), "arrayminus": down.tolist(), **INTERVAL},
                "line": {"color": colour, "dash": dash},
                "marker": {"symbol": symbol},
                "customdata": rows["pairs"].tolist(),
                "hovertemplate": "%{y:.2%} of %{customdata:,} pairs at %{x:.0f} µm<extra></extra>",
            }
        )
    across = {"title": {"text": "distance of the somata (µm)"}}
    return figure(lines, HEIGHT_PX, xaxis=across, yaxis={"tickformat": ".1%", "rangemode": "tozero"})


def differences(groups: pd.DataFrame, form: str) -> Figure:
    """A dot for each group, with its interval where that is known; `groups` as of `comparisons.difference`."""
    valid = groups.dropna(subset=["difference"])
    up, down = valid["high"] - valid["difference"], valid["difference"] - valid["low"]
    dots = {
        "type": "scatter",
        "mode": "markers",
        "x": valid["difference"].tolist(),
        "y": [_name(group) for group in valid["group"]],
        "error_x": {
            "type": "data",
            "array": _or_none(up),
            "arrayminus": _or_none(down),
            **INTERVAL,
        },
        "marker": {"color": NEUTRAL, "size": 8},
        "hovertemplate": f"%{{y}}: %{{x:{form}}}<extra></extra>",
    }
    across = {"tickformat": form, "title": {"text": "first − second"}, "zeroline": True, "zerolinecolor": "#8a9699"}
    groups_down = {"autorange": "reversed", "type": "category"}
    return figure([dots], 90 + ROW_PX * len(valid), xaxis=across, yaxis=groups_down)


def _or_none(numbers: pd.Series) -> list[float | None]:
    """Numbers, None where one is not known."""
    return [None if pd.isna(number) else float(number) for number in numbers]


def compartments(counts: pd.DataFrame) -> Figure:
    """A bar for each presynaptic group, stacked by compartment, of the synapses with a prediction; `counts` as of
    `distributions.compartments`."""
    predicted = counts[counts[list(COMPARTMENTS)].sum(axis=1) > 0]
    whole = predicted[list(COMPARTMENTS)].sum(axis=1)
    bars = [
        {
            "type": "bar",
            "orientation": "h",
            "name": tag,
            "y": [_name(group) for group in predicted["group"]],
            "x": (predicted[tag] / whole).tolist(),
            "customdata": predicted[tag].tolist(),
            "marker": {"color": colour},
            "hovertemplate": f"%{{y}} on {tag}: %{{x:.1%}}, %{{customdata:,}} synapses<extra></extra>",
        }
        for tag, colour in COMPARTMENTS.items()
    ]
    down = {"autorange": "reversed", "type": "category"}
    across = {"tickformat": ".0%", "range": [0, 1]}
    return figure(bars, 110 + ROW_PX * len(predicted), barmode="stack", xaxis=across, yaxis=down)


def by_tuning(pairs: pd.DataFrame) -> Figure:
    """Connected and unconnected pairs by the difference of their orientations, each as shares; `pairs` as of
    `distributions.by_tuning`."""
    lines = [
        {
            "type": "scatter",
            "mode": "lines+markers",
            "name": words,
            "x": pairs["delta_ori_deg"].tolist(),
            "y": (pairs[column] / max(pairs[column].sum(), 1)).tolist(),
            "customdata": pairs[column].tolist(),
            "line": {"color": colour},
            "hovertemplate": f"%{{y:.1%}} of the {words} pairs, %{{customdata:,}}, at %{{x:.0f}}°<extra></extra>",
        }
        for column, words, colour in (
            ("connections", "connected", "#d08a4e"),
            ("unconnected", "unconnected", NEUTRAL),
        )
    ]
    across = {"title": {"text": "difference of the preferred orientations (°)"}, "range": [0, 90], "dtick": 30}
    return figure(lines, HEIGHT_PX, xaxis=across, yaxis={"tickformat": ".0%", "rangemode": "tozero"})


def depths(counts: pd.DataFrame, colours: Mapping[str, str], layers: Layers) -> Figure:
    """Synapses by depth, a line for each presynaptic group; `counts` as of `distributions.depths`."""
    lines = [
        {
            "type": "scatter",
            "mode": "lines",
            "name": plain(_name(group)),
            "x": rows["count"].tolist(),
            "y": rows["depth_um"].tolist(),
            "line": {"color": colours.get(_name(group)), "width": 1.5},
            "hovertemplate": "%{x:,} synapses at %{y:.0f} µm<extra>%{fullData.name}</extra>",
        }
        for group, rows in counts.groupby("group", sort=False, dropna=False)
    ]
    axes = {"xaxis": {"title": {"text": "synapses"}}, "yaxis": depth_axis("depth below pia (µm)")}
    return figure(lines, HEIGHT_PX + 120, margin=BESIDE_LAYERS, **axes, **guides(layers))


def _name(group: Any) -> str:
    return NO_TYPE if pd.isna(group) else str(group)
