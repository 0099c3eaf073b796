"""A cell's skeleton as a picture of a few kilobytes, seen from the side."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

import numpy as np
import numpy.typing as npt
import pandas as pd

from components.figures import axes
from components.figures.morphology import COLOURS

WIDTH_PX, HEIGHT_PX = 110, 120


def thumbnail(lines: Mapping[str, pd.DataFrame]) -> str:
    """The lines of each compartment (x_um, depth_um or y_um, and z_um; NaN ends a line) as the address of an SVG, x to
    the right and depth downwards, both on one scale."""
    parts = {name: frame.iloc[:, :2].to_numpy(float) for name, frame in lines.items() if len(frame)}
    if not parts:
        return ""
    every = np.vstack(list(parts.values()))
    low, high = np.nanmin(every, axis=0), np.nanmax(every, axis=0)
    size = np.array([WIDTH_PX, HEIGHT_PX])
    scale = float((size / np.maximum(high - low, 1)).min())
    shift = (size - (high - low) * scale) / 2
    paths = "".join(
        f'<path d="{_path((points - low) * scale + shift)}" stroke="{COLOURS.get(name, axes.NEUTRAL)}"/>'
        for name, points in parts.items()
    )
    box = f"0 0 {WIDTH_PX} {HEIGHT_PX}"
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}" fill="none" stroke-width="0.8">{paths}</svg>'
    return f"data:image/svg+xml,{quote(svg)}"


def _path(points: npt.NDArray[np.float64]) -> str:
    """The steps of a pen; of points that a screen would show as one, the first."""
    pen, steps, last = "M", [], ""
    for x, y in points:
        place = f"{round(2 * x) / 2:g} {round(2 * y) / 2:g}" if x == x else ""  # noqa: PLR0124 - NaN ends a line
        if place and (pen == "M" or place != last):
            steps.append(pen + place)
        pen, last = ("L", place) if place else ("M", "")
    return "".join(steps)
