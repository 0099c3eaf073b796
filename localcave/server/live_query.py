"""Queries of the live state: a materialized version brought to a time.

As the engine does it: rows of the version nearest before the time (else after it), with filters on
root ids taken back to that version and its root ids brought forward by supervoxel, plus what was
created or deleted since, from the live table. What comes from there has no `valid`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from localcave.cave_errors import EngineError, aborted, schema_errors
from localcave.engine.query import COMPARISONS, Query, Table
from localcave.engine.query_values import iterated
from localcave.engine.store import voxel_size_nm
from localcave.segmentation.chunkedgraph import Segmentation, parse_time
from localcave.server.routes_materialize import table_record
from localcave.server.routes_query import find_table, limit_of, require_readable, table_lookup
from localcave.server.scratch_rows import queried, scratch_table
from localcave.server.service import Release, engine_datastack, release, service

NOT_ASKED_FOR = ("valid", "superceded_id")
"""Columns of annotation tables that a live query leaves out unless they are selected."""
TAKEN_OUT = ("deleted", "superceded_id")
"""Columns that rows from the live table lose after these have told when they were created and deleted."""
ROOT_FILTERS = ("filter_in_dict", "filter_equal_dict")
APPLIED_AGAIN = (*ROOT_FILTERS, *(key for key in COMPARISONS if key not in ROOT_FILTERS))
"""Filters that the engine applies once more with pandas, after it combined the rows."""
Names = Mapping[str, Mapping[str, str]]
"""What each column of each table is called in the rows."""


@dataclass
class LiveQuery:
    """One live query: `body` as checked, `version` the one it starts from, `time` the one it asks for."""

    body: dict[str, Any]
    version: Release
    time: datetime
    segmentation: Segmentation
    warnings: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, datastack: str, body: dict[str, Any]) -> LiveQuery:
        """Chooses the version. Raises the engine's errors for times and tables that it cannot serve."""
        try:
            time = parse_time(body["timestamp"])
        except ValueError as error:
            raise schema_errors({"timestamp": ["Not a valid datetime."]}) from error
        stack = engine_datastack(datastack)
        valid = [record for record in stack.versions.values() if record["valid"]]
        past = [record for record in valid if parse_time(record["time_stamp"]) < time]
        future = [record for record in valid if parse_time(record["time_stamp"]) > time]
        if not past and not future:
            raise aborted(400, "there is no future or past version for this timestamp, is materialization broken?")
        chosen = max(past, key=_time_of) if past else min(future, key=_time_of)
        version = release(datastack, chosen["version"])
        if version.holder is not stack:
            # A release knows nothing newer than its newest version.
            time = min(time, max(parse_time(record["time_stamp"]) for record in stack.versions.values()))
        return cls(body, version, time, service().segmentation_of(version.holder))

    @property
    def start(self) -> datetime:
        return parse_time(self.version.record["time_stamp"])

    @property
    def table(self) -> str:
        return str(self.body["table"])

    def run(self, allow_invalid_root_ids: bool) -> tuple[pa.Table, tuple[float, ...], dict[str, dict[str, str]]]:
        """The rows, the voxel size of their positions, and their column names by table."""
        metadata = self._metadata()
        require_readable(self.version, self.table)
        resolution_nm = tuple(self.body.get("desired_resolution") or voxel_size_nm(metadata))
        stored_body = self._at_version(allow_invalid_root_ids)
        stored: pa.Table | None = None
        names: dict[str, dict[str, str]] = {}
        if self.table in self.version.tables():
            stored, names = self._rows(self._stored_table, stored_body, resolution_nm)
        changed: pa.Table | None = None
        changed_names: dict[str, dict[str, str]] = {}
        modified = parse_time(metadata["last_modified"])
        is_kept = self.version.holder.live(self.table) or scratch_table(self.version.holder, self.table)
        if is_kept and (modified > self.start or modified > self.time):
            changed, changed_names = self._rows(
                self._live_table, _without_roots(self.body), resolution_nm, changes=True
            )
            names = names or changed_names
        rows = self._only_wanted(self._combined(stored, changed, names, changed_names), names)
        return rows, resolution_nm, names

    def _metadata(self) -> dict[str, Any]:
        """The table's newest record, which belongs to no version."""
        for _, tables in sorted(self.version.holder.manifest["tables"].items(), key=lambda entry: -int(entry[0])):
            if self.table in tables:
                return table_record(tables[self.table]["metadata"])
        scratch = scratch_table(self.version.holder, self.table)
        if scratch is None:
            raise EngineError("'NoneType' object is not subscriptable")
        return scratch.metadata

    # ------------------------------------------------------------------ root ids in filters
    def _at_version(self, allow_invalid: bool) -> dict[str, Any]:
        """The body with root ids of the time asked for replaced by those of the version."""
        requests = sorted({root for _, _, values in _root_filters(self.body) for root in values})
        valid = dict(zip(requests, self.segmentation.is_latest(requests, self.time), strict=True))
        invalid = [root for root in requests if not valid[root]]
        if invalid:
            text = f"[{' '.join(map(str, invalid))}]"
            message = f"Some root_ids passed are not valid at the query timestamp: {text}"
            if not allow_invalid:
                raise aborted(400, message)
            if len(invalid) == len(requests):
                gap = " " * 25
                raise EngineError(
                    f"ALL root id filters passed ({text}) {gap}were invalid at timestamp {self.time}. {gap}"
                    f"At least one root id must be valid when using {gap}`allow_invalid_root_ids=True`"
                )
            self.warnings.append(message)
        body = deepcopy(self.body)
        for name, column, values in _root_filters(self.body):
            body.get("filter_equal_dict", {}).get(name, {}).pop(column, None)
            then = [r for root in values if valid[root] for r in self._roots_then(root)]
            body.setdefault("filter_in_dict", {}).setdefault(name, {})[column] = then
        return body

    def _roots_then(self, root: int) -> list[int]:
        """The ids that a root had at the version. The engine does not look them up in the future."""
        return self.segmentation.past_ids(root, self.start) if self.start < self.time else [root]

    # ------------------------------------------------------------------ rows
    def _stored_table(self, name: str) -> Table:
        joins = [_four(join) for join in self.body.get("join_tables", ())]
        joined = [self.table, *(table for left, _, right, _ in joins for table in (left, right))]
        return table_lookup(self.version, joined)(name)

    def _live_table(self, name: str) -> Table:
        scratch = scratch_table(self.version.holder, name)
        if scratch is not None:
            rows = queried(name, scratch, self.version.holder, self.time)
            return Table(rows, voxel_size_nm(scratch.metadata))
        source = self.version.holder.live(name)
        if source is None:
            newest = release(self.version.holder.name, self.version.holder.newest_version())
            return find_table(newest, name)
        return Table(source.with_bookkeeping(), voxel_size_nm(self._metadata()))

    def _rows(
        self, lookup: Any, body: Mapping[str, Any], resolution_nm: tuple[float, ...], *, changes: bool = False
    ) -> tuple[pa.Table, dict[str, dict[str, str]]]:
        """Filtered rows with the root ids of the time; with `changes` only those created or deleted in between."""
        query = Query(service().store, lookup)
        query.use(self.table)
        for left, left_column, right, right_column in (_four(join) for join in body.get("join_tables", ())):
            query.join_tables((left, left_column), (right, right_column))
        if body.get("select_columns"):
            for name, columns in body["select_columns"].items():
                for column in iterated(columns):
                    query.select(name, column)
        else:
            for name in list(query.tables):
                query.select_all(name, NOT_ASKED_FOR if changes or not self.version.is_merged else ())
        if changes:
            for column in ("created", *TAKEN_OUT):
                query.select(self.table, column)
            first, last = sorted((self.start, self.time))
            query.changed_between(self.table, first, last)
        query.filter(body)
        limit = limit_of(body)
        rows = query.run(body.get("suffixes", {}), resolution_nm, limit, body.get("offset", 0))
        if rows.num_rows >= limit:
            self.warnings.append(
                f"result has {rows.num_rows} entries, which is equal or more         "
                f"than limit of {limit} there may be more results which are not shown"
            )
        return self._with_roots(rows), query.column_names

    def _with_roots(self, rows: pa.Table) -> pa.Table:
        """Root ids that are not valid at the time looked up again by their supervoxel."""
        for name in [name for name in rows.column_names if name.endswith("supervoxel_id")]:
            root_name = name.removesuffix("supervoxel_id") + "root_id"
            if root_name not in rows.column_names:
                continue
            roots = rows[root_name].combine_chunks()
            distinct = pc.unique(roots).drop_null().to_pylist()
            latest = self.segmentation.is_latest(distinct, self.time)
            outdated = [root for root, is_latest in zip(distinct, latest, strict=True) if root and not is_latest]
            if not outdated:
                continue
            mask = pc.fill_null(pc.is_in(roots, pa.array(outdated, pa.int64())), False)
            supervoxels = pc.filter(rows[name], mask).fill_null(0).to_numpy().astype(np.int64)
            renewed = pa.array(self.segmentation.roots_at(supervoxels, self.time), pa.int64())
            place = rows.schema.get_field_index(root_name)
            rows = rows.set_column(place, root_name, pc.replace_with_mask(roots, mask, renewed))
        return rows

    def _combined(
        self, stored: pa.Table | None, changed: pa.Table | None, names: Names, changed_names: Names
    ) -> pa.Table:
        """The version's rows without those deleted since and with those created since."""
        if changed is None and stored is None:
            raise aborted(400, f"This query on table {self.table} returned no results")
        if changed is None and stored is not None and not stored.num_rows:
            return stored
        if "id" not in names.get(self.table, {}):
            raise EngineError("'id'")
        if changed is None:
            return stored
        identity = names[self.table]["id"]
        column_names = changed_names[self.table]
        forward = self.start < self.time
        first, last = sorted((self.start, self.time))
        created = _between(changed[column_names["created"]], first, last)
        deleted = _between(changed[column_names["deleted"]], first, last)
        gone, come = (deleted, created) if forward else (created, deleted)
        taken_out = _labels(changed_names, TAKEN_OUT)
        times = _labels(changed_names, ("created",))
        if stored is None or not stored.num_rows:
            added = changed.filter(pc.and_not(come, gone))
            return _without(added, taken_out if changed.num_rows else taken_out | times)
        lost = changed.filter(pc.and_not(gone, come))[identity]
        unchanged = stored.filter(pc.invert(pc.is_in(stored[identity], lost.combine_chunks())))
        # The engine also appends what was neither created nor deleted here, of which there is nothing.
        fresh = _without(changed.filter(pc.invert(gone)), taken_out | (times - set(stored.column_names)))
        return pa.concat_tables([fresh, unchanged], promote_options="permissive")

    def _only_wanted(self, rows: pa.Table, names: dict[str, dict[str, str]]) -> pa.Table:
        """The filters once more, root ids now those of the time; then the columns that were asked for."""
        for key in APPLIED_AGAIN:
            for name, columns in self.body.get(key, {}).items():
                for column, requested in (columns or {}).items():
                    rows = _again(rows, _label(rows, names, name, column), key, requested)
        selected = self.body.get("select_columns")
        if not selected:
            return rows
        for name, columns in names.items():
            for column, label in list(columns.items()):
                if column not in selected[name]:
                    labels = [n for n in rows.column_names if n == label or n[:-2] == label]
                    rows = rows.drop_columns(labels)
                    del columns[column]
        return rows


def _labels(names: Names, columns: Collection[str]) -> set[str]:
    """What some columns are called in the rows of all tables."""
    return {label for table in names.values() for column, label in table.items() if column in columns}


def _without(rows: pa.Table, labels: Collection[str]) -> pa.Table:
    return rows.select([name for name in rows.column_names if name not in labels])


def _label(rows: pa.Table, names: Names, name: str, column: str) -> str:
    """What a filtered column is called. The engine fails where it was not selected, or taken out again."""
    for key, names_there in ((name, names), (column, names.get(name, {}))):
        if key not in names_there:
            raise EngineError(repr(key))
    label = names[name][column]
    if label not in rows.column_names:
        raise EngineError(repr(label))
    return label


def _again(rows: pa.Table, label: str, key: str, requested: Any) -> pa.Table:
    """Rows that pandas keeps of those that the database found.

    Null equals nothing, and text no number; beyond that only root ids can differ from what the database compared.
    """
    kind = rows.schema.field(label).type
    if key in ROOT_FILTERS:
        values = [
            value for value in (requested if key == "filter_in_dict" else [requested]) if _comparable(value, kind)
        ]
        if not values:
            return rows.slice(0, 0)
        if pa.types.is_integer(kind):
            whole = [int(value) for value in values if value == int(value) and abs(value) < 2**63]
            return rows.filter(pc.is_in(rows[label], pa.array(whole, pa.int64()).cast(kind, safe=False)))
    elif requested is not None and not _comparable(requested, kind):
        raise EngineError(f"'{'><'['less' in key]}' not supported between instances of these types")
    return rows


def _comparable(value: Any, kind: pa.DataType) -> bool:
    """Whether pandas compares a value with a column as the database does."""
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind):
        return isinstance(value, int | float)
    return isinstance(value, str)


def _time_of(record: Mapping[str, Any]) -> datetime:
    return parse_time(record["time_stamp"])


def _between(moments: pa.ChunkedArray, first: datetime, last: datetime) -> pa.ChunkedArray:
    moments = moments.cast(pa.timestamp("us", "UTC"))
    inside = pc.and_(pc.greater(moments, pa.scalar(first)), pc.less(moments, pa.scalar(last)))
    return pc.fill_null(inside, False)


def _four(join: list[str]) -> tuple[str, str, str, str]:
    if len(join) != 4:
        raise EngineError("list index out of range")
    left, left_column, right, right_column = join
    return left, left_column, right, right_column


def _root_filters(body: Mapping[str, Any]) -> list[tuple[str, str, list[int]]]:
    """The filters on root ids as table, column and values."""
    filters = []
    for key in ROOT_FILTERS:
        for name, columns in body.get(key, {}).items():
            for column, value in columns.items() if isinstance(columns, dict) else ():
                if column.endswith("root_id"):
                    values = value if isinstance(value, list) else [value]
                    filters.append((name, column, _whole(values)))
    return filters


def _whole(values: list[Any]) -> list[int]:
    if not all(isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63 for value in values):
        raise EngineError("invalid literal for a root id")
    return values


def _without_roots(body: Mapping[str, Any]) -> dict[str, Any]:
    """A body without filters on root ids."""
    left = dict(deepcopy(body))
    for key in ROOT_FILTERS:
        left[key] = {
            name: {column: value for column, value in columns.items() if not column.endswith("_root_id")}
            for name, columns in body.get(key, {}).items()
            if isinstance(columns, dict)
        }
    return left
