"""A population as a network that can be moved, and as the figure of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import dash_cytoscape as cyto
from dash import dcc, html
from dash.fingerprint import build_fingerprint

from components.attributes import aria, data
from components.cell_card import counted
from components.cell_figures import Plot, figure_files
from components.figures.network import HEIGHT_PX, placed, widths_px
from components.figures.template import TEXT_PX

if TYPE_CHECKING:
    import pandas as pd

    from services.populations.networks import Network

for _file in cyto._js_dist:
    _file["dynamic"] = True  # 500 kB that only this picture needs, see assets/network.js

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


def picture(plot: Plot, network: Network, colours: dict[str, str], *, named: bool, axis: str) -> html.Section:
    """The network of a `plot`, loaded once its code is there. `colours` are those of the names; `named` tells whether
    names fit beside nodes, `axis` what the axis downwards is called."""
    nodes, links = placed(network.nodes, colours), network.links
    elements = [*_nodes(nodes, named=named), *_links(links, nodes.set_index("key")["colour"])]
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
    drawn = {"script": script(), "graph": graph.to_plotly_json(), "figure": plot.figure.result}
    return html.Section(
        [
            html.H2(plot.title),
            html.P(words + left + below, className="k-hint"),
            html.Div(id="pop-network", className="k-network", role="img", **aria(label=words)),
            dcc.Store(id="pop-network-of", data=drawn),
            figure_files(plot.name, "population"),
        ],
        **aria(label=plot.title),
        **data(title=plot.title),
    )


def script() -> str:
    """The address of the code that draws networks."""
    file = Path(cyto.__file__).with_name("dash_cytoscape.min.js")
    name = build_fingerprint(file.name, cyto.__version__, int(file.stat().st_mtime))
    return f"/_dash-component-suites/dash_cytoscape/{name}"


def _nodes(nodes: pd.DataFrame, *, named: bool) -> list[dict[str, Any]]:
    return [
        {
            "data": {
                "id": row["key"],
                "label": row["label"] if named else "",
                "size": row["size_px"],
                "colour": row["colour"],
                "shape": SHAPES[row["side"]][0],
            },
            "position": {"x": row["x_px"], "y": row["y_px"]},
        }
        for row in nodes.to_dict("records")
    ]


def _links(links: pd.DataFrame, colours: pd.Series[str]) -> list[dict[str, Any]]:
    return [
        {"data": {"source": pre, "target": post, "width": width, "colour": colours[pre]}}
        for pre, post, width in zip(links["pre"], links["post"], widths_px(links["num_syn"]).tolist(), strict=True)
    ]
