"""The look of all figures. Colours of text and lines follow the theme of the page (see assets/karst.css)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

import plotly.graph_objects as go

TEMPLATE = go.layout.Template(
    layout={
        "font": {"family": "system-ui, sans-serif", "size": 12, "color": "#6b777b"},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "margin": {"l": 8, "r": 12, "t": 8, "b": 8},
        "xaxis": {"gridcolor": "#c9d1d3", "zeroline": False, "automargin": True, "title": {"standoff": 6}},
        "yaxis": {"gridcolor": "#c9d1d3", "zeroline": False, "automargin": True},
        "legend": {"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0},
        "hoverlabel": {"font": {"family": "system-ui, sans-serif", "size": 12}},
        "bargap": 0.25,
    }
)

Trace: TypeAlias = dict[str, Any]
"""A trace in plotly's own words, its `type` among them."""

VALIDATE = False
"""Whether plotly looks at every property of a figure, which takes longer than all else that a page does; tests do."""

CONFIG: Any = {"displaylogo": False, "modeBarButtons": [["toImage"]], "responsive": True}


def figure(traces: Iterable[Trace], height_px: int, **layout: Any) -> go.Figure:
    """A figure with the look of all."""
    return go.Figure(list(traces), {"template": TEMPLATE, "height": height_px, **layout}, _validate=VALIDATE)


def plain(text: str) -> str:
    """A text that plotly shows as it stands: it reads tags such as <b> and entities in labels and names."""
    return text.replace("&", "&amp;").replace("<", "&lt;")
