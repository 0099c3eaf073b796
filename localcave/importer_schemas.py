"""Which columns a CAVE schema type has, as the materialization engine names and stores them.

``importer_schemas.json`` was written from EMAnnotationSchemas 5.26.3, the library that defines the types;
`bound_point` stands for a position with its supervoxel and root, ``?`` for a column that may be left out.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pyarrow as pa

ARROW_TYPES = {
    "int64": pa.int64(),
    "int32": pa.int32(),
    "float32": pa.float32(),
    "string": pa.string(),
    "bool": pa.bool_(),
}


@dataclass(frozen=True)
class SchemaColumn:
    """One column of a schema type. `kind`: `id` (int64), `int32`, `float32`, `string`, `bool` or `position`."""

    name: str
    kind: str
    required: bool


@cache
def schema_types() -> dict[str, tuple[SchemaColumn, ...]]:
    """Columns of every schema type, without `id`, in the order of the engine's tables.

    A bound point `pt` gives `pt_position`, `pt_supervoxel_id` (may be left out) and `pt_root_id`.
    """
    types = json.loads(Path(__file__).with_suffix(".json").read_text())
    return {name: tuple(c for item in columns.items() for c in _columns(*item)) for name, columns in types.items()}


def _columns(name: str, stored: str) -> list[SchemaColumn]:
    kind, required = stored.rstrip("?"), not stored.endswith("?")
    if kind == "bound_point":
        return [
            SchemaColumn(f"{name}_position", "position", required),
            SchemaColumn(f"{name}_supervoxel_id", "id", False),
            SchemaColumn(f"{name}_root_id", "id", required),
        ]
    if kind == "point":
        return [SchemaColumn(f"{name}_position", "position", required)]
    return [SchemaColumn(name, "id" if kind == "int64" else kind, required)]
