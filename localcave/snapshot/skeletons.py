"""Skeletons of the cells of a snapshot, brought one by one and kept in batches until it is finished."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from localcave.folder.writer import write_parquet
from localcave.snapshot.remote import RemoteCave
from localcave.snapshot.run import Run

BATCH = 16
SCHEMA = pa.schema(
    [
        ("root_id", pa.int64()),
        ("vertices_nm", pa.list_(pa.float32())),
        ("edges", pa.list_(pa.int32())),
        ("radius_nm", pa.list_(pa.float32())),
        ("compartment", pa.list_(pa.int8())),
    ]
)


def bring_skeletons(runs: Sequence[Run], folder: Path) -> tuple[pa.Table, int]:
    """What `DatastackWriter.set_skeletons` takes, of the cells of some versions, and how many of them have none."""
    remote, request, progress = runs[-1].remote, runs[-1].request, runs[-1].progress
    roots = sorted({root for run in runs for root in run.cells})
    progress(0, len(roots))

    def bring(batch: list[int]) -> Path:
        label = hashlib.sha256(json.dumps(batch).encode()).hexdigest()[:32]
        path = folder / "skeletons" / f"{label}.parquet"
        if not path.exists():
            write_parquet(skeleton_rows(remote, batch), path)
        progress(len(batch), 0)
        return path

    with ThreadPoolExecutor(request.workers) as pool:
        files = list(pool.map(bring, [roots[start : start + BATCH] for start in range(0, len(roots), BATCH)]))
    rows = pa.concat_tables([SCHEMA.empty_table(), *(pq.ParquetFile(path).read() for path in files)])
    return rows, len(roots) - rows.num_rows


def skeleton_rows(remote: RemoteCave, roots: Sequence[int]) -> pa.Table:
    """The skeletons of those of some roots that have one."""
    skeletons = {root: skeleton for root in roots if (skeleton := remote.skeleton(root)) is not None}
    return pa.Table.from_pylist([_row(root, skeleton) for root, skeleton in skeletons.items()], SCHEMA)


def _row(root_id: int, skeleton: Mapping[str, Any]) -> dict[str, Any]:
    vertices = np.asarray(skeleton["vertices"], np.float32).reshape(-1, 3)
    edges = np.asarray(skeleton["edges"], np.int32).reshape(-1, 2)
    return {
        "root_id": root_id,
        "vertices_nm": vertices.ravel(),
        "edges": _child_and_parent(edges, len(vertices), int(skeleton.get("root", 0))).ravel(),
        "radius_nm": np.asarray(skeleton["radius"], np.float32),
        "compartment": np.asarray(skeleton["compartment"]).astype(np.int8),
    }


def _child_and_parent(edges: npt.NDArray[np.int32], count: int, root: int) -> npt.NDArray[np.int32]:
    """The edges of a tree as pairs of child and parent, as seen from its root; those of other trees as they are."""
    near: list[list[int]] = [[] for _ in range(count)]
    for tail, head in edges.tolist():
        near[tail].append(head)
        near[head].append(tail)
    parent, waiting = {root: root}, [root]
    while waiting:
        vertex = waiting.pop()
        for neighbour in near[vertex]:
            if neighbour not in parent:
                parent[neighbour] = vertex
                waiting.append(neighbour)
    turned = [parent.get(head) == tail for tail, head in edges.tolist()]
    return np.where(np.array(turned, bool).reshape(-1, 1), edges[:, ::-1], edges)
