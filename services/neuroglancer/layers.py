"""Neuroglancer layers, written straight as JSON.

nglui makes one object for each annotation, which takes seconds for some thousand points; here whole columns become
lists. The viewer silently drops an annotation that does not meet its requirements, so they are met here: a unique
string `id`, a finite point, segment ids as strings, and one `props` value for each declared property.
"""

from __future__ import annotations

import gc
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from services.tables.groups import texts

State: TypeAlias = dict[str, Any]
"""A Neuroglancer state or a part of one, as JSON; ids are strings."""

Floats: TypeAlias = npt.NDArray[np.float64]

MANY, MARKER, SMALL_MARKER = 200, 7, 4
"""A number of points, and the diameters in pixels up to it and above it, where markers would hide the cell."""

MAX_ENUM = 255
"""Distinct values of an enum property, which is a uint8, with one of its numbers left for blanks."""


@dataclass(frozen=True)
class Property:
    """A column of the points that the viewer's shader can use as `prop_<name>()`.

    A text column of kind "enum" becomes numbers with labels. A column of kind "number" must be finite in every row. A
    column of kind "colour", with values "#rrggbb", paints the points.
    """

    name: str
    column: str
    kind: Literal["enum", "number", "colour"]


@dataclass(frozen=True)
class Points:
    """Points of one annotation layer.

    `frame` has a row for each point, in the order in which the viewer lists them. `positions_vx` are their positions in
    the viewer's voxels, finite and of shape (rows, 3). `relationships` maps the name that the viewer shows for a linked
    segment to the column of its root ids (Int64; 0 and null = none). `id_column` holds annotation ids; where it is
    None, or its values are not unique, points are numbered from 0. The texts of `description_columns`, joined by
    spaces, are the description of a point."""

    name: str
    frame: pd.DataFrame
    positions_vx: Floats
    colour: str
    relationships: Mapping[str, str]
    properties: Sequence[Property] = ()
    id_column: str | None = None
    description_columns: Sequence[str] = ()


def point_layer(points: Points, segmentation: str | None) -> State:
    """The annotation layer of `points`, with their root ids linked to the layer named `segmentation` (None = no
    link)."""
    layer: State = {
        "type": "annotation",
        "name": points.name,
        "source": "local://annotations",
        "annotationColor": points.colour,
        "annotationRelationships": list(points.relationships),
        "annotationProperties": [_declared(points, entry) for entry in points.properties],
        "shader": shader(points),
        "annotations": _annotations(points),
    }
    if segmentation is not None and points.relationships:
        layer["linkedSegmentationLayer"] = dict.fromkeys(points.relationships, segmentation)
    return layer


@contextmanager
def _uncollected() -> Iterator[None]:
    """Pauses garbage collection: a hundred thousand new lists, none of them garbage, would trigger it again and again,
    which takes longer than building them."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@_uncollected()
def _annotations(points: Points) -> list[State]:
    fields: dict[str, Iterable[Any]] = {"id": _ids(points), "point": _coordinates(points.positions_vx)}
    if points.relationships:
        related = [_related(points.frame[column]) for column in points.relationships.values()]
        fields["segments"] = map(list, zip(*related, strict=True))
    if points.properties:
        values = [_values(points.frame[entry.column], entry) for entry in points.properties]
        fields["props"] = map(list, zip(*values, strict=True))
    if points.description_columns:
        words = [points.frame[column].astype("string").fillna("").tolist() for column in points.description_columns]
        fields["description"] = (" ".join(filter(None, row)) for row in zip(*words, strict=True))
    names = tuple(fields)
    return [{"type": "point", **dict(zip(names, row, strict=True))} for row in zip(*fields.values(), strict=True)]


def _ids(points: Points) -> list[str]:
    if points.id_column is not None:
        ids = points.frame[points.id_column]
        if ids.is_unique and not ids.hasnans:
            return [str(value) for value in ids.tolist()]
    return [str(row) for row in range(len(points.frame))]


def _coordinates(positions_vx: Floats) -> list[list[float]]:
    rounded = positions_vx.round(1)
    whole = rounded.astype(np.int64)
    listed: list[list[float]] = (whole if np.array_equal(whole, rounded) else rounded).tolist()
    return listed


def root_ids(column: pd.Series) -> npt.NDArray[np.int64]:
    """A column of ids as int64, null as 0. Raises TypeError for floats, which have lost digits."""
    if pd.api.types.is_float_dtype(column.dtype):
        raise TypeError(f"column {column.name!r} holds ids as floats")
    return column.to_numpy(dtype=np.int64, na_value=0)


def _related(column: pd.Series) -> list[list[str]]:
    return [[str(root)] if root else [] for root in root_ids(column).tolist()]


def _labels(column: pd.Series) -> list[str]:
    """The distinct texts of an enum column, sorted."""
    return sorted(set(texts(column)))  # for pandas, texts end at their first NUL


def can_be_enum(column: pd.Series) -> bool:
    """Whether a column has few enough distinct values for an enum property."""
    return column.nunique() < MAX_ENUM


def can_be_number(column: pd.Series) -> bool:
    """Whether a column has a finite number in every row, since a property cannot be missing."""
    if not pd.api.types.is_numeric_dtype(column.dtype) or column.hasnans:
        return False
    return bool(np.isfinite(column.to_numpy(dtype=np.float64)).all())


def _values(column: pd.Series, entry: Property) -> list[Any]:
    """The values of a property for `props`: colours as text, numbers with three decimals, or numbers of labels."""
    if entry.kind == "colour":
        return column.tolist()
    if entry.kind == "number":
        return column.to_numpy(dtype=np.float64).round(3).tolist()
    number = {label: index for index, label in enumerate(_labels(column))}
    return [number[text] for text in texts(column)]


def _declared(points: Points, entry: Property) -> State:
    """The declaration of a property in its layer."""
    name = identifier(entry.name)
    if entry.kind != "enum":
        return {"id": name, "type": "rgb" if entry.kind == "colour" else "float32"}
    labels = _labels(points.frame[entry.column])
    return {"id": name, "type": "uint8", "enum_values": list(range(len(labels))), "enum_labels": labels}


def identifier(name: str) -> str:
    """`name` as an identifier of the shading language: lower-case letters, digits and underscores, a letter first."""
    plain = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
    return plain if plain[:1].isalpha() else f"p_{plain}".rstrip("_")


def shader(points: Points) -> str:
    """The source of the layer's shader: it sets the colour, a slider for the marker's diameter and, where points have a
    `size`, a checkbox that scales markers by it."""
    usual_px = MARKER if len(points.frame) <= MANY else SMALL_MARKER
    lines = [f"#uicontrol float marker slider(min=1, max=30, default={usual_px})"]
    marker, colour = "marker", "defaultColor()"
    for entry in points.properties:
        value = f"prop_{identifier(entry.name)}()"
        if entry.kind == "colour":
            colour = value
        if entry.name == "size" and entry.kind == "number" and len(points.frame):
            usual = max(float(points.frame[entry.column].median()), 1.0)
            lines.append("#uicontrol bool by_size checkbox(default=false)")
            marker = f"marker * (by_size ? clamp(sqrt({value} / {usual:.1f}), 0.4, 3.0) : 1.0)"
    lines.append(f"void main() {{ setColor({colour}); setPointMarkerSize({marker}); }}")
    return "\n".join(lines)


def segment_list(roots: Iterable[int], visible: Iterable[int]) -> list[str]:
    """The viewer's list of segments: each root id once, in order, hidden with a "!" before it unless in `visible`."""
    shown = set(visible)
    return [str(root) if root in shown else f"!{root}" for root in dict.fromkeys(roots)]


def unique_name(name: str, taken: Iterable[str]) -> str:
    """`name`, followed by a number if it is `taken`: the viewer would rename a layer with a name in use."""
    in_use = set(taken)
    candidates = [name, *(f"{name} ({count})" for count in range(2, len(in_use) + 3))]
    return next(candidate for candidate in candidates if candidate not in in_use)
