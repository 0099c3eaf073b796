"""A datastack from a person's own files: ``python -m localcave import CONFIG.toml -o DIR``.

A small TOML says which file is which table::

    data = "../my_data"                    # folder of the files; --data replaces it

    [datastack]
    name = "mine"
    resolution_nm = [4, 4, 40]             # a voxel

    [version]
    number = 1
    timestamp = 2025-01-13T10:10:01Z

    [files]
    cells = "cells.csv"

    [tables.nucleus_detection_v0]
    file = "cells"
    schema = "nucleus_detection"           # CAVE's schema type
    where = { volume = { above = 25 } }
    [tables.nucleus_detection_v0.columns]
    pt_position = { from = ["x", "y", "z"], unit = "um" }
    pt_root_id = "segment"

``docs/import.md`` explains every key. Ids are read as integers or text, never through a float; what is missing
is made so that the same files always give the same datastack: an `id` is the number of its row in the file, and
each root gets one supervoxel.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from localcave.errors import InputError
from localcave.folder.summary import sha256_of
from localcave.folder.writer import MANIFEST, SERVER, DatastackWriter
from localcave.importer.config import VIEW_TYPES, ColumnPlan, ImportPlan, TablePlan, read_plan
from localcave.importer.files import Rows
from localcave.importer.parts import open_files
from localcave.importer.schemas import ARROW_TYPES, SchemaColumn
from localcave.importer.sources import FilePlan
from localcave.importer.values import INT32_MAX, repeated, select, to_kind, to_positions
from localcave.importer.versions import VersionPlan
from localcave.segmentation.derived import oldest_before
from localcave.segmentation.derived_history import make_segmentation

NM_PER_UNIT = {"nm": 1.0, "um": 1000.0}
INT64 = ARROW_TYPES["int64"]
_NO_COORDINATE = "a coordinate is missing (empty or NaN); give all three, or leave the row out with where"
_NUMBERED = (
    "give them other ids, the same wherever they are referred to, leave id out of the columns, then it is the number "
    "of the row, or leave such rows out with where"
)
_NO_SEGMENT = "write 0, or nothing, where there is no segment, or leave such rows out with where"
_TWICE = "leave id out of the columns, then it is the number of the row, or name a column of which each value is once"


@dataclass(frozen=True)
class ImportReport:
    """What was imported: rows by table, and what the person should know."""

    datastack: str
    rows: dict[str, int]
    warnings: tuple[str, ...]


def import_datastack(config: Path, folder: Path, data: Path | None = None) -> ImportReport:
    """Make the datastack that the TOML at `config` describes in `folder`.

    `data` is the folder of the files, if not the one that the TOML names. A datastack that was in `folder` is
    replaced when the new one is finished. Raises InputError with a sentence for everything that cannot be used.
    """
    plan = read_plan(config, data)
    _check_target(folder)
    opened = {
        file: open_files(file, plan.data) for version in plan.versions for file in plan.files_of(version).values()
    }
    built = [_build(plan, version, opened) for version in plan.versions]
    oldest = oldest_before(plan.versions[0].timestamp)
    segmentation = make_segmentation(
        [built_version.tables for built_version in built],
        [version.timestamp for version in plan.versions],
        datetime.fromisoformat(oldest),
    )
    part = folder.resolve().with_name(folder.resolve().name + ".making")
    shutil.rmtree(part, ignore_errors=True)
    writer = DatastackWriter(part, plan.datastack, info_record(plan))
    try:
        for version, built_version in zip(plan.versions, built, strict=True):
            _write(writer, plan, version, built_version.tables)
            _write_views(writer, plan, version, built_version.views)
        writer.set_segmentation(
            plan.datastack, oldest, segmentation.supervoxels, segmentation.history, segmentation.operations
        )
        writer.manifest["source"] = {"kind": "import", "files": _digests(plan)}
        writer.finish()
        shutil.rmtree(folder, ignore_errors=True)
        part.rename(folder)
    finally:
        writer.discard()
    return _report(plan, built)


@dataclass(frozen=True)
class _Built:
    """The rows of one version."""

    tables: dict[str, pa.Table]
    views: dict[str, pa.Table]


def _build(plan: ImportPlan, version: VersionPlan, opened: Mapping[FilePlan, Rows]) -> _Built:
    """The tables and views of a version: those whose file it has."""
    files = plan.files_of(version)
    tables, views = (
        {table.name: build_table(table, opened[files[table.file]]) for table in kind if table.file in files}
        for kind in (plan.tables, plan.views)
    )
    for table in plan.tables:
        if table.name in tables and table.reference_table not in (None, *tables):
            raise InputError(
                f"version {version.number} has {table.name} but not its reference_table {table.reference_table}; "
                "name a file for it under files of the version"
            )
    return _Built(tables, views)


def _report(plan: ImportPlan, built: Sequence[_Built]) -> ImportReport:
    rows: dict[str, int] = {}
    warnings: list[str] = []
    for version, built_version in zip(plan.versions, built, strict=True):
        of = f" of version {version.number}" if len(built) > 1 else ""
        rows |= {f"{name}{of}": table.num_rows for name, table in (built_version.tables | built_version.views).items()}
        warnings += [note + of for note in _dangling(plan, built_version.tables)]
    return ImportReport(plan.datastack, rows, tuple(warnings))


def build_table(plan: TablePlan, file: Rows) -> pa.Table:
    """The rows of one table as the layout stores them; supervoxels that the file does not give are null.

    Raises InputError naming file, column and row of what cannot be used.
    """
    rows = select(file, plan.where)
    if plan.repeat is not None:
        rows = repeated(rows, plan.repeat)
    columns: dict[str, pa.Array] = {"id": _ids(plan, rows)} if plan.schema_type else {}
    for column in plan.schema:
        spec = plan.columns.get(column.name)
        if column.kind == "position":
            columns |= _position(plan, column, spec, rows)
        else:
            columns[column.name] = _values(column, spec, rows)
    return pa.table(columns)


def info_record(plan: ImportPlan) -> dict[str, Any]:
    """The record of CAVE's info service."""
    x, y, z = plan.resolution_nm
    image = plan.info.get("image_source")
    return {
        "description": plan.description,
        "aligned_volume": {
            "id": 1,
            "name": plan.aligned_volume,
            "display_name": plan.aligned_volume,
            "description": "",
            "image_source": image,
        },
        "segmentation_source": f"graphene://{SERVER}/segmentation/table/{plan.datastack}",
        "skeleton_source": plan.info.get("skeleton_source"),
        "analysis_database": None,
        "viewer_site": plan.info.get("viewer_site", "https://spelunker.cave-explorer.org/"),
        "synapse_table": plan.synapse_table,
        "soma_table": plan.soma_table,
        "local_server": SERVER,
        "viewer_resolution_x": x,
        "viewer_resolution_y": y,
        "viewer_resolution_z": z,
        "proofreading_status_table": plan.info.get("proofreading_status_table"),
        "cell_identification_table": plan.info.get("cell_identification_table"),
        "proofreading_review_table": None,
    }


def _check_target(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file; name a folder")
    if folder.exists() and any(folder.iterdir()) and not (folder / MANIFEST).exists():
        raise InputError(f"{folder} holds other files; name an empty or a new folder")


def _ids(plan: TablePlan, rows: Rows) -> pa.Array:
    spec = plan.columns.get("id", ColumnPlan(row_number=True))
    if plan.repeat is not None and spec.row_number:
        return pa.array(np.arange(1, len(rows.numbers) + 1), INT64)
    ids = _values(SchemaColumn("id", "id", True), spec, rows)
    values, first = np.unique(np.asarray(ids), return_index=True)
    if len(values) < len(ids):
        again = int(np.setdiff1d(np.arange(len(ids)), first)[0])
        raise rows.refuse(", ".join(spec.source), again, f"the id {ids[again].as_py()} is there twice", _TWICE)
    return ids


def _values(column: SchemaColumn, spec: ColumnPlan | None, rows: Rows) -> pa.Array:
    kind = INT64 if column.kind == "id" else ARROW_TYPES[column.kind]
    count = len(rows.numbers)
    if spec is None:
        return pa.array([True] * count) if column.name == "valid" else pa.nulls(count, kind)
    if spec.unknown:
        return pa.nulls(count, kind)
    if spec.row_number:
        return pa.array(rows.numbers, INT64).cast(kind)
    if not spec.source:
        return _constant(column, spec.value, kind, count)
    values = to_kind(_recoded(rows, spec), spec.source[0], column.kind)
    _refuse_small(column.name, values, rows, spec.source[0])
    if column.name.endswith("_root_id"):
        return pc.fill_null(values, 0)
    if column.required and values.null_count:
        missing = int(np.argmax(np.asarray(pc.is_null(values))))
        problem = f"is empty, but {column.name} needs a value"
        raise rows.refuse(spec.source[0], missing, problem, "give one, or leave the row out with where")
    return values


def _refuse_small(name: str, values: pa.Array, rows: Rows, source: str) -> None:
    """Refuse ids that CAVE cannot have: of rows below 1, of segments below 0."""
    of_segment = name.endswith(("_root_id", "_supervoxel_id"))
    if not of_segment and name not in ("id", "target_id"):
        return
    least = 0 if of_segment else 1
    small = np.asarray(pc.fill_null(pc.less(values, least), False))
    if small.any():
        first = int(np.argmax(small))
        kind, remedy = ("of a segment", _NO_SEGMENT) if of_segment else ("of a row", _NUMBERED)
        raise rows.refuse(source, first, f"{values[first].as_py()} is no id {kind}, which are {least} or more", remedy)


def _constant(column: SchemaColumn, value: Any, kind: pa.DataType, count: int) -> pa.Array:
    try:
        return pa.repeat(pa.scalar(value, kind), count)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        raise InputError(f"column {column.name}: the value {value!r} is not {kind}; give one that is") from None


def _recoded(rows: Rows, spec: ColumnPlan) -> Rows:
    """`rows` with the values of the source replaced as `map` or `in` of the plan say."""
    name = spec.source[0]
    if spec.mapping is not None:
        recoded = _mapped(rows, name, spec.mapping)
    elif spec.is_in is not None:
        recoded = pc.is_in(rows.column(name).cast(pa.string()), pa.array([str(v) for v in spec.is_in], pa.string()))
    else:
        return rows
    return rows.having({name: recoded})


def _mapped(rows: Rows, name: str, mapping: Mapping[str, Any]) -> pa.Array:
    words = rows.column(name).cast(pa.string())
    index = pc.index_in(words, pa.array(list(mapping), pa.string()))
    strange = np.asarray(pc.and_(pc.is_null(index), pc.is_valid(words)))
    if strange.any():
        first = int(np.argmax(strange))
        raise rows.refuse(name, first, f"{words[first].as_py()!r} is not in the map of the TOML", "add it")
    return pa.array(list(mapping.values())).take(index)


def _position(plan: TablePlan, column: SchemaColumn, spec: ColumnPlan | None, rows: Rows) -> dict[str, pa.Array]:
    names = [f"{column.name}_{axis}" for axis in "xyz"]
    if spec is None or spec.unknown:
        return {name: pa.nulls(len(rows.numbers), pa.int32()) for name in names}
    positions = to_positions(rows, spec.source)
    source_nm = np.array(spec.resolution_nm or plan.resolution_nm) if spec.unit == "voxels" else NM_PER_UNIT[spec.unit]
    voxels = np.rint(positions * source_nm / np.array(plan.resolution_nm))
    missing = np.isnan(voxels)
    wrong = missing.any(axis=1) & (column.required | ~missing.all(axis=1))
    shown = ", ".join(spec.source)
    if wrong.any():
        raise rows.refuse(
            shown,
            int(np.argmax(wrong)),
            "a coordinate is missing (empty or NaN)",
            "give all three, or leave the row out with where",
        )
    outside = (np.abs(voxels) > INT32_MAX).any(axis=1)
    if outside.any():
        first = int(np.argmax(outside))
        problem = f"the position {positions[first].tolist()} {spec.unit} is too far out for voxels in 32 bits"
        raise rows.refuse(shown, first, problem, "check its unit and resolution_nm")
    return {
        name: pa.array(np.nan_to_num(voxels[:, axis]).astype(np.int32), mask=missing[:, axis])
        for axis, name in enumerate(names)
    }


def _write(writer: DatastackWriter, plan: ImportPlan, version: VersionPlan, tables: dict[str, pa.Table]) -> None:
    time, expires = (moment.isoformat(timespec="microseconds") for moment in (version.timestamp, version.expires))
    writer.add_version(version.number, time, expires)
    for number, table in enumerate(plan.tables, start=1):
        if table.name not in tables:
            continue
        is_synapse = "pre_pt_root_id" in tables[table.name].column_names
        writer.add_table(
            version.number,
            table.name,
            tables[table.name],
            _metadata(plan, version, table, number),
            sorted_by=("post_pt_root_id", "pre_pt_root_id") if is_synapse else (),
        )


def _digests(plan: ImportPlan) -> dict[str, dict[str, str]]:
    """Name and digest of each file, by its key in the TOML, with its number where there are several of a key."""
    keys = [(key, file) for key, file in plan.files.items()]
    keys += [
        (f"{key} of version {version.number}", file) for version in plan.versions for key, file in version.files.items()
    ]
    return {
        key if len(paths) == 1 else f"{key}/{number}": {"name": path.name, "sha256": sha256_of(path)}
        for key, paths in ((key, file.paths(plan.data)) for key, file in keys)
        for number, path in enumerate(paths, start=1)
    }


def _write_views(writer: DatastackWriter, plan: ImportPlan, version: VersionPlan, views: dict[str, pa.Table]) -> None:
    types = {kind: name for name, kind in VIEW_TYPES.items()}
    for number, view in enumerate(plan.views, start=1):
        if view.name not in views:
            continue
        x, y, z = view.resolution_nm
        record = {
            "id": number,
            "description": view.description,
            "datastack_name": plan.datastack,
            "notice_text": view.notice,
            "live_compatible": False,
            "voxel_resolution_x": x,
            "voxel_resolution_y": y,
            "voxel_resolution_z": z,
        }
        schema = {column.name: {"type": types[column.kind]} for column in view.schema}
        writer.add_view(version.number, view.name, views[view.name], record, schema)


def _metadata(plan: ImportPlan, version: VersionPlan, table: TablePlan, number: int) -> dict[str, Any]:
    time = version.timestamp.replace(tzinfo=None).isoformat(timespec="microseconds")
    x, y, z = table.resolution_nm
    record: dict[str, Any] = {
        "schema": table.schema_type,
        "schema_type": table.schema_type,
        "aligned_volume": plan.aligned_volume,
        "id": number,
        "valid": True,
        "created": time,
        "last_modified": time,
        "description": table.description,
        "notice_text": table.notice,
        "reference_table": table.reference_table,
        "flat_segmentation_source": None,
        "user_id": "1",
        "read_permission": "PUBLIC",
        "write_permission": "PRIVATE",
        "voxel_resolution_x": x,
        "voxel_resolution_y": y,
        "voxel_resolution_z": z,
    }
    if any(c.name.endswith("_supervoxel_id") for c in table.schema):
        record |= {"segmentation_source": None, "pcg_table_name": plan.datastack, "last_updated": time}
    return record


def _dangling(plan: ImportPlan, tables: dict[str, pa.Table]) -> tuple[str, ...]:
    notes = []
    for table in plan.tables:
        if table.reference_table is None or table.name not in tables:
            continue
        is_target = pc.is_in(tables[table.name]["target_id"], tables[table.reference_table]["id"])
        missing = len(is_target) - int(pc.sum(is_target).as_py() or 0)
        if missing:
            notes.append(
                f"{missing:,} of {len(is_target):,} rows of {table.name} refer to an id that {table.reference_table} "
                "does not have; CAVE leaves such rows out when it joins the two"
            )
    return tuple(notes)
