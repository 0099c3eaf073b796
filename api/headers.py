"""Headers that every answer carries."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path

from flask import Flask, Response, request

from services.core.errors import request_id

DASH_PAGES = "/<path:path>"
"""The endpoint by which Dash answers every path but "/" that has no route of its own."""
YEAR_S = 31_536_000
"""What Dash itself says of files with a version in their names."""
DATA = ("/api/", "/_dash-update-component", "/metrics", "/neuroglancer/states/", "/search")
"""What no browser or proxy may keep: it can be of a private datastack."""


def content_policy(script_hashes: Sequence[str]) -> str:
    """What pages may load: their own origin only. Dash and the grid set styles inline; scripts are known by hash."""
    return "; ".join(
        (
            "default-src 'self'",
            " ".join(("script-src 'self'", *script_hashes)),
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "font-src 'self' data:",
            "connect-src 'self'",
            "frame-src 'self'",
            "object-src 'none'",
            "base-uri 'self'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        )
    )


def secure(server: Flask, script_hashes: Callable[[], Sequence[str]]) -> None:
    """Add the headers to every answer of `server`; those that a view has set itself stay.

    `script_hashes` is asked once, by the first answer: only then does Dash know all of its inline scripts.
    """
    policy = cache(lambda: content_policy(script_hashes()))

    @server.after_request
    def add(answer: Response) -> Response:
        answer.headers.setdefault("Content-Security-Policy", policy())
        answer.headers.setdefault("X-Content-Type-Options", "nosniff")
        answer.headers.setdefault("Referrer-Policy", "same-origin")
        answer.headers.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
        if is_data():
            answer.headers.setdefault("Cache-Control", "no-store")
        if "https" in (request.scheme, request.headers.get("X-Forwarded-Proto")):
            answer.headers.setdefault("Strict-Transport-Security", f"max-age={YEAR_S}")
        answer.headers.setdefault("X-Request-Id", request_id())
        return answer


def is_data() -> bool:
    """Whether the answer is of data, which nobody may keep."""
    return request.path.startswith(DATA)


def digest(folder: Path) -> str:
    """12 hexadecimal digits that change with any file in `folder`."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    hashed = sha256()
    for file in files:
        hashed.update(f"{file.relative_to(folder)}\0{file.stat().st_size}\0".encode() + file.read_bytes())
    return hashed.hexdigest()[:12]


def keep(server: Flask, assets: str) -> None:
    """Let browsers keep for good what never changes: everything below the path `assets`, which has a digest in it, and
    the files of Dash and its components that have a version in their names."""

    @server.after_request
    def add(answer: Response) -> Response:
        named = answer.cache_control.max_age == YEAR_S and request.path.startswith("/_dash-component-suites/")
        if answer.status_code in (200, 304) and (named or request.path.startswith(assets)):
            answer.headers["Cache-Control"] = f"public, max-age={YEAR_S}, immutable"
        return answer


def refuse_unknown(server: Flask, paths: Collection[str]) -> None:
    """Answer 404 where Dash draws the page that says there is none: it answers every path with the same document.
    `paths` are those of its pages."""

    @server.after_request
    def add(answer: Response) -> Response:
        if answer.status_code == 200 and request.endpoint == DASH_PAGES and request.path.rstrip("/") not in paths:
            answer.status_code = 404
        return answer
