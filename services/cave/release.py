"""CAVE at one datastack and version: its tables, rows, synapses and root ids.

Every answer that can be kept is kept in the cache, and every failure leaves as a :class:`errors.KarstError`.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

import pandas as pd
from caveclient.materializationengine import MaterializationClient
from werkzeug.utils import cached_property

from services.cache.derived import Derived
from services.cache.shared import STALE_S, Cache
from services.cave.client import Cave
from services.cave.failures import Subject, no_table
from services.cave.queries import NO_FILTERS, Filters, Source
from services.cave.roots import Roots
from services.cave.rows import complete, parts, selected, whole_table
from services.cave.synapses import Synapses
from services.core.addresses import is_name
from services.core.errors import BadInput, NoRows, TooLarge
from services.core.parallel import gather
from services.core.profiles import Profile, Volume
from services.core.records import TableInfo, Version, read_tables
from services.core.roles import Roles, resolve

LIVE_TTL_S = 10 * 60
METADATA_TTL_S = 12 * 3600
"""Descriptions and notices of a materialized version can still be edited; its rows cannot."""


@dataclass(frozen=True)
class Release(Roots, Synapses):
    """A datastack at a version, as one identity sees it: what CAVE can be asked of it.

    Where CAVE does not keep the version (an expired one, or a moment; see :mod:`services.core.moments`), its tables are
    those of the newest version, with their rows and root ids as they were at its time.

    Safe to use from many threads. Methods raise NotFound, NotAllowed, Expired, TooLarge, BadInput or
    Upstream. Frames have nullable dtypes, ids as Int64, positions split into `<name>_x`, `_y`, `_z`, and two
    `attrs`: `resolution_nm`, the voxels of their positions, and `truncated`: None or
    {"shown": rows, "total": rows, None if unknown}.
    """

    cave: Cave = field(repr=False)
    datastack: str
    version: Version

    def __post_init__(self) -> None:
        object.__setattr__(self, "cave", self.cave.at(self.datastack))  # of several servers, the datastack's own
        self.cave.admit(self.datastack)
        _ = self.derived  # not any later, when what it was asked for may have been taken back

    @classmethod
    def of(cls, cave: Cave, datastack: str, number: int) -> Release:
        """A datastack at a version, or at a moment, by its number. Raises NotFound."""
        return cls(cave, datastack, cave.version(datastack, number))

    @property
    def number(self) -> int:
        """The number of the version, or of the moment."""
        return self.version.number

    @cached_property
    def derived(self) -> Derived:
        """The results computed from it with the configuration as it is now, and with what may be read now."""
        return self.cave.derived.of("release", self.datastack, self.version.label)

    @property
    def info(self) -> dict[str, Any]:
        """What the info service says of the datastack; see :meth:`Cave.info`."""
        return self.cave.info(self.datastack)

    @property
    def row_limit(self) -> int:
        """How many rows CAVE sends at once, as far as that is known."""
        return self.cave.queries.row_limit(self.datastack)

    @property
    def profile(self) -> Profile:
        """How the datastack is shown."""
        return self.cave.profile(self.datastack)

    @property
    def volume(self) -> Volume:
        """The axes and layers of its aligned volume."""
        return self.cave.volume(self.datastack)

    @cached_property
    def roles(self) -> Roles:
        """Which table or view has which role, and why, as of when it was first asked."""
        profile = self.profile
        first = (*profile.type_tables, *filter(None, [profile.default_table]))
        return resolve(profile.roles, self.info, self.tables(), self.view_columns, first)

    @property
    def newest(self) -> Release:
        """The newest version of the datastack that is valid. Raises NotFound."""
        return Release(self.cave, self.datastack, self.cave.newest(self.datastack))

    def tables(self) -> dict[str, TableInfo]:
        """Tables and then views of a version, by name, without row counts."""

        def load() -> list[list[Any]]:
            # Around caveclient's own cache, which mixes up servers and tokens.
            get = inspect.unwrap(MaterializationClient.get_tables_metadata)
            request = partial(self.cave.asker.ask, subject=self._subject(), connect=self.cave.materialization)
            tables, views = gather(
                lambda: request("tables", call=partial(get, version=self.number, log_warning=False)),
                lambda: request("views", call=lambda client: client.get_views(self.number)),
            )
            return [
                *([table["table_name"], "table", table] for table in tables),
                *([name, "view", view] for name, view in views.items()),
            ]

        if not self.version.materialized:
            return self._tables_then()
        return dict(
            self.cave.cache.records(("tables", *self._place), load, read_tables, ttl_s=METADATA_TTL_S, stale_s=STALE_S)
        )

    def table_info(self, table: str) -> TableInfo:
        """One table or view. Raises NotFound when the version does not have it."""
        result = self.tables().get(table) if is_name(table) else None
        if result is None:
            raise no_table(self._subject(table))
        return result

    def notices(self, *tables: str | None) -> tuple[str, ...]:
        """What the owners of those of some tables that the version has give notice of, and of the tables that these
        refer to, since their columns stand beside: a sentence each."""
        infos = self.tables()
        names = [name for name in tables if name and name in infos]
        of = [infos[name].reference_table for name in names]
        every = dict.fromkeys((*names, *(name for name in of if name and name in infos)))
        return tuple(notice for name in every for notice in infos[name].notices)

    def view_columns(self) -> dict[str, list[str]]:
        """Names of the columns of each view."""

        def load() -> dict[str, list[str]]:
            get = inspect.unwrap(MaterializationClient.get_view_schemas)
            subject, call = self._subject(), partial(get, materialization_version=self.number)
            views = self.cave.asker.ask("views", subject, self.cave.materialization, call)
            return {name: list(columns) for name, columns in views.items()}

        has_views = any(info.kind == "view" for info in self.tables().values())  # else CAVE answers 404
        key = ("view_columns", *self._place)
        return self.cave.cache.value(key, load, ttl_s=METADATA_TTL_S, stale_s=STALE_S) if has_views else {}

    def text_values(self, table: str) -> dict[str, list[str]]:
        """The values of each text column of a table's own, as they are today: CAVE tells those of no version. None of
        a view. Raises NotFound when the version does not have the table."""
        if self._source(table).is_view:
            return {}

        def load() -> dict[str, list[str]]:
            call = partial(MaterializationClient.get_unique_string_values, table=table)
            values = self.cave.asker.ask("text values", self._subject(table), self.cave.materialization, call)
            return {name: sorted(filter(None, some)) for name, some in values.items()}

        key = ("text_values", self.datastack, table)
        values: dict[str, list[str]] = self.cache_of(table).value(key, load, ttl_s=METADATA_TTL_S, stale_s=STALE_S)
        return values

    def row_count(self, table: str) -> int:
        """Number of rows of a table or view; at a moment, as many as the :meth:`nearest` version has."""
        if not self.version.materialized:
            return self.nearest(table).row_count(table)
        source = self._described(table)  # CAVE tells how many rows a private table has

        def load() -> int:
            if source.is_view:
                return self.cave.queries.count(*self._place, source, NO_FILTERS) or 0
            subject = self._subject(table)
            call = partial(MaterializationClient.get_annotation_count, table_name=table, version=self.number)
            return int(self.cave.asker.ask("row count", subject, self.cave.materialization, call) or 0)

        return int(self.cave.cache.value(("row_count", *self._place, table), load))

    def nearest(self, table: str) -> Release:
        """The version whose rows of a table are nearest to those of a moment: the first valid one since that has the
        table, else the newest."""
        time, versions = self.version.timestamp, self.cave.versions(self.datastack)
        since = [version for version in versions if version.valid and version.timestamp >= time]
        for version in sorted(since, key=lambda version: version.timestamp):
            release = Release(self.cave, self.datastack, version)
            if table in release.tables():
                return release
        return self.newest

    def is_large(self, table: str) -> bool:
        """Whether a table has more rows than are held. Raises NotFound when the version does not have it."""
        return self.row_count(table) > self.cave.settings.max_table_rows

    def is_empty(self, table: str) -> bool:
        """Whether a table has no rows, so that nobody knows what its rows would say."""
        return self.row_count(table) == 0

    def not_held(self, table: str) -> str:
        """The beginning of a sentence about a table of which that is so."""
        return f"{table} has {self.row_count(table):,} rows, more than the {self.cave.settings.max_table_rows:,} held"

    def row_counts(self) -> dict[str, int]:
        """Number of rows of every table; not of views, which CAVE would have to work out."""

        def load() -> dict[str, int]:
            names = [name for name, info in self.tables().items() if info.kind == "table"]
            counts = gather(*(partial(self.row_count, name) for name in names))
            return dict(zip(names, counts, strict=True))

        counts: dict[str, int] = self.cave.cache.value(
            ("row_counts", *self._place), load, ttl_s=METADATA_TTL_S, stale_s=STALE_S
        )
        return counts

    def table(self, table: str) -> pd.DataFrame:
        """All rows of a table or view, by `id`.

        A reference table is merged with its target; of columns that both have, the target's end in `_ref`.
        Boxes around nuclei (`bb_*`) are left out. Raises TooLarge above `max_table_rows` of the settings.
        """
        if not self.version.materialized:
            if self.newest.table_info(table).kind != "view":
                self._refuse_large(table)
            return self.newest.table_at(table, self.version.timestamp)
        source = self._source(table)

        def load() -> pd.DataFrame:
            self._refuse_large(table)
            return whole_table(partial(self.cave.queries.rows, *self._place, source))

        return self.cache_of(table).frame(("table by id", *self._place, table), load)

    def table_at(self, table: str, time: datetime) -> pd.DataFrame:
        """All rows of a table of a version, with what was created, deleted or edited until `time` instead.

        Kept for ten minutes under this very time. Who asks looks first whether they can be held. Raises BadInput for
        a view.
        """
        source = self._source(table)
        rows = partial(self._rows_at, time, source)
        key = ("table_at", self.datastack, table, time.isoformat())
        return self.cache_of(table).frame(key, lambda: whole_table(rows), ttl_s=LIVE_TTL_S)

    def query(
        self,
        table: str,
        filters: Filters = NO_FILTERS,
        *,
        select_columns: Sequence[str] | None = None,
        limit: int | None = None,
        offset: int | None = None,
        desired_resolution: Sequence[float] | None = None,
        whole: bool = False,
        parts_by: str = "id",
    ) -> pd.DataFrame:
        """Rows that CAVE itself filters and counts off, in no particular order, merged as in `table`.

        `select_columns` names columns of the merged frame (positions without axis); `id` comes along.
        `attrs["truncated"]` tells when CAVE's own limit cut the answer, not when `limit` did; with
        `whole`, they are asked for in as many parts as it takes, by a column of values that differ. Raises TooLarge
        then for a view without that.
        """
        source = self._source(table)
        options: dict[str, Any] = {
            "select_columns": list(select_columns) if select_columns is not None else None,
            "limit": limit,
            "offset": offset,
            "desired_resolution": list(desired_resolution) if desired_resolution is not None else None,
        }

        def load() -> pd.DataFrame:
            if not self.version.materialized:
                finer: dict[str, Any] = {"desired_resolution": list(desired_resolution)} if desired_resolution else {}
                rows = self._rows_at(self.version.timestamp, source, filters, **finer)
                return selected(rows, select_columns, offset, limit)
            if whole:
                return complete(partial(self.cave.queries.rows, *self._place, source, **options), filters, parts_by)
            frame = self.cave.queries.rows(*self._place, source, filters, **options)
            return self.cave.queries.with_total(frame, *self._place, source, filters, rows_before=offset or 0)

        key = ("query", *self._place, table, json.dumps([filters.arguments(), options, whole]))
        return self.cache_of(table).frame(key, load, ttl_s=self._ttl_s)

    def sample(self, table: str) -> pd.DataFrame:
        """A row of :meth:`query`, to tell the columns from; at a moment one of the newest version."""
        return (self if self.version.materialized else self.newest).query(table, limit=1)

    def query_parts(self, table: str, filters: Filters = NO_FILTERS) -> Iterator[pd.DataFrame]:
        """All rows that pass `filters`, as `query`, in as many frames as CAVE needs. None of them is kept."""
        source = self._source(table)
        if not self.version.materialized:
            return parts(partial(self._rows_at, self.version.timestamp, source, whole=False), filters)
        return parts(partial(self.cave.queries.rows, *self._place, source), filters)

    def query_call(self, table: str, filters: Filters = NO_FILTERS) -> tuple[str, dict[str, Any]]:
        """The method of caveclient's materialization client that `query` calls, and its arguments."""
        if not self.version.materialized:
            place = self.datastack, self.newest.number, self._source(table)
            return "live_live_query", self.cave.queries.arguments_at(*place, filters, self.version.timestamp)
        return self.cave.queries.call(*self._place, self._source(table), filters)

    def count(self, table: str, filters: Filters = NO_FILTERS) -> int | None:
        """Number of rows that pass `filters`; None if they are on columns of a reference table's target: CAVE does
        not count joins."""
        source = self._source(table)
        key = ("count", *self._place, table, json.dumps(filters.arguments()))
        result: int | None = self.cache_of(table).value(
            key, lambda: self.cave.queries.count(*self._place, source, filters)
        )
        return result

    def properties_source(self, table: str) -> str:
        """Where a viewer finds a table of a version as properties of segments, to search them by."""
        self.table_info(table)
        call = partial(
            MaterializationClient.neuroglancer_segprop_path,
            table_name=table,
            materialization_version=self.number,
            for_neuroglancer=False,  # which would demand a login also of a server without one
        )
        subject = self._subject(table)
        return f"precomputed://{self.cave.asker.ask('properties', subject, self.cave.materialization, call)}"

    def _refuse_large(self, table: str) -> None:
        total, most = self.row_count(table), self.cave.settings.max_table_rows
        if total > most:
            raise TooLarge(
                f"Table {table} has {total:,} rows, more than the {most:,} that can be held at once.",
                "Filter it, or page through it.",
            )

    def cache_of(self, table: str) -> Cache:
        """Where rows of a table are kept: with those of everybody, or apart when only some may read it. Raises as
        :meth:`_source`."""
        return self.cave.cache if self._source(table).is_public else self.cave.own_cache

    def _source(self, table: str) -> Source:
        """A table to read rows of. Raises NotAllowed for a private one that this person may not read."""
        source = self._described(table)
        if not source.is_public:
            release = self if self.version.materialized else self.newest
            self.cave.require(self.datastack, table, partial(release._read_one, source))
        return source

    def _described(self, table: str) -> Source:
        info = self.table_info(table)
        target = self.tables().get(info.reference_table or "", info)
        is_public = info.is_public and target.is_public
        return Source(table, info.reference_table, is_view=info.kind == "view", is_public=is_public)

    def _read_one(self, source: Source) -> None:
        self.cave.queries.rows(*self._place, source, NO_FILTERS, limit=1)

    @property
    def _place(self) -> tuple[str, int]:
        return self.datastack, self.number

    @property
    def _ttl_s(self) -> int | None:
        """How long an answer is kept: as long as there is room, but not that about a time."""
        return None if self.version.materialized else LIVE_TTL_S

    def _subject(self, table: str = "", *, missing: str = "") -> Subject:
        return self.cave.asker.subject(*self._place, table, missing=missing)

    def _tables_then(self) -> dict[str, TableInfo]:
        """Those tables of the newest version that had been created, and no view."""
        listed = self.newest.tables().items()
        return {name: info for name, info in listed if info.kind == "table" and not info.came_after(self.version)}

    def _rows_at(
        self, time: datetime, source: Source, filters: Filters = NO_FILTERS, *, whole: bool = True, **options: Any
    ) -> pd.DataFrame:
        """The rows that pass, with all edits until a time; those that CAVE sends at once, or all of them.

        Raises BadInput for a view.
        """
        newest = self.newest
        if source.is_view:
            raise BadInput(f"{source.table} is a view, which CAVE has at its versions only.", "Choose a version.")

        def rows(these: Filters) -> pd.DataFrame:
            try:
                return self.cave.queries.rows_at(self.datastack, source, these, time, version=newest.number, **options)
            except NoRows:
                return newest.query(source.table, limit=1).iloc[:0]

        return complete(rows, filters) if whole else rows(filters)
