"""A real datastack baked into a folder: ``python -m localcave snapshot DATASTACK --version N -o DIR``.

Whole tables and views or chosen rows of them, the synapses and skeletons of chosen cells, and of the tables that refer
to synapses the rows of those; all that of one version or several. The segmentation is made of the tables: all root ids
of the versions can be looked up, their history only from one version to the next.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa

from localcave.errors import InputError
from localcave.folder.summary import sha256_of
from localcave.folder.writer import MANIFEST, SERVER, DatastackWriter, read_manifest
from localcave.segmentation.derived import oldest_before
from localcave.segmentation.derived_history import make_segmentation
from localcave.snapshot.estimate import Estimate, estimate
from localcave.snapshot.remote import RemoteCave
from localcave.snapshot.run import Progress, Request, Run
from localcave.snapshot.skeletons import bring_skeletons

PIECES = "pieces"
"""Folder of what was brought so far, inside the snapshot until it is finished."""


@dataclass(frozen=True)
class SnapshotReport:
    """Rows by version and by table and view, number of skeletons, and what was left out and why."""

    rows: dict[int, dict[str, int]]
    skeletons: int
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Snapshot:
    """A snapshot of which is known what it will hold, but of which little has been brought."""

    request: Request
    folder: Path
    runs: list[Run]
    started: str

    @classmethod
    def prepare(cls, request: Request, folder: Path, progress: Progress = lambda _rows, _more: None) -> Snapshot:
        """Choose and count what goes into `folder`, going on with what an interrupted run has left there.

        Raises InputError with a sentence for what cannot be had, and when the server fails for too long.
        """
        started = _now()
        _claim(folder, request)
        runs = _connect(request, folder, progress)
        for run in runs:
            run.prepare()
        return cls(request, folder, runs, started)

    def estimate(self) -> Estimate:
        """How large it will be and how long it will take, as a few small requests tell."""
        return estimate(self.runs, self.folder / PIECES)

    def take(self) -> SnapshotReport:
        """Bring and write it all.

        Raises InputError when the server fails for too long; taking it again goes on from there.
        """
        for run in self.runs:
            run.bring()
        skeletons, lacking = bring_skeletons(self.runs, self.folder / PIECES) if self.request.skeletons else (None, 0)
        notes = [
            f"version {run.version}: {note}" if len(self.runs) > 1 else note for run in self.runs for note in run.notes
        ]
        notes += [f"{lacking:,} cells have no skeleton"] if lacking else []
        _write(self, notes, skeletons)
        shutil.rmtree(self.folder / PIECES)
        rows = {run.version: {name: rows.num_rows for name, rows in run.rows.items()} for run in self.runs}
        return SnapshotReport(rows, skeletons.num_rows if skeletons is not None else 0, tuple(notes))


def _claim(folder: Path, request: Request) -> None:
    """Make the folder ours, or refuse it: nothing else may be in it, and no other snapshot."""
    identity = {"server": request.server, "datastack": request.datastack, "versions": sorted(request.versions)}
    mark = folder / PIECES / "request.json"
    if (folder / MANIFEST).exists():
        raise InputError(
            f"{folder} already holds {read_manifest(folder)['datastack']}; name another folder or remove it"
        )
    if folder.exists() and any(folder.iterdir()):
        unfinished = json.loads(mark.read_text()) if mark.exists() else None
        if unfinished is None:
            raise InputError(f"{folder} holds other files; name an empty or a new folder")
        if unfinished != identity:
            raise InputError(f"{folder} holds an unfinished snapshot of {unfinished}; name another folder or remove it")
    mark.parent.mkdir(parents=True, exist_ok=True)
    mark.write_text(json.dumps(identity))


def _connect(request: Request, folder: Path, progress: Progress) -> list[Run]:
    """One run for each version, oldest first."""
    remotes = RemoteCave.connect(
        request.datastack,
        request.server,
        request.token,
        sorted(set(request.versions)),
        attempts=request.attempts,
        first_wait_s=request.first_wait_s,
    )
    info = remotes[0].ask(remotes[0].client.info.get_datastack_info, "read the info record")
    return [_run(request, folder / PIECES / str(remote.version), remote, progress, info) for remote in remotes]


def _run(request: Request, folder: Path, remote: RemoteCave, progress: Progress, info: Mapping[str, Any]) -> Run:
    materialize = remote.client.materialize
    tables = remote.ask(lambda: materialize.get_tables_metadata(version=remote.version), "list the tables")
    views = remote.ask(lambda: materialize.get_views(version=remote.version), "list the views")
    by_name = {record["table_name"]: _table_record(record) for record in tables}
    return Run(request, folder, remote, progress, info=dict(info), tables=by_name, views=dict(views))


def _write(snapshot: Snapshot, notes: list[str], skeletons: pa.Table | None) -> None:
    request, runs = snapshot.request, snapshot.runs
    writer = DatastackWriter(snapshot.folder, request.datastack, _info_record(runs[-1], skeletons is not None))
    times = [_write_version(writer, run) for run in runs]
    oldest = oldest_before(times[0])
    tables = [{name: rows for name, rows in run.rows.items() if name in run.tables} for run in runs]
    segmentation = make_segmentation(tables, times, datetime.fromisoformat(oldest))
    writer.set_segmentation(
        _segmentation_name(runs[-1]), oldest, segmentation.supervoxels, segmentation.history, segmentation.operations
    )
    if skeletons is not None:
        writer.set_skeletons(skeletons)
    writer.manifest["source"] = {
        "kind": "snapshot",
        "server": request.server,
        "tables": list(request.tables),
        "where": [asdict(condition) for condition in request.where],
        "synapses_of": request.synapses_of,
        "started": snapshot.started,
        "finished": _now(),
        "left_out": notes,
        "files": _digests(snapshot.folder),
    }
    writer.finish()


def _write_version(writer: DatastackWriter, run: Run) -> datetime:
    """Write the rows of a version; returns its time."""
    materialize = run.remote.client.materialize
    record = run.remote.ask(lambda: materialize.get_version_metadata(run.version), "read the version")
    writer.add_version(
        run.version,
        record["time_stamp"].isoformat(timespec="microseconds"),
        record["expires_on"].isoformat(timespec="microseconds"),
        valid=record["valid"],
        is_merged=record.get("is_merged", True),
        id=record.get("id"),
        status=record.get("status"),
    )
    for name, rows in run.rows.items():
        if name in run.views:
            writer.add_view(run.version, name, rows, run.views[name], run.view_schema(name))
        else:
            both_sides = [c for c in ("post_pt_root_id", "pre_pt_root_id") if c in rows.column_names]
            writer.add_table(run.version, name, rows, run.tables[name], sorted_by=both_sides)
    time: datetime = record["time_stamp"]
    return time


def _info_record(run: Run, has_skeletons: bool) -> dict[str, Any]:
    """The remote info record, with this server in place of the remote ones for what is served from the snapshot."""
    record = dict(run.info)
    record["local_server"] = SERVER
    record["segmentation_source"] = f"graphene://{SERVER}/segmentation/table/{_segmentation_name(run)}"
    source = f"precomputed://{SERVER}/skeletoncache/api/v1/{run.request.datastack}/precomputed/skeleton/"
    record["skeleton_source"] = source if has_skeletons else None
    return record


def _segmentation_name(run: Run) -> str:
    return urlsplit(str(run.info["segmentation_source"])).path.rstrip("/").rsplit("/", 1)[-1] or run.request.datastack


def _table_record(record: Mapping[str, Any]) -> dict[str, Any]:
    """A table's record as CAVE sends it: caveclient has folded its voxel resolution into a list."""
    fields = {key: value for key, value in record.items() if key != "voxel_resolution"}
    return fields | dict(
        zip(("voxel_resolution_x", "voxel_resolution_y", "voxel_resolution_z"), record["voxel_resolution"], strict=True)
    )


def _digests(folder: Path) -> dict[str, dict[str, Any]]:
    """Size and sha256 of every file of the snapshot, by its path in the folder."""
    files = sorted(
        path for path in folder.rglob("*") if path.is_file() and PIECES not in path.relative_to(folder).parts
    )
    return {str(path.relative_to(folder)): {"bytes": path.stat().st_size, "sha256": sha256_of(path)} for path in files}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
