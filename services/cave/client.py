"""The door to CAVE for one identity: datastacks, their metadata, and their versions.

Every answer that can be kept is kept in the cache, and every failure leaves as a
:class:`errors.KarstError`.
"""

from __future__ import annotations

import inspect
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from types import SimpleNamespace
from typing import Any

import caveclient.base
from cachetools import LRUCache
from caveclient.auth import AuthClient
from caveclient.chunkedgraph import ChunkedGraphClient
from caveclient.infoservice import InfoServiceClient
from caveclient.jsonservice import JSONService
from caveclient.materializationengine import MaterializationClient
from caveclient.skeletonservice import SkeletonClient
from werkzeug.utils import cached_property

from services.cache.derived import Derived
from services.cache.shared import STALE_S, Cache
from services.cave import http, versions
from services.cave.accounts import Accounts
from services.cave.asker import Asker
from services.cave.circuit import Circuits
from services.cave.failures import foreign, no_version, not_signed_in
from services.cave.meshes import Meshes
from services.cave.permissions import PERMISSION_TTL_S, Permissions
from services.cave.rows import Queries
from services.cave.skeletons import Skeletons
from services.cave.states import States
from services.core.addresses import bare, host, is_name, is_private_way, origin
from services.core.errors import NotFound, SignIn
from services.core.identity import Identity
from services.core.moments import FIRST_MOMENT, MomentNumber
from services.core.network import spare_loopback
from services.core.profiles import Profile, Volume, load_profile, load_volume
from services.core.records import Version, read_versions
from services.core.settings import Settings

VERSIONS_TTL_S = 5 * 60
INFO_TTL_S = 3600
MATERIALIZE_API, SEGMENTATION_API, INFO_API, STATE_API, SKELETON_API = 3, 1, 2, 1, 1
"""Named, not negotiated: caveclient would fall back to an older one for good if one answer went missing."""
MOST_PEOPLE = 256
"""People whose connections to CAVE a process keeps open."""
NO_TOKEN = "none"  # noqa: S105
"""Sent when there is no token: without any, caveclient looks for one in the files of whoever runs this."""

# caveclient knows no timeouts, and opens a browser for terms of service, which on a server nobody sees.
caveclient.base._patch_session = http.within_trips(caveclient.base._patch_session)
caveclient.base.webbrowser = SimpleNamespace(open=lambda *_args, **_kwargs: False)
spare_loopback(os.environ)


class Cave(Accounts, Skeletons, States, Meshes):
    """What CAVE can be asked, for one identity (the token of `settings`). What it can be asked about one version, a
    :class:`services.cave.release.Release` asks.

    Safe to use from many threads. Methods raise NotFound, NotAllowed, Expired, TooLarge, BadInput or Upstream.
    """

    def __init__(self, settings: Settings, cache: Cache | None = None, circuits: Circuits | None = None) -> None:
        self.settings = settings
        self.cache = cache or Cache(
            settings.cache,
            settings.memory_bytes,
            store_bytes=settings.cache_bytes,
            namespace=f"{settings.server_address} {'person' if settings.auth == 'person' else settings.identity}",
        )
        self.own_cache = self.cache.apart(" ".join(self.whose))
        self._permissions = Permissions() if settings.auth == "person" else None
        self._people: LRUCache[tuple[Identity, ...], Cave] = LRUCache(MOST_PEOPLE)
        self._people_lock = threading.Lock()
        self.asker = Asker(settings, circuits or Circuits())
        self.queries = Queries(self.asker, self.cache, self.materialization)
        self._auth = AuthClient(token=settings.token or NO_TOKEN, server_address=settings.server_address)

    @cached_property
    def whose(self) -> tuple[str, ...]:
        """The address of the server, and a name for whoever asks it: what is theirs alone is kept under these."""
        return self.settings.server_address, self.settings.identity

    def server(self, name: str) -> Cave:
        """The CAVE of one server alone, by what the settings call it. Raises NotFound."""
        if name != self.settings.server:
            raise NotFound(f"There is no server {name[:40]!r} of CAVE here.")
        return self

    def at(self, datastack: str) -> Cave:
        """The CAVE of the server that has a datastack."""
        return self

    def full_name(self, datastack: str) -> str:
        """The name of a datastack in addresses, such that they keep their meaning."""
        return datastack

    @property
    def derived(self) -> Derived:
        """What was worked out for this identity, whatever it holds, since CAVE last took a permission back; axes and
        colours are read from the configuration."""
        era = self._permissions.era if self._permissions else None
        return Derived(self.cache.memory, *self.whose, era, str(self.settings.config_dir))

    def of(self, *identities: Identity) -> Cave:
        """CAVE as whoever asks sees it, who has a token at some servers: this one where all share its token. Raises
        SignIn for nobody where each person has their own."""
        if self.settings.auth != "person":
            return self
        with self._people_lock:
            if identities not in self._people:
                self._people[identities] = self._seen_by(identities)
            return self._people[identities]

    def _seen_by(self, identities: Sequence[Identity]) -> Cave:
        """This CAVE with the token of its own server. Raises SignIn without one."""
        token = next((identity.token for identity in identities if identity.server == self.settings.server), "")
        if not token:
            raise not_signed_in([self.settings.server])
        return Cave(replace(self.settings, token=token), self.cache, self.asker.circuits)

    def require(self, datastack: str, table: str = "", probe: Callable[[], Any] | None = None) -> None:
        """Raises NotAllowed unless CAVE lets this person read a datastack, or a table that is not public, of which
        `probe` reads a row. There is nothing to ask where all share one token: what is cached was read with it."""
        if self._permissions is None:
            return
        self.own_name(datastack)
        self._permissions.require(datastack, "", partial(self._read_info, datastack))
        if probe is not None:
            self._permissions.require(datastack, table, probe)

    def admit(self, datastack: str) -> None:
        """As `require`, and ask again for tables that this person has read more than a minute ago."""
        self.require(datastack)
        if self._permissions is not None:
            self._permissions.renew(datastack)

    @property
    def counts(self) -> Mapping[str, int]:
        """Requests and bytes so far, and how many questions ended "ok" or with which error code."""
        return self.asker.counts

    # ---- datastacks and versions

    def datastacks(self) -> list[str]:
        """Names of the datastacks that this identity may see, sorted."""
        # where each person has their own, the list is a permission
        ttl_s, stale_s = (INFO_TTL_S, STALE_S) if self._permissions is None else (int(PERMISSION_TTL_S), 0)
        return sorted(self.own_cache.value(("datastacks",), self._datastacks, ttl_s=ttl_s, stale_s=stale_s))

    def check(self) -> None:
        """Ask CAVE something, whatever the cache holds; raises what it raises when it does not answer."""
        try:
            self._datastacks()
        except SignIn:  # which CAVE has asked nobody in particular to do, so it answers
            return

    def _datastacks(self) -> list[str]:
        names: list[str] = self.asker.ask(
            "datastacks", self.asker.subject(), self._info_client, InfoServiceClient.get_datastacks
        )
        return names

    def info(self, datastack: str) -> dict[str, Any]:
        """The info service's record: `synapse_table`, `soma_table`, `segmentation_source`, `skeleton_source`,
        `viewer_site`, ..., any of them None, and `aligned_volume`. Added are `image_source`, which CAVE has in
        the aligned volume, and `viewer_resolution`, [x, y, z] in nm."""

        self.require(datastack)

        def load() -> dict[str, Any]:
            record = self._read_info(datastack)
            resolution = [record.get(f"viewer_resolution_{axis}") for axis in "xyz"]
            image = record["aligned_volume"].get("image_source")
            return {**record, "image_source": image, "viewer_resolution": resolution}

        info: dict[str, Any] = self.cache.value(("info", datastack), load, ttl_s=INFO_TTL_S, stale_s=STALE_S)
        return info

    def _read_info(self, datastack: str) -> dict[str, Any]:
        name = self.own_name(datastack)
        record: dict[str, Any] = self.asker.ask(
            "info",
            self.asker.subject(datastack),
            self._info_client,
            lambda client: client.get_datastack_info(name, use_stored=False),
        )
        return record

    def profile(self, datastack: str) -> Profile:
        """How the datastack is shown; what CAVE says of it stands where its profile says nothing."""
        info = self.info(datastack)
        settings, volume = self.at(datastack).settings, info["aligned_volume"]["name"]
        profile = load_profile(settings.config_dir, datastack, volume, settings.server)
        return profile if profile.description else replace(profile, description=(info.get("description") or "").strip())

    def volume(self, datastack: str) -> Volume:
        """The axes and layers of the datastack's aligned volume."""
        settings, volume = self.at(datastack).settings, self.info(datastack)["aligned_volume"]["name"]
        return load_volume(settings.config_dir, volume, settings.server)

    def versions(self, datastack: str) -> list[Version]:
        """All versions, newest first, expired ones included."""

        self.require(datastack)

        def load() -> list[dict[str, Any]]:
            # Around caveclient's own cache, in which a new version would not show for half a day.
            get = inspect.unwrap(MaterializationClient.get_versions_metadata)
            self.info(datastack)  # so that NotFound is about versions from here on
            try:
                result = self.asker.ask(
                    "versions", self.asker.subject(datastack), self.materialization, partial(get, expired=True)
                )
            except NotFound:
                return []
            times = ("time_stamp", "expires_on")
            return [
                {"version": v["version"], "valid": v["valid"], **{t: v[t].isoformat() for t in times}} for v in result
            ]

        listed = self.cache.records(("versions", datastack), load, read_versions, ttl_s=VERSIONS_TTL_S, stale_s=STALE_S)
        return list(listed)

    def version(self, datastack: str, number: int) -> Version:
        """One version, expired or not, or a moment by its number (see :mod:`moments`). Raises NotFound."""
        if number >= FIRST_MOMENT:
            time = datetime.fromtimestamp(number, UTC)
            return replace(self.newest(datastack), number=MomentNumber(number), timestamp=time, live=True)
        matches = [version for version in self.versions(datastack) if version.number == number]
        if not matches:
            raise no_version(self.asker.subject(datastack, number))
        return matches[0]

    def newest(self, datastack: str) -> Version:
        """The newest version that is valid. Raises NotFound."""
        newest = versions.newest_valid(self.versions(datastack))
        if newest is None:
            raise NotFound(f"Datastack {datastack} has no version at the moment.", "Choose another datastack.")
        return newest

    def own_name(self, datastack: str) -> str:
        """What the server calls a datastack that addresses may give with the server's own name before it, as in
        `server:datastack`. Raises NotFound."""
        server, colon, name = datastack.rpartition(":")
        if not is_name(name) or (colon and (not server or server != self.settings.server)):
            raise NotFound(f"There is no datastack {datastack[:40]!r}.", "Choose another datastack.")
        return name

    def _local_server(self, datastack: str) -> str:
        """Where the services of a datastack are. A host other than CAVE's own gets the token only when a datastack
        that CAVE lists names it, by https, within the `allowed_hosts` of the settings, and it is not another server of
        the settings, which has its own. Raises NotAllowed."""
        server: str = self.info(datastack)["local_server"] or self.settings.server_address
        if origin(server) == origin(self.settings.server_address):
            return server
        narrowed = self.settings.allowed_hosts and host(server) not in self.settings.allowed_hosts
        exposed = not origin(server) or (self.settings.token and not is_private_way(server))
        another = origin(server) in {origin(server.address) for server in self.settings.servers}
        if narrowed or exposed or another or self.own_name(datastack) not in self.datastacks():
            raise foreign(server, self.asker.subject(datastack))
        http.allow(server)
        return server

    # ---- clients and sources

    def _info_client(self, _datastack: str) -> InfoServiceClient:
        make = partial(InfoServiceClient, self.settings.server_address, auth_client=self._auth, api_version=INFO_API)
        return self.asker.client("info", self.settings.server_address, make)

    def _state_client(self, datastack: str) -> JSONService:
        self.own_name(datastack)
        make = partial(JSONService, self.settings.server_address, auth_client=self._auth, api_version=STATE_API)
        return self.asker.client("state", self.settings.server_address, make)

    def materialization(self, datastack: str) -> MaterializationClient:
        server, name = self._local_server(datastack), bare(datastack)
        make = partial(MaterializationClient, server, name, self._auth, api_version=MATERIALIZE_API)
        return self.asker.client(f"materialize {datastack}", server, make)

    def segmentation(self, datastack: str) -> ChunkedGraphClient:
        table = (self.info(datastack)["segmentation_source"] or "").rstrip("/").split("/")[-1]
        if not is_name(table):
            raise NotFound(f"Datastack {datastack} has no segmentation that CAVE can be asked about.")
        server = self._local_server(datastack)
        make = partial(ChunkedGraphClient, server, table, self._auth, api_version=SEGMENTATION_API)
        return self.asker.client(f"segmentation {datastack}", f"{server} {table}", make)

    def _skeletons(self, datastack: str) -> SkeletonClient:
        server, name = self._local_server(datastack), bare(datastack)
        make = partial(SkeletonClient, server, name, self._auth, api_version=SKELETON_API)
        return self.asker.client(f"skeletons {datastack}", server, make)
