"""A service of CAVE that does not answer is left alone for some seconds, so that nobody waits for what will not come.

`pybreaker` has the same, but holds its lock while it calls, so that one request would wait for the other, and lets
everybody through at once when it tries again.
"""

from __future__ import annotations

import math
import threading
import time
from urllib.parse import urlsplit

import requests

from services.core import metrics
from services.core.addresses import origin

MOST_FAILURES = 5
"""As many in a row open a circuit: a page asks for about as much at once, and one answer that got lost is none."""
REST_S = 5.0
"""Seconds until one request tries again."""


class CircuitOpen(requests.ConnectionError):
    """A request that was not sent, because its service has not answered lately; `retry_after_s` is when one will be."""

    def __init__(self, rest_s: float) -> None:
        super().__init__("not sent: the service does not answer")
        self.retry_after_s = max(1, math.ceil(rest_s))


class Circuit:
    """The failures of one service since its last answer. Safe to use from many threads."""

    def __init__(self, service: str) -> None:
        self._service = service
        self._failures, self._rest_until_s = 0, 0.0
        self._lock = threading.Lock()

    def enter(self) -> None:
        """Call before sending a request. Raises CircuitOpen while the service rests; afterwards lets one request
        through and raises for the others until it is answered."""
        with self._lock:
            if self._failures < MOST_FAILURES:
                return
            now_s = time.monotonic()
            if now_s < self._rest_until_s:
                metrics.CAVE_SPARED.labels(self._service).inc()
                raise CircuitOpen(self._rest_until_s - now_s)
            self._rest_until_s = now_s + REST_S

    def succeed(self) -> None:
        """The service has answered."""
        with self._lock:
            self._failures = 0

    def fail(self) -> None:
        """The service has not answered."""
        with self._lock:
            self._failures += 1
            if self._failures == MOST_FAILURES:
                metrics.CAVE_OPENED.labels(self._service).inc()
            self._rest_until_s = time.monotonic() + REST_S


class Circuits:
    """A circuit for each service of each server, which the first part of a path names: one may fail alone."""

    def __init__(self) -> None:
        self._circuits: dict[tuple[str, str], Circuit] = {}
        self._lock = threading.Lock()

    def of(self, url: str) -> Circuit:
        """The circuit of an address."""
        service = urlsplit(url).path.strip("/").partition("/")[0]
        with self._lock:
            return self._circuits.setdefault((origin(url), service), Circuit(service))
