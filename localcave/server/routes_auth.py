"""The auth service: who one is, and one's token. Tokens are in the file of users, or of who has signed in, or any will
do."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, g, jsonify, request

from localcave.cave_errors import CaveError
from localcave.server.auth import bearer_token, user_id
from localcave.server.service import service

routes = Blueprint("auth", __name__, url_prefix="/auth/api/v1")
EVERYBODY = 1
"""The user where nobody has to log in."""


def _me() -> dict[str, Any]:
    number = user_id() or EVERYBODY
    return {
        "id": number,
        "name": g.user.name if g.user is not None else f"user {number}",
        "email": f"user{number}@localcave",
        "pi": "",
        "admin": False,
        "service_account": False,
    }


@routes.post("/create_token")
@routes.post("/refresh_token")
def same_token() -> Response:
    """The token of the request again."""
    return jsonify(bearer_token())


@routes.get("/logout")
def sign_out() -> Response:
    """Forget the token of the request; one of the file is for programs, and stays."""
    if service().gate.sessions.pop(bearer_token(), None) is None:
        raise CaveError(422, "Can't logout an API Key.")
    return jsonify("success")


@routes.get("/user/token")
def tokens() -> Response:
    """The token of the request, which is the only one that is told."""
    token = bearer_token()
    result = [{"id": 1, "token": token, "user_id": _me()["id"]}] if token else []
    return jsonify(result)


@routes.get("/user/me")
@routes.get("/user/cache")
def me() -> Response:
    view = g.user.view if g.user is not None else service().store.datastacks
    permissions = {name: ["view"] for name in sorted(view)}
    groups = sorted(g.user.groups) if g.user is not None else []
    return jsonify({**_me(), "groups": groups, "permissions_v2": permissions})


@routes.get("/user")
def users() -> Response:
    """Names of users by their ids: of the one who asks. Others are nobody's business."""
    listed = request.args.get("id", "")
    try:
        ids = [int(part) for part in listed.split(",") if part]
    except ValueError as error:
        raise CaveError(400, {"error": "id must be numbers"}) from error
    return jsonify([_me()] if not ids or _me()["id"] in ids else [])


@routes.get("/group/<int:number>/user")
def group_users(number: int) -> Response:
    return jsonify([])
