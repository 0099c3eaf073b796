"""Six cells whose wiring is worked out on paper, for tests of populations.

P1, P2 and P3 are of type P, I1 and I2 of type I, X of none. Beside them are an axon and a dendrite without a soma.

    P1 -> P2 2 synapses, P1 -> I1 1, P2 -> I1 3, P3 -> X 1
    I1 -> P1 1, I1 -> P2 2, I1 -> P3 1, I2 -> I1 1, X -> P1 1
    P1 -> P1 1 (autapse), P1 -> DENDRITE 2, AXON -> P2 3, 0 -> P1 1

So 9 edges of 13 synapses; P1 and I1, and P2 and I1, are connected both ways.
"""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from localcave.folder.writer import DatastackWriter
from tests import tiny

DATASTACK = "six"
VERSION = 1
P1, P2, P3, I1, I2, X, AXON, DENDRITE = (864691136000000001 + 2 * n for n in range(8))
CELLS = (P1, P2, P3, I1, I2, X)
TYPES = {P1: "P", P2: "P", P3: "P", I1: "I", I2: "I"}
AXON_PROOFREAD, DENDRITE_PROOFREAD = {P1, P2, I1}, {P1, I1}
SYNAPSES = [
    *((P1, P2, size) for size in (100, 200)),
    (P1, I1, 300),
    *((P2, I1, size) for size in (10, 20, 30)),
    (P3, X, 90),
    (I1, P1, 400),
    *((I1, P2, size) for size in (50, 60)),
    (I1, P3, 70),
    (I2, I1, 80),
    (X, P1, 15),
    (P1, P1, 5),
    *((P1, DENDRITE, 7) for _ in range(2)),
    *((AXON, P2, 8) for _ in range(3)),
    (0, P1, 9),
]
"""Presynaptic and postsynaptic root id, and size."""


def make(folder: Path, *, with_view: bool = True) -> Path:
    """Write the datastack into `folder`; returns it. `with_view` decides whether a view counts inputs and outputs."""
    writer = DatastackWriter(folder, DATASTACK, tiny.INFO)
    writer.add_version(VERSION, "2025-01-02T03:04:05.000006", "2125-02-03T00:00:00.000001")
    writer.add_table(VERSION, "nuclei", _nuclei(), tiny.metadata("nucleus_detection"))
    writer.add_table(VERSION, "types", _types(), tiny.metadata("cell_type_reference", reference_table="nuclei"))
    proofread = tiny.metadata("compartment_proofread_status_strategy")
    writer.add_table(VERSION, "proofread", _proofread(), proofread)
    sort = ["post_pt_root_id", "pre_pt_root_id"]
    writer.add_table(VERSION, "synapses", _synapses(), tiny.metadata("synapse"), sorted_by=sort)
    if with_view:
        roots = [*CELLS, AXON, DENDRITE]
        counts = {
            "n_input": [sum(post == root for _, post, _ in SYNAPSES) for root in roots],
            "n_output": [sum(pre == root for pre, _, _ in SYNAPSES) for root in roots],
        }
        columns = {"root_id": pa.array(roots, pa.int64()), **{k: pa.array(v, pa.int64()) for k, v in counts.items()}}
        record = {
            "id": 1,
            "description": "",
            "datastack_name": DATASTACK,
            "notice_text": None,
            "live_compatible": False,
        }
        voxels = {f"voxel_resolution_{axis}": size for axis, size in zip("xyz", (4.0, 4.0, 40.0), strict=True)}
        kinds = {name: {"type": "integer"} for name in columns}
        writer.add_view(VERSION, "synapses_in_out_degree", pa.table(columns), record | voxels, kinds)
    writer.set_segmentation(*tiny.segmentation())
    writer.finish()
    return folder


def _points(count: int, name: str = "pt_position") -> dict[str, pa.Array]:
    steps = (("x", 25_000), ("y", 10_000), ("z", 100))
    return {f"{name}_{axis}": pa.array([step * n for n in range(1, count + 1)], pa.int32()) for axis, step in steps}


def _bound(roots: list[int]) -> dict[str, pa.Array]:
    return {
        **_points(len(roots)),
        "pt_supervoxel_id": pa.array([90000000000000101 + n for n in range(len(roots))], pa.int64()),
        "pt_root_id": pa.array(roots, pa.int64()),
    }


def _nuclei() -> pa.Table:
    count = len(CELLS)
    box = {
        f"bb_{end}_position_{axis}": pa.array([None] * count, pa.int32()) for end in ("start", "end") for axis in "xyz"
    }
    volume = pa.array([100.0 + n for n in range(count)], pa.float32())
    ids = pa.array(range(1, count + 1), pa.int64())
    return pa.table({"id": ids, "valid": pa.array([True] * count), "volume": volume, **_bound(list(CELLS)), **box})


def _types() -> pa.Table:
    count = len(TYPES)
    return pa.table(
        {
            "id": pa.array(range(11, 11 + count), pa.int64()),
            "valid": pa.array([True] * count),
            "target_id": pa.array([1 + CELLS.index(root) for root in TYPES], pa.int64()),
            "classification_system": pa.array(["test"] * count),
            "cell_type": pa.array(TYPES.values()),
        }
    )


def _proofread() -> pa.Table:
    count = len(CELLS)
    parts = {"axon": AXON_PROOFREAD, "dendrite": DENDRITE_PROOFREAD}
    status = {f"status_{part}": pa.array([root in done for root in CELLS]) for part, done in parts.items()}
    strategy = {
        f"strategy_{part}": pa.array([f"{part}_extended" if root in done else "none" for root in CELLS])
        for part, done in parts.items()
    }
    return pa.table(
        {
            "id": pa.array(range(21, 21 + count), pa.int64()),
            "valid": pa.array([True] * count),
            **_bound(list(CELLS)),
            "valid_id": pa.array(CELLS, pa.int64()),
            **status,
            **strategy,
        }
    )


def _synapses() -> pa.Table:
    pre, post, sizes = zip(*SYNAPSES, strict=True)
    count = len(SYNAPSES)
    columns: dict[str, pa.Array] = {
        "id": pa.array(range(1001, 1001 + count), pa.int64()),
        "valid": pa.array([True] * count),
    }
    for end, roots in (("pre", pre), ("post", post)):
        columns |= _points(count, f"{end}_pt_position")
        columns[f"{end}_pt_supervoxel_id"] = pa.array([1] * count, pa.int64())
        columns[f"{end}_pt_root_id"] = pa.array(roots, pa.int64())
    columns |= _points(count, "ctr_pt_position")
    columns["size"] = pa.array(sizes, pa.float32())
    return pa.table(columns)
