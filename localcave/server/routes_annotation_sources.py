"""Tables as Neuroglancer annotation sources, which show the live rows: caveclient's `neuroglancer_annotation_path`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
from flask import Blueprint, Response, jsonify

from localcave.cave_errors import NOT_FOUND_TEXT, CaveError, EngineError
from localcave.engine.query import Query, Table
from localcave.engine.store import AXES, Column, Store, voxel_size_nm
from localcave.precomputed import annotation_format as form
from localcave.precomputed.annotation_format import Level, Property
from localcave.server.routes_materialize import V3, live_source, table_entry
from localcave.server.routes_query import require_readable
from localcave.server.service import Release, engine_datastack, release, service

routes = Blueprint("annotations", __name__, url_prefix="/materialize")
NO_PROPERTY = ("id", "target_id", "created", "deleted", "superceded_id")
CELL = re.compile(r"([0-9]{1,9})_([0-9]{1,9})_([0-9]{1,9})")
NO_LIMIT = 2**62


@dataclass(frozen=True)
class AnnotatedTable:
    """A table as points, those of the table that it refers to if it has none itself."""

    store: Store
    version: Release
    name: str

    @cached_property
    def chain(self) -> list[str]:
        """The table, then what it refers to, as far as the first that has positions."""
        names = [self.name]
        while not _positions(self._table(names[-1])):
            target = self._metadata(names[-1]).get("reference_table")
            if not target or target in names:
                raise EngineError(f"table {self.name} has no positions")
            names.append(target)
        return names

    def _metadata(self, name: str) -> dict[str, Any]:
        metadata: dict[str, Any] = table_entry(self.version, name)["metadata"]
        return metadata

    def _table(self, name: str) -> Table:
        require_readable(self.version, name)
        return Table(live_source(self.version.requested.name, name), voxel_size_nm(self._metadata(name)))

    @property
    def position(self) -> Column:
        return _positions(self._table(self.chain[-1]))[0]

    @cached_property
    def relationships(self) -> dict[str, str]:
        """Table by column of root ids."""
        columns: dict[str, str] = {}
        for name in self.chain:
            for column in self._table(name).source.columns:
                if column.endswith("pt_root_id"):
                    columns.setdefault(column, name)
        return columns

    @cached_property
    def properties(self) -> list[Property]:
        """The table's own columns of numbers, and of few different words."""
        source = self._table(self.name).source
        properties: list[Property | None] = []
        for name, column in source.columns.items():
            if name in NO_PROPERTY or column.is_position:
                continue
            if pa.types.is_string(column.type) or pa.types.is_boolean(column.type):
                properties.append(form.category_property(name, self.store.distinct(source, name)))
            else:
                properties.append(form.number_property(name, column.type))
        return [item for item in properties if item is not None]

    def _query(self) -> Query:
        """All rows that there are: id, position, properties and root ids."""
        query = Query(self.store, self._table)
        query.use(self.name)
        for left, right in zip(self.chain, self.chain[1:], strict=False):
            query.join_tables((left, "target_id"), (right, "id"))
        query.select(self.name, "id")
        query.select(self.chain[-1], self.position.name)
        for item in self.properties:
            query.select(self.name, item.column)
        for column, owner in self.relationships.items():
            query.select(owner, column)
        for name in self.chain:
            if "deleted" in query.use(name).source.columns:
                query.filter({"filter_equal_dict": {name: {"deleted": None}}})
        query.present(self.chain[-1], self.position)
        return query

    @cached_property
    def extent(self) -> tuple[int, list[int], list[int]]:
        """Number of rows, least and greatest corner in voxels, the greatest just outside."""
        count, *ends = self._query().extent(self.chain[-1], self.position)
        if not count:
            return 0, [0, 0, 0], [1, 1, 1]
        return count, ends[:3], [end + 1 for end in ends[3:]]

    @cached_property
    def spatial(self) -> list[Level]:
        count, low, high = self.extent
        return form.levels(count, [last - first for first, last in zip(low, high, strict=True)])

    def info(self) -> dict[str, Any]:
        _, low, high = self.extent
        voxel_nm = voxel_size_nm(self._metadata(self.chain[-1]))
        return form.info(voxel_nm, (low, high), self.properties, list(self.relationships), self.spatial)

    # ------------------------------------------------------------------ rows
    def with_id(self, number: int) -> bytes | None:
        """One annotation; None when there is none of this id."""
        query = self._query()
        query.filter({"filter_equal_dict": {self.name: {"id": number}}})
        rows, packed = self._packed(query)
        segments = [rows[column][0].as_py() for column in self.relationships] if rows.num_rows else []
        return form.one_annotation(packed, segments) if rows.num_rows else None

    def of_segment(self, column: str, segment: int) -> bytes:
        """All annotations of a segment."""
        query = self._query()
        query.filter({"filter_equal_dict": {self.relationships[column]: {column: segment}}})
        return self._many(query)

    def in_cell(self, level: Level, cell: tuple[int, ...]) -> bytes:
        """The level's share of the rows in a cell of its grid, in no order."""
        low = [start + i * size for start, i, size in zip(self.extent[1], cell, level.cell_vx, strict=True)]
        high = [start + size - 0.5 for start, size in zip(low, level.cell_vx, strict=True)]
        query = self._query()
        query.filter({"filter_spatial_dict": {self.chain[-1]: {self.position.name: [low, high]}}})
        query.share(self.name, level.first_share, level.last_share)
        return self._many(query, shuffled=True)

    def _many(self, query: Query, *, shuffled: bool = False) -> bytes:
        rows, packed = self._packed(query)
        ids = rows["id"].to_numpy()
        if shuffled:
            order = np.random.default_rng(0).permutation(len(ids))
            return form.many(packed[order], ids[order])
        return form.many(packed, ids)

    def _packed(self, query: Query) -> tuple[pa.Table, Any]:
        rows = query.run({name: f"_{i}" for i, name in enumerate(self.chain)}, None, NO_LIMIT, 0)
        points = np.stack([rows[f"{self.position.name}_{axis}"].to_numpy() for axis in AXES], axis=1)
        columns = {item.column: rows[item.column] for item in self.properties}
        return rows, form.records(points.astype(np.float32), self.properties, columns)


def _positions(table: Table) -> list[Column]:
    """The columns of positions; the first, the centre of a synapse, stands for a row."""
    positions = [column for column in table.source.columns.values() if column.is_position]
    return sorted(positions, key=lambda column: not column.name.startswith("ctr_"))


@lru_cache(maxsize=256)
def _remembered(store: Store, version: Release, table: str) -> AnnotatedTable:
    return AnnotatedTable(store, version, table)


def _annotated(datastack: str, table: str) -> AnnotatedTable:
    stack = engine_datastack(datastack)
    if not stack.versions:
        raise EngineError(f"No table named '{table}' exists.")
    version = release(datastack, stack.newest_version())
    require_readable(version, table)
    table_entry(version, table)
    return _remembered(service().store, version, table)


@routes.get(f"{V3}/table/<table>/precomputed/info")
def annotation_info(datastack: str, table: str) -> Response:
    return jsonify(_annotated(datastack, table).info())


@routes.get(f"{V3}/table/<table>/precomputed/<key>/<name>")
def annotation_rows(datastack: str, table: str, key: str, name: str) -> Response:
    source = _annotated(datastack, table)
    content = None
    level = next((level for level in source.spatial if level.key == key), None)
    cell = CELL.fullmatch(name)
    if level and cell:
        content = source.in_cell(level, tuple(map(int, cell.groups())))
    elif name.isascii() and name.isdecimal() and key == "by_id":
        content = source.with_id(int(name))
    elif name.isascii() and name.isdecimal() and key in source.relationships:
        content = source.of_segment(key, int(name))
    if content is None:
        raise CaveError(404, {"message": NOT_FOUND_TEXT})
    return Response(content, content_type="application/octet-stream")
