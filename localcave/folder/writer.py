"""The folder that holds one datastack: where each file is, and a writer for it.

Everything that makes a datastack (the demo cortex, the importer, snapshots, the
conformance data) writes through :class:`DatastackWriter`; the server reads the same
layout. ``docs/snapshot-format.md`` describes it for other programs.

::

    DIR/
      datastack.json                          manifest, see below
      tables/<version>/<table>.parquet        rows of a table at a version
      tables/<version>/<table>.by_<column>.parquet    the same rows in another order
      tables/<version>/<table>.overlay.parquet        what differs from the base version
      views/<version>/<view>.parquet          rows of a view
      live/<table>.parquet                    all rows ever, with `created` and `deleted`
      segmentation/supervoxels.parquet        supervoxel_id, level2_id, root_id (newest)
      segmentation/supervoxels.by_root_id.parquet     the same rows in another order
      segmentation/history.parquet            supervoxel_id, root_id, created, expired
      segmentation/operations.json            merges and splits
      states/<id>.json                        a Neuroglancer state that is served under this id
      skeletons/skeletons.parquet             root_id, vertices_nm, edges, radius_nm, compartment, ...

Positions are three int32 columns ``<name>_x``, ``<name>_y``, ``<name>_z`` in voxels of the
table's own resolution; ids are int64; null is null.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

FORMAT = 1
MANIFEST = "datastack.json"
SERVER = "{SERVER}"
"""Stands in the manifest for the address of the server that answers."""

ROW_GROUP_ROWS = 16_384
"""Small enough that one cell's synapses in a sorted file are a few groups."""

SKELETONS_A_GROUP = 8
"""One skeleton is read with the few beside it: what is read for nothing costs more than many groups do."""


def table_path(folder: Path, version: int, table: str, *, by: str | None = None, overlay: bool = False) -> Path:
    """Path of a table's rows: the main file, the copy sorted `by` a column, or the overlay."""
    suffix = ".overlay" if overlay else f".by_{by}" if by else ""
    return folder / "tables" / str(version) / f"{table}{suffix}.parquet"


def view_path(folder: Path, version: int, view: str) -> Path:
    """Path of the rows of a view at a version."""
    return folder / "views" / str(version) / f"{view}.parquet"


def live_path(folder: Path, table: str) -> Path:
    """Path of all rows that a table ever had."""
    return folder / "live" / f"{table}.parquet"


def segmentation_path(folder: Path, name: str) -> Path:
    """Path of `supervoxels.parquet` or its copy sorted by root id, of `history.parquet` or `operations.json`."""
    return folder / "segmentation" / name


def skeleton_path(folder: Path) -> Path:
    """Path of the skeletons of all cells that have one."""
    return folder / "skeletons" / "skeletons.parquet"


def example_states(folder: Path) -> dict[int, Path]:
    """Files of the Neuroglancer states that come with a datastack, by the id under which they are served."""
    return {int(path.stem): path for path in (folder / "states").glob("*.json") if path.stem.isdigit()}


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a datastack folder.

    Raises FileNotFoundError when the folder is not a finished datastack and ValueError when
    it was written by a newer format.
    """
    path = folder / MANIFEST
    if not path.exists():
        raise FileNotFoundError(f"{folder} is not a datastack folder: it has no {MANIFEST}")
    manifest: dict[str, Any] = json.loads(path.read_text())
    if manifest.get("format") != FORMAT:
        raise ValueError(f"{folder} has format {manifest.get('format')!r}; this program reads format {FORMAT}")
    return manifest


def write_parquet(table: pa.Table, path: Path, *, row_group_rows: int = ROW_GROUP_ROWS) -> None:
    """Write `table` compressed with zstd, with statistics, replacing `path` at once.

    Strings are dictionary-coded; of numbers the like bytes are stored together, which makes a table of ids and
    positions a third smaller than dictionaries do, and faster to write.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    kinds = {field.name: field.type for field in table.schema}
    pq.write_table(
        table,
        part,
        compression="zstd",
        row_group_size=row_group_rows,
        use_dictionary=[name for name, kind in kinds.items() if pa.types.is_string(kind)],
        column_encoding={name: "BYTE_STREAM_SPLIT" for name, kind in kinds.items() if _is_number(kind)},
    )
    part.replace(path)


def _is_number(kind: pa.DataType) -> bool:
    wide_enough = pa.types.is_integer(kind) and kind.bit_width >= 32
    return wide_enough or pa.types.is_float32(kind) or pa.types.is_float64(kind)


class DatastackWriter:
    """Writes one datastack folder; the manifest comes last, so a half-written folder is not a datastack.

    `info` is the info-service record (`aligned_volume`, `segmentation_source`, `synapse_table`,
    `soma_table`, `viewer_resolution_x`, ...); ``{SERVER}`` in its strings is the server's address.
    """

    def __init__(self, folder: Path, datastack: str, info: Mapping[str, Any]):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        (folder / MANIFEST).unlink(missing_ok=True)
        self.manifest: dict[str, Any] = {
            "format": FORMAT,
            "datastack": datastack,
            "info": dict(info),
            "parent": None,
            "versions": [],
            "tables": {},
            "views": {},
            "private_tables": {},
            "live": [],
            "segmentation": None,
        }

    def add_version(
        self,
        version: int,
        time_stamp: str,
        expires_on: str,
        *,
        valid: bool = True,
        is_merged: bool = True,
        id: int | None = None,
        status: str | None = None,
    ) -> None:
        """Declare a materialization version. Times are ISO UTC and need a fraction of a second:
        caveclient cannot parse a timestamp without one."""
        for time in (time_stamp, expires_on):
            if "." not in time:
                raise ValueError(f"{time!r} has no fraction of a second, which caveclient cannot parse")
        self.manifest["versions"].append(
            {
                "version": version,
                "time_stamp": time_stamp,
                "expires_on": expires_on,
                "valid": valid,
                "is_merged": is_merged,
                "id": id if id is not None else len(self.manifest["versions"]) + 1,
                "status": status or ("AVAILABLE" if valid else "EXPIRED"),
                "datastack": self.manifest["datastack"],
            }
        )

    def add_table(
        self,
        version: int,
        name: str,
        rows: pa.Table,
        metadata: Mapping[str, Any],
        *,
        sorted_by: Iterable[str] = (),
        base_version: int | None = None,
    ) -> None:
        """Write a table at a version.

        `metadata` is CAVE's table record (`schema_type`, `description`, `reference_table`,
        `voxel_resolution_x`, ...). The main file is sorted by the first column of `sorted_by`, and one
        more copy is written for each further column: a query that filters on one of them reads only a
        few row groups. With `base_version`, `rows` are only those that differ from that version's table
        (matched by `id`); the others are read from there.
        """
        order = list(sorted_by)
        count = rows.num_rows
        if base_version is None:
            path = table_path(self.folder, version, name)
            write_parquet(rows.sort_by(order[0]) if order else rows, path)
            for column in order[1:]:
                write_parquet(rows.sort_by(column), table_path(self.folder, version, name, by=column))
        else:
            base = self.manifest["tables"][str(base_version)][name]
            order = base["storage"]["sorted_by"]
            base_ids = pq.read_table(table_path(self.folder, base_version, name), columns=["id"])["id"]
            count = len(base_ids) + rows.num_rows - int(pc.sum(pc.is_in(rows["id"], base_ids)).as_py() or 0)
            write_parquet(rows, table_path(self.folder, version, name, overlay=True))
        self.manifest["tables"].setdefault(str(version), {})[name] = {
            "metadata": {"table_name": name, **metadata},
            "row_count": count,
            "storage": {"sorted_by": order, "base_version": base_version},
        }

    def add_view(
        self, version: int, name: str, rows: pa.Table, metadata: Mapping[str, Any], schema: Mapping[str, Any]
    ) -> None:
        """Write a view: its rows, CAVE's view record and its schema `{column: {"type": ...}}`."""
        write_parquet(rows, view_path(self.folder, version, name))
        self.manifest["views"].setdefault(str(version), {})[name] = {
            "metadata": dict(metadata),
            "schema": dict(schema),
            "row_count": rows.num_rows,
        }

    def add_live(self, name: str, rows: pa.Table) -> None:
        """Write all rows a table ever had, with `created` and `deleted` (timestamps, null = not deleted)."""
        write_parquet(rows, live_path(self.folder, name))
        self.manifest["live"].append(name)

    def set_segmentation(
        self,
        table: str,
        oldest: str,
        supervoxels: pa.Table,
        history: pa.Table | None = None,
        operations: list[dict[str, Any]] | None = None,
        *,
        graph: Mapping[str, Any] | None = None,
    ) -> None:
        """Write the chunkedgraph.

        `supervoxels`: supervoxel_id, level2_id, root_id (of now), one row each. `history`: supervoxel_id,
        root_id, created, expired (UTC timestamps, expired null = still valid), one row for every root that
        a supervoxel of an edited cell belonged to. `operations`: {operation_id, kind merge|split,
        timestamp (ISO), user_id, before_root_ids, after_root_ids, edges (where they are known, each {supervoxel_ids,
        positions_vx})}, oldest first. `graph`: `chunk_size` in voxels of 8 x 8 x 40 nm and `spatial_bits` of each axis,
        where ids hold the chunk that they lie in.
        """
        write_parquet(supervoxels.sort_by("supervoxel_id"), segmentation_path(self.folder, "supervoxels.parquet"))
        by_root = supervoxels.sort_by([("root_id", "ascending"), ("supervoxel_id", "ascending")])
        write_parquet(by_root, segmentation_path(self.folder, "supervoxels.by_root_id.parquet"))
        if history is None:
            history = pa.schema(
                [
                    ("supervoxel_id", pa.int64()),
                    ("root_id", pa.int64()),
                    *((n, pa.timestamp("us", "UTC")) for n in ("created", "expired")),
                ]
            ).empty_table()
        write_parquet(history.sort_by("supervoxel_id"), segmentation_path(self.folder, "history.parquet"))
        segmentation_path(self.folder, "operations.json").write_text(json.dumps(operations or []))
        self.manifest["segmentation"] = {"table": table, "oldest": oldest} | ({"graph": dict(graph)} if graph else {})

    def set_skeletons(self, skeletons: pa.Table) -> None:
        """Write skeletons: root_id, vertices_nm list<float32> (x, y, z in turn), edges list<int32> (pairs),
        radius_nm list<float32>, compartment list<int8> (1 soma, 2 axon, 3 basal, 4 apical); where the segmentation is
        known so well, also supervoxel_id and level2_id list<int64> of the vertices. Edges are child and parent."""
        write_parquet(skeletons.sort_by("root_id"), skeleton_path(self.folder), row_group_rows=SKELETONS_A_GROUP)

    def add_state(self, number: int, state: Mapping[str, Any]) -> None:
        """Write a Neuroglancer state; ``{SERVER}`` in its strings is the server's address."""
        path = self.folder / "states" / f"{number}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(state))

    def finish(self) -> None:
        """Write the manifest: from here on the folder is a datastack."""
        part = self.folder / (MANIFEST + ".part")
        part.write_text(json.dumps(self.manifest, indent=1))
        part.replace(self.folder / MANIFEST)

    def discard(self) -> None:
        """Remove the folder and all that was written."""
        shutil.rmtree(self.folder, ignore_errors=True)
