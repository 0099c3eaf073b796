"""Precomputed annotations of Neuroglancer: what a table's columns become, and the bytes of its rows.

The format is that of neuroglancer's ``src/datasource/precomputed/annotations.md``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

ROWS_PER_CELL = 4_000
"""About as many points as one cell of a spatial level holds where all places are alike."""
MOST_LABELS = 1_000
"""A text column of more values is no category, and not shown."""


@dataclass(frozen=True)
class Property:
    """A column as an annotation property. With `values` it is an enumeration of these; null is one of them."""

    column: str
    dtype: np.dtype[Any]
    values: tuple[Any, ...] | None = None

    @property
    def info(self) -> dict[str, Any]:
        """Its entry in the `info` file; property names begin with a small letter."""
        entry = {"id": self.column[0].lower() + self.column[1:], "type": self.dtype.name}
        if self.values is None:
            return entry
        labels = [
            "" if value is None else str(value).lower() if value in (True, False) else value for value in self.values
        ]
        return entry | {"enum_values": list(range(len(labels))), "enum_labels": labels}

    def encoded(self, column: pa.ChunkedArray) -> npt.NDArray[Any]:
        """The column's values; a missing number is NaN, a missing whole number 0."""
        if self.values is not None:
            column = pc.index_in(column, value_set=pa.array(self.values, column.type))
        elif pa.types.is_integer(column.type):
            column = column.fill_null(0)
        return column.to_numpy().astype(self.dtype)


def number_property(column: str, kind: pa.DataType) -> Property | None:
    """The property of a column of numbers; None for ids, which no shader can hold, and what is no number."""
    if pa.types.is_floating(kind):
        return Property(column, np.dtype(np.float32))
    if pa.types.is_integer(kind) and kind.bit_width <= 32:
        return Property(column, np.dtype(np.int32))
    return None


def category_property(column: str, values: Sequence[Any]) -> Property | None:
    """The property of a column of few different values; None when they are many."""
    if not values or len(values) > MOST_LABELS:
        return None
    distinct = sorted(value for value in values if value is not None)
    missing = [None] * (len(distinct) < len(values))
    dtype = np.dtype(np.uint8 if len(values) <= 256 else np.uint16)
    return Property(column, dtype, (*distinct, *missing))


@dataclass(frozen=True)
class Level:
    """One level of the spatial index: a grid of cells, and the share of all rows, by a hash of their ids, in it."""

    key: str
    grid: tuple[int, int, int]
    cell_vx: tuple[int, int, int]
    first_share: float
    last_share: float

    @property
    def info(self) -> dict[str, Any]:
        return {
            "key": self.key,
            "grid_shape": list(self.grid),
            "chunk_size": list(self.cell_vx),
            "limit": ROWS_PER_CELL,
        }


def levels(rows: int, size_vx: Sequence[int]) -> list[Level]:
    """A spatial index of `rows` rows in a box: each level cuts every axis once more and holds eight times as many."""
    levels_so_far: list[Level] = []
    shared = 0.0
    while not levels_so_far or shared < 1:
        cuts = 2 ** len(levels_so_far)
        share = 1.0 if not rows else min(1.0, shared + ROWS_PER_CELL * cuts**3 / rows)
        x, y, z = (-(-size // cuts) for size in size_vx)
        levels_so_far.append(Level(f"spatial{len(levels_so_far)}", (cuts, cuts, cuts), (x, y, z), shared, share))
        shared = share
    return levels_so_far


def info(
    voxel_nm: Sequence[float],
    bounds_vx: tuple[Sequence[int], Sequence[int]],
    properties: Sequence[Property],
    relationships: Sequence[str],
    spatial: Sequence[Level],
) -> dict[str, Any]:
    """The `info` file of a source of points."""
    return {
        "@type": "neuroglancer_annotations_v1",
        "dimensions": {axis: [size * 1e-9, "m"] for axis, size in zip("xyz", voxel_nm, strict=True)},
        "lower_bound": list(bounds_vx[0]),
        "upper_bound": list(bounds_vx[1]),
        "annotation_type": "point",
        "properties": [item.info for item in properties],
        "relationships": [{"id": name, "key": name} for name in relationships],
        "by_id": {"key": "by_id"},
        "spatial": [level.info for level in spatial],
    }


def records(
    points_vx: npt.NDArray[np.float32], properties: Sequence[Property], columns: Mapping[str, pa.ChunkedArray]
) -> npt.NDArray[np.void]:
    """One record for each row: the point, then its properties, the widest first, padded to four bytes."""
    ordered = sorted(properties, key=lambda item: -item.dtype.itemsize)
    fields: list[tuple[Any, ...]] = [("point", "<f4", (3,))]
    fields += [(item.column, item.dtype.newbyteorder("<")) for item in ordered]
    padding = -np.dtype(fields).itemsize % 4
    packed = np.zeros(len(points_vx), np.dtype([*fields, ("padding", "u1", (padding,))]))
    packed["point"] = points_vx
    for item in ordered:
        packed[item.column] = item.encoded(columns[item.column])
    return packed


def many(packed: npt.NDArray[np.void], ids: npt.NDArray[np.int64]) -> bytes:
    """A list of annotations as spatial cells and relationships hold it."""
    return np.uint64(len(ids)).tobytes() + packed.tobytes() + ids.astype("<u8").tobytes()


def one_annotation(packed: npt.NDArray[np.void], segments: Sequence[int | None]) -> bytes:
    """A single annotation with its segment for each relationship, none where it is null or 0."""
    related = (
        np.uint32(1).tobytes() + np.uint64(segment).tobytes() if segment else np.uint32(0).tobytes()
        for segment in segments
    )
    return packed.tobytes() + b"".join(related)
