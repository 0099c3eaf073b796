"""What depth plots share: the axis downwards, guides at the layers, a mark at the cell's own soma."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

INPUT, OUTPUT = "#4fc3f7", "#ff8a65"
"""The directions, as Neuroglancer links draw them."""
NEUTRAL = "#8a9699"
SOMA = "#d32f2f"
GUIDE = {"color": "#8a9699", "width": 1, "dash": "dot"}

Layers = Sequence[tuple[str, float]]
"""Name and top in um below the pia, from the top down."""
Range = tuple[float, float] | None


def depth_axis(figure: go.Figure, shown_um: Range, title: str = "depth below pia (µm)") -> None:
    """Depth on y, downwards; `shown_um` is the range that the volume prefers, widened by what lies outside it."""
    figure.update_yaxes(title=title, autorange="reversed")
    if shown_um:
        figure.update_yaxes(autorangeoptions={"include": list(shown_um)})


def layer_guides(figure: go.Figure, layers: Layers, axis: str = "y") -> None:
    """A dotted line at the top of each layer but the first, and its name at the edge of the plot."""
    for place, (name, top_um) in enumerate(layers):
        if place:
            (figure.add_hline if axis == "y" else figure.add_vline)(top_um, line=GUIDE, layer="below")
        at = {"y": top_um, "x": 1, "xref": "paper", "xanchor": "right", "yanchor": "top"}
        if axis == "x":
            at = {"x": top_um, "y": 1, "yref": "paper", "xanchor": "left", "yanchor": "top"}
        figure.add_annotation(**at, text=name, showarrow=False, font={"size": 10, "color": NEUTRAL})


def soma_line(figure: go.Figure, depth_um: float | None) -> None:
    """A line through the depth of the cell's own soma; nothing where it has none, or several."""
    if depth_um is None:
        return
    figure.add_hline(depth_um, line={"color": SOMA, "width": 1.5})
    font = {"size": 10, "color": SOMA}
    figure.add_annotation(
        x=0,
        xref="paper",
        y=depth_um,
        text="this cell's soma",
        font=font,
        showarrow=False,
        xanchor="left",
        yanchor="top",
    )
