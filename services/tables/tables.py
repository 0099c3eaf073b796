"""Annotation tables: the catalogue, one table with its columns, and the rows that a query keeps."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from services.cache.derived import NOT_KEPT, Derived
from services.cave.queries import Filters
from services.cave.release import Release
from services.cave.rows import UNUSED
from services.core.columns import Column, as_stored, describe_columns, find_column
from services.core.natural_order import natural_ranks
from services.core.records import TableInfo, Version
from services.core.roles import RULES
from services.core.sorting import Sort
from services.filters.column_conditions import occurs_once
from services.filters.conditions import Saved
from services.filters.filters import Node, all_of, parse_box, parse_line
from services.tables.position_units import counted_in, depth_columns, in_unit, titled_layers, with_voxels

__all__ = [
    "Column",
    "Joined",
    "TableFrame",
    "TableQuery",
    "catalogue",
    "filter_of",
    "open_table",
    "page",
    "row_chunks",
    "row_numbers",
    "rows_of",
    "select",
    "with_units",
]

Rows: TypeAlias = npt.NDArray[np.int64]

_SHOWN_LAST = ("valid", "valid_ref", "created", "created_ref", "superceded_id", "superceded_id_ref")

_ANNOTATION_ID = "annotation id"


@dataclass(frozen=True)
class Joined:
    """Another table of the same version beside a table: its row whose column `foreign` is that of `own`. `system` is a
    column of it and the value that its rows have to have (None = all count), or with `wide` the column of which each
    value has a column of its own, and the one with what is said. `name` is what it was asked for by."""

    table: str
    own: str
    foreign: str
    system: tuple[str, str] | None = None
    name: str = ""
    wide: bool = False

    def sentence(self) -> str:
        """Which rows of the table count; "" where all do."""
        if not self.system:
            return ""
        if self.wide:
            return f"Each {self.system[0].replace('_', ' ')} of {self.table} has a column."
        return f"Of {self.table}, rows with {' = '.join(self.system)} are joined."


@dataclass(frozen=True)
class TableFrame:
    """One table or view at one version. `columns` are in the order to show them; `frame` holds all rows, ids as
    Int64, positions split and in voxels of `info.voxel_resolution_nm`. `derived` holds what was worked out from it,
    `joined` are the tables whose columns stand beside its own. Of a table too large to hold, `frame` has only those of
    the `info.row_count` rows that CAVE kept with `filters` (see :mod:`narrowed_tables`)."""

    datastack: str
    version: Version
    info: TableInfo
    columns: tuple[Column, ...]
    frame: pd.DataFrame = field(repr=False, compare=False)
    derived: Derived = field(default=NOT_KEPT, repr=False, compare=False)
    joined: tuple[Joined, ...] = ()
    filters: Filters | None = field(default=None, repr=False, compare=False)

    @property
    def joined_names(self) -> tuple[str, ...]:
        return tuple(other.table for other in self.joined)

    @property
    def joins(self) -> tuple[str, ...]:
        """What addresses ask for so that these tables stand here."""
        return tuple(other.name for other in self.joined)


@dataclass(frozen=True)
class TableQuery:
    """Which rows in which order: the query line `where`, the text of each column's box, and (column, "asc" or
    "desc") for each column to sort by, first one first. `saved` are the lists of ids that these name by number."""

    where: str = ""
    boxes: Mapping[str, str] = field(default_factory=dict)
    sort: Sort = ()
    saved: Saved = field(default_factory=dict, repr=False)

    def key(self) -> str:
        """The same text for the same query."""
        return json.dumps([self.where, sorted(self.boxes.items()), self.sort])


def catalogue(release: Release) -> list[TableInfo]:
    """Tables and views of a version, cell-type tables first (the profile's own before others), then by name.

    Hidden ones are left out. `row_count` is filled for tables, None for views.
    """
    infos, counts = release.tables(), release.row_counts()
    profile = release.profile
    pinned = {name: rank for rank, name in enumerate(profile.type_tables)}

    def rank(info: TableInfo) -> tuple[int, bool, bool, str]:
        return pinned.get(info.name, len(pinned)), not is_type_table(info), info.kind == "view", info.name

    shown = [info for info in infos.values() if info.name not in profile.hidden_tables]
    return [replace(info, row_count=counts.get(info.name)) for info in sorted(shown, key=rank)]


def describe(release: Release, table: str) -> TableInfo:
    """A table or view with its number of rows. Raises NotFound when the version does not have it."""
    info = release.table_info(table)
    return replace(info, row_count=release.row_count(table))


def is_type_table(info: TableInfo) -> bool:
    """Whether the table says the types of cells."""
    return info.schema_type in RULES["cell_types"].schemas or info.schema_type.startswith("cell_type")


def type_tables(release: Release) -> list[TableInfo]:
    """The tables that say the types of cells: those that the profile lists and that with the role, then by name those
    that their schema type calls so."""
    infos = release.tables()
    named = [*release.profile.type_tables, release.roles.cell_types.table or ""]
    others = sorted(name for name, info in infos.items() if is_type_table(info))
    return [infos[name] for name in dict.fromkeys([*named, *others]) if name in infos]


def open_table(release: Release, table: str) -> TableFrame:
    """A table or view with all its rows, and with the depth and layer of each where the volume's axes are known
    (see :func:`position_units.depth_columns`).

    Raises NotFound when the version does not have it, TooLarge when it has too many rows to hold.
    """
    info = release.table_info(table)
    frame = release.table(table)
    return table_of(release, info, frame, derived=release.derived.of("table", table))


def table_of(release: Release, info: TableInfo, rows: pd.DataFrame, *, derived: Derived) -> TableFrame:
    """All rows of a table with their depths and layers. `derived` is what is worked out from these very rows."""
    soma_table = release.roles.somata.table
    of_somas = soma_table is not None and soma_table in (info.name, info.reference_table)

    def find() -> tuple[pd.DataFrame, tuple[Column, ...]]:
        volume = release.volume
        depths = depth_columns(rows, info, volume, of_somas=of_somas)
        columns = columns_of(release, info, _beside(rows, depths))
        return depths, titled_layers(columns, volume, set(map(str, depths)))

    depths, columns = derived.of("depths and columns").get(find)
    return TableFrame(release.datastack, release.version, info, columns, _beside(rows, depths), derived)


def _beside(rows: pd.DataFrame, added: pd.DataFrame) -> pd.DataFrame:
    frame = rows.copy(deep=False)
    for name in added.columns:
        frame[name] = added[name]
    return frame


def columns_of(release: Release, info: TableInfo, frame: pd.DataFrame) -> tuple[Column, ...]:
    """The columns of some rows of a table, in the order to show them, positions in voxels of
    `info.voxel_resolution_nm`; those of the bounding boxes of nuclei are left out."""
    aliases = _aliases(info, frame, release.roles.somata.table)
    columns = with_voxels(describe_columns(frame, aliases), info.voxel_resolution_nm)
    shown = [_titled(column, info) for column in columns if not column.name.startswith(UNUSED)]
    return tuple(sorted(shown, key=_rank))


def with_units(table: TableFrame, unit: str) -> TableFrame:
    """The table with its positions in "nm" or "um" instead of voxels ("vx" = as it is); filters, sorts and exports
    then count in that unit too. Raises BadInput for another unit."""
    if unit == "vx":
        return table
    info, columns = counted_in(table.info, table.columns, unit)
    frame = in_unit(table.frame, columns, unit)
    return replace(table, info=info, columns=columns, frame=frame, derived=table.derived.of("unit", unit))


def filter_of(columns: Sequence[Column], query: TableQuery) -> Node:
    """The conditions of the query line and of all boxes as one filter. Raises BadInput where one cannot be read."""
    boxes = [parse_box(find_column(columns, name), text, query.saved, columns) for name, text in query.boxes.items()]
    return all_of([parse_line(query.where, columns, query.saved), *boxes])


def rows_of(
    frame: pd.DataFrame, columns: Sequence[Column], kept_by: Node, sort: Sort = (), derived: Derived = NOT_KEPT
) -> Rows:
    """The positions in `frame` (0 = first) of the rows that a filter keeps, sorted. `derived` is that of the frame.

    Numbers within text sort by their value, 9 before 10. Blank cells come last in either direction; equal rows keep the
    order of `id`, else of `frame`. Raises BadInput where `sort` names an unknown column.
    """
    positions = np.flatnonzero(kept_by.mask(frame))
    named = {find_column(columns, name).name: direction for name, direction in sort}
    if not named:
        return positions
    by = named | ({"id": named.get("id", "asc")} if "id" in frame.columns else {})
    keys = pa.table({name: _sortable(frame[name], positions, derived.of("ranks", name)) for name in by})
    order = [(name, "descending" if direction == "desc" else "ascending", "at_end") for name, direction in by.items()]
    return positions[pc.sort_indices(keys, sort_keys=order).to_numpy()]


def _sortable(values: pd.Series, positions: Rows, derived: Derived) -> pa.Array:
    """Something that sorts as the `values` at `positions` do; ranks instead of text, of which each would be compared
    with many others. `derived` is that of the whole column."""
    if not isinstance(values.dtype, pd.StringDtype):
        return pa.array(values.take(positions), from_pandas=True)

    def rank() -> pa.Array:
        return pa.array(natural_ranks(values), from_pandas=True)

    return derived.get(rank).take(pa.array(positions))


def select(table: TableFrame, query: TableQuery) -> pd.DataFrame:
    """The rows of a table that the query keeps, in its order. Raises BadInput."""
    return table.frame.take(row_numbers(table, query)).reset_index(drop=True)


def page(table: TableFrame, query: TableQuery, offset: int, limit: int | None) -> tuple[pd.DataFrame, int]:
    """Rows `offset` to `offset + limit` (None = to the end) of :func:`select`, and how many there are in all."""
    rows = row_numbers(table, query)
    end = None if limit is None else offset + limit
    return table.frame.take(rows[offset:end]).reset_index(drop=True), len(rows)


def row_chunks(
    table: TableFrame, query: TableQuery, offset: int = 0, limit: int | None = None, *, size: int = 10_000
) -> tuple[Iterator[pd.DataFrame], int, int]:
    """The rows of :func:`page` in frames of at most `size` rows, made one at a time; how many rows they are, and how
    many the query keeps in all. Raises BadInput at once, not while the frames are read."""
    rows = row_numbers(table, query)
    page = rows[offset : None if limit is None else offset + limit]
    frames = (
        table.frame.take(page[start : start + size]).reset_index(drop=True) for start in range(0, len(page), size)
    )
    return frames, len(page), len(rows)


def to_records(frame: pd.DataFrame, columns: Sequence[Column]) -> list[dict[str, Any]]:
    """Rows as JSON can hold them: ids as text, times in ISO, blank and not-a-number as None."""
    cells = [_plain(frame[column.name], column) for column in columns]
    names = [column.name for column in columns]
    return [dict(zip(names, row, strict=True)) for row in zip(*cells, strict=True)]


def row_numbers(table: TableFrame, query: TableQuery) -> Rows:
    """The places in the frame of a table of the rows that the query keeps, in its order. Raises BadInput."""

    def find() -> Rows:
        return rows_of(table.frame, table.columns, filter_of(table.columns, query), query.sort, table.derived)

    return table.derived.of("rows", query.key()).get(find)


def single(frame: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """For each row, whether its root id is not 0 and stands in no other row; True for all rows of a frame without root
    ids."""
    if "pt_root_id" not in frame.columns:
        return np.ones(len(frame), dtype=bool)
    return occurs_once(frame["pt_root_id"], zero=False)


def _plain(values: pd.Series, column: Column) -> list[Any]:
    writers: dict[str, Callable[[Any], Any]] = {
        "id": lambda value: str(int(value)),
        "time": datetime.isoformat,
        "text": str,
        "boolean": bool,
    }
    write = writers.get(column.kind, _number)
    blank = pd.isna(values.array)
    stored = as_stored(values).tolist()
    return [None if empty else write(value) for value, empty in zip(stored, blank, strict=True)]


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _aliases(info: TableInfo, frame: pd.DataFrame, soma_table: str | None) -> dict[str, tuple[str, ...]]:
    """Other names by which filters and old links know the columns of a table."""
    nucleus = "id" if info.name == soma_table else "target_id" if info.reference_table == soma_table else ""
    named = {"pt_root_id": ("root_id",), "pt_supervoxel_id": ("supervoxel_id",), nucleus: ("nucleus_id",)}
    return {name: aliases for name, aliases in named.items() if name in frame.columns}


def _titled(column: Column, info: TableInfo) -> Column:
    """Ids of nuclei and annotations by what they are of, which their names do not say."""
    if "nucleus_id" in column.aliases:
        return replace(column, title="nucleus id")
    return replace(column, title=_ANNOTATION_ID) if column.name == "id" and info.kind == "table" else column


def _rank(column: Column) -> int:
    """What cells are told by, their type, other values, positions, ids of annotations and supervoxels, and what few
    look at."""
    if column.name in _SHOWN_LAST:
        return 7
    if column.kind == "position":
        return 4
    if column.kind == "id" and column.name != "valid_id":
        return _id_rank(column)
    return 2 if column.name == "cell_type" else 3


def _id_rank(column: Column) -> int:
    if "supervoxel" in column.name:
        return 6
    if "root" in column.name:
        return 0
    if column.title == _ANNOTATION_ID or column.name == "id_ref":  # that of a target is its target_id too
        return 5
    return 1 if column.title == "nucleus id" or column.name in ("id", "target_id") else 3


def id_columns(table: TableFrame) -> dict[str, tuple[Column, ...]]:
    """The columns of a table that hold ids of each type: root_id, supervoxel_id, nucleus_id, annotation_id."""
    tests: dict[str, Callable[[Column], bool]] = {
        "root_id": lambda column: column.name.endswith("root_id"),
        "supervoxel_id": lambda column: column.name.endswith("supervoxel_id"),
        "nucleus_id": lambda column: "nucleus_id" in (column.name, *column.aliases),
        "annotation_id": lambda column: column.name == "id" and "nucleus_id" not in column.aliases,
    }
    ids = [column for column in table.columns if column.kind == "id"]
    columns_of = {kind: tuple(column for column in ids if test(column)) for kind, test in tests.items()}
    return {kind: columns for kind, columns in columns_of.items() if columns}
