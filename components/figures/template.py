"""The look of all figures. Colours of text and lines follow the theme of the page (see assets/karst.css)."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import Any, TypeAlias

import numpy.typing as npt

TEXT_PX = 12
"""Of all text of figures: the small size of the page (`--k-size-small` in assets/10-karst.css)."""

_TITLE = {"standoff": 6, "font": {"size": TEXT_PX}}
TEMPLATE = {
    "layout": {
        "font": {"family": "system-ui, sans-serif", "size": TEXT_PX, "color": "#6b777b"},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "margin": {"l": 8, "r": 12, "t": 8, "b": 8},
        "xaxis": {"gridcolor": "#c9d1d3", "zeroline": False, "automargin": True, "title": _TITLE},
        "yaxis": {"gridcolor": "#c9d1d3", "zeroline": False, "automargin": True, "title": {"font": {"size": TEXT_PX}}},
        # in the order of what is stacked, which plotly would turn around
        "legend": {"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0, "traceorder": "normal"},
        "hoverlabel": {"font": {"family": "system-ui, sans-serif", "size": TEXT_PX}},
        "bargap": 0.25,
    }
}

FEW = 1_500
"""So many points are drawn as well without WebGL, of which a browser has few contexts, each slow to set up."""

Trace: TypeAlias = dict[str, Any]
"""A trace in plotly's own words, its `type` among them."""

Figure: TypeAlias = dict[str, Any]
"""`data` and `layout` in plotly's own words. plotly.graph_objects would copy every number four times on its way."""

CONFIG: Any = {"displaylogo": False, "modeBarButtons": [["toImage"]], "responsive": True}


def figure(traces: Iterable[Trace], height_px: int, **layout: Any) -> Figure:
    """A figure with the look of all."""
    return {"data": list(traces), "layout": {"template": TEMPLATE, "height": height_px, **layout}}


def dots(count: int) -> str:
    """The type of the traces of a plot with so many points."""
    return "scattergl" if count > FEW else "scatter"


def packed(numbers: npt.NDArray[Any], dtype: str = "f4") -> dict[str, str]:
    """Numbers as float32, whose error is far below a pixel, or of another `dtype` of plotly's, in the form of arrays
    that plotly.js reads at once: dtype and base64, https://plotly.com/javascript/reference/scattergl/#scattergl-x."""
    return {"dtype": dtype, "bdata": base64.b64encode(numbers.astype(f"<{dtype}").tobytes()).decode()}


def plain(text: str) -> str:
    """A text that plotly shows as it stands: it reads tags such as <b> and entities in labels and names."""
    return text.replace("&", "&amp;").replace("<", "&lt;")
