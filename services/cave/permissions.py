"""What CAVE lets one person read, asked again after a minute: what is cached for all may not be shown without it."""

from __future__ import annotations

import itertools
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from services.core.errors import NotAllowed, Upstream

PERMISSION_TTL_S = 60.0
UNKNOWN = "Whether you may read this is not known until it does. Please try again in a minute."
"""Beside the sentence that CAVE did not answer."""
_eras = itertools.count()


class Permissions:
    """The permissions of one person by datastack and table ("" = the datastack itself). Safe to use from many threads.

    `era` is a number of its own for each of these in a process, and another one whenever CAVE has taken something back:
    what was derived in another era is not to be shown, for nobody knows whether it still may be.
    """

    def __init__(self) -> None:
        self.era = next(_eras)
        self._granted: dict[tuple[str, str], tuple[float, Callable[[], Any]]] = {}
        self._locks: defaultdict[tuple[str, str], threading.Lock] = defaultdict(threading.Lock)
        self._lock = threading.Lock()

    def require(self, datastack: str, table: str, probe: Callable[[], Any]) -> None:
        """Ask CAVE, by `probe`, something that only those may who may read this, unless it was granted within the last
        minute.

        Raises what `probe` raises; a CAVE that does not answer grants nothing.
        """
        key = datastack, table
        if self._is_fresh(key):
            return
        with self._lock:
            lock = self._locks[key]
        with lock:
            if not self._is_fresh(key):
                self._probe(key, probe)

    def renew(self, datastack: str) -> None:
        """Ask again for the tables of a datastack that were granted more than a minute ago."""
        for (name, table), (_, probe) in list(self._granted.items()):
            if name == datastack and table:
                with suppress(NotAllowed):
                    self.require(name, table, probe)

    def _is_fresh(self, key: tuple[str, str]) -> bool:
        granted = self._granted.get(key)
        return granted is not None and time.monotonic() < granted[0]

    def _probe(self, key: tuple[str, str], probe: Callable[[], Any]) -> None:
        try:
            probe()
        except NotAllowed:
            with self._lock:
                if self._granted.pop(key, None):
                    self.era = next(_eras)
                self._locks.pop(key, None)  # names that are refused can be any
            raise
        except Upstream as error:
            error.hint = UNKNOWN
            raise
        with self._lock:
            self._granted[key] = time.monotonic() + PERMISSION_TTL_S, probe
