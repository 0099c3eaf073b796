"""Where the time of a web request goes.

Every moment of a request belongs to one stage, so the stages add up to its time. Where its threads are in several at
once, the first of `STAGES` counts.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import flask

STAGES = ("cave", "cache", "render", "compute")
"""Waiting for CAVE; reading, writing and waiting for the shared cache; putting the answer into JSON, CSV or Arrow and
compressing it; all else."""


class Stages:
    """A clock for one request, which starts when it is made. Safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside: Counter[str] = Counter(compute=1)
        self._since = time.perf_counter()
        self._spent_s = dict.fromkeys(STAGES, 0.0)

    def enter(self, name: str, threads: int = 1) -> None:
        """One more thread is in a stage, or, with -1, one less."""
        with self._lock:
            self._advance()
            self._inside[name] += threads

    def seconds(self) -> dict[str, float]:
        """Seconds in each of `STAGES` so far."""
        with self._lock:
            self._advance()
            return dict(self._spent_s)

    def _advance(self) -> None:
        now = time.perf_counter()
        self._spent_s[next(name for name in STAGES if self._inside[name])] += now - self._since
        self._since = now


@contextmanager
def stage(name: str) -> Iterator[None]:
    """The block belongs to a stage of the web request being answered, if there is one."""
    stages = _running()
    if stages is None:
        yield
        return
    stages.enter(name)
    try:
        yield
    finally:
        stages.enter(name, -1)


def begin_render() -> None:
    """What follows in the web request being answered is its last stage."""
    stages = _running()
    if stages is not None:
        stages.enter("render")


def start() -> Stages:
    """Start the clock of the web request being answered."""
    stages: Stages = flask.g.setdefault("stages", Stages())
    return stages


def _running() -> Stages | None:
    return flask.g.get("stages") if flask.has_app_context() else None
