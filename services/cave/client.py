"""The door to CAVE: the only module that talks to caveclient.

Every answer that can be kept is kept in the cache, and every failure leaves as a
:class:`errors.KarstError`.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from types import SimpleNamespace
from typing import Any, Literal

import caveclient.base
import pandas as pd
from caveclient.auth import AuthClient
from caveclient.chunkedgraph import ChunkedGraphClient
from caveclient.infoservice import InfoServiceClient
from caveclient.jsonservice import JSONService
from caveclient.materializationengine import MaterializationClient
from caveclient.skeletonservice import SkeletonClient

from services.cache.shared import Cache
from services.cave import http
from services.cave.failures import foreign, no_table, no_version
from services.cave.moments import Moments, selected
from services.cave.queries import NO_FILTERS, Filters, Source
from services.cave.roots import Roots
from services.cave.rows import Queries, complete, parts, whole_table
from services.cave.session import Asker
from services.cave.skeletons import Skeletons
from services.cave.states import States
from services.cave.synapse_shape import COLUMNS_OF, SynapseShape, as_synapses, shape_of
from services.cave.voxels import Voxels
from services.core.addresses import host, is_name, is_private_way, origin
from services.core.errors import NotFound, TooLarge
from services.core.parallel import gather
from services.core.profiles import Profile, Volume, load_profile, load_volume
from services.core.records import TableInfo, Version, read_tables, read_versions
from services.core.roles import Roles as TableRoles
from services.core.roles import resolve as resolve_roles
from services.core.settings import Settings

__all__ = ["Cave", "Filters", "TableInfo", "Version"]


VERSIONS_TTL_S = 5 * 60
INFO_TTL_S = 3600
LIVE_TTL_S = 10 * 60
METADATA_TTL_S = 12 * 3600
"""Descriptions and notices of a materialized version can still be edited; its rows cannot."""
MATERIALIZE_API, SEGMENTATION_API, INFO_API, STATE_API, SKELETON_API = 3, 1, 2, 1, 1
"""Named, not negotiated: caveclient would fall back to an older one for good if one answer went missing."""
NO_TOKEN = "none"  # noqa: S105
"""Sent when there is no token: without any, caveclient looks for one in the files of whoever runs this."""

# caveclient knows no timeouts, and opens a browser for terms of service, which on a server nobody sees.
caveclient.base._patch_session = http.within_trips(caveclient.base._patch_session)
caveclient.base.webbrowser = SimpleNamespace(open=lambda *_args, **_kwargs: False)


class Cave(Roots, Skeletons, States, Voxels, Moments):
    """Everything that CAVE can be asked, for one identity (the token of `settings`).

    Safe to use from many threads. Methods raise NotFound, NotAllowed, Expired, TooLarge, BadInput or
    Upstream. Frames have nullable dtypes, ids as Int64, positions split into `<name>_x`, `_y`, `_z`, and two
    `attrs`: `resolution_nm`, the voxels of their positions, and `truncated`: None or
    {"shown": rows, "total": rows, None if unknown}.
    """

    def __init__(self, settings: Settings, cache: Cache | None = None) -> None:
        self.settings = settings
        self.cache = cache or Cache(
            settings.cache, settings.memory_bytes, namespace=f"{settings.server_address} {settings.identity}"
        )
        self._asker = Asker(settings)
        self._queries = Queries(self._asker, self.cache, self._materialize)
        self._auth = AuthClient(token=settings.token or NO_TOKEN, server_address=settings.server_address)

    @property
    def counts(self) -> Mapping[str, int]:
        """Requests and bytes so far, and how many questions ended "ok" or with which error code."""
        return self._asker.counts

    # ---- datastacks and versions

    def datastacks(self) -> list[str]:
        """Names of the datastacks that this identity may see, sorted."""
        return sorted(self.cache.value(("datastacks",), self._datastacks, ttl_s=INFO_TTL_S))

    def check(self) -> None:
        """Ask CAVE something, whatever the cache holds; raises what it raises when it does not answer."""
        self._datastacks()

    def _datastacks(self) -> list[str]:
        found: list[str] = self._asker.ask(
            "datastacks", self._asker.subject(), self._info_client, InfoServiceClient.get_datastacks
        )
        return found

    def info(self, datastack: str) -> dict[str, Any]:
        """The info service's record: `synapse_table`, `soma_table`, `segmentation_source`, `skeleton_source`,
        `viewer_site`, ..., any of them None, and `aligned_volume`. Added are `image_source`, which CAVE has in
        the aligned volume, and `viewer_resolution`, [x, y, z] in nm."""

        self._check_name(datastack)

        def load() -> dict[str, Any]:
            record: dict[str, Any] = self._asker.ask(
                "info",
                self._asker.subject(datastack),
                self._info_client,
                lambda client: client.get_datastack_info(datastack, use_stored=False),
            )
            resolution = [record.get(f"viewer_resolution_{axis}") for axis in "xyz"]
            image = record["aligned_volume"].get("image_source")
            return {**record, "image_source": image, "viewer_resolution": resolution}

        found: dict[str, Any] = self.cache.value(("info", datastack), load, ttl_s=INFO_TTL_S)
        return found

    def profile(self, datastack: str) -> Profile:
        """How the datastack is shown; what CAVE says of it stands where its profile says nothing."""
        info = self.info(datastack)
        profile = load_profile(self.settings.config_dir, datastack, info["aligned_volume"]["name"])
        return profile if profile.description else replace(profile, description=(info.get("description") or "").strip())

    def volume(self, datastack: str) -> Volume:
        """The axes and layers of the datastack's aligned volume."""
        return load_volume(self.settings.config_dir, self.info(datastack)["aligned_volume"]["name"])

    def roles(self, datastack: str, version: int) -> TableRoles:
        """Which table or view has which role at a version, and why."""
        profile = self.profile(datastack)
        first = (*profile.type_tables, *filter(None, [profile.default_table]))
        tables, columns = self.tables(datastack, version), partial(self.view_columns, datastack, version)
        return resolve_roles(profile.roles, self.info(datastack), tables, columns, first)

    def versions(self, datastack: str) -> list[Version]:
        """All versions, newest first, expired ones included."""

        def load() -> list[dict[str, Any]]:
            # Around caveclient's own cache, in which a new version would not show for half a day.
            get = inspect.unwrap(MaterializationClient.get_versions_metadata)
            self.info(datastack)  # so that NotFound is about versions from here on
            try:
                found = self._asker.ask(
                    "versions", self._asker.subject(datastack), self._materialize, partial(get, expired=True)
                )
            except NotFound:
                return []
            times = ("time_stamp", "expires_on")
            return [
                {"version": v["version"], "valid": v["valid"], **{t: v[t].isoformat() for t in times}} for v in found
            ]

        return list(self.cache.value(("versions", datastack), load, ttl_s=VERSIONS_TTL_S, read=read_versions))

    def version(self, datastack: str, number: int) -> Version:
        """One version, expired or not, or a moment by its number (see :mod:`moments`). Raises NotFound.

        All that takes a version number then answers for the time of one that is not kept, of tables as the newest
        version knows them.
        """
        if (moment := self._live(datastack, number)) is not None:
            return moment
        found = [version for version in self.versions(datastack) if version.number == number]
        if not found:
            raise no_version(self._asker.subject(datastack, number))
        return found[0]

    # ---- tables

    def tables(self, datastack: str, version: int) -> dict[str, TableInfo]:
        """Tables and then views of a version, by name, without row counts."""

        def load() -> list[list[Any]]:
            # Around caveclient's own cache, which mixes up servers and tokens.
            get = inspect.unwrap(MaterializationClient.get_tables_metadata)
            ask = partial(self._asker.ask, subject=self._asker.subject(datastack, version), connect=self._materialize)
            tables, views = gather(
                lambda: ask("tables", call=partial(get, version=version, log_warning=False)),
                lambda: ask("views", call=lambda client: client.get_views(version)),
            )
            return [
                *([table["table_name"], "table", table] for table in tables),
                *([name, "view", view] for name, view in views.items()),
            ]

        if then := self.moment(datastack, version):
            return self._tables_then(datastack, then)
        return dict(self.cache.value(("tables", datastack, version), load, ttl_s=METADATA_TTL_S, read=read_tables))

    def table_info(self, datastack: str, version: int, table: str) -> TableInfo:
        """One table or view. Raises NotFound when the version does not have it."""
        found = self.tables(datastack, version).get(table) if is_name(table) else None
        if found is None:
            raise no_table(self._asker.subject(datastack, version, table))
        return found

    def view_columns(self, datastack: str, version: int) -> dict[str, list[str]]:
        """Names of the columns of each view."""

        def load() -> dict[str, list[str]]:
            get = inspect.unwrap(MaterializationClient.get_view_schemas)
            subject, call = self._asker.subject(datastack, version), partial(get, materialization_version=version)
            return {name: list(one) for name, one in self._asker.ask("views", subject, self._materialize, call).items()}

        there = any(info.kind == "view" for info in self.tables(datastack, version).values())  # else CAVE answers 404
        key = ("view_columns", datastack, version)
        return self.cache.value(key, load, ttl_s=METADATA_TTL_S) if there else {}

    def row_count(self, datastack: str, version: int, table: str) -> int:
        """Number of rows of a table or view; at a moment, as many as the newest version has."""
        if self.moment(datastack, version):
            return self.row_count(datastack, self.newest(datastack).number, table)
        source = self._source(datastack, version, table)

        def load() -> int:
            if source.is_view:
                return self._queries.count(datastack, version, source, NO_FILTERS) or 0
            subject = self._asker.subject(datastack, version, table)
            call = partial(MaterializationClient.get_annotation_count, table_name=table, version=version)
            return int(self._asker.ask("row count", subject, self._materialize, call) or 0)

        return int(self.cache.value(("row_count", datastack, version, table), load))

    def row_counts(self, datastack: str, version: int) -> dict[str, int]:
        """Number of rows of every table; not of views, which CAVE would have to work out."""

        def load() -> dict[str, int]:
            names = [name for name, info in self.tables(datastack, version).items() if info.kind == "table"]
            counts = gather(*(partial(self.row_count, datastack, version, name) for name in names))
            return dict(zip(names, counts, strict=True))

        counts: dict[str, int] = self.cache.value(("row_counts", datastack, version), load, ttl_s=METADATA_TTL_S)
        return counts

    def table(self, datastack: str, version: int, table: str) -> pd.DataFrame:
        """All rows of a table or view, by `id`.

        A reference table is merged with its target; of columns that both have, the target's end in `_ref`.
        Boxes around nuclei (`bb_*`) are left out. Raises TooLarge above `max_table_rows` of the settings.
        """
        if then := self.moment(datastack, version):
            return self.table_at(datastack, self.newest(datastack).number, table, then.timestamp)
        source = self._source(datastack, version, table)

        def load() -> pd.DataFrame:
            self._refuse_large(datastack, version, table)
            return whole_table(partial(self._queries.rows, datastack, version, source))

        return self.cache.frame(("table by id", datastack, version, table), load)

    def table_at(self, datastack: str, version: int, table: str, time: datetime) -> pd.DataFrame:
        """All rows of a table of a version, with what was created, deleted or edited until `time` instead.

        Kept for ten minutes under this very time. Raises BadInput for a view, TooLarge as `table` does.
        """
        source = self._source(datastack, version, table)
        if not source.is_view:
            self._refuse_large(datastack, version, table)
        then = replace(self.version(datastack, version), timestamp=time)
        rows = partial(self._rows_then, datastack, then, source)
        key = ("table_at", datastack, table, time.isoformat())
        return self.cache.frame(key, lambda: whole_table(rows), ttl_s=LIVE_TTL_S)

    def query(
        self,
        datastack: str,
        version: int,
        table: str,
        filters: Filters = NO_FILTERS,
        *,
        select_columns: Sequence[str] | None = None,
        limit: int | None = None,
        offset: int | None = None,
        desired_resolution: Sequence[float] | None = None,
    ) -> pd.DataFrame:
        """Rows that CAVE itself filters and counts off, in no particular order, merged as in `table`.

        `select_columns` names columns of the merged frame (positions without axis); `id` comes along.
        `attrs["truncated"]` tells when CAVE's own limit cut the answer, not when `limit` did.
        """
        source = self._source(datastack, version, table)
        options = {
            "select_columns": list(select_columns) if select_columns is not None else None,
            "limit": limit,
            "offset": offset,
            "desired_resolution": list(desired_resolution) if desired_resolution is not None else None,
        }

        then = self.moment(datastack, version)

        def load() -> pd.DataFrame:
            if then:
                finer: dict[str, Any] = {"desired_resolution": list(desired_resolution)} if desired_resolution else {}
                rows = self._rows_then(datastack, then, source, filters, **finer)
                return selected(rows, select_columns, offset, limit)
            frame = self._queries.rows(datastack, version, source, filters, **options)
            return self._queries.with_total(frame, datastack, version, source, filters, seen=offset or 0)

        key = ("query", datastack, version, table, json.dumps([filters.arguments(), options]))
        return self.cache.frame(key, load, ttl_s=LIVE_TTL_S if then else None)

    def sample(self, datastack: str, version: int, table: str) -> pd.DataFrame:
        """A row of :meth:`query`, to tell the columns from; at a moment one of the newest version."""
        kept = version if self.moment(datastack, version) is None else self.newest(datastack).number
        return self.query(datastack, kept, table, limit=1)

    def query_parts(
        self, datastack: str, version: int, table: str, filters: Filters = NO_FILTERS
    ) -> Iterator[pd.DataFrame]:
        """All rows that pass `filters`, as `query`, in as many frames as CAVE needs. None of them is kept."""
        source = self._source(datastack, version, table)
        if then := self.moment(datastack, version):
            return parts(partial(self._rows_then, datastack, then, source, whole=False), filters)
        return parts(partial(self._queries.rows, datastack, version, source), filters)

    def query_call(
        self, datastack: str, version: int, table: str, filters: Filters = NO_FILTERS
    ) -> tuple[str, dict[str, Any]]:
        """The method of caveclient's materialization client that `query` calls, and its arguments."""
        return self._queries.call(datastack, version, self._source(datastack, version, table), filters)

    def count(self, datastack: str, version: int, table: str, filters: Filters = NO_FILTERS) -> int | None:
        """Number of rows that pass `filters`; None if they are on columns of a reference table's target: CAVE does
        not count joins."""
        source = self._source(datastack, version, table)
        key = ("count", datastack, version, table, json.dumps(filters.arguments()))
        found: int | None = self.cache.value(key, lambda: self._queries.count(datastack, version, source, filters))
        return found

    # ---- cells

    def synapses(
        self,
        datastack: str,
        version: int,
        root_id: int,
        direction: Literal["in", "out"],
        *,
        whole: bool = False,
        more: Sequence[str] = (),
    ) -> pd.DataFrame:
        """Synapses onto ("in") or of ("out") a cell: id, pre_pt_root_id, post_pt_root_id, size,
        what else their table says of each (`values` of the shape), ctr_pt_position_x_nm, _y_nm, _z_nm, and
        `more` columns of the table, positions split and in nm; autapses and partners with root id 0 included. Sizes are
        blank where the table has none, and positions the mean of the two ends where it has no centres.

        CAVE sends a limited number, which `attrs["truncated"]` tells; `whole` asks in as many pieces as it takes.
        """
        shape = self.synapse_shape(datastack, version)
        source = self._source(datastack, version, shape.table)
        filters = Filters(equal={shape.own(direction): int(root_id)})
        finest: dict[str, Any] = {"desired_resolution": [1.0, 1.0, 1.0]}
        options = dict(finest)
        then = self.moment(datastack, version)

        def load() -> pd.DataFrame:
            wanted = list(dict.fromkeys([*shape.columns, *more]))
            options["select_columns"] = wanted
            if then:
                frame = self._rows_then(datastack, then, source, filters, whole=whole, **finest)
                frame = selected(frame, wanted, None, None)
            elif whole:
                frame = complete(partial(self._queries.rows, datastack, version, source, **options), filters)
            else:
                frame = self._queries.rows(datastack, version, source, filters, **options)
                frame = self._queries.with_total(frame, datastack, version, source, filters)
            return as_synapses(frame, shape, more)

        key = ("synapses", shape.table, datastack, version, int(root_id), direction, int(whole), *more)
        return self.cache.frame(key, load, ttl_s=LIVE_TTL_S if then else None)

    def synapses_among(
        self, datastack: str, version: int, pre: Sequence[int] | None, post: Sequence[int] | None
    ) -> pd.DataFrame:
        """All synapses of the cells `pre` onto the cells `post` (root ids; None = any), asked for in as many pieces as
        it takes and not kept. Columns: as of `synapses`."""
        shape = self.synapse_shape(datastack, version)
        ends = {f"{shape.pre}_root_id": pre, f"{shape.post}_root_id": post}
        filters = Filters(isin={name: ids for name, ids in ends.items() if ids is not None})
        options: dict[str, Any] = {"select_columns": shape.columns, "desired_resolution": [1.0, 1.0, 1.0]}
        source = self._source(datastack, version, shape.table)
        return as_synapses(complete(partial(self._queries.rows, datastack, version, source, **options), filters), shape)

    def synapse_shape(self, datastack: str, version: int) -> SynapseShape:
        """What the synapses of a version have; asked of CAVE only where their schema type does not say it.

        Raises NotFound where there are none, BadInput where the table with this role is none of synapses."""
        table = self.roles(datastack, version).synapses.table
        if not table:
            raise NotFound(f"Version {version} of {datastack} has no synapse table.")
        info = self.table_info(datastack, version, table)
        known = info.schema_type in COLUMNS_OF
        return shape_of(info, () if known else self.sample(datastack, version, table).columns)

    # ---- sources for viewers

    def properties_source(self, datastack: str, version: int, table: str) -> str:
        """Where a viewer finds a table of a version as properties of segments, to search them by."""
        self.table_info(datastack, version, table)
        call = partial(
            MaterializationClient.neuroglancer_segprop_path,
            table_name=table,
            materialization_version=version,
            for_neuroglancer=False,  # which would demand a login also of a server without one
        )
        subject = self._asker.subject(datastack, version, table)
        return f"precomputed://{self._asker.ask('properties', subject, self._materialize, call)}"

    def _check_name(self, datastack: str) -> None:
        if not is_name(datastack):
            raise NotFound(f"There is no datastack {datastack[:40]!r}.", "Choose one of those that CAVE lists.")

    def _local_server(self, datastack: str) -> str:
        """Where the services of a datastack are. A host other than CAVE's own gets the token only when a datastack
        that CAVE lists names it, by https, within the `allowed_hosts` of the settings. Raises NotAllowed."""
        server: str = self.info(datastack)["local_server"] or self.settings.server_address
        if origin(server) == origin(self.settings.server_address):
            return server
        narrowed = self.settings.allowed_hosts and host(server) not in self.settings.allowed_hosts
        exposed = not origin(server) or (self.settings.token and not is_private_way(server))
        if narrowed or exposed or datastack not in self.datastacks():
            raise foreign(server, self._asker.subject(datastack))
        self._asker.allow(server)
        return server

    def _refuse_large(self, datastack: str, version: int, table: str) -> None:
        total, most = self.row_count(datastack, version, table), self.settings.max_table_rows
        if total > most:
            raise TooLarge(
                f"Table {table} has {total:,} rows, more than the {most:,} that can be held at once.",
                "Filter it, or page through it.",
            )

    def _source(self, datastack: str, version: int, table: str) -> Source:
        info = self.table_info(datastack, version, table)
        return Source(table, info.reference_table, is_view=info.kind == "view")

    # ---- clients and sources

    def _info_client(self, _datastack: str) -> InfoServiceClient:
        make = partial(InfoServiceClient, self.settings.server_address, auth_client=self._auth, api_version=INFO_API)
        return self._asker.client("info", make)

    def _state_client(self, _datastack: str) -> JSONService:
        make = partial(JSONService, self.settings.server_address, auth_client=self._auth, api_version=STATE_API)
        return self._asker.client("state", make)

    def _materialize(self, datastack: str) -> MaterializationClient:
        make = partial(
            MaterializationClient, self._local_server(datastack), datastack, self._auth, api_version=MATERIALIZE_API
        )
        return self._asker.client(f"materialize {datastack}", make)

    def _segmentation(self, datastack: str) -> ChunkedGraphClient:
        table = (self.info(datastack)["segmentation_source"] or "").rstrip("/").split("/")[-1]
        if not is_name(table):
            raise NotFound(f"Datastack {datastack} has no segmentation that CAVE can be asked about.")
        make = partial(
            ChunkedGraphClient, self._local_server(datastack), table, self._auth, api_version=SEGMENTATION_API
        )
        return self._asker.client(f"segmentation {datastack}", make)

    def _skeletons(self, datastack: str) -> SkeletonClient:
        make = partial(SkeletonClient, self._local_server(datastack), datastack, self._auth, api_version=SKELETON_API)
        return self._asker.client(f"skeletons {datastack}", make)
