"""CAVE for the request at hand: as whoever asks may see it, and its address as they reach it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from flask import current_app, g, has_request_context, request

if TYPE_CHECKING:
    from services.cave.client import Cave


def cave() -> Cave:
    """CAVE as whoever asks sees it: the door that `create_app` put into the running application, opened with the
    identities that the request was given when it came in. Raises SignIn where there has to be one."""
    return door().of(*g.get("identities", ()))


def door() -> Cave:
    """The CAVE door of the running application, whoever asks."""
    return cast("Cave", current_app.extensions["karst"])


def outside_address(cave: Cave) -> str:
    """The address of CAVE for whoever asks: that of the settings, or with their `same_host` its port at the host by
    which the request came (one that Werkzeug takes for a host; of a proxy only what it hands on as `Host`)."""
    address = cave.settings.server_address
    if not cave.settings.same_host or not has_request_context() or not request.host:
        return address
    parts = urlsplit(address)
    host = urlsplit(f"//{request.host}").hostname or ""
    name = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{name}:{parts.port}" if parts.port else f"{parts.scheme}://{name}"


def outside(cave: Cave, source: Any) -> Any:
    """A source of a Neuroglancer layer (an address, or lists and objects with some) with CAVE's address as
    :func:`outside_address` has it."""
    address, outside_one = cave.settings.server_address, outside_address(cave)
    if address == outside_one:
        return source
    if isinstance(source, str):
        return source.replace(f"{address}/", f"{outside_one}/")
    if isinstance(source, list):
        return [outside(cave, item) for item in source]
    if isinstance(source, dict):
        return {key: outside(cave, item) for key, item in source.items()}
    return source
