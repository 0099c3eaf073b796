"""Requests to CAVE: with timeouts, retries of dropped connections, and counts."""

from __future__ import annotations

import contextvars
import http.client
import io
import re
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Self
from urllib.parse import urlsplit

import pyarrow as pa
import requests
from requests.adapters import HTTPAdapter
from urllib3 import PoolManager
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.exceptions import ReadTimeoutError
from urllib3.util.retry import Retry

from services.cave.circuit import Circuits
from services.core.addresses import origin

POOL_SIZE = 32
NOT_AVAILABLE = (502, 503, 504)
ARROW = "data.arrow"
END_OF_STREAM = b"\xff\xff\xff\xff\0\0\0\0"
"""What ends every Arrow IPC stream. A reader takes a stream without it, cut between two batches, as whole."""
LOGIN = "/authorize"
"""How the paths of CAVE's login pages end, to which it leads whoever has no valid token."""
LIMITED = re.compile(r"Limited query to (\d+) rows")


@dataclass
class Trip:
    """What went over the wire for one call: requests, bytes received, CAVE's warnings, and headers of the last answer.

    `timeout_s` is how long to wait for a connection, and for a whole answer; `origins` are those that may be asked;
    `circuits` know which services do not answer.
    """

    timeout_s: tuple[float, float] = (5.0, 60.0)
    origins: frozenset[str] = frozenset()
    circuits: Circuits = field(default_factory=Circuits)
    deadline: float = float("inf")
    is_redirected: bool = False
    requests: int = 0
    bytes: int = 0
    warnings: list[str] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)

    def next_timeout_s(self) -> tuple[float, float]:
        """The time-outs of the next request; all that follow a redirect share one deadline. Raises
        requests.ReadTimeout when it has passed."""
        if not self.is_redirected:
            self.deadline = time.monotonic() + self.timeout_s[1]
        left_s = self.deadline - time.monotonic()
        if left_s <= 0:
            raise requests.ReadTimeout("redirects took too long")
        return min(self.timeout_s[0], left_s), min(self.timeout_s[1], left_s)

    @property
    def row_limit(self) -> int | None:
        """The number of rows at which CAVE cut the answer off, which it says in a header only."""
        matches = [int(match[1]) for text in self.warnings for match in LIMITED.finditer(text)]
        return matches[-1] if matches else None

    @property
    def resolution_nm(self) -> list[float] | None:
        """Size of the voxels that positions of the answer are counted in."""
        text = self.headers.get("dataframe_resolution", "")
        numbers = [float(part) for part in text.split(",") if part.strip()]
        return numbers if len(numbers) == 3 else None


_trip: contextvars.ContextVar[Trip | None] = contextvars.ContextVar("trip", default=None)


@contextmanager
def trip(timeout_s: tuple[float, float], origins: frozenset[str], circuits: Circuits) -> Iterator[Trip]:
    """Gives the requests of this thread their limits, and collects what they do, until the block ends."""
    new = Trip(timeout_s, origins, circuits)
    token = _trip.set(new)
    try:
        yield new
    finally:
        _trip.reset(token)


def allow(address: str) -> None:
    """Let the rest of this thread's trip, and the token, go to the host of an address too."""
    current = _trip.get()
    if current is not None:
        current.origins |= {origin(address)}


class ForeignAddress(requests.RequestException):
    """A request, mostly a redirect, to where neither a token nor a question may go. `url` was not asked."""

    def __init__(self, url: str) -> None:
        super().__init__(f"not asked: {origin(url) or 'no http address'}")
        self.url = url


class _Bytes(io.RawIOBase):
    """What a socket receives until the deadline of the current trip, however slowly it comes."""

    def __init__(self, sock: socket.socket, received: io.RawIOBase) -> None:
        self._sock, self._received = sock, received
        self._deadline = (_trip.get() or Trip()).deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the whole answer took too long")
        if left != float("inf"):
            self._sock.settimeout(left)
        return self._received.readinto(buffer)

    def close(self) -> None:
        self._received.close()
        super().close()


class _Response(http.client.HTTPResponse):
    """An HTTP answer whose header and body have to come until the deadline: a socket's timeout is for each packet."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp = io.BufferedReader(_Bytes(sock, self.fp.detach()))


@cache
def _bounded(pool: type[HTTPConnectionPool]) -> type[HTTPConnectionPool]:
    """A kind of pool whose answers have to come until the deadline."""
    connection = type("Connection", (pool.ConnectionCls,), {"response_class": _Response})
    return type("Pool", (pool,), {"ConnectionCls": connection})


def _bound(manager: PoolManager) -> None:
    manager.pool_classes_by_scheme = {scheme: _bounded(pool) for scheme, pool in manager.pool_classes_by_scheme.items()}


class _Patience(Retry):
    """Retries dropped connections and 502-504 at once, but never waits a second time for a silent server."""

    def increment(self, *args: Any, **kwargs: Any) -> Self:
        if isinstance(kwargs.get("error"), ReadTimeoutError):
            raise kwargs["error"]
        return super().increment(*args, **kwargs)


class Adapter(HTTPAdapter):
    """caveclient sets no timeout, drops warnings, and sends the token wherever an address leads; this adapter sets the
    one, keeps the other, and asks nothing of addresses that are not among the trip's.

    A `Retry-After` header is not obeyed: a person is waiting, and gets a sentence instead.
    """

    def __init__(self) -> None:
        patience = _Patience(
            total=3,
            connect=1,
            backoff_factor=0.1,
            status_forcelist=NOT_AVAILABLE,
            allowed_methods=frozenset(["GET", "POST"]),
            raise_on_status=False,
            respect_retry_after_header=False,
        )
        super().__init__(pool_maxsize=POOL_SIZE, max_retries=patience)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        _bound(self.poolmanager)

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> PoolManager:
        manager: PoolManager = super().proxy_manager_for(*args, **kwargs)
        _bound(manager)
        return manager

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        current, url = _trip.get() or Trip(), request.url or ""
        if origin(url) not in current.origins or urlsplit(url).path.endswith(LOGIN):
            raise ForeignAddress(url)
        circuit = current.circuits.of(url)
        circuit.enter()
        current.requests += 1
        try:
            response = super().send(request, *args, **{**kwargs, "timeout": current.next_timeout_s()})
            current.bytes += len(_whole(response))
        except (requests.ConnectionError, requests.Timeout):
            circuit.fail()
            raise
        (circuit.fail if response.status_code in NOT_AVAILABLE else circuit.succeed)()
        current.is_redirected = response.is_redirect
        current.headers = dict(response.headers)
        if warning := response.headers.get("Warning"):
            current.warnings.append(warning)
        return response


def _whole(response: requests.Response) -> bytes:
    """The body of an answer. Raises requests.ReadTimeout, and ArrowInvalid for an Arrow stream without its end."""
    try:
        content = response.content
    except requests.ConnectionError as error:
        if error.args and isinstance(error.args[0], ReadTimeoutError):
            raise requests.ReadTimeout(*error.args) from error
        raise
    if response.headers.get("Content-Type") == ARROW and not has_end(content):
        raise pa.ArrowInvalid("the stream has no end")
    return content


def has_end(stream: bytes) -> bool:
    """Whether an Arrow IPC stream is whole messages with the end marker after the last: data may end in the bytes of
    the marker as well. No data are decoded or copied."""
    source = pa.BufferReader(stream)
    place = 0
    try:
        reader = pa.ipc.MessageReader.open_stream(source)
        while True:
            place = source.tell()
            reader.read_next_message()
    except StopIteration:
        return stream[place:] == END_OF_STREAM
    except (pa.ArrowInvalid, OSError):
        return False


def within_trips(otherwise: Callable[..., None]) -> Callable[..., None]:
    """Stands in for `otherwise`, caveclient's function that equips a new session: one that is made in a trip uses the
    adapter for everything. Others are not this application's and get what they always got."""

    def mount(session: requests.Session, **options: Any) -> None:
        if _trip.get() is None:
            otherwise(session, **options)
            return
        adapter = Adapter()
        session.mount("http://", adapter)
        session.mount("https://", adapter)

    return mount
