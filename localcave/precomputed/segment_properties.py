"""A table as Neuroglancer segment properties, as the engine writes them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from localcave.cave_errors import EngineError

LEFT_OUT = ("id", "valid", "target_id", "created", "deleted", "superceded_id")


def segment_properties(rows: pa.Table) -> dict[str, Any]:
    """The `info` of a segment property source: ids are the root ids, labels the annotation ids.

    Text columns become tags (sorted within their column), true values of boolean columns too, numbers stay numbers.
    Raises EngineError for a table without a root id and, like the engine, for numbers with nulls.
    """
    rows = rows.select(
        [i for i, column in enumerate(rows.columns) if column.null_count < len(column) or not len(column)]
    )
    roots = [name for name in rows.column_names if name.endswith("root_id")]
    if not roots:
        raise EngineError("list index out of range")
    for column in rows.columns:
        if column.null_count and (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
            raise EngineError("cannot convert NA to integer")
    properties = [{"id": "label", "type": "label", "values": [str(value) for value in rows["id"].to_pylist()]}]
    columns = [column for column in rows.schema if _is_property(column.name)]
    texts = [column.name for column in columns if pa.types.is_string(column.type)]
    flags = [column.name for column in columns if pa.types.is_boolean(column.type)]
    if texts or flags:
        properties.append(_tags(rows, texts, flags))
    numbers = [c.name for c in columns if pa.types.is_integer(c.type) or pa.types.is_floating(c.type)]
    properties += [_number(name, rows[name]) for name in numbers]
    ids = [str(value) for value in rows[roots[0]].to_pylist()]
    return {"@type": "neuroglancer_segment_properties", "inline": {"ids": ids, "properties": properties}}


def _is_property(name: str) -> bool:
    plain = name.removesuffix("_ref")
    is_position = name[-2:] in ("_x", "_y", "_z") and "position" in name
    return plain not in LEFT_OUT and not is_position and not plain.endswith(("root_id", "supervoxel_id"))


def _tags(rows: pa.Table, texts: list[str], flags: list[str]) -> dict[str, Any]:
    values = {name: sorted(set(rows[name].drop_null().to_pylist()) - {""}) for name in texts}
    flat = [tag for name in texts for tag in values[name]]
    twice = {tag for tag in flat if flat.count(tag) > 1}
    tag_numbers: dict[tuple[str, str], int] = {}
    tags: list[str] = []
    for name in texts:
        for tag in values[name]:
            tag_numbers[name, tag] = len(tags)
            tags.append(f"{name}:{tag}" if tag in twice else tag)
    first_flag = len(tags)
    tags += flags
    indices: list[list[int]] = [[] for _ in range(rows.num_rows)]
    for name in texts:
        for tag_indices, value in zip(indices, rows[name].to_pylist(), strict=True):
            if value:
                tag_indices.append(tag_numbers[name, value])
    for i, name in enumerate(flags):
        for tag_indices, value in zip(indices, rows[name].to_pylist(), strict=True):
            if value:
                tag_indices.append(first_flag + i)
    return {
        "id": "tags",
        "type": "tags",
        "tags": [tag.replace(" ", "_") for tag in tags],
        "values": [sorted(result) for result in indices],
    }


def _number(name: str, column: pa.ChunkedArray) -> dict[str, Any]:
    """Whole numbers wrap to 32 bits, as the engine's do."""
    if pa.types.is_integer(column.type):
        values, kind = column.to_numpy().astype(np.int64).astype(np.int32), "int32"
    else:
        values, kind = pc.cast(column, pa.float32()).to_numpy(), "float32"
    return {"id": name, "type": "number", "values": values.tolist(), "data_type": kind}
