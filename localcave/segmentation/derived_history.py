"""A segmentation made of the tables of several versions: which root became which, as far as their points tell.

A supervoxel is the same in all versions: where its root differs between two of them, there was an edit, whose time is
not known; it is written as one at the time of the newer version.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from localcave.segmentation.derived import (
    INT64,
    LEVEL2_BASE,
    SUPERVOXEL_BASE,
    make_supervoxels,
    roots_of_table,
    supervoxels_of,
)

Tables = dict[str, pa.Table]
POINT = ["column", "id", "x", "y", "z"]


@dataclass(frozen=True)
class MadeSegmentation:
    """What `DatastackWriter.set_segmentation` takes; `history` is None where no edit is known."""

    supervoxels: pa.Table
    history: pa.Table | None
    operations: list[dict[str, Any]]


def make_segmentation(versions: Sequence[Tables], times: Sequence[datetime], oldest: datetime) -> MadeSegmentation:
    """Fill the null supervoxels of the tables in place, and tell the segmentation from all of them.

    `versions` are the tables of each version, oldest first, and `times` when it was. Raises InputError when a
    supervoxel belongs to two roots in one version.
    """
    if len(versions) == 1:
        return MadeSegmentation(make_supervoxels(versions[0]), None, [])
    _fill(versions)
    supervoxels_at = [supervoxels_of(tables) for tables in versions]
    bindings = pd.concat(
        [
            pd.DataFrame(
                {
                    "supervoxel": np.asarray(supervoxels["supervoxel_id"]),
                    "root": np.asarray(supervoxels["root_id"]),
                    "version": at,
                }
            )
            for at, supervoxels in enumerate(supervoxels_at)
        ],
        ignore_index=True,
    )
    newest = bindings.drop_duplicates("supervoxel", keep="last").sort_values("supervoxel")
    supervoxels = pa.table(
        {
            "supervoxel_id": pa.array(newest["supervoxel"], INT64),
            "level2_id": pa.array(LEVEL2_BASE + 1 + np.arange(len(newest)), INT64),
            "root_id": pa.array(newest["root"], INT64),
        }
    )
    edits = _edits(bindings)
    return MadeSegmentation(supervoxels, _history(bindings, edits, times, oldest), list(_operations(edits, times)))


def _fill(versions: Sequence[Tables]) -> None:
    """Give each point without a supervoxel one. A point with the id and the position of another version's is the same;
    points that have the same roots in all versions share one supervoxel."""
    columns = [
        (at, name, prefix)
        for at, tables in enumerate(versions)
        for name, table in tables.items()
        for prefix in roots_of_table(table)
    ]
    points = [_points(versions[at][name], at, name, prefix) for at, name, prefix in columns]
    if not points:
        return
    all_points = pd.concat(points, ignore_index=True)
    all_points["code"] = np.unique(all_points["root"], return_inverse=True)[1]
    lacking = all_points[(all_points["given"] == 0) & (all_points["root"] != 0)]
    keys = np.where(
        lacking["x"].notna(), lacking.groupby(POINT, dropna=False).ngroup(), -1 - lacking["code"].to_numpy()
    )
    once = lacking.assign(place=keys).drop_duplicates(["place", "version"])
    wide = once.pivot_table(index="place", columns="version", values="code", aggfunc="first", fill_value=-1)
    created = wide.groupby(list(wide.columns)).ngroup().reindex(keys).to_numpy()
    supervoxels = all_points["given"].to_numpy(copy=True)
    supervoxels[lacking.index] = SUPERVOXEL_BASE + 1 + created
    ends = np.cumsum([len(points_of_table) for points_of_table in points])
    for (at, name, prefix), values in zip(columns, np.split(supervoxels, ends[:-1]), strict=True):
        column = f"{prefix}_supervoxel_id"
        table = versions[at][name]
        versions[at][name] = table.set_column(table.column_names.index(column), column, pa.array(values, INT64))


def _points(table: pa.Table, version: int, name: str, prefix: str) -> pd.DataFrame:
    axes = {axis: table[f"{prefix}_position_{axis}"].to_pandas(types_mapper=pd.ArrowDtype) for axis in "xyz"}
    ids = {"root": f"{prefix}_root_id", "given": f"{prefix}_supervoxel_id", "id": "id"}
    ids_of_rows = {key: np.asarray(pc.fill_null(table[column], 0)) for key, column in ids.items()}
    return pd.DataFrame({**ids_of_rows, **axes, "column": f"{name}.{prefix}", "version": version})


def _edits(bindings: pd.DataFrame) -> pd.DataFrame:
    """`old` root, `new` root and the `version` that first has the new one. Roots that one version has both of did not
    become each other."""
    steps = bindings.sort_values(["supervoxel", "version"], kind="stable")
    before = steps.groupby("supervoxel")["root"].shift(fill_value=0)
    changed = (before != 0) & (before != steps["root"])
    edits = pd.DataFrame({"old": before, "new": steps["root"], "version": steps["version"]})[changed].drop_duplicates()
    last, first = (bindings.groupby("root")["version"].agg(how) for how in ("max", "min"))
    gone = edits["old"].map(last) < edits["version"]
    return edits[gone & (edits["new"].map(first) == edits["version"])]


def _history(
    bindings: pd.DataFrame, edits: pd.DataFrame, times: Sequence[datetime], oldest: datetime
) -> pa.Table | None:
    if edits.empty:
        return None
    ended, begun = (edits.groupby(side)["version"].min().to_dict() for side in ("old", "new"))
    pairs = bindings[bindings["root"].isin({*ended, *begun})].drop_duplicates(["supervoxel", "root"])
    moment = pa.timestamp("us", "UTC")
    created = [times[begun[root]] if root in begun else oldest for root in pairs["root"]]
    expired = [times[ended[root]] if root in ended else None for root in pairs["root"]]
    return pa.table(
        {
            "supervoxel_id": pa.array(pairs["supervoxel"], INT64),
            "root_id": pa.array(pairs["root"], INT64),
            "created": pa.array(created, moment),
            "expired": pa.array(expired, moment),
        }
    )


def _operations(edits: pd.DataFrame, times: Sequence[datetime]) -> Iterator[dict[str, Any]]:
    """One operation for all roots that hang together between two versions."""
    number = 0
    for at, time in enumerate(times):
        pairs = edits[edits["version"] == at]
        for before, after in _families(list(zip(pairs["old"].tolist(), pairs["new"].tolist(), strict=True))):
            number += 1
            yield {
                "operation_id": number,
                "kind": "merge" if len(before) > len(after) else "split",
                "timestamp": time.isoformat(timespec="microseconds"),
                "user_id": "1",
                "before_root_ids": before,
                "after_root_ids": after,
            }


def _families(pairs: Sequence[tuple[int, int]]) -> Iterator[tuple[list[int], list[int]]]:
    """The roots before and after of each group that is connected by `pairs`."""
    head: dict[int, int] = {}

    def top(root: int) -> int:
        while head.setdefault(root, root) != root:
            head[root] = root = head[head[root]]
        return root

    for old, new in pairs:
        head[top(new)] = top(old)
    families: dict[int, tuple[set[int], set[int]]] = {}
    for old, new in pairs:
        before, after = families.setdefault(top(old), (set(), set()))
        before.add(old)
        after.add(new)
    yield from ((sorted(before), sorted(after)) for before, after in families.values())
