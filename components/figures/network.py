"""A network from top to bottom by depth, or by another axis of the volume."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from components.figures.template import TEXT_PX, Figure, figure, plain
from services.core.type_columns import NO_TYPE

if TYPE_CHECKING:
    from services.populations.networks import Network

WIDTH_PX, HEIGHT_PX = 1_000, 640
NOT_KNOWN_PX = 60
"""So far below the lowest are those without a place."""
GOLDEN = 0.618034
"""Steps of this share of the width keep neighbours on it apart."""
SIDES = {"pre": "#e08a3c", "post": "#3f8fd0", "both": "#8c7bd0"}
SYMBOLS = {"pre": "triangle-up", "post": "square", "both": "circle"}
ARROW_PX, RING_PX = 7, 10
OPACITY = 0.45
LOOK = {"visible": False, "fixedrange": True}


def placed(nodes: pd.DataFrame, colours: Mapping[str, str]) -> pd.DataFrame:
    """The nodes of a `Network` with label and colour (of their name, else of their side; string), x_px and y_px
    (down) and size_px (float64)."""
    along = nodes["down_um"].to_numpy(float, na_value=np.nan)
    low, high = (np.nanmin(along), np.nanmax(along)) if np.isfinite(along).any() else (0.0, 1.0)
    down = (along - low) / max(high - low, 1.0) * HEIGHT_PX
    down = np.where(np.isfinite(down), down, HEIGHT_PX + NOT_KNOWN_PX)
    across = np.empty(len(nodes))
    across[np.argsort(down, kind="stable")] = np.arange(len(nodes)) * GOLDEN % 1 * WIDTH_PX
    size = np.minimum(10 + 26 * np.sqrt(nodes["cells"] / max(nodes["cells"].max(), 1)), 12 + 2 * nodes["cells"])
    label = [NO_TYPE if pd.isna(name) else str(name) for name in nodes["name"]]
    colour = [colours.get(name) or SIDES[side] for name, side in zip(nodes["name"], nodes["side"], strict=True)]
    return nodes.assign(label=label, colour=colour, x_px=across, y_px=down, size_px=size.astype(float))


def widths_px(num_syn: pd.Series[int]) -> npt.NDArray[np.float64]:
    """How wide the lines of links with so many synapses are."""
    return 0.5 + 7.5 * np.sqrt(num_syn.to_numpy(float) / max(num_syn.max(), 1)) if len(num_syn) else np.empty(0)


def drawing(network: Network, colours: Mapping[str, str], *, named: bool) -> Figure:
    """A network with a line from each presynaptic node to its postsynaptic one, an arrow at its end, and a ring around
    a node that is its own; `named` with the names of the nodes beside them."""
    nodes = placed(network.nodes, colours)
    by_key = nodes.set_index("key")
    is_autapse = network.links["pre"] == network.links["post"]
    widths = pd.Series(widths_px(network.links["num_syn"]), network.links.index)
    lines = _lines(network.links[~is_autapse], widths[~is_autapse], by_key)
    ring = _rings(by_key.loc[network.links.loc[is_autapse, "pre"]], widths[is_autapse])
    traces = [*lines, ring, *(_dots(some, named=named) for _, some in nodes.groupby("side", sort=True))]
    height = HEIGHT_PX + (NOT_KNOWN_PX if nodes["down_um"].isna().any() else 0)
    return figure(traces, height, xaxis=LOOK, yaxis={**LOOK, "range": [height + 20, -20]}, showlegend=False)


def _lines(links: pd.DataFrame, widths: pd.Series[float], nodes: pd.DataFrame) -> list[dict[str, Any]]:
    """One trace for lines of the same colour and width, to half a pixel."""
    pre, post = nodes.loc[links["pre"]], nodes.loc[links["post"]]
    gap = np.full(len(links), np.nan)
    x, y, standoff = (np.column_stack([pre[name], post[name], gap]) for name in ("x_px", "y_px", "size_px"))
    looks = pd.DataFrame({"colour": pre["colour"].to_numpy(), "width": np.round(2 * widths.to_numpy()) / 2})
    return [
        {
            "type": "scatter",
            "mode": "lines+markers",
            "x": x[of.index].ravel(),
            "y": y[of.index].ravel(),
            "line": {"color": colour, "width": width},
            "marker": {
                "symbol": "arrow",
                "angleref": "previous",
                "size": np.tile([0, ARROW_PX, 0], len(of)),
                "standoff": np.nan_to_num(standoff[of.index].ravel() / 2),
                "color": colour,
            },
            "opacity": OPACITY,
            "hoverinfo": "skip",
        }
        for (colour, width), of in looks.groupby(["colour", "width"])
    ]


def _rings(nodes: pd.DataFrame, widths: pd.Series[float]) -> dict[str, Any]:
    marker = {"size": nodes["size_px"].to_numpy() + RING_PX, "color": nodes["colour"].tolist()}
    return {
        "type": "scatter",
        "mode": "markers",
        "x": nodes["x_px"].to_numpy(),
        "y": nodes["y_px"].to_numpy(),
        "marker": {"symbol": "circle-open", "line": {"width": widths.to_numpy()}, "opacity": OPACITY, **marker},
        "hoverinfo": "skip",
    }


def _dots(nodes: pd.DataFrame, *, named: bool) -> dict[str, Any]:
    marker = {
        "symbol": SYMBOLS[nodes["side"].iloc[0]],
        "size": nodes["size_px"].to_numpy(),
        "color": nodes["colour"].tolist(),
    }
    texts = [plain(label) for label in nodes["label"]]
    return {
        "type": "scatter",
        "mode": "markers+text" if named else "markers",
        "x": nodes["x_px"].to_numpy(),
        "y": nodes["y_px"].to_numpy(),
        "text": texts,
        "textposition": "middle right",
        "textfont": {"size": TEXT_PX},
        "marker": {**marker, "opacity": 1, "line": {"width": 0}},
        "cliponaxis": False,
        "hovertemplate": "%{text}<extra></extra>",
    }
