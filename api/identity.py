"""Who asks: chosen once, when a request comes in, and carried from there by its `Cave`."""

from __future__ import annotations

from urllib.parse import urlencode

from flask import Flask, Response, g, has_request_context, redirect, request
from werkzeug.wrappers import Response as BaseResponse

from services.core.identity import Identity, is_token
from services.core.settings import Settings

COOKIE = "karst_identity"
TOKEN = "middle_auth_token"  # noqa: S105 - the name that CAVE gives tokens in addresses and cookies
COOKIE_S = 30 * 24 * 3600
"""CAVE decides how long a token is good for; the cookie is forgotten after this at the latest."""
OPEN = ("/_dash", "/api/", "/assets/", "/healthz", "/metrics", "/readyz", "/sign")
"""Paths that are no pages: they hold no data, or answer 401 by themselves."""


def identify(server: Flask, settings: Settings) -> None:
    """Give every request the identity of whoever sent it, where each person has their own; pages have to have one."""
    if settings.auth != "person":
        return

    @server.before_request
    def choose() -> BaseResponse | None:
        g.identity = _identity(settings)
        if request.method != "GET" or request.path.startswith(OPEN):
            return None
        if TOKEN in request.args:  # nobody becomes somebody by an address that they were sent
            kept = [(name, text) for name, text in request.args.items(multi=True) if name not in (TOKEN, "token")]
            return redirect(f"{request.path}?{urlencode(kept)}" if kept else request.path)
        if g.identity is None and "text/html" in request.accept_mimetypes.values():
            address = request.full_path if request.query_string else request.path
            return redirect(f"/sign-in?{urlencode({'next': address})}")
        return None

    @server.after_request
    def keep_private(answer: Response) -> Response:
        if not request.path.startswith(("/assets/", "/_dash-component-suites/")):
            answer.headers.setdefault("Cache-Control", "private, no-cache")
            answer.vary.add("Cookie")
        return answer


def account() -> str | None:
    """The name of whoever asks, "you" where only the token is known; None where nobody signs in."""
    identity: Identity | None = g.get("identity") if has_request_context() else None
    return (identity.name or "you") if identity else None


def _identity(settings: Settings) -> Identity | None:
    """A bearer token counts most, then a sign-in to Karst, then the cookie of a front; None for nobody."""
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    if kind.casefold() == "bearer":
        return _of_token(token.strip())
    if sealed := request.cookies.get(COOKIE):
        return Identity.unsealed(sealed, settings.secret_key, COOKIE_S)
    return _of_token(request.cookies.get(TOKEN, "")) if settings.front_cookie else None


def _of_token(token: str) -> Identity | None:
    return Identity(token) if is_token(token) else None
