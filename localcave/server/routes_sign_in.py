"""The pages of the auth service, in a browser: to sign in as one of the file's users, and to accept terms of service.

There are no passwords: whoever reaches the page chooses who to be. As in CAVE, the token goes back in the address that
asked, as `middle_auth_token`.
"""

from __future__ import annotations

from html import escape
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from flask import Blueprint, Response, redirect, request
from werkzeug.wrappers import Response as BaseResponse

from localcave.cave_errors import CaveError
from localcave.server.auth import TOKEN_NAME, User, bearer_token
from localcave.server.service import server_address, service

routes = Blueprint("sign_in", __name__, url_prefix="/sticky_auth/api/v1")
SHOWN = """<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title><h1>{title}</h1>{body}</html>"""


@routes.get("/authorize")
def choose() -> str:
    """The users to sign in as."""
    users = service().gate.users.values()
    buttons = "".join(
        f'<p><button name="user" value="{escape(user.name)}">{escape(user.name)}</button></p>' for user in users
    )
    form = f'<form method="post">{buttons}</form>'
    return _page("Sign in", form if users else "<p>This server has no file of users.</p>")


@routes.post("/authorize")
def sign_in() -> BaseResponse:
    """Back to the address that asked, with a new token; a page that says so where none did."""
    gate, name = service().gate, request.form.get("user", "")
    if all(user.name != name for user in gate.users.values()):
        raise CaveError(400, {"error": "there is no such user"})
    token = gate.sign_in(name)
    answer = _back(token)
    answer.set_cookie(TOKEN_NAME, token, secure=request.is_secure, httponly=True, samesite="Lax")
    return answer


@routes.get("/tos/<int:number>/accept")
def terms(number: int) -> str | BaseResponse:
    """The terms, for whoever is signed in here."""
    if _user() is None:
        query = urlencode({"redirect": request.url})
        return redirect(f"{server_address()}/sticky_auth/api/v1/authorize?{query}")
    _, name = _terms(number)
    return _page(escape(name), '<form method="post"><button>Accept</button></form>')


@routes.post("/tos/<int:number>/accept")
def accept(number: int) -> BaseResponse | str:
    """Keep that the user has accepted the terms."""
    user = _user()
    if user is None:
        raise CaveError(401, {"error": "no_token", "message": "Unauthorized - No Token Provided"})
    dataset, name = _terms(number)
    service().gate.accepted.add((user.name, dataset))
    if "redirect" in request.args:
        return _back(bearer_token())
    return _page(escape(name), "<p>Thank you for accepting the Terms of Service!</p>")


def _user() -> User | None:
    return service().gate.user_of(bearer_token() or request.args.get(TOKEN_NAME, ""))


def _terms(number: int) -> tuple[str, str]:
    """The permission and the name of some terms."""
    for dataset, entry in service().gate.terms.items():
        if entry["tos_id"] == number:
            return dataset, str(entry["tos_name"])
    raise CaveError(404, {"message": "Terms of Service does not exist"})


def _back(token: str) -> BaseResponse:
    """To the `redirect` of the request, with a token added to what it asks; else a page."""
    parts = urlsplit(request.args.get("redirect", ""))
    if not parts.scheme:
        return Response(_page("Signed in", "<p>You are signed in.</p>"))
    added = {TOKEN_NAME: token, "middle_auth_url": f"{server_address()}/sticky_auth", "token": token}
    query = urlencode([*parse_qsl(parts.query, keep_blank_values=True), *added.items()])
    return redirect(urlunsplit(parts._replace(query=query)))


def _page(title: str, body: str) -> str:
    return SHOWN.format(title=title, body=body)
