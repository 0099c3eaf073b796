"""Headers that every answer carries."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

from flask import Flask, Response

from services.core.errors import request_id


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
        answer.headers.setdefault("X-Request-Id", request_id())
        return answer
