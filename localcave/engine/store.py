"""Reads datastack folders with DuckDB: which file answers for which table, and the rows of it."""
# ruff: noqa: S608  names come from manifests through `identifier` and `quote`, values are bound

from __future__ import annotations

import secrets
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol, TypeVar, cast

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from localcave.engine.row_groups import groups_with, read_groups
from localcave.folder import writer

REMEMBERED_BYTES = 48_000_000
SPILLED = "4GB"
"""What queries may put on disk at most where they take more than the memory."""
AXES = ("x", "y", "z")


@dataclass(frozen=True)
class Column:
    """One column as CAVE names it. A position stands for three columns of the file."""

    name: str
    type: pa.DataType
    is_position: bool = False
    is_stored: bool = True
    """False for a column that the file leaves out because it is null in every row."""

    @property
    def parts(self) -> tuple[str, ...]:
        """Names of the columns in the file."""
        return tuple(f"{self.name}_{axis}" for axis in AXES) if self.is_position else (self.name,)


BOOKKEEPING = {
    "deleted": Column("deleted", pa.timestamp("us", "UTC"), is_stored=False),
    "superceded_id": Column("superceded_id", pa.int64(), is_stored=False),
}


@dataclass(frozen=True)
class Source:
    """Rows that can be queried: a table or a view at a version, or a live table."""

    name: str
    columns: Mapping[str, Column]
    path: Path
    sorted_copies: Mapping[str, Path] = field(default_factory=dict)
    overlay: Path | None = None

    def with_bookkeeping(self) -> Source:
        """The rows with all columns of an annotation table: `deleted` and `superceded_id` are null where not stored."""
        columns: dict[str, Column] = {}
        for name, column in self.columns.items():
            columns[name] = column
            if name == "created":
                columns |= {key: self.columns.get(key, missing) for key, missing in BOOKKEEPING.items()}
        return replace(self, columns=columns)

    def sql(self, sorted_by: Collection[str] = (), rows: str | None = None) -> str:
        """A FROM item with all rows, read from the copy that is sorted by one of some columns.

        `rows` is the name of a relation to read instead of the file.
        """
        copies = self.sorted_copies
        path = next((copies[column] for column in sorted_by if column in copies), self.path)
        read = identifier(rows) if rows else _read(path)
        if self.overlay is None:
            return read
        newer = _read(self.overlay)
        unchanged = f"SELECT base.* FROM {read} base ANTI JOIN {newer} USING (id)"
        return f"({unchanged} UNION ALL BY NAME SELECT * FROM {newer})"

    def rows_with(self, ids_of: Mapping[str, Collection[int]]) -> pa.Table | None:
        """Few rows of the file, among them all whose columns have one of the `ids_of` values; None if they are many."""
        tables = []
        for column, values in ids_of.items():
            path = self.sorted_copies.get(column, self.path)
            groups = groups_with(path, column, values)
            if groups is not None:
                tables.append((len(groups), path, groups))
        if not tables:
            return None
        _, path, groups = min(tables)
        return read_groups(path, groups)


def _read(path: Path) -> str:
    return f"read_parquet({quote(str(path))})"


def quote(text: str) -> str:
    """An SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """An SQL identifier, whatever is in the name."""
    return '"' + name.replace('"', '""') + '"'


@lru_cache(maxsize=4096)
def columns_of(path: Path) -> dict[str, Column]:
    """The columns of a Parquet file."""
    return columns_in(pq.read_schema(path))


def columns_in(schema: pa.Schema) -> dict[str, Column]:
    """The columns of some rows in their order, the three columns of a position taken together."""
    columns: dict[str, Column] = {}
    for name in schema.names:
        base = name[:-2]
        if name[-2:] in ("_x", "_y", "_z") and all(f"{base}_{axis}" in schema.names for axis in AXES):
            columns.setdefault(base, Column(base, schema.field(name).type, is_position=True))
        else:
            columns[name] = Column(name, schema.field(name).type)
    return columns


def voxel_size_nm(metadata: Mapping[str, Any]) -> tuple[float, float, float]:
    """Voxel size of a table or view record, which holds it as a list or as three numbers."""
    sizes = metadata.get("voxel_resolution") or [metadata[f"voxel_resolution_{axis}"] for axis in AXES]
    x, y, z = map(float, sizes)
    return x, y, z


class Datastack:
    """One folder: its manifest, and the sources it holds. Names come from the manifest only, never from a path."""

    def __init__(self, folder: Path, name: str | None = None):
        """The datastack of a folder, under its own name or another."""
        self.folder = folder.resolve()
        self.manifest = writer.read_manifest(self.folder)
        self.name: str = name or self.manifest["datastack"]
        self.info: dict[str, Any] = self.manifest["info"]
        self.versions: dict[int, dict[str, Any]] = {
            v["version"]: v | {"datastack": self.name} for v in self.manifest["versions"]
        }
        self._sources: dict[tuple[str, int, str], Source] = {}

    def tables(self, version: int) -> dict[str, dict[str, Any]]:
        """Manifest entries of the tables at a version, by name."""
        entries: dict[str, dict[str, Any]] = self.manifest["tables"].get(str(version), {})
        return entries

    def views(self, version: int) -> dict[str, dict[str, Any]]:
        """Manifest entries of the views at a version, by name."""
        entries: dict[str, dict[str, Any]] = self.manifest["views"].get(str(version), {})
        return entries

    def newest_version(self) -> int:
        """The newest version that has not expired, else the newest of all."""
        valid = [number for number, record in self.versions.items() if record["valid"]]
        return max(valid or self.versions)

    def table(self, version: int, name: str) -> Source | None:
        """The rows of a table at a version; None when the version does not have it."""
        entry = self.tables(version).get(name)
        if entry is None:
            return None
        key = ("table", version, name)
        if key not in self._sources:
            self._sources[key] = self._table_source(version, name, entry["storage"])
        return self._sources[key]

    def view(self, version: int, name: str) -> Source | None:
        """The rows of a view at a version; None when the version does not have it."""
        if name not in self.views(version):
            return None
        path = writer.view_path(self.folder, version, name)
        return Source(name, columns_of(path), path)

    def live(self, name: str) -> Source | None:
        """All rows that a table ever had, with `created` and `deleted`; None when they are not kept."""
        if name not in self.manifest["live"]:
            return None
        path = writer.live_path(self.folder, name)
        return Source(name, columns_of(path), path)

    def _table_source(self, version: int, name: str, storage: Mapping[str, Any]) -> Source:
        base = storage.get("base_version")
        rows_version = version if base is None else base
        path = writer.table_path(self.folder, rows_version, name)
        order: Sequence[str] = storage.get("sorted_by", [])
        copies = {column: writer.table_path(self.folder, rows_version, name, by=column) for column in order[1:]}
        if order:
            copies[order[0]] = path
        overlay = None if base is None else writer.table_path(self.folder, version, name, overlay=True)
        return Source(name, columns_of(path), path, copies, overlay)


class Remembered(Protocol):
    """Something that takes memory."""

    @property
    def nbytes(self) -> int: ...


Thing = TypeVar("Thing", bound=Remembered)


class _Memory:
    """Things by key; the longest unused are forgotten when they take more than `limit_bytes` together."""

    def __init__(self, limit_bytes: int):
        self._limit = limit_bytes
        self._things: OrderedDict[str, Remembered] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def get(self, key: str, make: Callable[[], Thing]) -> Thing:
        """What was remembered under `key`, else what `make` returns."""
        with self._lock:
            if key in self._things:
                self._things.move_to_end(key)
                return cast("Thing", self._things[key])
        created = make()
        self._add(key, created)
        return created

    def _add(self, key: str, item: Remembered) -> None:
        with self._lock:
            if key in self._things or item.nbytes > self._limit // 2:
                return
            self._things[key] = item
            self._bytes += item.nbytes
            while self._bytes > self._limit:
                self._bytes -= self._things.popitem(last=False)[1].nbytes


class Store:
    """All datastacks of a server and the one DuckDB that reads them.

    The database sees the folders and nothing else, and cannot write: its configuration is locked
    after these are set. The datastack of the first folder has `aliases` as names too.
    """

    def __init__(
        self, folders: Sequence[Path], aliases: Sequence[str] = (), *, memory_limit: str = "200MB", threads: int = 2
    ):
        stacks = [*map(Datastack, folders), *(Datastack(folders[0], alias) for alias in aliases)]
        self.datastacks = {stack.name: stack for stack in stacks}
        self._connection = duckdb.connect(":memory:")
        self._local = threading.local()
        self._memory = _Memory(REMEMBERED_BYTES)
        directories = ", ".join(quote(f"{stack.folder}/") for stack in self.datastacks.values())
        # of this database alone; DuckDB makes it when it is needed, and removes it
        spill = Path(tempfile.gettempdir(), f"localcave-{secrets.token_hex(8)}")
        for setting in (
            f"SET threads = {threads}",
            f"SET memory_limit = {quote(memory_limit)}",
            f"SET temp_directory = {quote(str(spill))}",
            f"SET max_temp_directory_size = {quote(SPILLED)}",
            "SET GLOBAL TimeZone = 'UTC'",
            "SET GLOBAL parquet_metadata_cache = true",
            f"SET allowed_directories = [{directories}]",
            "SET enable_external_access = false",
            "SET lock_configuration = true",
        ):
            self._connection.execute(setting)

    def arrow(
        self, sql: str, parameters: Sequence[Any] = (), relations: Mapping[str, pa.Table] | None = None
    ) -> pa.Table:
        """Rows of a SELECT with bound parameters; `relations` are further tables by the names that it uses.

        Each thread has its own cursor of the same database.
        """
        if not hasattr(self._local, "cursor"):
            self._local.cursor = self._connection.cursor()
        cursor = self._local.cursor
        relations = relations or {}
        for name, rows in relations.items():
            cursor.register(name, rows)
        try:
            table: pa.Table = cursor.sql(sql, params=list(parameters)).to_arrow_table()
        finally:
            for name in relations:
                cursor.unregister(name)
        return table

    def rows_with(self, source: Source, column: str, ids: Collection[int], columns: Sequence[str] = ()) -> pa.Table:
        """The rows whose int64 `column` is one of `ids`, or all different values of some `columns` of them.

        A few row groups are read without the database, which takes longer to begin than they do.
        """
        rows = source.rows_with({column: ids})
        if rows is not None:
            rows = rows.filter(pc.is_in(rows[column], pa.array(ids, pa.int64())))
            return rows.group_by(list(columns)).aggregate([]) if columns else rows
        selection = f"DISTINCT {', '.join(map(identifier, columns))}" if columns else "*"
        condition = f"{identifier(column)} IN (SELECT unnest(?::BIGINT[]))"
        return self.arrow(f"SELECT {selection} FROM {source.sql([column])} WHERE {condition}", [list(ids)])

    def remembered(self, key: str, make: Callable[[], Thing]) -> Thing:
        """What `make` returns, made once while there is room: files do not change."""
        return self._memory.get(key, make)

    def distinct(self, source: Source, column: str) -> list[Any]:
        """The values of a column."""
        rows = source.rows_with({})
        if rows is not None:
            return pc.unique(rows[column]).to_pylist()
        sql = f"SELECT DISTINCT {identifier(column)} FROM {source.sql()}"
        values: list[Any] = self.remembered(sql, lambda: self.arrow(sql))[0].to_pylist()
        return values

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The same as a list of tuples, for small results."""
        table = self.arrow(sql, parameters)
        return list(zip(*(column.to_pylist() for column in table.columns), strict=True)) if table.num_columns else []
