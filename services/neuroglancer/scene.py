"""What all links of a datastack share: voxels, image and segmentation sources, and searchable segment properties."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from pandas.api.types import is_numeric_dtype

from services.cave.release import Release
from services.core.profiles import Profile
from services.neuroglancer.layers import State
from services.tables.tables import is_type_table

MOST_SEARCHED = 200_000
"""Rows of the largest table whose values a viewer can search; CAVE refuses to write larger ones."""


@dataclass(frozen=True)
class Scene:
    """What all links of a datastack share: `voxel_nm`, the size of the viewer's voxels (x, y, z), the source of the
    `image` ("" = none) and those of the `segmentation`. `properties` is the source of the segment properties by which
    segments can be searched ("" = none)."""

    datastack: str
    voxel_nm: tuple[float, float, float]
    image: str
    segmentation: tuple[str, ...]
    properties: str = ""

    @property
    def follows_edits(self) -> bool:
        """Whether the segmentation is edited over time, so that root ids of a version may no longer exist in it."""
        return any(source.startswith("graphene://") for source in self.segmentation)

    @property
    def wants_login(self) -> bool:
        """Whether the viewer has to log in to show all sources."""
        return any("middleauth+" in source for source in (self.image, *self.segmentation, self.properties))

    @property
    def sources(self) -> list[str | State]:
        """The sources of the segmentation layer. Where `properties`, which are those of the version, are given, the
        segment properties of precomputed sources are switched off: a viewer reads only one set of them."""
        if not self.properties:
            return list(self.segmentation)
        return [*map(_without_properties, self.segmentation), self.properties]


def make_scene(datastack: str, info: Mapping[str, Any], profile: Profile, server_address: str) -> Scene:
    """The scene of a datastack from its record `info` in the info service, where the profile's values take precedence.

    `{server}` in the profile's sources stands for `server_address`. Sources that require a login get the viewer's
    `middleauth+`; see :func:`with_login`.
    """
    preferred, hosts = profile.neuroglancer, _hosts(info, server_address)
    addresses = {**info.get("aligned_volume", {}), **info}

    def source(name: str) -> str:
        address = preferred.get(name, addresses.get(name)) or ""
        return with_login(str(address).replace("{server}", server_address), hosts)

    voxel_nm = preferred.get("resolution_nm") or [info.get(f"viewer_resolution_{axis}") for axis in "xyz"]
    if not all(voxel_nm):
        voxel_nm = (4.0, 4.0, 40.0)
    x, y, z = map(float, voxel_nm)
    segmentation = filter(None, (source("segmentation_source"), source("skeleton_source")))
    return Scene(datastack, (x, y, z), source("image_source"), tuple(segmentation))


def _hosts(info: Mapping[str, Any], server_address: str) -> set[str | None]:
    return {urlsplit(str(address)).hostname for address in (server_address, info.get("local_server"))}


def properties_source(release: Release, table: str) -> str:
    """The source that serves a cell-type table of a version as segment properties.

    "" for any other table, and for one that CAVE cannot serve so: it fails for a column of numbers that are missing in
    some rows.
    """

    def find() -> str:
        info = release.table_info(table)
        if info.kind == "view" or not is_type_table(info):
            return ""
        if release.row_count(table) > MOST_SEARCHED:
            return ""
        rows = release.table(table)
        missing = rows.isna().sum().to_dict()
        partly = [name for name in rows if is_numeric_dtype(rows[name].dtype) and 0 < missing[name] < len(rows)]
        if partly:
            return ""
        hosts = _hosts(release.info, release.cave.settings.server_address)
        return with_login(release.properties_source(table), hosts)

    return release.derived.of("properties source", table).get(find)


def with_login(source: str, cave_hosts: Collection[str | None]) -> str:
    """`source` with `middleauth+` if it is on https and either a graphene source or on one of `cave_hosts`."""
    kind, _, address = source.partition("://")
    if not address.startswith("https://") or (kind != "graphene" and urlsplit(address).hostname not in cave_hosts):
        return source
    return f"{kind}://middleauth+{address}"


def _without_properties(source: str) -> str | State:
    if not source.startswith("precomputed://"):
        return source
    return {"url": source, "subsources": {"properties": False}}
