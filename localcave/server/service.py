"""What one running localcave holds, and how the routes reach it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cachetools import LRUCache
from flask import current_app, request

from localcave.cave_errors import EngineError, aborted
from localcave.engine.store import Datastack, Store
from localcave.folder import writer
from localcave.precomputed.meshes import LevelledMesh
from localcave.precomputed.volumes import Volume
from localcave.precomputed.watershed import Watershed
from localcave.segmentation.chunkedgraph import Segmentation
from localcave.segmentation.skeletons import Skeletons
from localcave.server.auth import Gate
from localcave.server.scratch import Scratch
from localcave.server.states import States

EXTENSION = "localcave"
KEPT_MESHES = 128


@dataclass
class Service:
    """The datastacks of a server and its settings."""

    store: Store
    row_limit: int
    gate: Gate
    states: States = field(default_factory=States)
    properties: States = field(default_factory=States)
    scratch: dict[str, Scratch] = field(default_factory=dict)
    segmentations: dict[str, Segmentation] = field(default_factory=dict)
    skeletons: dict[str, Skeletons] = field(default_factory=dict)
    volumes: dict[str, Volume] = field(default_factory=dict)
    watersheds: dict[str, Watershed] = field(default_factory=dict)
    read_only: bool = False
    meshes: LRUCache[tuple[str, int], LevelledMesh] = field(default_factory=lambda: LRUCache(KEPT_MESHES))

    @classmethod
    def over(
        cls,
        folders: Sequence[Path],
        *,
        row_limit: int,
        gate: Gate,
        aliases: Sequence[str] = (),
        read_only: bool = False,
    ) -> Service:
        """The service of some folders; the datastack of the first has `aliases` as names too. With `read_only` users
        make no tables."""
        store = Store(folders, aliases)
        service = cls(store, row_limit, gate, read_only=read_only)
        for stack in store.datastacks.values():
            for number, path in writer.example_states(stack.folder).items():
                service.states.keep(number, path.read_bytes(), writer.SERVER)
            service.volumes[stack.name] = Volume(store, stack)
            service.watersheds[stack.name] = Watershed(store, stack)
            segmentation = Segmentation(store, stack) if stack.manifest["segmentation"] else None
            if segmentation is not None:
                service.segmentations.setdefault(segmentation.name, segmentation)
            service.skeletons[stack.name] = Skeletons(store, stack, segmentation)
        return service

    def reset(self) -> None:
        """Forget what users saved."""
        self.states.clear()
        self.properties.clear()
        self.scratch.clear()

    def segmentation_of(self, stack: Datastack) -> Segmentation:
        """The segmentation of a datastack, the one that its info record names."""
        name = str(stack.info["segmentation_source"]).rstrip("/").rsplit("/", 1)[-1]
        segmentation = self.segmentations.get(name)
        if segmentation is None:
            raise EngineError(f"datastack {stack.name} has no segmentation")
        return segmentation


def service() -> Service:
    """The service of the current application."""
    result: Service = current_app.extensions[EXTENSION]
    return result


def server_address() -> str:
    """Scheme and host by which the request reached this server."""
    return request.host_url.rstrip("/")


def with_address(value: Any) -> Any:
    """A value of the manifest with the server's own address in place of the mark."""
    if isinstance(value, str):
        return value.replace(writer.SERVER, server_address())
    if isinstance(value, dict):
        return {key: with_address(item) for key, item in value.items()}
    return value


def engine_datastack(name: str) -> Datastack:
    """A datastack for the materialization engine, which asks the info service and reports what that said."""
    stack = service().store.datastacks.get(name)
    if stack is None:
        url = f"{server_address()}/info/api/v2/datastack/full/{name}"
        raise EngineError(f"datastack {name} info not returned 404 Client Error: NOT FOUND for url: {url}")
    return stack


@dataclass(frozen=True)
class Release:
    """A version of a datastack, and the datastack and version that hold its rows."""

    requested: Datastack
    number: int
    holder: Datastack
    holder_version: int

    @property
    def record(self) -> dict[str, Any]:
        return self.requested.versions[self.number]

    @property
    def is_merged(self) -> bool:
        return bool(self.record["is_merged"])

    def tables(self) -> dict[str, dict[str, Any]]:
        return self.holder.tables(self.holder_version)

    def views(self) -> dict[str, dict[str, Any]]:
        return self.holder.views(self.holder_version)


def release(datastack: str, version: int) -> Release:
    """A version that may belong to a parent datastack. Raises the engine's 404 for one that does not exist."""
    stack = engine_datastack(datastack)
    if version not in stack.versions:
        raise aborted(404, f"version {version} not found in {datastack}")
    parent = (stack.manifest["parent"] or {}).get(str(version))
    if parent is None:
        return Release(stack, version, stack, version)
    return Release(stack, version, engine_datastack(parent["datastack"]), int(parent["version"]))
