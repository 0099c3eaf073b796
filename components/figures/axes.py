"""What plots share: the depth axis downwards, guides at the layers, a mark at the cell's own soma, axes that count."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from components.figures.template import TEXT_PX

INPUT, OUTPUT = "#4fc3f7", "#ff8a65"
"""The directions, as Neuroglancer links draw them."""
NEUTRAL = "#8a9699"
SOMA = "#d32f2f"
GUIDE = {"color": "#8a9699", "width": 1, "dash": "dot"}

Layers = Sequence[tuple[str, float]]
"""Name and top in um below the pia, from the top down."""
Range = tuple[float, float] | None


def title(axis: str, titles: Mapping[str, str] | None) -> str:
    """What stands at an axis of the volume, such as x_um: its own of `titles`, else its name."""
    return (titles or {}).get(axis) or f"{axis.removesuffix('_um').replace('_', ' ')} (µm)"


def depth_title(title: str, layers: Layers, by: str) -> str:
    """The title of a depth axis: whose layers are marked along it, where that has a name."""
    return f"{title}, layers: {by}" if layers and by else title


def depth_axis(title: str, shown_um: Range = None) -> dict[str, Any]:
    """A y axis of depth, downwards; it has the range `shown_um` that the volume prefers, and more where data ask it."""
    preferred = {"autorangeoptions": {"include": list(shown_um)}} if shown_um else {}
    return {"title": {"text": title}, "autorange": "reversed", **preferred}


def counts(most: float, *, room: float = 1.02) -> dict[str, Any]:
    """An axis from 0 to `most` (and some `room`) with at most four whole numbers on it."""
    whole = max(1, int(most))
    power: int = 10 ** max(0, math.floor(math.log10(whole)) - 1)
    step = next(step for step in (power * factor for factor in (1, 2, 5, 10, 20, 50, 100)) if whole <= 3 * step)
    return {"range": [0, whole * room], "tickvals": list(range(0, whole + 1, step)), "tickformat": ",d"}


def facing(most: Sequence[float], titles: Sequence[str], *, room: float = 1.02) -> dict[str, Any]:
    """Two axes that count from the middle: the first to the left, the second ("x2") to the right, with one 0."""
    left, right = (counts(largest, room=room) for largest in most)
    words = [f"{title} (own scale)" for title in titles]
    return {
        "xaxis": {**left, "range": left["range"][::-1], "title": {"text": words[0]}, "domain": [0, 0.5]},
        "xaxis2": {**right, "tickvals": right["tickvals"][1:], "title": {"text": words[1]}, "domain": [0.5, 1]},
    }


def guides(
    layers: Layers, somata_um: Sequence[float] = (), *, y: str | None = "y", x: str | None = None
) -> dict[str, list[dict[str, Any]]]:
    """Shapes and annotations of a layout: a dotted line at the top of each layer but the first, its name outside, and a
    red line at each of the depths `somata_um`, which whatever is said beside the plot has to name.

    `y` and `x` name the axes that are depths (None = not drawn there).
    """
    shapes, notes = [], []
    tops = [top_um for _, top_um in layers[1:]]
    if y:
        shapes += [_line(y, top_um, GUIDE, "below") for top_um in tops]
        notes += [_note(name, NEUTRAL, x=1, xref="paper", y=top_um, yref=y, xanchor="left") for name, top_um in layers]
    if x:
        shapes += [_turned(_line(x, top_um, GUIDE, "below"), x) for top_um in tops]
        notes += [
            _note(name, NEUTRAL, x=top_um, xref=x, y=1, yref="paper", xanchor="left", yanchor="bottom")
            for name, top_um in layers
        ]
    if y:
        shapes += [_line(y, depth_um, {"color": SOMA, "width": 1.5}, "above") for depth_um in somata_um]
    return {"shapes": shapes, "annotations": notes}


def _line(axis: str, at: float, line: dict[str, Any], layer: str) -> dict[str, Any]:
    ends = {"x0": 0, "x1": 1, "xref": "paper", "y0": at, "y1": at, "yref": axis}
    return {"type": "line", **ends, "line": line, "layer": layer}


def _turned(line: dict[str, Any], axis: str) -> dict[str, Any]:
    ends = {"y0": 0, "y1": 1, "yref": "paper", "x0": line["y0"], "x1": line["y0"], "xref": axis}
    return {**line, **ends}


def _note(text: str, colour: str, **place: Any) -> dict[str, Any]:
    return {"text": text, "showarrow": False, "font": {"size": TEXT_PX, "color": colour}, "yanchor": "top", **place}
