"""Small things derived from frames of a version, kept in this process.

A version never changes, so what is derived from it is right for good. Keys are plain values and begin with
the server and the identity, as those of the cache do, and with the configuration.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from cachetools import LRUCache

if TYPE_CHECKING:
    import pandas as pd

    from services.cave.client import Cave

T = TypeVar("T")
Key = tuple[Any, ...]


def key_of(cave: Cave, *parts: str | int) -> Key:
    """The key of something that `cave` answered, as its configuration reads it: axes and colours are of that."""
    return (cave.settings.server_address, cave.settings.identity, str(cave.settings.config_dir), *parts)


def ready(frame: pd.DataFrame) -> pd.DataFrame:
    """The same frame, in which several threads may look up rows at once. pandas builds the hash table of an index when
    it is first used, and a thread that comes meanwhile finds duplicates in it."""
    frame.index.get_indexer(frame.index[:1])
    return frame


class Memo(Generic[T]):
    """The `most` last used results. Two threads that ask for the same new one may both make it."""

    def __init__(self, most: int) -> None:
        self._kept: LRUCache[Key, T] = LRUCache(most)
        self._lock = threading.Lock()

    def get(self, key: Key, make: Callable[[], T]) -> T:
        """The result of `key`, made by `make` if it is not here."""
        with self._lock:
            if key in self._kept:
                kept: T = self._kept[key]
                return kept
        made = make()
        with self._lock:
            self._kept[key] = made
        return made
