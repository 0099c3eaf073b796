"""Who asks: chosen once, when a request comes in, and carried from there by its `Cave`."""

from __future__ import annotations

from urllib.parse import parse_qs, quote, urlencode

from flask import Flask, Response, g, has_request_context, redirect, request
from werkzeug.wrappers import Response as BaseResponse

from api.headers import is_data
from services.cave.failures import SERVER_HEADER
from services.core.identity import Identity, is_token
from services.core.servers import Server
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
        g.identities = _identities(settings)
        if request.method != "GET" or request.path.startswith(OPEN):
            return None
        if TOKEN in request.args:  # nobody becomes somebody by an address that they were sent
            arguments = [(name, text) for name, text in request.args.items(multi=True) if name not in (TOKEN, "token")]
            path = "/" + quote(request.path.lstrip("/"))  # "//host" and "/<tab>/host" lead elsewhere
            return redirect(f"{path}?{urlencode(arguments)}" if arguments else path)
        if not g.identities and "text/html" in request.accept_mimetypes.values():
            return redirect(way_in(request.full_path if request.query_string else request.path, settings))
        return None

    @server.after_request
    def keep_private(answer: Response) -> Response:
        if not request.path.startswith(("/assets/", "/_dash-component-suites/")):
            answer.headers.setdefault("Cache-Control", "no-store" if is_data() else "private, no-cache")
            answer.vary.add("Cookie")
        return answer


def account(settings: Settings) -> tuple[str | None, list[str]]:
    """The name of whoever asks, "you" where only the token is known, None for nobody; and where there are several
    servers, at which of them they are signed in."""
    identities: tuple[Identity, ...] = g.get("identities", ()) if has_request_context() else ()
    name = next((identity.name for identity in identities if identity.name), "you") if identities else None
    return name, [identity.server for identity in identities if len(settings.servers) > 1]


def way_in(address: str, settings: Settings) -> str:
    """Where one signs in to see a page: at the server of its datastack, or where one chooses, if that is not said."""
    is_evident = len(settings.all_servers) == 1 or server_of(address, settings)
    return f"{'/sign-in' if is_evident else '/sign-ins'}?{urlencode({'next': address})}"


def cookie_of(server: str) -> str:
    """The name of the cookie that keeps who one is at a server, by its name ("" = the only one)."""
    return f"{COOKIE}_{server}" if server else COOKIE


def server_of(address: str, settings: Settings) -> str:
    """The name of the server that the datastack of a page is said to be of; "" where it is not said."""
    named = parse_qs(address.partition("?")[2]).get("datastack", [settings.datastack])[0].rpartition(":")[0]
    return named if any(server.name == named for server in settings.servers) else ""


def _identities(settings: Settings) -> tuple[Identity, ...]:
    """Who asks, at most once for each server; () for nobody. A bearer token counts alone, for the first server unless
    the request names another; else all sign-ins to Karst count, and the cookie of a front for the first server."""
    servers = settings.all_servers
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    if kind.casefold() == "bearer":
        named = request.headers.get(SERVER_HEADER, servers[0].name)
        text = token.strip() if any(server.name == named for server in servers) else ""
        return (Identity(text, server=named),) if is_token(text) else ()
    identities = [_signed_in(server, settings) for server in servers]
    front = request.cookies.get(TOKEN, "") if settings.front_cookie else ""
    if identities[0] is None and is_token(front):
        identities[0] = Identity(front, server=servers[0].name)
    return tuple(identity for identity in identities if identity)


def _signed_in(server: Server, settings: Settings) -> Identity | None:
    """Who has signed in to Karst at a server."""
    sealed = request.cookies.get(cookie_of(server.name), "")
    return Identity.unsealed(sealed, settings.secret_key, server.address, COOKIE_S)
