"""The conformance pack's data set as datastack folders, served in the profiles that its cases need.

``python -m localcave.golden PACK --port 9200`` answers for profile `default` on the port, `limit500`
on the next and `auth` on the one after.
"""

from __future__ import annotations

import argparse
import itertools
import json
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from localcave.folder.writer import DatastackWriter

DATASTACKS = ("golden", "golden_release", "golden_empty")
ROW_CREATED = datetime(2020, 1, 1, tzinfo=UTC)
SORTED_BY = {"synapses_gold": ("post_pt_root_id", "pre_pt_root_id", "id")}
PROFILES: Mapping[str, Sequence[str]] = {
    "default": (),
    "limit500": ("--row-limit", "500"),
    "auth": ("--require-token",),
}


def convert(pack: Path, target: Path) -> list[Path]:
    """Write the datastacks of a pack (the folder with `dataset/`) into folders below `target`; returns these."""
    dataset = pack / "dataset"
    description = json.loads((dataset / "datastack.json").read_text())
    folders = []
    for name in DATASTACKS:
        writer = DatastackWriter(target / name, name, description["datastacks"][name])
        for record in description["versions"][name]:
            writer.manifest["versions"].append(dict(record))
        writer.manifest["parent"] = description["releases"].get(name)
        if name == "golden":
            _add_rows(writer, dataset, description)
            _add_segmentation(writer, dataset)
        writer.finish()
        folders.append(writer.folder)
    return folders


def _add_rows(writer: DatastackWriter, dataset: Path, description: Mapping[str, Any]) -> None:
    writer.manifest["private_tables"] = description["private_tables"]
    for version, tables in description["tables"].items():
        for name, metadata in tables.items():
            rows = _read(dataset / "tables" / version / f"{name}.parquet")
            writer.add_table(int(version), name, rows, metadata, sorted_by=SORTED_BY.get(name, ()))
    number = itertools.count(1)
    for version, views in description["views"].items():
        for name, record in views.items():
            # The engine numbers a view anew in each version; the pack's description has the first numbers throughout.
            record["id"] = next(number)
            rows = _read(dataset / "views" / version / f"{name}.parquet")
            metadata = {key: value for key, value in record.items() if key not in ("schema", "rows", "definition")}
            writer.add_view(int(version), name, rows, metadata, record["schema"])
    newest = max(map(int, description["tables"]))
    for name in description["tables"][str(newest)]:
        live_file = dataset / "live" / f"{name}.parquet"
        rows = _read(live_file if live_file.exists() else dataset / "tables" / str(newest) / f"{name}.parquet")
        writer.add_live(name, rows if live_file.exists() else _with_times(name, rows))


def _read(path: Path) -> pa.Table:
    """Rows of the pack; positions that became int64 because nulls were among them are int32 again."""
    rows = pq.read_table(path)
    fields = [field.with_type(pa.int32()) if "position_" in field.name else field for field in rows.schema]
    return rows.cast(pa.schema(fields))


def _with_times(name: str, rows: pa.Table) -> pa.Table:
    """Rows of the newest version with the times that the pack's description tells in words."""
    created = [ROW_CREATED] * rows.num_rows
    if name == "synapses_gold":
        late = pc.greater(rows["id"], 330_000).to_pylist()
        created = [datetime(2024, 12, 15, tzinfo=UTC) if is_late else ROW_CREATED for is_late in late]
    if name == "nucleus_scores":
        created = [datetime(2025, 4, 1, tzinfo=UTC)] * rows.num_rows
    moment = pa.timestamp("us", "UTC")
    deleted = pa.nulls(rows.num_rows, moment)
    return rows.add_column(1, "created", pa.array(created, moment)).add_column(2, "deleted", deleted)


def _add_segmentation(writer: DatastackWriter, dataset: Path) -> None:
    lineage = json.loads((dataset / "lineage.json").read_text())
    rows = pq.read_table(dataset / "supervoxels.parquet")
    supervoxels = rows.select(["supervoxel_id", "level2_id", "root_latest"]).rename_columns(
        ["supervoxel_id", "level2_id", "root_id"]
    )
    operations = [
        {
            key: operation[key]
            for key in ("operation_id", "kind", "timestamp", "user_id", "before_root_ids", "after_root_ids")
        }
        for operation in lineage["operations"]
    ]
    writer.set_segmentation(lineage["table"], lineage["oldest"], supervoxels, _history(lineage, rows), operations)


def _history(lineage: Mapping[str, Any], rows: pa.Table) -> pa.Table:
    """One row for every root that a supervoxel of an edited cell belonged to.

    A root made by an operation has the supervoxels that the pack lists; the roots before all edits
    are in `root_initial`.
    """
    lives = {int(root): life for root, life in lineage["edited_roots"].items()}
    members: dict[int, list[int]] = {}
    for operation in lineage["operations"]:
        for root, supervoxels in operation["supervoxels_after"].items():
            members[int(root)] = supervoxels
    supervoxel, initial = rows["supervoxel_id"].to_numpy(), rows["root_initial"].to_numpy()
    for root in lives.keys() - members.keys():
        members[root] = supervoxel[initial == root].tolist()
    counts = [len(members[root]) for root in lives]

    def moments(key: str) -> pa.Array:
        times = [datetime.fromisoformat(life[key]) if life[key] else None for life in lives.values()]
        values = pa.array(times, pa.timestamp("us", "UTC"))
        return values.take(pa.array(np.repeat(np.arange(len(lives)), counts)))

    return pa.table(
        {
            "supervoxel_id": pa.array(np.concatenate([np.array(members[root], np.int64) for root in lives])),
            "root_id": pa.array(np.repeat(np.array(list(lives), np.int64), counts)),
            "created": moments("created"),
            "expired": moments("expired"),
        }
    )


def serve_profiles(folders: Sequence[Path], users: Path, port: int) -> list[subprocess.Popen[bytes]]:
    """Start one server a profile, on `port` and the ports after it."""
    servers = []
    for offset, options in enumerate(PROFILES.values()):
        extra = [*options, str(users)] if "--require-token" in options else list(options)
        command = [sys.executable, "-m", "localcave", "serve", *map(str, folders), "--port", str(port + offset), *extra]
        servers.append(subprocess.Popen(command))  # noqa: S603  this interpreter and our own arguments
    return servers


def main(argv: Sequence[str] | None = None) -> int:
    """Serve the pack until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m localcave.golden", description=__doc__)
    parser.add_argument("pack", type=Path, help="folder with dataset/")
    parser.add_argument("--port", type=int, default=9200, help="default: %(default)s, and the two ports after it")
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="golden_") as target:
        folders = convert(args.pack, Path(target))
        servers = serve_profiles(folders, args.pack / "dataset" / "auth.json", args.port)

        def stop(signum: int, frame: FrameType | None) -> None:
            for server in servers:
                server.terminate()

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        for profile, offset in zip(PROFILES, range(len(servers)), strict=True):
            print(f"{profile}: http://127.0.0.1:{args.port + offset}", flush=True)
        return max(server.wait() for server in servers)


if __name__ == "__main__":
    sys.exit(main())
