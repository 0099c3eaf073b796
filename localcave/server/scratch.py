"""Tables of annotations that users make. They are kept in memory: a new start brings back what was served before."""

from __future__ import annotations

import math
import threading
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from localcave.cave_errors import CaveError
from localcave.folder.schemas import schemas

MOST_TABLES, MOST_ROWS = 200, 100_000
"""Of all users together, and in each table: what is in memory has an end."""
LARGEST_VOXEL = 2**31
BOUND_POINTS = ("BoundSpatialPoint", "DerivedSpatialPoint")
POINTS = (*BOUND_POINTS, "SpatialPoint")
PERMISSIONS = ("PRIVATE", "GROUP", "PUBLIC")
KINDS: dict[str, tuple[type, ...]] = {
    "integer": (int,),
    "number": (int, float),
    "string": (str,),
    "boolean": (bool,),
    "null": (type(None),),
}


@dataclass
class ScratchTable:
    """CAVE's record of a table, and its rows by id, flat, with `created`, `deleted` and `superceded_id`."""

    metadata: dict[str, Any]
    owner: int | None
    rows: dict[int, dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.metadata["created"] = _now()
        self.touch()

    def touch(self) -> None:
        """Note that rows changed now."""
        self.metadata["last_modified"] = _now()

    @property
    def properties(self) -> dict[str, Any]:
        """What the table's schema says of each field."""
        return properties_of(self.metadata["schema_type"])

    @property
    def bound_points(self) -> list[str]:
        """Fields that are points bound to a supervoxel."""
        return [name for name, definition in self.properties.items() if kind_of(definition) in BOUND_POINTS]

    def is_readable_by(self, user: int | None) -> bool:
        """Whether a user may read the rows; nobody knows here who is in a group with the owner."""
        return self.metadata["read_permission"] == "PUBLIC" or self.owner == user

    @property
    def count(self) -> int:
        """Rows that are valid."""
        return sum(row["valid"] for row in list(self.rows.values()))


class Scratch:
    """The tables of one aligned volume. Safe to use from many threads."""

    def __init__(self) -> None:
        self.tables: dict[str, ScratchTable] = {}
        self._lock = threading.Lock()

    def create(self, name: str, metadata: dict[str, Any], owner: int | None) -> None:
        """Make an empty table. Raises CaveError for a name that is taken and one table too many."""
        with self._lock:
            if name in self.tables:
                raise refused(400, f"Table creation failed: Table {name} already exists")
            if len(self.tables) >= MOST_TABLES:
                raise refused(400, f"Table creation failed: there are {MOST_TABLES} tables already")
            self.tables[name] = ScratchTable({"id": len(self.tables) + 1, **metadata}, owner)

    def drop(self, name: str) -> None:
        """Forget a table."""
        with self._lock:
            self.tables.pop(name, None)

    def add(self, table: ScratchTable, annotations: Iterable[Any]) -> list[int]:
        """Add annotations as the table's schema has them; returns their ids. Raises CaveError, having added none."""
        flat = [flattened(table.metadata["schema_type"], annotation) for annotation in annotations]
        with self._lock:
            return self._add(table, flat)

    @staticmethod
    def _add(table: ScratchTable, flat: list[dict[str, Any]]) -> list[int]:
        if len(table.rows) + len(flat) > MOST_ROWS:
            raise refused(400, f"A table holds at most {MOST_ROWS:,} annotations here")
        first = len(table.rows) + 1
        now = _now()
        table.touch()
        for number, row in enumerate(flat, first):
            valid = row.pop("valid", True)
            bookkeeping = {"id": number, "created": now, "deleted": None, "superceded_id": None}
            table.rows[number] = {**bookkeeping, "valid": True if valid is None else valid, **row}
        return list(range(first, first + len(flat)))

    def replace(self, table: ScratchTable, annotations: Iterable[Any]) -> dict[str, int]:
        """Put newer annotations in place of those with their `id`; returns new ids by old ones."""
        rows = [dict(annotation) if isinstance(annotation, Mapping) else {} for annotation in annotations]
        old = [row.pop("id", None) for row in rows]
        flat = [flattened(table.metadata["schema_type"], row) for row in rows]
        with self._lock:
            self._require(table, old)
            new = self._add(table, flat)
            for before, after in zip(old, new, strict=True):
                self._end(table, before)
                table.rows[before]["superceded_id"] = after
        return {str(before): after for before, after in zip(old, new, strict=True)}

    def delete(self, table: ScratchTable, ids: list[Any]) -> list[int]:
        """Mark annotations as deleted; returns their ids."""
        with self._lock:
            self._require(table, ids)
            for number in ids:
                self._end(table, number)
            table.touch()
        return ids

    @staticmethod
    def _end(table: ScratchTable, number: int) -> None:
        table.rows[number] |= {"valid": False, "deleted": _now()}

    @staticmethod
    def _require(table: ScratchTable, ids: list[Any]) -> None:
        for number in ids:
            row = table.rows.get(number) if isinstance(number, int) else None
            if row is None or row["deleted"] is not None:
                raise refused(404, f"There is no annotation {str(number)[:40]}")
        if len(set(ids)) != len(ids):
            raise refused(400, "An annotation is named twice")


def flattened(schema_type: str, annotation: Any) -> dict[str, Any]:
    """An annotation as columns: `pt: {position: [x, y, z]}` becomes `pt_position`. Raises CaveError, saying which field
    does not fit the schema."""
    if not isinstance(annotation, Mapping):
        raise refused(422, "An annotation must be an object")
    schema = _own_definition(schema_type)
    if missing := [name for name in schema.get("required", ()) if name not in annotation]:
        raise refused(422, f"Missing data for required field: {missing[0]}")
    row: dict[str, Any] = {}
    for name, value in annotation.items():
        definition = schema["properties"].get(name)
        if definition is None:
            raise refused(422, f"Unknown field: {str(name)[:80]}")
        if kind_of(definition) in POINTS:
            row |= _point(name, value)
        else:
            row[name] = _checked(name, value, definition)
    return row


def properties_of(schema_type: Any) -> dict[str, Any]:
    """What a schema says of each field. Raises CaveError for an unknown schema."""
    properties: dict[str, Any] = _own_definition(schema_type)["properties"]
    return properties


def kind_of(definition: Mapping[str, Any]) -> str:
    """What a field is: the name of a point's schema, or a type, `float` for one of single precision."""
    if "$ref" in definition:
        return str(definition["$ref"]).rsplit("/", 1)[1]
    kinds = definition.get("type", "")
    kind = kinds if isinstance(kinds, str) else next(kind for kind in kinds if kind != "null")
    return str(definition.get("format", kind)) if kind == "number" else kind


def reference_of(schema_type: Any, name: str, metadata: Any, existing: Collection[str]) -> str | None:
    """The table that a new one refers to by `target_id`, from the `table_metadata` that came with it. Raises CaveError
    where a schema needs one that is not there, or has no use for it."""
    is_reference = "target_id" in properties_of(schema_type)
    if is_reference and not isinstance(metadata, Mapping):
        raise refused(400, "no metadata provided for reference annotation")
    target = metadata.get("reference_table") if isinstance(metadata, Mapping) else None
    if target is None and is_reference:
        raise refused(400, "reference table not specified in metadata: 'reference_table'")
    if target is None:
        return None
    if not is_reference:
        raise refused(400, "Reference table must be a ReferenceAnnotation schema type")
    if target == name:
        raise refused(400, f"{name} must target a different table")
    if target not in existing:
        raise refused(400, f"Table {str(target)[:80]} not found")
    return str(target)


def _own_definition(schema_type: Any) -> dict[str, Any]:
    definition = schemas()["definitions"].get(schema_type) if isinstance(schema_type, str) else None
    if definition is None:
        raise refused(400, f"Table creation failed: {str(schema_type)[:80]} is no schema")
    schema: dict[str, Any] = definition["definitions"][definition["$ref"].rsplit("/", 1)[1]]
    return schema


def _point(name: str, value: Any) -> dict[str, Any]:
    position = value.get("position") if isinstance(value, Mapping) else None
    numbers = isinstance(position, list) and all(_is(part, ("number",)) for part in position)
    if not numbers or len(position or ()) != 3:
        raise refused(422, f"{name} must have a position of three numbers")
    if not all(abs(part) < LARGEST_VOXEL for part in position or ()):
        raise refused(422, f"{name} must have a position in voxels, each number below {LARGEST_VOXEL:,}")
    ids = {f"{name}_{part}": value[part] for part in ("supervoxel_id", "root_id") if part in value}
    if not all(_is(id, ("integer",)) and 0 <= id < 2**63 for id in ids.values()):
        raise refused(422, f"Ids of {name} must be whole numbers of 63 bits")
    return {f"{name}_position": position, **ids}


def _checked(name: str, value: Any, definition: Mapping[str, Any]) -> Any:
    kinds = definition.get("type", ())
    if not _is(value, (kinds,) if isinstance(kinds, str) else kinds):
        raise refused(422, f"{name} must be {' or '.join([kinds] if isinstance(kinds, str) else kinds)}")
    if (
        _is(value, ("number",))
        and kind_of(definition) == "integer"
        and not (-(2**63) <= value < 2**63 and value % 1 == 0)
    ):
        raise refused(422, f"{name} must be a whole number of 64 bits")
    if isinstance(value, float) and not math.isfinite(value):
        raise refused(422, f"{name} must be a finite number")
    if isinstance(value, str) and value.encode("utf-8", "ignore").decode() != value:
        raise refused(422, f"{name} must be text that is valid Unicode")
    if "enum" in definition and value not in definition["enum"]:
        raise refused(422, f"{name} must be one of: {', '.join(map(str, definition['enum']))}")
    return int(value) if isinstance(value, float) and kind_of(definition) == "integer" else value


def _is(value: Any, kinds: Iterable[str]) -> bool:
    classes = tuple(cls for kind in kinds for cls in KINDS.get(kind, (object,)))
    return not classes or (isinstance(value, classes) and (bool in classes or not isinstance(value, bool)))


def refused(status: int, message: str) -> CaveError:
    """The annotation service's way to say no."""
    return CaveError(status, {"message": message})


def _now() -> str:
    return datetime.now(UTC).isoformat()
