"""Tables of annotations that users make. They are kept in memory: a new start brings back what was served before."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from localcave.cave_errors import CaveError
from localcave.folder.schemas import schemas

MOST_TABLES, MOST_ROWS = 200, 100_000
"""Of all users together, and in each table: what is in memory has an end."""
POINTS = ("BoundSpatialPoint", "SpatialPoint")
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
        """Make an empty table. Raises CaveError for a name that is taken, an unknown schema, and one table too many."""
        with self._lock:
            if name in self.tables:
                raise refused(400, f"Table creation failed: Table {name} already exists")
            if metadata["schema_type"] not in schemas()["all_types"]:
                raise refused(400, f"Table creation failed: {metadata['schema_type']} is no schema")
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
        now = datetime.now(UTC).isoformat()
        for number, row in enumerate(flat, first):
            given = row.pop("valid", True)
            own = {"id": number, "created": now, "deleted": None, "superceded_id": None}
            table.rows[number] = {**own, "valid": True if given is None else given, **row}
        return list(range(first, first + len(flat)))

    def replace(self, table: ScratchTable, annotations: Iterable[Any]) -> dict[str, int]:
        """Put newer annotations in place of those with their `id`; returns new ids by old ones."""
        given = [dict(one) if isinstance(one, Mapping) else {} for one in annotations]
        old = [one.pop("id", None) for one in given]
        flat = [flattened(table.metadata["schema_type"], one) for one in given]
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
        return ids

    @staticmethod
    def _end(table: ScratchTable, number: int) -> None:
        table.rows[number] |= {"valid": False, "deleted": datetime.now(UTC).isoformat()}

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
    definition = schemas()["definitions"][schema_type]
    own = definition["definitions"][definition["$ref"].rsplit("/", 1)[1]]
    if missing := [name for name in own.get("required", ()) if name not in annotation]:
        raise refused(422, f"Missing data for required field: {missing[0]}")
    row: dict[str, Any] = {}
    for name, value in annotation.items():
        wanted = own["properties"].get(name)
        if wanted is None:
            raise refused(422, f"Unknown field: {str(name)[:80]}")
        if str(wanted.get("$ref", "")).rsplit("/", 1)[-1] in POINTS:
            row |= _point(name, value)
        else:
            row[name] = _checked(name, value, wanted)
    return row


def _point(name: str, value: Any) -> dict[str, Any]:
    position = value.get("position") if isinstance(value, Mapping) else None
    numbers = isinstance(position, list) and all(_is(part, ("number",)) for part in position)
    if not numbers or len(position or ()) != 3:
        raise refused(422, f"{name} must have a position of three numbers")
    known = {f"{name}_{part}": value[part] for part in ("supervoxel_id", "root_id") if part in value}
    if not all(_is(one, ("integer",)) for one in known.values()):
        raise refused(422, f"Ids of {name} must be whole numbers")
    return {f"{name}_position": position, **known}


def _checked(name: str, value: Any, wanted: Mapping[str, Any]) -> Any:
    kinds = wanted.get("type", ())
    if not _is(value, (kinds,) if isinstance(kinds, str) else kinds):
        raise refused(422, f"{name} must be {' or '.join([kinds] if isinstance(kinds, str) else kinds)}")
    if "enum" in wanted and value not in wanted["enum"]:
        raise refused(422, f"{name} must be one of: {', '.join(map(str, wanted['enum']))}")
    return value


def _is(value: Any, kinds: Iterable[str]) -> bool:
    classes = tuple(cls for kind in kinds for cls in KINDS.get(kind, (object,)))
    return not classes or (isinstance(value, classes) and (bool in classes or not isinstance(value, bool)))


def refused(status: int, message: str) -> CaveError:
    """The annotation service's way to say no."""
    return CaveError(status, {"message": message})
