"""How many web requests may wait for CAVE at once, and how long a question waits for what another one is loading.

Each request holds a thread of its process for as long. The bound leaves threads for what needs no CAVE: health, static
files and answers that are in the cache.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

import flask

from services.core.errors import Busy
from services.core.pages import StoppedError


class Waiting:
    """At most `most` requests of this process. Safe to use from many threads."""

    def __init__(self, most: int) -> None:
        self._most, self._now = most, 0
        self._lock = threading.Lock()

    def join(self) -> None:
        """Count the request being answered, once, until it has ended. Raises Busy when there is no room."""
        with self._lock:
            if flask.g.get("is_waiting"):
                return
            if self._now >= self._most:
                raise Busy(self._most)
            self._now += 1
            flask.g.is_waiting = True

    def leave(self) -> None:
        """The request has ended."""
        with self._lock:
            if flask.g.pop("is_waiting", False):
                self._now -= 1


def before_waiting() -> None:
    """To be called before the web request being answered, if there is one, waits for CAVE or for another that does."""
    waiting: Waiting | None = flask.g.get("waiting") if flask.has_request_context() else None
    if waiting is not None:
        waiting.join()


@dataclass(frozen=True, eq=False)
class Question:
    """One that waits for others until a time of :func:`time.monotonic`, not for what its own threads load."""

    until: float


_question: ContextVar[Question | None] = ContextVar("question", default=None)


@contextmanager
def waiting_for_others(seconds: float) -> Iterator[None]:
    """Within the block, who waits for what another question loads does so for `seconds` in all; StoppedError then."""
    token = _question.set(Question(time.monotonic() + seconds))
    try:
        yield
    finally:
        _question.reset(token)


def question() -> Question | None:
    """That of the block in which this thread is, or which has started it; None = one without such a bound."""
    return _question.get()


def seconds_to_wait(most: float, whose: Question | None = None) -> float:
    """How long to wait for what the question `whose` loads (None = any other), `most` seconds at most."""
    this = question()
    return most if this is None or this is whose else min(most, max(0.0, this.until - time.monotonic()))


def waited_in_vain(whose: Question | None = None) -> None:
    """To be called when that time is over. Raises StoppedError unless there is no bound."""
    this = question()
    if this is not None and this is not whose:
        raise StoppedError
