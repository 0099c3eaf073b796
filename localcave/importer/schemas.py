"""Which columns a CAVE schema type has, as the materialization engine names and stores them.

They follow from the JSON schemas that the schema service gives, which come from EMAnnotationSchemas 5.26.3.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import pyarrow as pa

from localcave.folder.schemas import schemas

ARROW_TYPES = {
    "int64": pa.int64(),
    "int32": pa.int32(),
    "float32": pa.float32(),
    "float64": pa.float64(),
    "string": pa.string(),
    "bool": pa.bool_(),
}


FIRST = ("valid", "target_id", "classification_system", "volume", "pre_pt", "post_pt", "pt")
"""The JSON schemas are in the order of the alphabet; the engine's tables begin like this."""


@dataclass(frozen=True)
class SchemaColumn:
    """One column of a schema type. `kind`: `id` (int64), `int32`, `float32`, `float64`, `string`, `bool` or
    `position`."""

    name: str
    kind: str
    required: bool


@cache
def schema_types() -> dict[str, tuple[SchemaColumn, ...]]:
    """Columns of every schema type that annotations can have, without `id`, those of `FIRST` first.

    A bound point `pt` gives `pt_position`, `pt_supervoxel_id` (may be left out) and `pt_root_id`.
    """
    definitions = schemas()["definitions"]
    return {name: _columns_of(schema) for name, schema in definitions.items() if not name.startswith("derived_")}


def _columns_of(schema: Mapping[str, Any]) -> tuple[SchemaColumn, ...]:
    fields = schema["definitions"][schema["$ref"].rsplit("/", 1)[-1]]
    properties, required = fields["properties"], fields.get("required", ())
    names = sorted(properties, key=lambda name: FIRST.index(name) if name in FIRST else len(FIRST))
    return tuple(column for name in names for column in _columns(name, properties[name], name in required))


def _columns(name: str, field: Mapping[str, Any], required: bool) -> list[SchemaColumn]:
    point = field.get("$ref", "").rsplit("/", 1)[-1]
    if point == "BoundSpatialPoint":
        return [
            SchemaColumn(f"{name}_position", "position", required),
            SchemaColumn(f"{name}_supervoxel_id", "id", False),
            SchemaColumn(f"{name}_root_id", "id", required),
        ]
    if point == "SpatialPoint":
        return [SchemaColumn(f"{name}_position", "position", required)]
    return [SchemaColumn(name, _kind(name, field), required)]


def _kind(name: str, field: Mapping[str, Any]) -> str:
    """How the engine stores a field. The schemas write its 32-bit integers as numbers, and the ids of users too."""
    kinds = field["type"] if isinstance(field["type"], list) else [field["type"]]
    if "boolean" in kinds:
        return "bool"
    if "number" in kinds and name != "user_id":
        return "int32" if field["format"] == "integer" else "float32"
    return "string" if "string" in kinds else "id"
