"""The TOML of an import, read into records; what is wrong in it is said in a sentence.

`docs/import.md` explains every key.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localcave.errors import InputError
from localcave.importer.schemas import SchemaColumn, schema_types
from localcave.importer.sources import FilePlan, read_files
from localcave.importer.toml_fields import Section, checked_name, hint
from localcave.importer.versions import VersionPlan, read_versions

UNITS = ("nm", "um", "voxels")
CONDITIONS = ("is", "not", "in", "not_in", "above", "below", "empty")
PLAIN = (str, int, float, bool)
VIEW_TYPES = {
    "integer": "id",
    "float": "float64",
    "string": "string",
    "boolean": "bool",
    "SpatialPoint": "position",
}
"""Types of the columns of views, as CAVE calls them, and how they are read."""
INFO_KEYS = ("image_source", "viewer_site", "skeleton_source", "cell_identification_table", "proofreading_status_table")


@dataclass(frozen=True)
class ColumnPlan:
    """Where the values of one column come from: exactly one of `source` (columns of the file), `value`
    (the same in every row), `row_number` and `unknown` (null in every row)."""

    source: tuple[str, ...] = ()
    value: Any = None
    row_number: bool = False
    unknown: bool = False
    unit: str = ""
    resolution_nm: tuple[float, float, float] | None = None
    mapping: Mapping[str, Any] | None = None
    is_in: tuple[Any, ...] | None = None


@dataclass(frozen=True)
class Condition:
    """Keep the rows whose `column` of the file passes the test; `test` is one of `CONDITIONS`."""

    column: str
    test: str
    value: Any


@dataclass(frozen=True)
class TablePlan:
    """One table or view of the datastack, and how it is made from a file. A view has no `schema_type`. `repeat` is the
    column of the file that says how many rows each of its rows stands for."""

    name: str
    file: str
    schema_type: str
    description: str
    notice: str | None
    reference_table: str | None
    resolution_nm: tuple[float, float, float]
    columns: Mapping[str, ColumnPlan]
    where: tuple[Condition, ...]
    schema: tuple[SchemaColumn, ...]
    repeat: str | None = None


@dataclass(frozen=True)
class ImportPlan:
    """A whole import."""

    datastack: str
    description: str
    aligned_volume: str
    resolution_nm: tuple[float, float, float]
    synapse_table: str | None
    soma_table: str | None
    info: Mapping[str, str]
    versions: tuple[VersionPlan, ...]
    data: Path
    files: Mapping[str, FilePlan]
    tables: tuple[TablePlan, ...]
    views: tuple[TablePlan, ...]

    def files_of(self, version: VersionPlan) -> Mapping[str, FilePlan]:
        """The files of a version: its own, and those of all versions."""
        return {**self.files, **version.files}


def read_plan(path: Path, data: Path | None = None) -> ImportPlan:
    """Read the TOML at `path`; `data` replaces the folder of the files that it names.

    Raises InputError with a sentence that names the key.
    """
    try:
        text = path.read_text(encoding="utf-8")
        raw = tomllib.loads(text)
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"cannot read {path}: {getattr(error, 'strerror', None) or error}; name a TOML file that can be read"
        ) from None
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path} is not TOML: {error}; mend it there") from None
    top = Section(path.name, raw)
    named = path.parent / top.text("data", default=".")
    plan = _plan(top, data or named)
    top.no_more()
    return plan


def _plan(top: Section, data: Path) -> ImportPlan:
    stack, versions = top.section("datastack"), read_versions(top)
    resolution = stack.resolution("resolution_nm")
    files = (
        {}
        if any(version.files for version in versions) and top.get("files") is None
        else read_files(top.section("files"))
    )
    all_files = {**files, **{key: file for version in versions for key, file in version.files.items()}}
    tables = top.section("tables").values
    plans = tuple(
        _table(name, Section(f"{top.where} [tables.{name}]", t), all_files, resolution) for name, t in tables.items()
    )
    views = tuple(
        _view(name, Section(f"{top.where} [views.{name}]", v), all_files, resolution)
        for name, v in _optional(top, "views").items()
    )
    _check_references(plans)
    twice = {plan.name for plan in plans} & {view.name for view in views}
    if twice:
        raise InputError(f"{top.where}: {min(twice)} is both a table and a view; give the view another name")
    plan = ImportPlan(
        datastack=checked_name(stack.text("name"), stack.where),
        description=stack.text("description", default=""),
        aligned_volume=checked_name(stack.text("aligned_volume", default=stack.text("name")), stack.where),
        resolution_nm=resolution,
        synapse_table=_role(
            stack, "synapse_table", plans, [p.name for p in plans if "synapse" in p.schema_type and _is_synapse(p)]
        ),
        soma_table=_role(stack, "soma_table", plans, [p.name for p in plans if p.schema_type == "nucleus_detection"]),
        info={key: stack.text(key) for key in INFO_KEYS if stack.get(key) is not None},
        versions=versions,
        data=data,
        files=files,
        tables=plans,
        views=views,
    )
    stack.no_more()
    return plan


def _table(
    name: str, section: Section, files: Mapping[str, FilePlan], resolution_nm: tuple[float, float, float]
) -> TablePlan:
    schema_type = section.text("schema")
    if schema_type not in schema_types():
        raise InputError(
            f"{section.where}: {schema_type!r} is not a schema type of CAVE{hint(schema_type, schema_types())}"
        )
    plan = TablePlan(
        name=checked_name(name, section.where),
        file=_file(section, files),
        schema_type=schema_type,
        description=section.text("description", default=""),
        notice=section.optional_text("notice"),
        reference_table=section.optional_text("reference_table"),
        resolution_nm=section.resolution("resolution_nm", resolution_nm),
        columns=_columns(section.section("columns"), schema_type),
        where=tuple(_conditions(section)),
        schema=schema_types()[schema_type],
        repeat=section.optional_text("repeat"),
    )
    section.no_more()
    return plan


def _view(
    name: str, section: Section, files: Mapping[str, FilePlan], resolution_nm: tuple[float, float, float]
) -> TablePlan:
    """A view: its columns are those that the TOML names, of the types that it says."""
    listed = section.section("columns")
    columns: dict[str, ColumnPlan] = {}
    schema = []
    for column, value in listed.values.items():
        where = f"{listed.where} {column}"
        fields = {"from": value} if isinstance(value, str) else dict(Section(where, value).values)
        kind = _kind_in_view(where, column, fields.pop("type", None), is_position="unit" in fields)
        schema.append(SchemaColumn(checked_name(column, where), kind, required=False))
        columns[column] = _column(where, fields, is_position=kind == "position")
    if not schema:
        raise InputError(f"{listed.where} names no columns; name at least one in [columns]")
    plan = TablePlan(
        name=checked_name(name, section.where),
        file=_file(section, files),
        schema_type="",
        description=section.text("description", default=""),
        notice=section.optional_text("notice"),
        reference_table=None,
        resolution_nm=section.resolution("resolution_nm", resolution_nm),
        columns=columns,
        where=tuple(_conditions(section)),
        schema=tuple(schema),
    )
    section.no_more()
    return plan


def _kind_in_view(where: str, column: str, kind: Any, *, is_position: bool) -> str:
    if kind is None:
        is_id = column == "id" or column.endswith("_id")
        return "position" if is_position else "id" if is_id else "string"
    if not isinstance(kind, str) or kind not in VIEW_TYPES:
        raise InputError(f"{where}: type must be one of {', '.join(VIEW_TYPES)}, not {kind!r}")
    return VIEW_TYPES[kind]


def _file(section: Section, files: Mapping[str, FilePlan]) -> str:
    file = section.text("file")
    if file not in files:
        raise InputError(f"{section.where}: {file!r} is not one of the [files]: {', '.join(files)}; name one")
    return file


def _optional(top: Section, key: str) -> Mapping[str, Any]:
    return {} if top.get(key) is None else top.section(key).values


def _columns(section: Section, schema_type: str) -> dict[str, ColumnPlan]:
    schema = schema_types()[schema_type]
    kinds = {"id": "id", **{c.name: c.kind for c in schema}}
    columns: dict[str, ColumnPlan] = {}
    for name, value in section.values.items():
        if name not in kinds:
            raise InputError(
                f"{section.where}: the schema type {schema_type} has no column {name!r}{hint(name, kinds)}"
            )
        columns[name] = _column(f"{section.where} {name}", value, is_position=kinds[name] == "position")
    for column in schema:
        if column.required and column.name not in columns:
            more = "; name that of the file which holds it, or write { value = ... } for one that all rows share"
            if column.name.endswith("_root_id"):
                more += ", { value = 0 } for points of no cell"
            raise InputError(f"{section.where}: the schema type {schema_type} needs the column {column.name!r}{more}")
    return columns


def _column(where: str, value: Any, *, is_position: bool) -> ColumnPlan:
    if isinstance(value, str):
        value = {"from": value}
    section = Section(where, value)
    ways = [key for key in ("from", "value", "row_number", "unknown") if section.get(key) not in (None, False)]
    if len(ways) != 1:
        raise InputError(f"{where} must say exactly one of: from, value, row_number = true, unknown = true")
    source = section.get("from", [])
    source = [source] if isinstance(source, str) else source
    if not isinstance(source, list) or not all(isinstance(name, str) for name in source):
        raise InputError(f"{where}: from must name columns of the file, not {source!r}")
    mapping, is_in = section.get("map"), section.get("in")
    if mapping is not None and not (isinstance(mapping, dict) and _of_one_kind(mapping.values())):
        raise InputError(f"{where}: map must be a table {{ old = new }} of plain values of one kind, not {mapping!r}")
    if is_in is not None and not _is_plain_list(is_in):
        raise InputError(f"{where}: in must be a list of plain values of one kind, not {is_in!r}")
    plan = ColumnPlan(
        source=tuple(source),
        value=section.get("value"),
        row_number=bool(section.get("row_number")),
        unknown=bool(section.get("unknown")),
        unit=section.text("unit", default=""),
        resolution_nm=section.resolution("resolution_nm") if section.get("resolution_nm") is not None else None,
        mapping=mapping,
        is_in=None if is_in is None else tuple(is_in),
    )
    section.no_more()
    _check_column(where, plan, is_position=is_position)
    return plan


def _check_column(where: str, plan: ColumnPlan, *, is_position: bool) -> None:
    if not is_position:
        if len(plan.source) > 1 or plan.unit or plan.resolution_nm:
            raise InputError(f"{where} is not a position: it takes one column and no unit")
        return
    if plan.unknown:
        return
    if len(plan.source) not in (1, 3):
        raise InputError(f"{where} must come from three columns x, y, z or from one that holds all three numbers")
    if plan.unit not in UNITS:
        raise InputError(f"{where} needs a unit: {', '.join(UNITS)}; {plan.unit!r} is none of them")
    if plan.resolution_nm and plan.unit != "voxels":
        raise InputError(f"{where}: resolution_nm is the size of a voxel, but the unit is {plan.unit}")


def _conditions(section: Section) -> Iterable[Condition]:
    where = Section(f"{section.where} where", section.get("where", {}))
    for column, test in where.values.items():
        tests = test if isinstance(test, dict) else {"is": test}
        for name, value in tests.items():
            if name not in CONDITIONS:
                raise InputError(f"{where.where} {column}: {name!r} is not one of {', '.join(CONDITIONS)}")
            _check_test(f"{where.where} {column}: {name}", name, value)
            yield Condition(column, name, value)


def _check_test(where: str, name: str, value: Any) -> None:
    if name in ("in", "not_in") and not _is_plain_list(value):
        raise InputError(f"{where} needs a list of plain values of one kind, not {value!r}")
    if name == "empty" and not isinstance(value, bool):
        raise InputError(f"{where} is true or false, not {value!r}")
    if name in ("above", "below") and type(value) not in (int, float):
        raise InputError(f"{where} needs a number, not {value!r}")
    if name in ("is", "not") and type(value) not in PLAIN:
        raise InputError(f"{where} needs a plain value, not {value!r}")


def _is_plain_list(values: Any) -> bool:
    return isinstance(values, list) and _of_one_kind(values)


def _of_one_kind(values: Iterable[Any]) -> bool:
    kinds = {type(value) for value in values}
    return len(kinds) <= 1 and kinds <= set(PLAIN)


def _check_references(plans: Iterable[TablePlan]) -> None:
    names = {plan.name for plan in plans}
    for plan in plans:
        refers = any(c.name == "target_id" for c in plan.schema)
        if refers and plan.reference_table is None:
            raise InputError(
                f"[tables.{plan.name}]: a {plan.schema_type} needs reference_table, the table of its target_id"
            )
        if plan.reference_table is not None and not refers:
            raise InputError(
                f"[tables.{plan.name}]: a {plan.schema_type} has no target_id, so no reference_table; leave it out"
            )
        if plan.reference_table is not None and plan.reference_table not in names - {plan.name}:
            raise InputError(
                f"[tables.{plan.name}]: its reference_table {plan.reference_table!r} is not another table here; "
                "types and tags of root ids need none: take cell_type_local or bound_tag"
            )


def _is_synapse(plan: TablePlan) -> bool:
    return any(c.name == "pre_pt_root_id" for c in plan.schema)


def _role(section: Section, key: str, plans: Iterable[TablePlan], fitting: list[str]) -> str | None:
    named = section.optional_text(key)
    if named is not None and named not in {plan.name for plan in plans}:
        raise InputError(f"{section.where}: {key} {named!r} is not one of the tables; name one that is")
    if named is None and len(fitting) > 1:
        raise InputError(f"{section.where}: name the {key}; it could be {' or '.join(fitting)}")
    return named or next(iter(fitting), None)
