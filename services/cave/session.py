"""Asking CAVE: long-lived clients, one line in the log for every question, every failure a sentence."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit

import pandas as pd

from services.cave.failures import Subject, translate
from services.cave.http import Trip, trip
from services.core.addresses import origin
from services.core.errors import KarstError, request_id
from services.core.settings import Settings

log = logging.getLogger("karst.cave")
T = TypeVar("T")


class Asker:
    """Asks with the timeouts of `settings`. `counts` sums up requests, bytes, and outcomes of questions."""

    def __init__(self, settings: Settings) -> None:
        self.counts: Counter[str] = Counter()
        self._timeout_s = (settings.connect_timeout_s, settings.timeout_s)
        self._server = urlsplit(settings.server_address).netloc
        self._origins = {origin(settings.server_address)}
        self._clients: dict[tuple[int, str], Any] = {}
        self._locks: dict[tuple[int, str], threading.Lock] = {}
        self._lock = threading.Lock()

    def subject(
        self, datastack: str = "", version: int | None = None, table: str = "", *, missing: str = ""
    ) -> Subject:
        """What a question is about."""
        return Subject(self._server, datastack, version, table, missing)

    def allow(self, address: str) -> None:
        """Let questions, and the token, go to the host of an address too."""
        self._origins.add(origin(address))

    def client(self, name: str, make: Callable[[], T]) -> T:
        """The one client of this name in this process. Making one costs a request, for the service's version.

        A forked process makes its own: it must not use its parent's open connections.
        """
        key = (os.getpid(), name)
        with self._lock:
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:
            if key not in self._clients:
                self._clients[key] = make()
            found: T = self._clients[key]
            return found

    def ask(self, what: str, subject: Subject, connect: Callable[[str], Any], call: Callable[[Any], Any]) -> Any:
        """The result of `call` with the client that `connect` gives for the datastack; `what` is for the log.

        Raises KarstError, and nothing else.
        """
        return self.ask_closely(what, subject, connect, call)[0]

    def ask_closely(
        self, what: str, subject: Subject, connect: Callable[[str], Any], call: Callable[[Any], Any]
    ) -> tuple[Any, Trip]:
        """As `ask`, with how the answer came."""
        start = time.perf_counter()
        outcome = "failed"
        result = None
        with trip(self._timeout_s, self._origins) as here:
            try:
                result = call(connect(subject.datastack))
                outcome = "ok"
            except KarstError as error:
                outcome = error.code
                raise
            except Exception as error:
                sentence = translate(error, subject, self._timeout_s[1])
                outcome = sentence.code
                log.warning("request_id=%s %s: %s", sentence.request_id, type(error).__name__, str(error)[:2000])
                raise sentence from error
            finally:
                self._count(here, outcome)
                rows = len(result) if isinstance(result, pd.DataFrame) else "-"
                log.info(
                    "request_id=%s what=%r about=%r outcome=%s requests=%d ms=%.0f bytes=%d rows=%s",
                    *(request_id(), what, str(subject), outcome),
                    *(here.requests, (time.perf_counter() - start) * 1000, here.bytes, rows),
                )
        return result, here

    def _count(self, here: Trip, outcome: str) -> None:
        with self._lock:
            self.counts.update({"requests": here.requests, "bytes": here.bytes, outcome: 1})
