"""Signing in with CAVE's own auth service, and out again, where each person reads CAVE with their own token.

CAVE sends the token back as a parameter of an address. It is put into an encrypted cookie at once, and the browser sent
on to an address without it. Only a sign-in that this browser has begun is finished: a number in the address has to be
in a cookie too.
"""

from __future__ import annotations

import secrets
from contextlib import suppress
from urllib.parse import urlencode, urlsplit

from flask import Blueprint, Response, g, redirect, request
from werkzeug.wrappers import Response as BaseResponse

from api.answers import page_answer
from api.identity import COOKIE, COOKIE_S, TOKEN
from services.cave.context import door, outside_address
from services.core.errors import KarstError, NotFound
from services.core.identity import Identity, is_token
from services.core.logs import explain

blueprint = Blueprint("sign_in", __name__)

BEGUN = "karst_sign_in_"
BEGUN_S = 600
LONGEST_ADDRESS = 8190
SIGN_IN = "Sign in", "/sign-in?next=%2F"


@blueprint.before_request
def only_for_people() -> None:
    """There is nothing to sign in to where all share one token."""
    if door().settings.auth != "person":
        raise NotFound("Nobody signs in to this Karst.")


@blueprint.get("/sign-in")
def begin() -> BaseResponse:
    """To CAVE's auth service, which comes back with a token; from there to `next`, or to the page that led here."""
    number = secrets.token_urlsafe(24)
    address = own_address(request.args.get("next", "")) or _referrer() or "/"
    door().cache.value(("sign-in", number), lambda: address, ttl_s=BEGUN_S)
    back = f"{_scheme()}://{request.host}/sign-in/return?{urlencode({'state': number})}"
    answer = redirect(f"{outside_address(door())}/sticky_auth/api/v1/authorize?{urlencode({'redirect': back})}")
    _set(answer, BEGUN + number[:8], number, BEGUN_S)
    return answer


@blueprint.get("/sign-in/return")
def finish() -> BaseResponse:
    """Keep the token that CAVE has sent along, and go on to the page that asked to sign in."""
    number, token = request.args.get("state", ""), request.args.get(TOKEN, "")
    begun = request.cookies.get(BEGUN + number[:8], "")
    if not number.isascii() or not begun or not secrets.compare_digest(begun, number) or not is_token(token):
        words = "This sign-in was not begun in this browser, or more than ten minutes ago."
        return page_answer("Not signed in", words, 400, SIGN_IN)
    address = str(door().cache.value(("sign-in", number), lambda: "/", ttl_s=BEGUN_S))
    try:
        identity = Identity(token, door().of(Identity(token)).account_name())
    except KarstError as error:
        return page_answer("Not signed in", str(explain(error)), error.status, SIGN_IN)
    answer = redirect(address)
    answer.delete_cookie(BEGUN + number[:8])
    _set(answer, COOKIE, identity.sealed(door().settings.secret_key), COOKIE_S)
    return answer


@blueprint.post("/sign-out")
def leave() -> BaseResponse:
    """Forget the token, here and in CAVE."""
    if g.identity is not None:
        with suppress(KarstError):  # a token that has ended, or one for programs, which CAVE keeps
            door().of(g.identity).sign_out()
    answer = redirect("/signed-out", 303)
    answer.delete_cookie(COOKIE)
    return answer


@blueprint.get("/signed-out")
def left() -> Response:
    """Says so."""
    return page_answer("Signed out", "Karst has forgotten who you are.", 200, SIGN_IN)


def own_address(text: str) -> str:
    """A path with its query if `text` leads to this application, and to no other; else ""."""
    if not text.isprintable() or len(text) > LONGEST_ADDRESS or not text.startswith("/"):
        return ""
    return "" if text.startswith(("//", "/\\", "/sign", "/api/")) else text


def _referrer() -> str:
    parts = urlsplit(request.referrer or "")
    return own_address(parts._replace(scheme="", netloc="").geturl()) if parts.netloc == request.host else ""


def _scheme() -> str:
    return "https" if "https" in (request.scheme, request.headers.get("X-Forwarded-Proto")) else "http"


def _set(answer: BaseResponse, name: str, value: str, max_age_s: int) -> None:
    answer.set_cookie(name, value, max_age=max_age_s, httponly=True, samesite="Lax", secure=_scheme() == "https")
