"""The one family of errors. Each is a sentence for the person who asked.

`message` says what happened, `hint` what to do about it, `request_id` finds it in the log.
No message holds a traceback, SQL, a path of this machine or a token.
"""

# ruff: noqa: N818 - the names are what a person would say
from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any, ClassVar

import flask


def request_id() -> str:
    """Id of the web request being answered (the same for its whole life), else a new one: 12 hex digits."""
    if not flask.has_app_context():
        return uuid.uuid4().hex[:12]
    id: str = flask.g.setdefault("request_id", uuid.uuid4().hex[:12])
    return id


class KarstError(Exception):
    """Something that a person can be told. Raise one of the subclasses."""

    code: ClassVar[str] = "error"
    status: ClassVar[int] = 500
    retry_after_s: int | None = None
    """When asking again makes sense; None = that is not known."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.request_id = request_id()

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()

    def to_dict(self) -> dict[str, Any]:
        """`code`, `message`, `hint` and `request_id`, as the API answers them."""
        return {"code": self.code, "message": self.message, "hint": self.hint, "request_id": self.request_id}


class BadInput(KarstError):
    """What was typed cannot be understood. `position` is the character at fault, counted from 0."""

    code = "bad_input"
    status = 400

    def __init__(self, message: str, hint: str = "", *, position: int | None = None) -> None:
        super().__init__(message, hint)
        self.position = position

    def to_dict(self) -> dict[str, Any]:
        """As for every error, with `position` where there is one."""
        return super().to_dict() | ({} if self.position is None else {"position": self.position})


class WrongMethod(KarstError):
    """What is at an address answers other methods. `allowed` names them."""

    code = "wrong_method"
    status = 405

    def __init__(self, message: str, hint: str = "", *, allowed: Sequence[str] = ()) -> None:
        super().__init__(message, hint)
        self.allowed = tuple(allowed)


class NotFound(KarstError):
    """The datastack, version, table, cell or row does not exist. `datastack` and `version` are where to look for
    another ("" = not known, or the newest)."""

    code = "not_found"
    status = 404

    def __init__(self, message: str, hint: str = "", *, datastack: str = "", version: int | str | None = "") -> None:
        super().__init__(message, hint)
        self.datastack = datastack
        self.version = str(version or "")


class NoRows(NotFound):
    """CAVE has no rows at all for a query, which it tells as an error."""


class NotAllowed(KarstError):
    """CAVE refuses: no token, a bad one, missing permission, or terms of service not accepted."""

    code = "not_allowed"
    status = 403


class SignIn(NotAllowed):
    """Nobody is signed in, or not any more; `servers` are those at which one can be ("" = the only one)."""

    code = "sign_in"
    status = 401

    def __init__(self, message: str, hint: str = "", *, servers: Sequence[str] = ("",)) -> None:
        super().__init__(message, hint)
        self.servers = tuple(servers)


class Expired(KarstError):
    """The materialization version is no longer kept."""

    code = "expired"
    status = 410


class TooLarge(KarstError):
    """More rows than can be held or sent at once."""

    code = "too_large"
    status = 413


class TooOften(KarstError):
    """One client asks more often than it may, which is `most` times a minute."""

    code = "too_often"
    status = 429

    def __init__(self, most: int, retry_after_s: int) -> None:
        super().__init__(
            f"Your network address or account has sent more than {most:,} requests in a minute.",
            f"Try again in {retry_after_s} seconds.",
        )
        self.retry_after_s = retry_after_s


class Busy(KarstError):
    """Too many requests wait for CAVE already."""

    code = "busy"
    status = 503
    retry_after_s = 5

    def __init__(self, most: int) -> None:
        super().__init__(f"CAVE is slow: {most} requests are waiting for it.", "Try again in a few seconds.")


class Unforeseen(KarstError):
    """A mistake of Karst's own, of which the log has more."""

    code = "internal"
    status = 500

    def __init__(self) -> None:
        super().__init__("Something went wrong in Karst.", "Nothing you typed is lost; trying again may help.")


class Upstream(KarstError):
    """CAVE did not answer, or answered with nonsense. Asking again may help."""

    code = "upstream"
    status = 502


class Unavailable(Upstream):
    """A service of the CAVE at `server` has not answered several times in a row, and is not asked for some seconds."""

    status = 503

    def __init__(self, server: str, retry_after_s: int) -> None:
        super().__init__(
            f"CAVE at {server} is not responding.",
            f"Try again in {retry_after_s} seconds. What was read before can still be viewed.",
        )
        self.retry_after_s = retry_after_s
