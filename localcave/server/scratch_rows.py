"""Rows of tables that users make, as queries read them: their points bound to supervoxels and to roots."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from localcave.cave_errors import aborted
from localcave.engine.store import AXES, Datastack, Source, columns_in, voxel_size_nm
from localcave.precomputed.watershed import Watershed
from localcave.server.auth import user_id
from localcave.server.scratch import BOUND_POINTS, POINTS, ScratchTable, kind_of
from localcave.server.service import service

BOOKKEEPING = {
    "id": pa.int64(),
    "created": pa.timestamp("us", "UTC"),
    "deleted": pa.timestamp("us", "UTC"),
    "superceded_id": pa.int64(),
    "valid": pa.bool_(),
}
TYPES = {"integer": pa.int64(), "float": pa.float32(), "number": pa.float64(), "boolean": pa.bool_()}


@dataclass(frozen=True)
class InMemory(Source):
    """Rows that are in memory and not in a file."""

    rows: pa.Table | None = None

    def rows_with(self, ids_of: Any) -> pa.Table | None:
        return self.rows


def scratch_table(stack: Datastack, name: str) -> ScratchTable | None:
    """A table that users made over a datastack's volume; None for a name that none has. Raises the engine's 401 for
    one that is not for the user who asks."""
    scratch = service().scratch.get(stack.info["aligned_volume"]["name"])
    table = scratch.tables.get(name) if scratch else None
    if table is not None and not table.is_readable_by(user_id()):
        raise aborted(401, "Unauthorized: The table can only be read by its owner")
    return table


def bind(table: ScratchTable, watershed: Watershed, rows: Iterable[dict[str, Any]]) -> int:
    """Bind the points of some rows to the supervoxels that they lie in; returns how many lie in one."""
    voxel_nm = np.array(voxel_size_nm(table.metadata))
    points = [(row, name) for row in rows for name in table.bound_points if f"{name}_position" in row]
    if not points:
        return 0
    places_nm = np.array([row[f"{name}_position"] for row, name in points], float) * voxel_nm
    supervoxels = watershed.supervoxels_at(places_nm)
    for (row, name), supervoxel in zip(points, supervoxels.tolist(), strict=True):
        row[f"{name}_supervoxel_id"] = supervoxel
    return int(np.count_nonzero(supervoxels))


def queried(name: str, table: ScratchTable, stack: Datastack, time: datetime) -> InMemory:
    """All rows that a table ever had, their points bound to supervoxels, as soon as they are asked for, and to roots at
    a time."""
    watershed, segmentation = service().watersheds[stack.name], service().segmentation_of(stack)
    rows = list(table.rows.values())
    bind(table, watershed, [row for row in rows if any(f"{p}_supervoxel_id" not in row for p in table.bound_points)])
    columns = {key: pa.array([_value(row.get(key), kind) for row in rows], kind) for key, kind in BOOKKEEPING.items()}
    for field, definition in table.properties.items():
        kind = kind_of(definition)
        if kind in POINTS:
            places = [row.get(f"{field}_position", (None,) * 3) for row in rows]
            for axis, numbers in zip(AXES, zip(*places, strict=True) if places else ((), (), ()), strict=True):
                columns[f"{field}_position_{axis}"] = pa.array(
                    [None if number is None else int(number) for number in numbers], pa.int32()
                )
        elif field not in columns and kind != "array":
            columns[field] = pa.array([row.get(field) for row in rows], TYPES.get(kind, pa.string()))
        if kind in BOUND_POINTS:
            supervoxels = np.array([row.get(f"{field}_supervoxel_id", 0) for row in rows], np.int64)
            columns[f"{field}_supervoxel_id"] = pa.array(supervoxels)
            columns[f"{field}_root_id"] = pa.array(segmentation.roots_at(supervoxels, time))
    records = pa.table(columns)
    return InMemory(name, columns_in(records.schema), Path(), rows=records)


def _value(value: Any, kind: pa.DataType) -> Any:
    return datetime.fromisoformat(value) if value is not None and pa.types.is_timestamp(kind) else value
