"""A matrix as a heat map: with its numbers where they can be read, as dots where cells are too many for that."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from components.figures.template import TEXT_PX, Figure, figure, packed, plain
from services.core.type_columns import NO_TYPE

MOST_NAMED = 60
"""Rows or columns with names and numbers."""
SIDE_PX = 620
ROW_PX, LEAST_PX = 26, 260
SHADES = [[0, "#8fc1cd"], [1, "#0d475e"]]
SCALE = [[0, "#eef4f5"], [0.5, "#a5cdd6"], [1, "#57a9bd"]]
DIVERGING = [[0, "#dd9468"], [0.5, "#f3f1ec"], [1, "#66a9bf"]]
"""So light that dark numbers can be read on all of them."""
SIGNIFICANT_Q = 0.05
LEAST_SHARE = 0.03
"""Of a side, for the name of a type beside it."""
TREE_SHARE = 0.12
"""Of the sides of a figure, for a dendrogram."""
Branches: TypeAlias = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]


def heat_map(
    numbers: npt.NDArray[np.float64],
    rows: Sequence[str | None],
    columns: Sequence[str | None],
    *,
    unit: str,
    texts: npt.NDArray[Any] | None = None,
    middle: float | None = None,
    trees: Sequence[Branches | None] = (None, None),
    types: Sequence[Sequence[str | None] | None] = (None, None),
) -> Figure:
    """A matrix, presynaptic `rows` from the top down. `texts` stand in its entries; with a `middle`, colours part
    there. The `trees` of rows and columns, as of `similarity.branches`, stand right of it and below; the `types` of
    both, in their order, are named beside cells that are too many for that. A point has the places of its row and
    column as y and x; the figure's `meta` has their names."""
    names = {"rows": [_name(name) for name in rows], "columns": [_name(name) for name in columns]}
    named = max(len(rows), len(columns)) <= MOST_NAMED
    trace = _numbered(numbers, texts, names, unit, middle) if named else _dots(numbers, unit)
    height = min(SIDE_PX, max(LEAST_PX, ROW_PX * len(rows) + 120)) if named else SIDE_PX
    axes = {"constrain": "domain", "showgrid": False}
    across = {**axes, "title": {"text": "postsynaptic"}, "side": "top", **_ticks(names["columns"], named, types[1])}
    down = {**axes, "title": {"text": "presynaptic", "standoff": 12}, **_ticks(names["rows"], named, types[0])}
    down["range"] = down["range"][::-1]
    look: dict[str, Any] = {"meta": names, "dragmode": "zoom" if not named else False, "showlegend": False}
    drawn = [_branches(tree, rows=at == 0) for at, tree in enumerate(trees) if tree is not None]
    if drawn:
        trace["colorbar" if named else "marker"] = _beside(trace, named=named)
        across["domain"], down["domain"] = [0, 1 - TREE_SHARE], [TREE_SHARE, 1]
        bare: dict[str, Any] = {"visible": False, "fixedrange": True}
        look["xaxis2"] = {**bare, "domain": [1 - TREE_SHARE, 1], "range": [0, 1.02], "anchor": "y"}
        look["yaxis2"] = {**bare, "domain": [0, TREE_SHARE], "range": [1.02, 0], "anchor": "x"}
    return figure([trace, *drawn], height, xaxis=across, yaxis=down, **look)


def ordered(
    matrix: tuple[
        npt.NDArray[np.float64],
        Sequence[str | None],
        Sequence[str | None],
        Sequence[Branches | None],
        Sequence[Sequence[str | None] | None],
    ],
    unit: str,
) -> Figure:
    """The heat map of a matrix in order: its numbers, the names of its rows and columns, their trees and types."""
    numbers, rows, columns, trees, types = matrix
    texts = _texts(numbers) if max(numbers.shape) <= MOST_NAMED else None
    return heat_map(numbers, rows, columns, unit=unit, trees=trees, types=types, texts=texts)


def of_ratios(
    ratios: npt.NDArray[np.float64],
    q: npt.NDArray[np.float64],
    rows: Sequence[str | None],
    columns: Sequence[str | None],
) -> Figure:
    """The heat map of ratios to what chance gives, on a scale that doubles; a star marks those with a small `q`."""
    with np.errstate(divide="ignore", invalid="ignore"):
        shade = np.clip(np.log2(ratios), -3, 3)
    texts = np.char.add(_texts(ratios), np.where(q < SIGNIFICANT_Q, "*", ""))
    return heat_map(shade, rows, columns, unit=f"log2, * q < {SIGNIFICANT_Q}", texts=texts, middle=0.0)


def _texts(numbers: npt.NDArray[np.float64]) -> npt.NDArray[Any]:
    return np.array([[_short(number) for number in row] for row in numbers]).reshape(numbers.shape)


def _short(number: float) -> str:
    if np.isnan(number):
        return "–"
    return f"{number:,.0f}" if abs(number) >= 100 or number == round(number) else f"{number:.3g}"


def is_table(figure: Figure) -> bool:
    """Whether a matrix is so small that all of it, names and numbers, can stand in a table."""
    return len(figure["data"]) == 1 and figure["data"][0]["type"] == "heatmap"


def _branches(tree: Branches, *, rows: bool) -> dict[str, Any]:
    """A dendrogram as one line with gaps."""
    gap = np.full((len(tree[0]), 1), np.nan)
    along, height = (packed(np.hstack([part, gap]).ravel(), "f4") for part in tree)
    ends = {"x": height, "y": along, "xaxis": "x2"} if rows else {"x": along, "y": height, "yaxis": "y2"}
    line = {"width": 1, "color": "#7f9aa1", "simplify": False}
    return {"type": "scatter", "mode": "lines", **ends, "line": line, "hoverinfo": "skip"}


def _beside(trace: dict[str, Any], *, named: bool) -> dict[str, Any]:
    """Where the colours are explained, past the tree."""
    place = {"x": 1.02}
    return trace["colorbar"] | place if named else trace["marker"] | {"colorbar": trace["marker"]["colorbar"] | place}


def _numbered(
    numbers: npt.NDArray[np.float64],
    texts: npt.NDArray[Any] | None,
    names: dict[str, list[str]],
    unit: str,
    middle: float | None,
) -> dict[str, Any]:
    hover = [[f"{plain(row)} → {plain(column)}" for column in names["columns"]] for row in names["rows"]]
    few = len(names["rows"]) <= 25 and len(names["columns"]) <= 25
    bounds: dict[str, Any] = {"zmid": middle} if middle is not None else {"zmin": 0}
    return {
        "type": "heatmap",
        "z": packed(numbers, "f4") | {"shape": f"{numbers.shape[0]}, {numbers.shape[1]}"},
        "text": None if texts is None else texts.tolist(),
        "texttemplate": "%{text}" if texts is not None and few else None,
        "textfont": {"color": "#10262e"},
        "customdata": hover,
        "hovertemplate": "%{customdata}: %{text}<extra></extra>",
        "colorscale": SCALE if middle is None else DIVERGING,
        **bounds,
        "xgap": 1,
        "ygap": 1,
        "colorbar": _scale(unit),
    }


def _scale(unit: str) -> dict[str, Any]:
    title = {"text": unit, "side": "right", "font": {"size": TEXT_PX}}
    return {"title": title, "thickness": 12, "outlinewidth": 0}


def _dots(numbers: npt.NDArray[np.float64], unit: str) -> dict[str, Any]:
    """A dot for each entry with something in it: cells are too many for numbers, and most pairs have no synapse."""
    rows, columns = np.nonzero(np.nan_to_num(numbers))
    values = numbers[rows, columns]
    small = values.max(initial=0) < 2**16 and (values == np.round(values)).all()
    return {
        "type": "scattergl",
        "mode": "markers",
        "x": packed(columns, "u2"),
        "y": packed(rows, "u2"),
        "marker": {
            "symbol": "square",
            "size": min(8.0, max(2.5, SIDE_PX / max(1, *numbers.shape))),
            "color": packed(values, "u2" if small else "f4"),
            "colorscale": SHADES,
            "cmin": 0,
            "cmax": float(np.quantile(values, 0.99)) if len(values) else 1.0,
            "colorbar": _scale(unit),
        },
        "hovertemplate": "row %{y}, column %{x}: %{marker.color:,}<extra></extra>",
    }


def _ticks(names: Sequence[str], named: bool, types: Sequence[str | None] | None) -> dict[str, Any]:
    """The names, else the types where there is room for theirs."""
    bounds = {"range": [-0.5, len(names) - 0.5]}
    if named:
        return {**bounds, "tickvals": list(range(len(names))), "ticktext": [plain(name) for name in names]}
    if types is None:
        return {**bounds, "showticklabels": False, "ticks": ""}
    starts = [at for at in range(len(types)) if not at or types[at] != types[at - 1]]
    spans = zip(starts, [*starts[1:], len(types)], strict=True)
    wide = [(start, end) for start, end in spans if end - start >= LEAST_SHARE * len(types)]
    texts = [plain(_name(types[start])) for start, _ in wide]
    return {**bounds, "ticks": "", "tickvals": [(start + end - 1) / 2 for start, end in wide], "ticktext": texts}


def _name(name: str | None) -> str:
    return NO_TYPE if name is None else name
