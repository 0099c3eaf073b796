"""The look of all figures. Colours of text and lines follow the theme of the page (see assets/karst.css)."""

from __future__ import annotations

from typing import Any

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

CONFIG: Any = {"displaylogo": False, "modeBarButtons": [["toImage"]], "responsive": True}


def plain(text: str) -> str:
    """A text that plotly shows as it stands: it reads tags such as <b> and entities in labels and names."""
    return text.replace("&", "&amp;").replace("<", "&lt;")
