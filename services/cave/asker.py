"""Requests to CAVE by long-lived clients: one line in the log for each, every failure a sentence."""

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

from services.cave.circuit import Circuits
from services.cave.failures import Subject, translate
from services.cave.http import Trip, trip
from services.core import metrics
from services.core.addresses import is_private_way, origin
from services.core.errors import KarstError, request_id
from services.core.settings import Settings
from services.core.stages import stage
from services.core.waiting import before_waiting

log = logging.getLogger("karst.cave")
T = TypeVar("T")


class Asker:
    """Asks with the timeouts of `settings`, and no service whose circuit is open.

    `counts` sums up requests, bytes, and outcomes of questions.
    """

    def __init__(self, settings: Settings, circuits: Circuits) -> None:
        self.circuits = circuits
        self.counts: Counter[str] = Counter()
        self._timeout_s = (settings.connect_timeout_s, settings.timeout_s)
        self._server = urlsplit(settings.server_address).netloc
        self._is_person, self._name = settings.auth == "person", settings.server
        is_exposed = settings.token and not is_private_way(settings.server_address)
        self._origins = frozenset(() if is_exposed else {origin(settings.server_address)})
        self._clients: dict[tuple[int, str], tuple[str, Any]] = {}
        self._locks: dict[tuple[int, str], threading.Lock] = {}
        self._lock = threading.Lock()

    def subject(
        self, datastack: str = "", version: int | None = None, table: str = "", *, missing: str = ""
    ) -> Subject:
        """What a question is about."""
        return Subject(self._server, datastack, version, table, missing, self._is_person, self._name)

    def client(self, name: str, address: str, make: Callable[[], T]) -> T:
        """The one client of this name in this process, for as long as it is to ask `address`. Making one costs a
        request, for the service's version.

        A forked process makes its own: it must not use its parent's open connections.
        """
        key = (os.getpid(), name)
        with self._lock:
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:
            if key not in self._clients or self._clients[key][0] != address:
                self._clients[key] = address, make()
            result: T = self._clients[key][1]
            return result

    def ask(self, question: str, subject: Subject, connect: Callable[[str], Any], call: Callable[[Any], Any]) -> Any:
        """The result of `call` with the client that `connect` gives for the datastack; `question` is for the log.

        Raises KarstError, and nothing else.
        """
        return self.ask_closely(question, subject, connect, call)[0]

    def ask_closely(
        self, question: str, subject: Subject, connect: Callable[[str], Any], call: Callable[[Any], Any]
    ) -> tuple[Any, Trip]:
        """As `ask`, with how the answer came."""
        before_waiting()
        start = time.perf_counter()
        about: dict[str, Any] = {"request_id": request_id(), "question": question, "about": str(subject)}
        outcome = "failed"
        with stage("cave"), trip(self._timeout_s, self._origins, self.circuits) as journey:
            try:
                result = call(connect(subject.datastack))
                outcome = "ok"
                about["rows"] = len(result) if isinstance(result, pd.DataFrame) else None
            except KarstError as error:
                outcome = error.code
                raise
            except Exception as error:
                sentence = translate(error, subject, self._timeout_s[1])
                outcome = sentence.code
                about |= {"request_id": sentence.request_id, "error": type(error).__name__, "status": _status(error)}
                raise sentence from error
            finally:
                seconds = time.perf_counter() - start
                self._count(journey, question, outcome, seconds)
                counted = {"requests": journey.requests, "bytes": journey.bytes, "ms": round(seconds * 1000)}
                log.info("question", extra={**about, "outcome": outcome, **counted})
        return result, journey

    def _count(self, journey: Trip, question: str, outcome: str, seconds: float) -> None:
        with self._lock:
            self.counts.update({"requests": journey.requests, "bytes": journey.bytes, outcome: 1})
        metrics.QUESTION_SECONDS.labels(question, outcome).observe(seconds)
        metrics.CAVE_REQUESTS.inc(journey.requests)
        metrics.CAVE_BYTES.inc(journey.bytes)


def _status(error: Exception) -> int | None:
    """The HTTP status that CAVE answered with."""
    answer = getattr(error, "response", None)
    return answer.status_code if answer is not None else None
