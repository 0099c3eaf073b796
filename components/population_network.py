"""A population as a network picture, from top to bottom by depth or by another axis of the volume."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dash_cytoscape as cyto
import numpy as np
import pandas as pd
from dash import dcc, html
from dash.fingerprint import build_fingerprint

from components.attributes import aria
from components.cell_card import counted
from components.figures.template import TEXT_PX
from services.core.type_columns import NO_TYPE

if TYPE_CHECKING:
    from services.populations.networks import Network

for _file in cyto._js_dist:
    _file["dynamic"] = True  # 500 kB that only this picture needs, see assets/network.js

WIDTH_PX, HEIGHT_PX = 1_000, 640
NOT_KNOWN_PX = 60
"""So far below the lowest are those without a place."""
GOLDEN = 0.618034
"""Steps of this share of the width keep neighbours on it apart."""
SIDES = {"pre": "#e08a3c", "post": "#3f8fd0", "both": "#8c7bd0"}
SHAPES = {
    "pre": ("triangle", "Triangles: presynaptic"),
    "post": ("rectangle", "Squares: postsynaptic"),
    "both": ("ellipse", "Circles: both"),
}
LOOK = [
    {
        "selector": "node",
        "style": {
            "label": "data(label)",
            "width": "data(size)",
            "height": "data(size)",
            "shape": "data(shape)",
            "background-color": "data(colour)",
            "color": "#7b888c",
            "font-size": TEXT_PX,
            "text-valign": "center",
            "text-halign": "right",
            "text-margin-x": 4,
        },
    },
    {
        "selector": "edge",
        "style": {
            "width": "data(width)",
            "line-color": "data(colour)",
            "target-arrow-color": "data(colour)",
            "target-arrow-shape": "triangle",
            "arrow-scale": 0.7,
            "curve-style": "bezier",
            "opacity": 0.45,
        },
    },
    {"selector": ":selected", "style": {"opacity": 1, "border-width": 3, "border-color": "#0b6b6b"}},
]


def picture(network: Network, colours: Mapping[str, str], *, named: bool, axis: str) -> html.Section:
    """The network, loaded once its code is there. `colours` are those of the names; `named` tells whether names fit
    beside nodes, `axis` what the axis downwards is called."""
    nodes, links = network.nodes, network.links
    shades = {row["key"]: colours.get(row["name"]) or SIDES[row["side"]] for row in nodes.to_dict("records")}
    elements = [*_nodes(nodes, shades, named=named), *_links(links, shades)]
    graph = cyto.Cytoscape(
        id="pop-cytoscape",
        elements=elements,
        stylesheet=LOOK,
        layout={"name": "preset", "fit": True, "padding": 24},
        style={"width": "100%", "height": f"{HEIGHT_PX}px"},
        minZoom=0.2,
        maxZoom=4,
        wheelSensitivity=0.2,
    )
    unknown = int(nodes["down_um"].isna().sum())
    words = f"{counted(len(nodes), 'node')}, by the {axis} of their somata from the top; lines by synapses."
    left = f" The {len(links):,} strongest of {len(links) + network.left_out:,} are drawn." if network.left_out else ""
    below = f" Below: {unknown:,} without a known {axis}." if unknown else ""
    known = [words for side, (_, words) in SHAPES.items() if (nodes["side"] == side).any()]
    below += f" {'; '.join(known)}." if len(known) > 1 else ""
    wanted = {"script": script(), "graph": graph.to_plotly_json()}
    return html.Section(
        [
            html.H2("Network"),
            html.P(words + left + below, className="k-hint"),
            html.Div(id="pop-network", className="k-network", role="img", **aria(label=words)),
            dcc.Store(id="pop-network-of", data=wanted),
        ],
        **aria(label="Network"),
    )


def script() -> str:
    """The address of the code that draws networks."""
    file = Path(cyto.__file__).with_name("dash_cytoscape.min.js")
    name = build_fingerprint(file.name, cyto.__version__, int(file.stat().st_mtime))
    return f"/_dash-component-suites/dash_cytoscape/{name}"


def _nodes(nodes: pd.DataFrame, shades: Mapping[str, str], *, named: bool) -> list[dict[str, Any]]:
    along = nodes["down_um"].to_numpy(float, na_value=np.nan)
    low, high = (np.nanmin(along), np.nanmax(along)) if np.isfinite(along).any() else (0.0, 1.0)
    down = (along - low) / max(high - low, 1.0) * HEIGHT_PX
    down = np.where(np.isfinite(down), down, HEIGHT_PX + NOT_KNOWN_PX)
    across_px = np.empty(len(nodes))
    across_px[np.argsort(down, kind="stable")] = np.arange(len(nodes)) * GOLDEN % 1 * WIDTH_PX
    sizes = np.minimum(10 + 26 * np.sqrt(nodes["cells"] / max(nodes["cells"].max(), 1)), 12 + 2 * nodes["cells"])
    return [
        {
            "data": {
                "id": row["key"],
                "label": _name(row["name"]) if named else "",
                "size": float(size),
                "colour": shades[row["key"]],
                "shape": SHAPES[row["side"]][0],
            },
            "position": {"x": float(x), "y": float(y)},
        }
        for row, size, x, y in zip(nodes.to_dict("records"), sizes, across_px, down, strict=True)
    ]


def _links(links: pd.DataFrame, shades: Mapping[str, str]) -> list[dict[str, Any]]:
    most = max(links["num_syn"].max(), 1) if len(links) else 1
    return [
        {
            "data": {
                "source": row["pre"],
                "target": row["post"],
                "width": 0.5 + 7.5 * float(np.sqrt(row["num_syn"] / most)),
                "colour": shades[row["pre"]],
            }
        }
        for row in links.to_dict("records")
    ]


def _name(name: Any) -> str:
    return NO_TYPE if pd.isna(name) else str(name)
