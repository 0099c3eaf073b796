"""However many threads ask for the same thing at once, one makes it and the others wait."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future, wait
from contextlib import suppress
from typing import Any, TypeVar

from services.core.errors import NotAllowed
from services.core.pages import StoppedError
from services.core.stages import stage
from services.core.waiting import Question, before_waiting, question, seconds_to_wait, waited_in_vain

WAIT_S = 300.0
"""How long one waits for another, in this process or elsewhere, before making the thing too."""
T = TypeVar("T")


class _Flight(Future[Any]):
    """What is being made, for `whose` question."""

    def __init__(self, whose: Question | None) -> None:
        super().__init__()
        self.whose = whose


class Flights:
    """What is being made in this process, by key. Things that are made from one another must form no circle."""

    def __init__(self) -> None:
        self._flights: dict[Hashable, _Flight] = {}
        self._lock = threading.Lock()

    def once(self, key: Hashable, find: Callable[[], T | None], make: Callable[[], T]) -> tuple[T, bool]:
        """What `find` finds, else what `make` makes, and whether another thread has made it.

        Who waits for another counts as one who waits for CAVE, and gets its error too: asking a broken server again and
        again helps nobody. Raises Busy, StoppedError, and what `make` raises.
        """
        with self._lock:
            if (found := find()) is not None:
                return found, True
            others = self._flights.get(key)
            mine = _Flight(question())
            self._flights.setdefault(key, mine)
        if others is not None:
            before_waiting()
            with stage("cache"):
                ready = wait([others], timeout=seconds_to_wait(WAIT_S, others.whose)).done
            if ready:
                with suppress(NotAllowed, StoppedError):  # which is for another person, maybe, than the one who waited
                    return others.result(), True
            else:
                waited_in_vain(others.whose)
        try:
            made = make()
        except BaseException as error:
            self._land(key)
            mine.set_exception(error)
            raise
        self._land(key)
        mine.set_result(made)
        return made, False

    def _land(self, key: Hashable) -> None:
        with self._lock:
            self._flights.pop(key, None)
