"""Who asks: chosen once, when a request comes in, and carried from there by its `Cave`."""

from __future__ import annotations

from flask import Flask, g, request

from services.core.identity import Identity, is_token
from services.core.settings import Settings

COOKIE = "karst_identity"
FRONT_COOKIE = "middle_auth_token"
"""Where a front of CAVE's, or CAVE itself on the same host, keeps a person's token."""
COOKIE_S = 30 * 24 * 3600
"""CAVE decides how long a token is good for; the cookie is forgotten after this at the latest."""


def identify(server: Flask, settings: Settings) -> None:
    """Give every request the identity of whoever sent it, where each person has their own."""
    if settings.auth != "person":
        return

    @server.before_request
    def choose() -> None:
        g.identity = _identity(settings.secret_key)


def _identity(secret_key: str) -> Identity | None:
    """A bearer token counts most, then a sign-in to Karst, then the cookie of a front; None for nobody."""
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    if kind.casefold() == "bearer":
        return _of_token(token.strip())
    if sealed := request.cookies.get(COOKIE):
        return Identity.unsealed(sealed, secret_key, COOKIE_S)
    return _of_token(request.cookies.get(FRONT_COOKIE, ""))


def _of_token(token: str) -> Identity | None:
    return Identity(token) if is_token(token) else None
