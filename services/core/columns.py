"""What a column of a table holds, told from its name and dtype."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import pandas as pd
from pandas.api import types as dtypes

from services.core.errors import BadInput
from services.core.roles import UNITS

Kind = Literal["id", "number", "text", "boolean", "time", "position"]

LARGEST_EXACT_FLOAT = 2**53
"""Integers beyond this lose digits as a float or a JavaScript number, so they are treated as ids."""

_ID = re.compile(r"(^|_)id(_ref)?$")
_POSITION = re.compile(r"_position(_ref|_lookup)?_[xyz]$")
_POINT = re.compile(r"^(\w+) pt (?=root id|supervoxel id|position)")
_POINTS = {"pre": "presynaptic", "post": "postsynaptic", "ctr": "centre"}
"""Bound points of a row, in words; another is called as the table calls it."""
_UNIT = re.compile(r"_(nm|um|vx)$")
_UNITS = {
    "volume": "um³",
    **dict.fromkeys(("size", "net_size", "mean_size"), "vx"),
    **UNITS,
    "residual": "um",
}
"""Those of CAVE's schema types; a residual is that of coregistration, https://microns-explorer.org/manifests/mm3-v343."""
_TITLES = {
    "pt_root_id": "root id",
    "num_syn": "synapses",
    "net_size": "summed size",
    "mean_size": "mean size",
    "num_soma": "somata",
}


GROUPED_KINDS = ("text", "boolean", "number")
"""What rows can be grouped by; the first kind is the likeliest."""


@dataclass(frozen=True)
class Column:
    """A column as pages, filters and exports know it.

    `title` is its name in words, `unit` what its numbers count ("" = nothing or unknown), `aliases` other
    names that a filter may call it by, such as `root_id` for `pt_root_id`. `voxel_nm` is how many nm a voxel of the
    table is along the axis of a position; None where that is not known. `decimals` are those that its numbers are shown
    with, 0 where all are whole. `words_beside` are the names of all columns of words in its table, if it is one:
    filters quote a value that is such a name.
    """

    name: str
    title: str
    kind: Kind
    unit: str = ""
    aliases: tuple[str, ...] = ()
    voxel_nm: float | None = None
    decimals: int = 0
    words_beside: frozenset[str] = field(default=frozenset(), compare=False, repr=False)

    @property
    def unit_words(self) -> str:
        """Its unit as people write it."""
        return in_words(self.unit)

    @property
    def heading(self) -> str:
        """Its title and unit, unless the title begins with it: % of inputs."""
        return self.title + (f" ({self.unit_words})" if self.unit and not self.title.startswith(self.unit) else "")


def in_words(unit: str) -> str:
    """A unit as people write it: µm for um."""
    return unit.replace("um", "µm")


def kind_of(name: str, values: pd.Series) -> Kind:
    """What a column holds. Whole numbers are an id when the name says so or one exceeds 2^53."""
    dtype = values.dtype
    if dtypes.is_bool_dtype(dtype):
        return "boolean"
    if dtypes.is_datetime64_any_dtype(dtype):
        return "time"
    if not dtypes.is_numeric_dtype(dtype):
        return "text"
    if _POSITION.search(name):
        return "position"
    if dtypes.is_integer_dtype(dtype) and (_ID.search(name) or _exceeds_float(values)):
        return "id"
    return "number"


def decimals(values: pd.Series) -> int:
    """Two where some number is not whole; up to six, so that all but the smallest 5 % show two digits other than 0."""
    if not dtypes.is_float_dtype(values.dtype):
        return 0
    sizes = np.abs(values.to_numpy(np.float64, na_value=np.nan))
    sizes = sizes[np.isfinite(sizes) & (sizes > 0)]
    if not (sizes % 1).any():
        return 0
    return int(np.clip(1 - math.floor(math.log10(np.quantile(sizes, 0.05))), 2, 6))


def _exceeds_float(values: pd.Series) -> bool:
    largest, smallest = values.max(), values.min()
    return not pd.isna(largest) and max(int(largest), -int(smallest)) > LARGEST_EXACT_FLOAT


def describe_columns(frame: pd.DataFrame, aliases: dict[str, tuple[str, ...]] | None = None) -> tuple[Column, ...]:
    """One Column for each column of `frame`, in its order. Positions are in voxels ("vx")."""
    aliases_of = aliases or {}
    return beside([_describe(name, frame[name], aliases_of.get(name, ())) for name in map(str, frame.columns)])


def beside(columns: Sequence[Column]) -> tuple[Column, ...]:
    """The columns of one table, those of words with the names of all of these."""
    words = frozenset(column.name for column in columns if column.kind == "text")
    return tuple(replace(column, words_beside=words) if column.kind == "text" else column for column in columns)


def _describe(name: str, values: pd.Series, aliases: tuple[str, ...]) -> Column:
    kind = kind_of(name, values)
    suffix = _UNIT.search(name)
    unit = suffix[1] if suffix else _UNITS.get(name, "vx" if kind == "position" else "")
    words = _TITLES.get(name, name.removesuffix(suffix[0]) if suffix else name).replace("_", " ").removeprefix("pt ")
    words = _POINT.sub(lambda point: f"{_POINTS.get(point[1], point[1])} ", words)
    return Column(name, words, kind, unit, aliases, decimals=decimals(values))


def as_stored(values: pd.Series) -> pd.Series:
    """Numbers with the digits they were stored with: float32 becomes the float64 that is written the same
    (0.1 stays 0.1). Other columns are returned as they are."""
    if not (dtypes.is_float_dtype(values.dtype) and getattr(values.dtype, "itemsize", 8) == 4):
        return values
    shortest = values.to_numpy(dtype=np.float32, na_value=np.nan).astype(str).astype(np.float64)
    return pd.Series(shortest, index=values.index, name=values.name)


def find_column(columns: Sequence[Column], name: str, *, position: int | None = None) -> Column:
    """The column called `name`, by its name, one of its aliases, or either in another case.

    Raises BadInput at character `position` of what was typed, with the nearest name as hint.
    """
    for spelling in (str, str.casefold):
        spelled = spelling(name)
        for names in (lambda column: (column.name,), lambda column: column.aliases):
            matches = [column for column in columns if spelled in map(spelling, names(column))]
            if len(matches) == 1:
                return matches[0]
    near = difflib.get_close_matches(name, [column.name for column in columns], n=1)
    hint = f"Did you mean {near[0]}?" if near else "Its columns are " + _listed(column.name for column in columns) + "."
    raise BadInput(f"This table has no column {name[:80]!r}.", hint, position=position)


def _listed(names: Iterable[str], most: int = 20) -> str:
    listed = list(names)
    return ", ".join(listed[:most]) + (f" and {len(listed) - most} more" if len(listed) > most else "")


def default_group(columns: Sequence[Column]) -> str | None:
    """The column to count by when none is named: the cell type, else the first of words, else the first."""
    sorted_columns = sorted(
        groupable(columns), key=lambda column: (column.name != "cell_type", GROUPED_KINDS.index(column.kind))
    )
    return sorted_columns[0].name if sorted_columns else None


def groupable(columns: Sequence[Column]) -> list[Column]:
    """The columns by which rows can be grouped: all but ids, positions and times."""
    return [column for column in columns if column.kind in GROUPED_KINDS and "created" not in column.name]
