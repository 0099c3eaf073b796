"""How often one client may ask, and which address it is that asks."""

from __future__ import annotations

import time
from ipaddress import IPv6Address, ip_address, ip_network
from math import ceil

from flask import Flask, Response, g, request
from flask_limiter import Limiter, RequestLimit
from werkzeug.middleware.proxy_fix import ProxyFix

from api.answers import error_answer, page_answer
from services.core.errors import TooOften
from services.core.identity import Identity
from services.core.settings import Settings

FREE = ("/assets/", "/_dash-component-suites/", "/_favicon.ico", "/neuroglancer/", "/healthz", "/readyz", "/metrics")
"""Paths that are not counted: what watches Karst, and files, of which one page takes dozens."""
SITE_BITS = 64
"""Of an IPv6 address, those that tell one site from another; the rest a client may choose."""
REDIS_TIMEOUT_S = 1


def limit_rates(server: Flask, settings: Settings) -> None:
    """Answer 429 to a client that asks more often than the settings allow.

    A person who has signed in is a client, else an address is. All processes count together in the Redis of the cache;
    without one, and while it does not answer, each counts by itself.
    """
    if settings.proxies:
        server.wsgi_app = ProxyFix(server.wsgi_app, x_for=settings.proxies)  # type: ignore[method-assign]
    if not settings.requests_per_minute:
        return
    most = settings.requests_per_minute

    def refuse(limit: RequestLimit) -> Response:
        error = TooOften(most, max(1, ceil(limit.window.reset_time - time.time())))
        if "text/html" not in request.accept_mimetypes.values():
            return error_answer(error)
        answer = page_answer("Too many requests", str(error), error.status)
        answer.headers["Retry-After"] = str(error.retry_after_s)
        return answer

    Limiter(
        lambda: _client(settings.secret_key),
        app=server,
        application_limits=[f"{most} per minute"],
        application_limits_exempt_when=lambda: request.path.startswith(FREE),
        storage_uri=_storage(settings.cache),
        storage_options=_options(settings.cache),
        in_memory_fallback_enabled=True,
        swallow_errors=True,
        on_breach=refuse,
        key_prefix="karst",
    )


def _client(secret_key: str) -> str:
    """A name for who asks. A token that came with a request may be made up: only a sign-in counts."""
    identities: tuple[Identity, ...] = g.get("identities", ())
    if named := next((identity for identity in identities if identity.name), None):
        return named.digest(secret_key)
    text = request.remote_addr or "unknown"
    try:
        address = ip_address(text)
    except ValueError:  # of a proxy that says something else
        return text[:64]
    return str(ip_network((address, SITE_BITS), strict=False)) if isinstance(address, IPv6Address) else text


def _storage(cache: str) -> str:
    if cache.startswith("unix://"):
        return f"redis+{cache}"
    return cache if cache.startswith(("redis://", "rediss://")) else "memory://"


def _options(cache: str) -> dict[str, str | int]:
    is_shared = _storage(cache) != "memory://"
    return {"socket_connect_timeout": REDIS_TIMEOUT_S, "socket_timeout": REDIS_TIMEOUT_S} if is_shared else {}
