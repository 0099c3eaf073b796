"""How requests go to CAVE: with timeouts, with patience for hiccups, and counted."""

from __future__ import annotations

import contextvars
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Self

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import ReadTimeoutError
from urllib3.util.retry import Retry

POOL_SIZE = 32
LIMITED = re.compile(r"Limited query to (\d+) rows")


@dataclass
class Trip:
    """What went over the wire for one call: requests, bytes received, CAVE's warnings, and headers of the last answer.

    `timeout_s` is how long to wait for a connection, and for an answer.
    """

    timeout_s: tuple[float, float] = (5.0, 60.0)
    requests: int = 0
    bytes: int = 0
    warnings: list[str] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def row_limit(self) -> int | None:
        """The number of rows at which CAVE cut the answer off, which it says in a header only."""
        found = [int(match[1]) for text in self.warnings for match in LIMITED.finditer(text)]
        return found[-1] if found else None

    @property
    def resolution_nm(self) -> list[float] | None:
        """Size of the voxels that positions of the answer are counted in."""
        text = self.headers.get("dataframe_resolution", "")
        numbers = [float(part) for part in text.split(",") if part.strip()]
        return numbers if len(numbers) == 3 else None


_trip: contextvars.ContextVar[Trip | None] = contextvars.ContextVar("trip", default=None)


@contextmanager
def trip(timeout_s: tuple[float, float]) -> Iterator[Trip]:
    """Gives the requests of this thread their timeout, and collects what they do, until the block ends."""
    new = Trip(timeout_s)
    token = _trip.set(new)
    try:
        yield new
    finally:
        _trip.reset(token)


class _Patience(Retry):
    """Retries dropped connections and 502-504 at once, but never waits a second time for a silent server."""

    def increment(self, *args: Any, **kwargs: Any) -> Self:
        if isinstance(kwargs.get("error"), ReadTimeoutError):
            raise kwargs["error"]
        return super().increment(*args, **kwargs)


class Adapter(HTTPAdapter):
    """caveclient sets no timeout and drops warnings; this adapter sets the one and keeps the other.

    A `Retry-After` header is not obeyed: a person is waiting, and gets a sentence instead.
    """

    def __init__(self) -> None:
        patience = _Patience(
            total=3,
            connect=1,
            backoff_factor=0.1,
            status_forcelist=(502, 503, 504),
            allowed_methods=frozenset(["GET", "POST"]),
            raise_on_status=False,
            respect_retry_after_header=False,
        )
        super().__init__(pool_maxsize=POOL_SIZE, max_retries=patience)

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        current = _trip.get() or Trip()
        current.requests += 1
        response = super().send(request, *args, **{**kwargs, "timeout": current.timeout_s})
        current.bytes += len(response.content)
        current.headers = dict(response.headers)
        if warning := response.headers.get("Warning"):
            current.warnings.append(warning)
        return response


def mount(session: requests.Session, **_ignored: Any) -> None:
    """Make `session` use the adapter for everything. Stands in for caveclient's function of the same use."""
    adapter = Adapter()
    session.mount("http://", adapter)
    session.mount("https://", adapter)
