"""A box in space as a filter: `pt_position in box (100..200, 300..400, 0..50) um`."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import pandas as pd

from services.core.columns import Column, in_words
from services.core.errors import BadInput
from services.filters.nodes import Mask, Node
from services.filters.values import written

Range: TypeAlias = tuple[float | None, float | None]
Axes: TypeAlias = tuple[Column, Column, Column]

UNITS = {"vx": "vx", "voxels": "vx", "nm": "nm", "um": "um", "µm": "um", "μm": "um"}
"""How the unit of a box may be written."""
OPERATORS = ("in box (", "not in box (")
"""What may follow a position in a query line."""
UNIT_NM = {"nm": 1.0, "um": 1000.0}

_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_RANGE = re.compile(rf"({_NUMBER})?\.\.({_NUMBER})?", re.ASCII)


@dataclass(frozen=True)
class InBox(Node):
    """Positions within a box, its faces included. `axes` are the columns of x, y and z; `ranges` the least and the
    greatest of each in `unit` ("vx", "nm" or "um"), None = no end. A blank position is in no box."""

    axes: Axes
    ranges: tuple[Range, Range, Range]
    unit: str

    def mask(self, frame: pd.DataFrame) -> Mask:
        inside = np.ones(len(frame), dtype=bool)
        for column, scale, (low, high) in self.bounds():
            values = frame[column.name].to_numpy(dtype=np.float64, na_value=np.nan) * scale
            inside &= values >= (-np.inf if low is None else low)
            inside &= values <= (np.inf if high is None else high)
        return inside

    def bounds(self) -> list[tuple[Column, float, Range]]:
        """For each axis its column, what its values are multiplied by, and the range of the products."""
        return [
            (column, self._scale(column), (self._end(column, low), self._end(column, high)))
            for column, (low, high) in zip(self.axes, self.ranges, strict=True)
        ]

    def describe(self) -> str:
        spans = [
            f"{axis} {_words(ends)}" for axis, ends in zip("xyz", self.ranges, strict=True) if ends != (None, None)
        ]
        place = self.axes[0].title.removesuffix(" x")
        return f"{place} is within {', '.join(spans)} {in_words(self.unit)}" if spans else f"{place} is anywhere"

    def text(self) -> str:
        spans = ", ".join(f"{_plain(low)}..{_plain(high)}" for low, high in self.ranges)
        return f"{written(self.axes[0].name.removesuffix('_x'))} in box ({spans}) {self.unit}"

    def _scale(self, column: Column) -> float:
        """What makes voxels a length in nm; values in another unit stay as they are."""
        return column.voxel_nm or 1.0 if self.unit != column.unit == "vx" else 1.0

    def _end(self, column: Column, value: float | None) -> float | None:
        if value is None or self.unit == column.unit:
            return value
        if self.unit == "vx":  # by the steps that cells are made by, so that none is on another side
            return value * (column.voxel_nm or 1.0) / UNIT_NM[column.unit]
        # a millionth of a nm takes away what decimal fractions of a um leave behind
        return round(value * UNIT_NM[self.unit], 6) / UNIT_NM.get(column.unit, 1.0)


def axes_of(columns: Sequence[Column], name: str) -> Axes | None:
    """The columns `<name>_x`, `_y` and `_z` of a position; None where there are none."""
    positions = {column.name.casefold(): column for column in columns if column.kind == "position"}
    axes = [positions.get(f"{name.casefold()}_{axis}") for axis in "xyz"]
    x, y, z = axes
    return (x, y, z) if x and y and z else None


def in_box(axes: Axes, ranges: Sequence[str], unit: str, position: int) -> InBox:
    """The filter of three ranges as typed. Raises BadInput at character `position`."""
    if len(ranges) != 3:
        raise BadInput(
            "A box needs three ranges, for x, y and z.", "Write box (100..200, 300..400, 0..50) um.", position=position
        )
    chosen = UNITS.get(unit.lower()) if unit else axes[0].unit
    if chosen is None:
        raise BadInput(f"{unit[:20]!r} is not a unit of length.", "Use vx, nm or um.", position=position)
    if chosen != axes[0].unit and any(column.voxel_nm is None for column in axes):
        raise BadInput(f"The positions are in {axes[0].unit} here, not in {chosen}.", position=position)
    first, second, third = (_range(text, position) for text in ranges)
    return InBox(axes, (first, second, third), chosen)


def _range(text: str, position: int) -> Range:
    match = _RANGE.fullmatch(text)
    if match is None:
        raise BadInput(
            f"{text[:40]!r} is not a range.", "Write 100..200, 100.., ..200 or .. for all.", position=position
        )
    low, high = (None if end is None else float(end) for end in match.groups())
    if any(end is not None and not math.isfinite(end) for end in (low, high)):
        raise BadInput(f"{text[:40]!r} is too large a number.", position=position)
    if low is not None and high is not None and low > high:
        raise BadInput(f"The range {text[:40]} ends before it begins.", position=position)
    return low, high


def _plain(end: float | None) -> str:
    if end is None:
        return ""
    return str(int(end)) if end.is_integer() and abs(end) < 10**15 else repr(end)


def _words(ends: Range) -> str:
    low, high = ends
    if low is None or high is None:
        return f"up to {_plain(high)}" if low is None else f"from {_plain(low)}"
    return f"{_plain(low)} to {_plain(high)}"
