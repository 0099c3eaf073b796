"""Rows as dots, and how often a number occurs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from components.figures.axes import NEUTRAL, Layers, guides
from components.figures.points import by_value
from components.figures.template import Figure, Trace, figure

if TYPE_CHECKING:
    import pandas as pd

    from services.facets import Bar
    from services.plots import Outline

HEIGHT_PX = 520
DRAWN = {"line": {"color": NEUTRAL, "width": 2}, "fillcolor": "rgba(138, 150, 153, 0.15)"}


def scatter(
    points: pd.DataFrame,
    titles: tuple[str, str],
    colours: Mapping[str, str],
    *,
    down: bool = False,
    layers: Layers = (),
    same_scale: bool = False,
    blank: str = "",
    outline: Outline | None = None,
) -> Figure:
    """One dot a row. `points` has x, y and value (null = blank, which `blank` names; without it there is no legend).

    `down` turns the y axis downwards, with guides at `layers`; `same_scale` makes a um equally long on both axes.
    `outline` was drawn before, and is drawn again; a single dot needs no line.
    """
    scale = {"scaleanchor": "x", "scaleratio": 1} if same_scale else {}
    guiding = guides(layers) if down else {"shapes": [], "annotations": []}
    layout = {
        "dragmode": "drawclosedpath",
        "newshape": DRAWN,
        "showlegend": bool(blank),
        "legend": {"itemsizing": "constant", "font": {"size": 10}},
        "xaxis": {"title": {"text": titles[0]}},
        "yaxis": {"title": {"text": titles[1]}, "autorange": "reversed" if down else True, **scale},
        **guiding,
        "shapes": guiding["shapes"] + _drawn(outline),
    }
    size, hover = 4 if len(points) < 20_000 else 2.5, "%{fullData.name}<br>%{x:,.4g}, %{y:,.4g}<extra></extra>"
    return figure(by_value(points, "x", "y", colours, blank, size=size, hovertemplate=hover), HEIGHT_PX, **layout)


def _drawn(outline: Outline | None) -> list[dict[str, Any]]:
    if not outline or len(outline["x"]) < 3:
        return []
    corners = "L".join(f"{x},{y}" for x, y in zip(outline["x"], outline["y"], strict=True))
    return [{"type": "path", "path": f"M{corners}Z", "editable": True, **DRAWN}]


def histogram(bars: Sequence[Bar], title: str, href: Callable[[Bar], str]) -> Figure:
    """How many rows have a number: all of them pale, those that the filter keeps solid. A bar leads to `href`."""
    middles = [(bar.low + bar.high) / 2 for bar in bars]
    spans = [f"{bar.low:,.4g} to {bar.high:,.4g}" for bar in bars]
    drawn: list[Trace] = []
    for name, counts, opacity in (
        ("in the whole table", [bar.total for bar in bars], 0.3),
        ("shown", [bar.count for bar in bars], 1.0),
    ):
        drawn.append(
            {
                "type": "bar",
                "x": middles,
                "y": counts,
                "name": name,
                "customdata": [href(bar) if bar.box else "" for bar in bars],
                "text": spans,
                "textposition": "none",
                "marker": {"color": NEUTRAL, "opacity": opacity, "line": {"width": 0}},
                "hovertemplate": f"%{{text}}: %{{y:,}} {name}<extra></extra>",
            }
        )
    across, up = {"title": {"text": title}}, {"title": {"text": "rows"}, "tickformat": ",d"}
    return figure(drawn, 340, barmode="overlay", bargap=0.05, xaxis=across, yaxis=up)
