"""Signing in with the auth services of CAVE's servers, and out again, where each person reads with their own tokens.

CAVE sends the token back as a parameter of an address. It is put into an encrypted cookie at once, one for each server,
and the browser sent on to an address without it. Only a sign-in that this browser has begun is finished: a text in the
address, which names the server too, has to be in a cookie as well.
"""

from __future__ import annotations

import secrets
from contextlib import suppress
from dataclasses import replace
from html import escape
from urllib.parse import urlencode, urlsplit

from flask import Blueprint, Response, g, redirect, request
from werkzeug.wrappers import Response as BaseResponse

from api.answers import page_answer
from api.identity import COOKIE_S, TOKEN, cookie_of, server_of, way_in
from services.cave.context import door, outside_address
from services.core.addresses import origin
from services.core.errors import KarstError, NotFound
from services.core.identity import Identity, is_token
from services.core.logs import explain
from services.core.servers import Server

blueprint = Blueprint("sign_in", __name__)

BEGUN = "karst_sign_in_"
BEGUN_S = 600
LONGEST_ADDRESS = 8190


@blueprint.before_request
def only_for_people() -> None:
    """There is nothing to sign in to where all share one token."""
    if door().settings.auth != "person":
        raise NotFound("This Karst has no sign-in.")


@blueprint.get("/sign-in")
def begin() -> BaseResponse:
    """To the auth service of `server` (if it is not named, of the server of the page's datastack, or of the first),
    which comes back with a token; from there to `next`, or to the page that led here."""
    address, settings = _next(), door().settings
    name = request.args.get("server") or server_of(address, settings) or settings.all_servers[0].name
    if all(server.name != name for server in settings.all_servers):
        return _refusal(f"There is no server {name[:40]!r} of CAVE here.", 404)
    number = f"{secrets.token_urlsafe(24)}.{name}"
    door().cache.value(("sign-in", number), lambda: address, ttl_s=BEGUN_S)
    back = f"{_scheme()}://{request.host}/sign-in/return?{urlencode({'state': number})}"
    auth = f"{outside_address(door().server(name))}/sticky_auth/api/v1/authorize"
    answer = redirect(f"{auth}?{urlencode({'redirect': back})}")
    _set(answer, BEGUN + number[:8], number, BEGUN_S)
    return answer


@blueprint.get("/sign-in/return")
def finish() -> BaseResponse:
    """Keep the token that CAVE has sent along, and go on to the page that asked to sign in."""
    number, token = request.args.get("state", ""), request.args.get(TOKEN, "")
    begun = request.cookies.get(BEGUN + number[:8], "")
    if not number.isascii() or not begun or not secrets.compare_digest(begun, number) or not is_token(token):
        return _refusal("This sign-in was not begun in this browser, or more than ten minutes ago.", 400)
    name = number.partition(".")[2]
    if _is_of_another(name):
        return _refusal("Another server of CAVE has answered this sign-in, so its token was not used.", 400)
    address = str(door().cache.value(("sign-in", number), lambda: "/", ttl_s=BEGUN_S))
    try:
        cave, identity = door().server(name), Identity(token, server=name)
        identity = replace(identity, name=cave.of(identity).account_name())
    except KarstError as error:
        return _refusal(str(explain(error)), error.status)
    answer = redirect(address)
    answer.delete_cookie(BEGUN + number[:8])
    sealed = identity.sealed(cave.settings.secret_key, cave.settings.server_address)
    _set(answer, cookie_of(name), sealed, COOKIE_S)
    return answer


@blueprint.post("/sign-out")
def leave() -> BaseResponse:
    """Forget the token of `server`, or those of all, here and in CAVE."""
    names = [server.name for server in door().settings.all_servers]
    servers = [name for name in names if request.form.get("server", name) == name]
    for identity in g.identities:
        with suppress(KarstError):  # a token that has ended, or one for programs, which CAVE keeps
            if identity.server in servers:
                door().server(identity.server).of(identity).sign_out()
    answer = redirect("/sign-ins" if "server" in request.form else "/signed-out", 303)
    for name in servers:
        if cookie_of(name) in request.cookies:  # a form of another site is sent without
            answer.delete_cookie(cookie_of(name))
    return answer


@blueprint.get("/sign-ins")
def overview() -> Response:
    """At which servers one is signed in, and the way in and out of each."""
    names = {identity.server: identity.name or "you" for identity in g.identities}
    lines = [_line(server, names.get(server.name)) for server in door().settings.all_servers]
    text = f"You are signed in at {len(names)} of {len(lines)} servers of CAVE." if names else "Sign in to read CAVE."
    return page_answer("Sign in", text, 200, ("Back", _next()) if names else None, lines)


def _line(server: Server, name: str | None) -> str:
    where = f"{escape(server.name)} ({escape(urlsplit(server.address).netloc)}):"
    if name is None:
        query = urlencode({"server": server.name, "next": _next()})
        return f'{where} <a href="/sign-in?{escape(query)}">Sign in at {escape(server.name)}</a>'
    button = f'<button name="server" value="{escape(server.name)}">Sign out of {escape(server.name)}</button>'
    return f'<form action="/sign-out" method="post">{where} {escape(name)} {button}</form>'


@blueprint.get("/signed-out")
def signed_out() -> Response:
    """Says so."""
    return page_answer("Signed out", "Karst has forgotten who you are.", 200, _again())


def own_address(text: str) -> str:
    """A path with its query if `text` leads to this application, and to no other; else ""."""
    if not text.isprintable() or len(text) > LONGEST_ADDRESS or not text.startswith("/"):
        return ""
    return "" if text.startswith(("//", "/\\", "/sign", "/api/")) else text


def _is_of_another(name: str) -> bool:
    """Whether a token is said to come from another server than the one that was asked, which it must not go to. CAVE
    says so in `middle_auth_url`; the server that was asked may have put another before it."""
    others = [door().server(server.name) for server in door().settings.all_servers if server.name != name]
    addresses = {
        _place(address) for other in others for address in (other.settings.server_address, outside_address(other))
    }
    return any(_place(text) in addresses for text in request.args.getlist("middle_auth_url"))


def _place(address: str) -> str:
    """Host and port of an address, which CAVE gives without its scheme."""
    return origin(f"https://{address.rpartition('://')[2]}")


def _refusal(text: str, status: int) -> Response:
    return page_answer("Not signed in", text, status, _again())


def _again() -> tuple[str, str]:
    return "Sign in", way_in("/", door().settings)


def _next() -> str:
    """The page to go on to: the one that is named, or that led here."""
    return own_address(request.args.get("next", "")) or _referrer() or "/"


def _referrer() -> str:
    host, _, path = (request.referrer or "").partition("://")[2].partition("/")
    return own_address(f"/{path}") if host == request.host else ""


def _scheme() -> str:
    return "https" if "https" in (request.scheme, request.headers.get("X-Forwarded-Proto")) else "http"


def _set(answer: BaseResponse, name: str, value: str, max_age_s: int) -> None:
    answer.set_cookie(name, value, max_age=max_age_s, httponly=True, samesite="Lax", secure=_scheme() == "https")
