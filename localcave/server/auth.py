"""Who may read what: the answers of CAVE's login layer, over a file of made-up users.

The file is JSON: `users` {name: {token, user_id, view: [datastacks], needs_tos: [datastacks], groups: [names]}}, of
which `groups` may be left out, `auth_datasets` {datastack or segmentation table: name of the permission},
`terms_of_service` {permission: {tos_id, tos_name}}. It is read again when it has changed.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from flask import Response, g, jsonify, redirect, request
from werkzeug.wrappers import Response as BaseResponse

TOKEN_NAME = "middle_auth_token"  # noqa: S105 - the name of a cookie and of a parameter
REALM = 'Bearer realm="localcave"'
OPEN_PATHS = (
    "/healthz",
    "/favicon.ico",
    "/info/version",
    "/info/api/versions",
    "/materialize/version",
    "/materialize/api/versions",
    "/segmentation/api/version",
    "/segmentation/api/versions",
    "/schema/",
    "/nglstate/api/v1/version",
    "/skeletoncache/api/version",
    "/skeletoncache/api/versions",
    "/sticky_auth/",
)


@dataclass(frozen=True)
class User:
    """Someone with a token: an id, the datastacks they may read, those whose terms they have yet to accept, a name, and
    the groups that they are in."""

    user_id: int | None
    view: frozenset[str]
    needs_tos: frozenset[str]
    name: str = ""
    groups: frozenset[str] = frozenset()


@dataclass
class Gate:
    """Lets requests through, or answers them. Without `required` every request passes as a user without an id.

    With `required` and no users, any token at all is good for everything. `sessions` are the tokens that were given to
    who has signed in, with their names; `accepted` the names with the permissions whose terms they have accepted.
    """

    required: bool = False
    users: Mapping[str, User] = field(default_factory=dict)
    datasets: Mapping[str, str] = field(default_factory=dict)
    terms: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    sessions: dict[str, str] = field(default_factory=dict)
    accepted: set[tuple[str, str]] = field(default_factory=set)
    path: Path | None = None
    read_at: int = 0

    @classmethod
    def from_file(cls, path: Path) -> Gate:
        gate = cls(True, path=path)
        gate._read()
        return gate

    def _read(self) -> None:
        """Read the file of users, if there is one that has changed."""
        if self.path is None or self.read_at == (changed_at := self.path.stat().st_mtime_ns):
            return
        content = json.loads(self.path.read_text())
        self.users = {
            user["token"]: User(
                user["user_id"],
                frozenset(user["view"]),
                frozenset(user["needs_tos"]),
                name,
                frozenset(user.get("groups", ())),
            )
            for name, user in content["users"].items()
            if user["user_id"] is not None
        }
        self.datasets, self.terms = content["auth_datasets"], content["terms_of_service"]
        self.read_at = changed_at

    def sign_in(self, name: str) -> str:
        """A new token for the user of a name, good until they sign out."""
        token = secrets.token_hex(16)
        self.sessions[token] = name
        return token

    def user_of(self, token: str) -> User | None:
        """Whoever has a token, with what they have accepted; None for nobody."""
        name = self.sessions.get(token)
        user = self.users.get(token) or next((user for user in self.users.values() if user.name == name), None)
        if user is None:
            return None
        accepted = {
            dataset for dataset in user.needs_tos if (user.name, self.datasets.get(dataset, dataset)) in self.accepted
        }
        return replace(user, view=user.view | accepted, needs_tos=user.needs_tos - accepted)

    def check(self) -> Response | BaseResponse | None:
        """For `before_request`: sets `g.user`, or returns the refusal."""
        g.user = None
        self._read()
        if not self.required or request.method == "OPTIONS" or request.path.startswith(OPEN_PATHS):
            return None
        header = request.headers.get("Authorization")
        if header is not None and not header.startswith("Bearer"):
            return _error(400, "bad_auth_header", "Authorization header must begin with 'Bearer'")
        token = bearer_token()
        if not token:
            return self._no_token()
        user = self.user_of(token)
        if user is None and self.users:
            refusal = _error(401, "invalid_token", "Unauthorized - Token is Invalid or Expired")
            refusal.headers["WWW-Authenticate"] = (
                f'{REALM}, error="invalid_token", error_description="Invalid/Expired Token"'
            )
            return refusal
        g.user = user
        return None

    @staticmethod
    def _no_token() -> Response | BaseResponse:
        if any(name in request.headers for name in ("Authorization", "X-Requested-With", "Origin")):
            refusal = _error(401, "no_token", "Unauthorized - No Token Provided")
            refusal.headers["WWW-Authenticate"] = REALM
            return refusal
        return redirect(f"{request.host_url}sticky_auth/api/v1/authorize?redirect={quote(request.url, safe=':/')}", 302)

    def may_list(self, datastack: str) -> bool:
        """Whether a datastack is in the user's list: also when its terms are not accepted yet."""
        user: User | None = g.user
        return user is None or datastack in user.view | user.needs_tos

    def refusal(self, name: str) -> Response | None:
        """The answer to a user who may not read a datastack or segmentation table; None when they may."""
        user: User | None = g.user
        if user is None or name in user.view:
            return None
        dataset = self.datasets.get(name, name)
        if name in user.needs_tos:
            terms = self.terms.get(dataset, {"tos_id": 0, "tos_name": dataset})
            data = {"tos_form_url": f"{request.host_url}sticky_auth/api/v1/tos/{terms['tos_id']}/accept", **terms}
            return _error(403, "missing_tos", "Need to accept Terms of Service to access resource.", data)
        # A segmentation table follows the datastacks with the same permission.
        if name in self.datasets and any(self.datasets.get(viewable) == dataset for viewable in user.view):
            return None
        data = {"required_permission": "view", "auth_dataset": dataset}
        return _error(403, "missing_permission", f"Missing permission: view for dataset {dataset}", data)


def no_edits(table: str) -> Response:
    """The answer to whoever wants to edit a segmentation: nobody may, here."""
    data = {"required_permission": "edit", "auth_dataset": table}
    return _error(403, "missing_permission", f"Missing permission: edit for dataset {table}", data)


def bearer_token() -> str:
    """The token of the request, "" without one."""
    header = request.headers.get("Authorization", "")
    token = header.removeprefix("Bearer").strip() if header.startswith("Bearer") else ""
    return token or request.cookies.get(TOKEN_NAME, "")


def may_read(private: Mapping[str, Any]) -> bool:
    """Whether the user who asks may read a table that is not public: of its owner, or of whom its `group` has."""
    user: User | None = g.user
    if user is None:
        return False
    return user.user_id == private["owner_user_id"] or private.get("group") in user.groups


def user_id() -> int | None:
    """Id of the user who asks; None where nobody has to log in."""
    user: User | None = g.user
    return None if user is None else user.user_id


def _error(status: int, code: str, message: str, data: Mapping[str, Any] | None = None) -> Response:
    answer = jsonify({"error": code, "message": message, **({"data": data} if data else {})})
    answer.status_code = status
    return answer
