"""A real datastack baked into a folder: ``python -m localcave snapshot DATASTACK --version N -o DIR``.

Whole tables and views, the synapses of chosen cells, and of the tables that refer to synapses the rows of those. The
segmentation is made of the tables: all root ids of the version can be looked up, their history can not.
"""

from __future__ import annotations

import difflib
import json
import re
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from localcave.errors import InputError
from localcave.folder.summary import sha256_of
from localcave.folder.writer import MANIFEST, SERVER, DatastackWriter, read_manifest
from localcave.segmentation.derived import oldest_before, supervoxels_of
from localcave.snapshot.parts import Baker, Piece
from localcave.snapshot.remote import FarCave

PIECES = "pieces"
"""Folder of what was brought so far, inside the snapshot until it is finished."""

PROOFREADING = "proofreading_status_and_strategy"
CELLS_PER_PIECE = 64
TARGETS_PER_PIECE = 10_000
"""CAVE takes 20,000 ids in a filter without trouble."""


@dataclass(frozen=True)
class Request:
    """What to bake. `tables` empty: every table and view of at most `largest_table` rows. `synapses_of`: `all`,
    `proofread`, a table, root ids, or a file of them; empty: no synapses."""

    datastack: str
    version: int
    server: str
    token: str | None = None
    tables: tuple[str, ...] = ()
    synapses_of: str = ""
    largest_table: int = 1_000_000
    workers: int = 4
    rows_per_request: int = 100_000
    attempts: int = 8
    first_wait_s: float = 0.5


@dataclass(frozen=True)
class SnapshotReport:
    """Rows by table and view, and what was left out and why."""

    rows: dict[str, int]
    notes: tuple[str, ...]


Progress = Callable[[int, int], None]
"""Told how many more rows were brought, and how many more turned out to be wanted."""


@dataclass
class _Run:
    """One snapshot in the making."""

    request: Request
    folder: Path
    far: FarCave
    progress: Progress
    info: dict[str, Any]
    tables: dict[str, dict[str, Any]]
    views: dict[str, dict[str, Any]]
    rows: dict[str, pa.Table] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def synapse_table(self) -> str:
        return self.info.get("synapse_table") or ""

    def bake(self, wanted: Mapping[str, Sequence[Piece]]) -> None:
        """Bring tables and views; a table is the rows of its pieces in the order of `id`, each id once."""
        pieces = [piece for parts in wanted.values() for piece in parts]
        baker = Baker(
            self.far,
            self.folder / PIECES,
            self.request.rows_per_request,
            self.request.workers,
            lambda rows: self.progress(rows, 0),
        )
        self.progress(0, sum(baker.counts(pieces)))
        files = dict(zip(pieces, baker.bake(pieces), strict=True))
        for name, parts in wanted.items():
            tables = [pq.ParquetFile(path).read() for piece in parts for path in files[piece]]
            rows = pa.concat_tables(tables, promote_options="permissive")
            self.rows[name] = _once(rows) if name in self.tables else rows

    def view_schema(self, name: str) -> dict[str, Any]:
        """Columns of a view and their types."""
        get = self.far.client.materialize.get_view_schema
        schema: dict[str, Any] = self.far.ask(lambda: get(name, self.request.version), f"read the columns of {name}")
        return schema

    def refers_to_synapses(self, name: str) -> bool:
        return bool(self.synapse_table) and self.tables.get(name, {}).get("reference_table") == self.synapse_table


def take(request: Request, folder: Path, progress: Progress = lambda _rows, _more: None) -> SnapshotReport:
    """Bake a datastack into `folder`, going on with what an interrupted run has left there.

    Raises InputError with a sentence for what cannot be had, and when the server fails for too long; running it again
    goes on from there.
    """
    started = _now()
    _claim(folder, request)
    run = _connect(request, folder, progress)
    names = _chosen(run)
    whole = [n for n in names if n != run.synapse_table and not run.refers_to_synapses(n)]
    run.bake({name: [piece] for name, piece in _whole_pieces(run, whole).items()})
    if run.synapse_table in run.tables:
        run.bake({run.synapse_table: _synapse_pieces(run, run.synapse_table in request.tables)})
        targets = run.rows[run.synapse_table]["id"].to_pylist()
        run.bake({n: _batches(n, "target_id", targets, TARGETS_PER_PIECE) for n in names if run.refers_to_synapses(n)})
    _write(run, started)
    shutil.rmtree(folder / PIECES)
    return SnapshotReport({name: rows.num_rows for name, rows in run.rows.items()}, tuple(run.notes))


def _claim(folder: Path, request: Request) -> None:
    """Make the folder ours, or refuse it: nothing else may be in it, and no other snapshot."""
    identity = {"server": request.server, "datastack": request.datastack, "version": request.version}
    mark = folder / PIECES / "request.json"
    if (folder / MANIFEST).exists():
        raise InputError(
            f"{folder} already holds {read_manifest(folder)['datastack']}; name another folder or remove it"
        )
    if folder.exists() and any(folder.iterdir()):
        known = json.loads(mark.read_text()) if mark.exists() else None
        if known is None:
            raise InputError(f"{folder} holds other files; name an empty or a new folder")
        if known != identity:
            raise InputError(f"{folder} holds an unfinished snapshot of {known}; name another folder or remove it")
    mark.parent.mkdir(parents=True, exist_ok=True)
    mark.write_text(json.dumps(identity))


def _connect(request: Request, folder: Path, progress: Progress) -> _Run:
    far = FarCave.connect(
        request.datastack,
        request.server,
        request.token,
        request.version,
        attempts=request.attempts,
        first_wait_s=request.first_wait_s,
    )
    materialize = far.client.materialize
    info = far.ask(far.client.info.get_datastack_info, "read the info record")
    tables = far.ask(lambda: materialize.get_tables_metadata(version=request.version), "list the tables")
    views = far.ask(lambda: materialize.get_views(version=request.version), "list the views")
    return _Run(
        request,
        folder,
        far,
        progress,
        info=dict(info),
        tables={record["table_name"]: _table_record(record) for record in tables},
        views=dict(views),
    )


def _chosen(run: _Run) -> list[str]:
    """Names of the tables and views to bake, with the tables that they refer to and that of the somata."""
    known = {**run.tables, **run.views}
    wanted = list(run.request.tables or known)
    cells = _table_of_cells(run)
    for name in [*wanted, *([cells] if cells else [])]:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=3)
            hint = f"; did you mean {' or '.join(near)}?" if near else ""
            raise InputError(f"version {run.request.version} has no table or view {name!r}{hint}")
    chosen: dict[str, None] = {}
    waiting = [*wanted, cells, run.info.get("soma_table") or ""]
    while waiting:
        name = waiting.pop(0)
        if name in known and name not in chosen:
            chosen[name] = None
            waiting.append(run.tables.get(name, {}).get("reference_table") or "")
    return list(chosen)


def _whole_pieces(run: _Run, names: Iterable[str]) -> dict[str, Piece]:
    """A piece for each whole table or view, leaving out those too large or not ours to read unless they were named."""
    needed = {*run.request.tables, _table_of_cells(run)}
    pieces: dict[str, Piece] = {}
    for name in names:
        piece = Piece(name, is_view=name in run.views, key="")
        try:
            count = run.far.count(piece)
        except InputError as error:
            if name in needed:
                raise
            run.notes.append(f"{name} is left out: {error}")
            continue
        if count > run.request.largest_table and name not in needed:
            run.notes.append(f"{name} is left out: its {count:,} rows are more than {run.request.largest_table:,}")
            continue
        pieces[name] = piece if count <= run.request.rows_per_request else _keyed(run, piece, count)
    return pieces


def _keyed(run: _Run, piece: Piece, count: int) -> Piece:
    """The piece with a column to cut it by: `id`, or the first integer column of a view."""
    key = "id"
    if piece.is_view:
        schema = run.view_schema(piece.name)
        integers = [column for column, entry in schema.items() if entry["type"] == "integer"]
        key = next(iter(sorted(integers, key=lambda c: (c != "id", not c.endswith("_id")))), "")
    keyed = Piece(piece.name, piece.is_view, key=key)
    if not key or run.far.count(keyed) != count:
        raise InputError(f"{piece.name} has {count:,} rows and no column of ids to read it by in parts")
    return keyed


def _synapse_pieces(run: _Run, whole: bool) -> list[Piece]:
    name = run.synapse_table
    if whole or run.request.synapses_of == "all":
        return [Piece(name)]
    roots = _cells(run)
    # no cells: an empty table of the right columns, so that every query has an answer
    return [
        piece
        for side in ("pre_pt_root_id", "post_pt_root_id")
        for piece in _batches(name, side, roots, CELLS_PER_PIECE)
    ]


def _batches(name: str, column: str, ids: Sequence[int], size: int) -> list[Piece]:
    starts = range(0, max(len(ids), 1), size)
    return [Piece(name, column=column, ids=tuple(ids[start : start + size])) for start in starts]


def _table_of_cells(run: _Run) -> str:
    """The table whose cells' synapses are wanted, if it is a table that says so."""
    word = run.request.synapses_of
    if word == "proofread":
        return run.info.get("proofreading_status_table") or PROOFREADING
    return "" if word in ("", "all") or _ids_in(word) is not None else word


def _cells(run: _Run) -> list[int]:
    """Root ids whose synapses are wanted, ascending, without 0."""
    table = _table_of_cells(run)
    if not table:
        return sorted(set(_ids_in(run.request.synapses_of) or ()) - {0})
    rows = run.rows[table]
    if run.request.synapses_of == "proofread" and "status_axon" in rows.column_names:
        status = rows["status_axon"]
        done = status if pa.types.is_boolean(status.type) else pc.is_in(status, pa.array(["t", "clean", "extended"]))
        rows = rows.filter(pc.fill_null(done, False))
    while "pt_root_id" not in rows.column_names:
        target = run.tables[table].get("reference_table")
        if not target or "target_id" not in rows.column_names:
            raise InputError(f"{table} names no cells: it has neither pt_root_id nor a table that it refers to")
        rows, table = run.rows[target].filter(pc.is_in(run.rows[target]["id"], rows["target_id"])), target
    return sorted(set(rows["pt_root_id"].drop_null().to_pylist()) - {0})


def _ids_in(text: str) -> list[int] | None:
    """Root ids in the text, or in the file that it names; None when it is neither."""
    if not text:
        return []
    if Path(text).is_file():
        text = Path(text).read_text()
    words = re.split(r"[\s,]+", text.strip())
    return [int(word) for word in words] if all(re.fullmatch(r"[0-9]{1,19}", word) for word in words) else None


def _once(rows: pa.Table) -> pa.Table:
    """Rows in the order of their ids, each id once: a synapse between two chosen cells is brought from both sides."""
    _, first = np.unique(rows["id"].to_numpy(), return_index=True)
    return rows.take(pa.array(first))


def _write(run: _Run, started: str) -> None:
    request, materialize = run.request, run.far.client.materialize
    record = run.far.ask(lambda: materialize.get_version_metadata(request.version), "read the version")
    writer = DatastackWriter(run.folder, request.datastack, _info_record(run))
    writer.add_version(
        request.version,
        record["time_stamp"].isoformat(timespec="microseconds"),
        record["expires_on"].isoformat(timespec="microseconds"),
        valid=record["valid"],
        is_merged=record.get("is_merged", True),
        id=record.get("id"),
        status=record.get("status"),
    )
    for name, rows in run.rows.items():
        if name in run.views:
            writer.add_view(request.version, name, rows, run.views[name], run.view_schema(name))
        else:
            both_sides = [c for c in ("post_pt_root_id", "pre_pt_root_id") if c in rows.column_names]
            writer.add_table(request.version, name, rows, run.tables[name], sorted_by=both_sides)
    supervoxels = supervoxels_of({name: rows for name, rows in run.rows.items() if name in run.tables})
    writer.set_segmentation(_segmentation_name(run), oldest_before(record["time_stamp"]), supervoxels)
    writer.manifest["source"] = {
        "kind": "snapshot",
        "server": request.server,
        "tables": list(request.tables),
        "synapses_of": request.synapses_of,
        "started": started,
        "finished": _now(),
        "left_out": run.notes,
        "files": _digests(run.folder),
    }
    writer.finish()


def _info_record(run: _Run) -> dict[str, Any]:
    """The far info record, with this server in place of the far ones for what is served from the snapshot."""
    record = dict(run.info)
    record["local_server"] = SERVER
    record["segmentation_source"] = f"graphene://{SERVER}/segmentation/table/{_segmentation_name(run)}"
    record["skeleton_source"] = None
    return record


def _segmentation_name(run: _Run) -> str:
    return urlsplit(str(run.info["segmentation_source"])).path.rstrip("/").rsplit("/", 1)[-1] or run.request.datastack


def _table_record(record: Mapping[str, Any]) -> dict[str, Any]:
    """A table's record as CAVE sends it: caveclient has folded its voxel resolution into a list."""
    rest = {key: value for key, value in record.items() if key != "voxel_resolution"}
    return rest | dict(
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
