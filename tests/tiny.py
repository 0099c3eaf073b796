"""A datastack small enough to know every row of, for tests of the services.

Cells, by nucleus id: 1 and 2 are 23P, 3 is BC, 4 and 5 share a root, 6 has root id 0, 7 has a
type at the newest version only.
Roots: A was merged from OLD and another between FIRST and NEWEST. A has inputs from B (2), C, itself and root 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from localcave.folder.writer import SERVER, DatastackWriter

DATASTACK = "tiny"
EXPIRED, FIRST, NEWEST = 1, 2, 3
A, B, C, TWO_SOMATA, OLD, FRAGMENT = (864691135000000000 + n for n in (101, 203, 307, 409, 503, 601))
SUPERVOXELS = {
    90000000000000001: A,
    90000000000000002: A,
    90000000000000003: A,
    90000000000000011: B,
    90000000000000021: C,
}
SYNAPSES = [
    # id, pre, post, size, centre in voxels
    (1001, B, A, 500, (100, 200, 10)),
    (1002, B, A, 700, (110, 210, 11)),
    (1003, C, A, 300, (120, 220, 12)),
    (1004, A, A, 50, (130, 230, 13)),
    (1005, 0, A, 20, (140, 240, 14)),
    (1006, A, B, 900, (150, 250, 15)),
]


def make(
    folder: Path,
    graph: tuple[str, str, pa.Table, pa.Table, list[dict[str, Any]]] | None = None,
    private: Mapping[str, Mapping[str, Any]] | None = None,
) -> Path:
    """Write the datastack into `folder`, with another segmentation if `graph` is given; returns it. Of `private` are
    tables of types that only an `owner_user_id` may read, or a `group`."""
    writer = DatastackWriter(folder, DATASTACK, INFO)
    writer.add_version(EXPIRED, "2023-01-02T03:04:05.000006", "2023-02-03T00:00:00.000001", valid=False)
    writer.add_version(FIRST, "2024-01-02T03:04:05.000006", "2124-02-03T00:00:00.000001")
    writer.add_version(NEWEST, "2025-01-02T03:04:05.000006", "2125-02-03T00:00:00.000001")
    for version in (FIRST, NEWEST):
        writer.add_table(version, "nuclei", nuclei(version), metadata("nucleus_detection"))
        writer.add_table(version, "types", types(version), metadata("cell_type_reference", reference_table="nuclei"))
        writer.add_table(
            version, "synapses", synapses(), metadata("synapse"), sorted_by=["post_pt_root_id", "pre_pt_root_id"]
        )
    writer.add_table(
        NEWEST, "empty", types(NEWEST).slice(0, 0), metadata("cell_type_reference", reference_table="nuclei")
    )
    writer.add_view(
        NEWEST,
        "totals",
        pa.table({"root_id": [A, B], "n_input": [5, 1]}),
        {"id": 1, "description": "Totals", "datastack_name": DATASTACK, "notice_text": None, "live_compatible": False}
        | {f"voxel_resolution_{axis}": size for axis, size in zip("xyz", (4.0, 4.0, 40.0), strict=True)},
        {"root_id": {"type": "integer"}, "n_input": {"type": "integer"}},
    )
    for name, readers in (private or {}).items():
        record = metadata("cell_type_reference", reference_table="nuclei")
        record |= {"read_permission": "GROUP" if "group" in readers else "PRIVATE"}
        writer.add_table(NEWEST, name, types(NEWEST), record | {"user_id": str(readers["owner_user_id"])})
    writer.manifest["private_tables"] = dict(private or {})
    writer.set_segmentation(*(graph or segmentation()))
    writer.finish()
    return folder


INFO: dict[str, Any] = {
    "aligned_volume": {
        "id": 1,
        "name": "minnie65_phase3",
        "display_name": "Tiny",
        "description": "",
        "image_source": "precomputed://x",
    },
    "segmentation_source": f"graphene://{SERVER}/segmentation/table/tiny_pcg",
    "skeleton_source": None,
    "analysis_database": None,
    "viewer_site": "https://spelunker.cave-explorer.org/",
    "synapse_table": "synapses",
    "soma_table": "nuclei",
    "local_server": SERVER,
    "description": "A datastack for tests",
    "viewer_resolution_x": 4.0,
    "viewer_resolution_y": 4.0,
    "viewer_resolution_z": 40.0,
    "proofreading_status_table": None,
    "cell_identification_table": None,
    "proofreading_review_table": None,
}


def metadata(schema: str, reference_table: str | None = None) -> dict[str, Any]:
    """CAVE's record of a table."""
    return {
        "schema": schema,
        "schema_type": schema,
        "reference_table": reference_table,
        "aligned_volume": "minnie65_phase3",
        "id": 1,
        "valid": True,
        "created": "2020-01-01T00:00:00.000001",
        "description": f"A table of schema {schema}",
        "notice_text": None,
        "flat_segmentation_source": None,
        "user_id": "1",
        "read_permission": "PUBLIC",
        "write_permission": "PRIVATE",
        "last_modified": "2020-01-01T00:00:00.000001",
        "voxel_resolution_x": 4.0,
        "voxel_resolution_y": 4.0,
        "voxel_resolution_z": 40.0,
    }


def nuclei(version: int) -> pa.Table:
    """Seven nuclei; at the first version nucleus 1 is of the root that was merged into A later."""
    roots = [A if version == NEWEST else OLD, B, C, TWO_SOMATA, TWO_SOMATA, 0, FRAGMENT]
    count = len(roots)
    ids = pa.array(range(1, count + 1), pa.int64())
    positions = {
        f"pt_position_{axis}": pa.array([step * n for n in range(1, count + 1)], pa.int32()) for axis, step in AXES
    }
    boxes = {
        f"bb_{end}_position_{axis}": pa.array([None] * count, pa.int32()) for end in ("start", "end") for axis in "xyz"
    }
    return pa.table(
        {
            "id": ids,
            "valid": pa.array([True] * count),
            "volume": pa.array([100.5, 200.25, None, 50.0, 60.0, 10.0, 20.0], pa.float32()),
            **positions,
            "pt_supervoxel_id": pa.array([90000000000000001 + 10 * n for n in range(count)], pa.int64()),
            "pt_root_id": pa.array(roots, pa.int64()),
            **boxes,
        }
    )


AXES = (("x", 1000), ("y", 2000), ("z", 100))


def types(version: int) -> pa.Table:
    """Types of nuclei 1 to 5, and of 7 at the newest version."""
    rows = [(11, 1, "23P"), (12, 2, "23P"), (13, 3, "BC"), (14, 4, "23P"), (15, 5, "MC")]
    if version == NEWEST:
        rows.append((16, 7, "BC"))
    ids, targets, names = zip(*rows, strict=True)
    return pa.table(
        {
            "id": pa.array(ids, pa.int64()),
            "valid": pa.array([True] * len(rows)),
            "target_id": pa.array(targets, pa.int64()),
            "classification_system": pa.array(["test"] * len(rows)),
            "cell_type": pa.array(names),
        }
    )


def synapses() -> pa.Table:
    """The synapses above; pre- and postsynaptic positions are left at the centre."""
    ids, pre, post, size, centre = zip(*SYNAPSES, strict=True)
    columns: dict[str, pa.Array] = {"id": pa.array(ids, pa.int64()), "valid": pa.array([True] * len(ids))}
    for end, roots in (("pre", pre), ("post", post)):
        columns |= _positions(f"{end}_pt_position", centre)
        columns[f"{end}_pt_supervoxel_id"] = pa.array([1] * len(ids), pa.int64())
        columns[f"{end}_pt_root_id"] = pa.array(roots, pa.int64())
    columns |= _positions("ctr_pt_position", centre)
    columns["size"] = pa.array(size, pa.float32())
    return pa.table(columns)


def _positions(name: str, points: tuple[tuple[int, ...], ...]) -> dict[str, pa.Array]:
    return {f"{name}_{axis}": pa.array([point[n] for point in points], pa.int32()) for n, axis in enumerate("xyz")}


def segmentation() -> tuple[str, str, pa.Table, pa.Table, list[dict[str, Any]]]:
    """Arguments of `set_segmentation`: OLD (two of A's supervoxels) and a fragment were merged into A in 2024."""
    born, merged = datetime(2020, 1, 1, tzinfo=UTC), datetime(2024, 6, 1, tzinfo=UTC)
    fragment = 864691135000000997
    past = {90000000000000001: OLD, 90000000000000002: OLD, 90000000000000003: fragment}
    ids = list(SUPERVOXELS)
    supervoxels = pa.table(
        {
            "supervoxel_id": pa.array(ids, pa.int64()),
            "level2_id": pa.array([170000000000000000 + n for n in range(len(ids))], pa.int64()),
            "root_id": pa.array([SUPERVOXELS[one] for one in ids], pa.int64()),
        }
    )
    moment = pa.timestamp("us", "UTC")
    history = pa.table(
        {
            "supervoxel_id": pa.array([*past, *past], pa.int64()),
            "root_id": pa.array([*past.values(), *(SUPERVOXELS[one] for one in past)], pa.int64()),
            "created": pa.array([born] * 3 + [merged] * 3, moment),
            "expired": pa.array([merged] * 3 + [None] * 3, moment),
        }
    )
    merge = {
        "operation_id": 1,
        "kind": "merge",
        "timestamp": merged.isoformat(),
        "user_id": "1",
        "before_root_ids": [OLD, fragment],
        "after_root_ids": [A],
    }
    return "tiny_pcg", born.isoformat(), supervoxels, history, [merge]
