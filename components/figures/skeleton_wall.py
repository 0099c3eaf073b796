"""Skeletons side by side against depth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from components.figures import axes
from components.figures.depth import BESIDE_LAYERS
from components.figures.morphology import COLOURS
from components.figures.template import Figure, Trace, figure, packed

if TYPE_CHECKING:
    from services.cells.skeleton_wall import DrawnCell

HEIGHT_PX = 640
GAP_UM = 40.0


def wall(
    cells: Sequence[DrawnCell],
    titles: Sequence[str],
    layers: axes.Layers = (),
    shown_um: axes.Range = None,
    *,
    layers_by: str = "",
) -> Figure:
    """Each cell as wide as it is, `GAP_UM` beside the one before it, all at their own depth and to scale. `titles` are
    those of the two axes."""
    starts, place = [], 0.0
    for cell in cells:
        across = pd.concat([cell.axon.iloc[:, 0], cell.dendrite.iloc[:, 0]])
        starts.append(place - float(across.min()))
        place += float(across.max() - across.min()) + GAP_UM
    traces = [_lines(cells, starts, part) for part in ("axon", "dendrite")]
    layout: dict[str, Any] = {
        "xaxis": {"title": {"text": titles[0]}, "showticklabels": False, "showgrid": False},
        "yaxis": {
            **axes.depth_axis(axes.depth_title(titles[1], layers, layers_by), shown_um),
            "scaleanchor": "x",
            "scaleratio": 1,
            "showgrid": False,
        },
        **axes.guides(layers),
    }
    margin = {"margin": BESIDE_LAYERS} if layers else {}
    return figure([*traces, _somata(cells, starts)], HEIGHT_PX, **layout, **margin)


def _lines(cells: Sequence[DrawnCell], starts: Sequence[float], part: str) -> Trace:
    """One trace for a part of all cells."""
    points = [
        getattr(cell, part).to_numpy() + np.array([start, 0.0]) for cell, start in zip(cells, starts, strict=True)
    ]
    vertices = np.concatenate([np.zeros((0, 2)), *points])
    return {
        "type": "scatter",  # not WebGL, so that a picture of it has lines
        "mode": "lines",
        "name": part,
        "x": packed(vertices[:, 0]),
        "y": packed(vertices[:, 1]),
        "line": {"color": COLOURS[part], "width": 1},
        "hoverinfo": "skip",
    }


def _somata(cells: Sequence[DrawnCell], starts: Sequence[float]) -> Trace:
    placed = [(cell, start, cell.soma_um) for cell, start in zip(cells, starts, strict=True) if cell.soma_um]
    return {
        "type": "scatter",
        "mode": "markers",
        "name": "soma",
        "x": [soma[0] + start for _, start, soma in placed],
        "y": [soma[1] for _, _, soma in placed],
        "text": [str(cell.root_id) for cell, _, _ in placed],
        "marker": {"color": axes.SOMA, "size": 6},
        "hovertemplate": "%{text}, %{y:.0f} µm<extra></extra>",
    }
