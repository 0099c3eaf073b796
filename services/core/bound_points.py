"""The bound points of a row: where each lies, and the cell that it lies in. Tables name them as they like (`pt`,
`pre_pt`, `sidea_pt`, `pt2`, ...); one point has `<point>_position_x`, `_y`, `_z` and `<point>_root_id`."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from services.core import space

PLACE = "place"
_POSITION = re.compile(r"(\w+_position)_x")
_POINT = re.compile(r"(?:\w+_)?pt\d*")
_ROOT = re.compile(r"(?:(\w+)_)?root_id")
_FIRST = ("pt_position", "ctr_pt_position")
_ORDER = ("cell", "pre", "post")


def position_columns(frame: pd.DataFrame) -> list[str]:
    """All positions of a row, first the one that stands for it where it is known: that of the annotation, else a
    centre, else the first that there is. Those of joined tables (`table.column`) are none of its own."""
    names = [match[1] for name in map(str, frame.columns) if (match := _POSITION.fullmatch(name))]
    return sorted(names, key=lambda name: _FIRST.index(name) if name in _FIRST else len(_FIRST))


def positions(frame: pd.DataFrame) -> pd.DataFrame | None:
    """Where each row is: the first of its positions that is known, split as that of a point called PLACE, in the unit
    of the frame (float64, NaN where none is known). None for a frame without positions."""
    result: space.Floats | None = None
    for name in position_columns(frame):
        if result is None:
            result = space.points(frame, name)
        elif len(unknown := np.flatnonzero(np.isnan(result).any(axis=1))):
            result[unknown] = space.points(frame.iloc[unknown], name)
    return None if result is None else pd.DataFrame(result, frame.index, [f"{PLACE}_{axis}" for axis in space.AXES])


def root_columns(frame: pd.DataFrame) -> dict[str, str]:
    """The columns with the cells of a row, each under the name of its point: `cell` for that of the annotation.

    These are the root ids of its bound points; where it has none, all root ids that there are.
    """
    names = {*map(str, frame.columns)}
    every = {match[1] or "": name for name in map(str, frame.columns) if (match := _ROOT.fullmatch(name))}
    bound = {point: name for point, name in every.items() if _is_bound(point, names)}
    named = {_called(point): name for point, name in (bound or every).items()}
    return dict(sorted(named.items(), key=lambda item: _ORDER.index(item[0]) if item[0] in _ORDER else len(_ORDER)))


def _is_bound(point: str, names: set[str]) -> bool:
    """Whether a root id is that of a point: by its name, or because the point has more columns."""
    more = {f"{point}_position_x", f"{point}_supervoxel_id"}
    return _POINT.fullmatch(point) is not None or not more.isdisjoint(names)


def _called(point: str) -> str:
    return "cell" if point in ("", "pt") else point.removesuffix("_pt")
