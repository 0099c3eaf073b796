"""A segmentation made of the tables of one version: all that can be said without the chunkedgraph itself.

Every root of the tables is valid, since before the version and until now; edits are not known.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from localcave.errors import InputError

INT64 = pa.int64()
SUPERVOXEL_BASE, LEVEL2_BASE = 1 << 56, 2 << 56
"""The highest byte of a chunkedgraph id is its layer; a real supervoxel also has bits of its chunk below it,
so the ids made here (base + rank of the root) are never those of a real one."""


def make_supervoxels(tables: dict[str, pa.Table]) -> pa.Table:
    """Fill the null supervoxels of `tables` in place and return all of them: supervoxel_id, level2_id, root_id.

    A root without any gets one, numbered by the order of the roots; points without a cell (root 0) get 0.
    Raises InputError when a supervoxel belongs to two roots.
    """
    pairs = [
        (name, prefix, t[f"{prefix}_supervoxel_id"], pc.fill_null(t[f"{prefix}_root_id"], 0))
        for name, t in tables.items()
        for prefix in roots_of_table(t)
    ]
    roots = np.unique(np.concatenate([np.array([], np.int64), *(np.asarray(root) for *_, root in pairs)]))
    roots = roots[roots != 0]
    for name, prefix, supervoxels, root in pairs:
        ranks = np.searchsorted(roots, np.asarray(root))
        created = np.where(np.asarray(root) == 0, 0, SUPERVOXEL_BASE + 1 + ranks)
        nonzero = pc.if_else(pc.equal(supervoxels, 0), None, supervoxels)
        index = tables[name].column_names.index(f"{prefix}_supervoxel_id")
        tables[name] = tables[name].set_column(
            index, f"{prefix}_supervoxel_id", pc.coalesce(nonzero, pa.array(created))
        )
    return supervoxels_of(tables)


def roots_of_table(table: pa.Table) -> list[str]:
    """Prefixes of the points of a table that belong to a segment."""
    return [n.removesuffix("_supervoxel_id") for n in table.column_names if n.endswith("_supervoxel_id")]


def supervoxels_of(tables: Mapping[str, pa.Table]) -> pa.Table:
    """All supervoxels in the points of `tables` with their root: supervoxel_id, level2_id (made), root_id.

    Raises InputError when one belongs to two roots.
    """
    none = pa.schema([("supervoxel_id", INT64), ("root_id", INT64)]).empty_table()
    bound_points = [
        pa.table([t[f"{p}_supervoxel_id"].cast(INT64), t[f"{p}_root_id"].cast(INT64)], none.schema)
        for t in tables.values()
        for p in roots_of_table(t)
    ]
    points = pa.concat_tables([none, *bound_points])
    belongs = (pc.field("supervoxel_id") != 0) & (pc.field("root_id") != 0)
    points = points.filter(belongs).group_by("supervoxel_id").aggregate([("root_id", "min_max")])
    spread = points["root_id_min_max"].combine_chunks()
    low, high = spread.field("min"), spread.field("max")
    split = np.asarray(pc.not_equal(low, high))
    if split.any():
        at = int(np.argmax(split))
        raise InputError(
            f"supervoxel {points['supervoxel_id'][at]} belongs to the roots {low[at]} and {high[at]}: the files are of "
            "different versions; leave the supervoxel columns out to have them made"
        )
    supervoxels = points["supervoxel_id"].combine_chunks()
    order = np.argsort(np.asarray(supervoxels))
    return pa.table(
        {
            "supervoxel_id": supervoxels.take(order),
            "level2_id": pa.array(LEVEL2_BASE + 1 + np.arange(len(order)), INT64),
            "root_id": pc.cast(low, INT64).take(order),
        }
    )


def oldest_before(timestamp: datetime) -> str:
    """When a segmentation without known edits began: some time before its only version."""
    return (timestamp - timedelta(days=1)).isoformat(timespec="microseconds")
