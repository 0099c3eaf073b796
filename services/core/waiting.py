"""How many web requests may wait for CAVE at once.

Each holds a thread of its process for as long. The bound leaves threads for what needs no CAVE: health, static files
and answers that are in the cache.
"""

from __future__ import annotations

import threading

import flask

from services.core.errors import Busy


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
