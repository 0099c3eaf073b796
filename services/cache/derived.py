"""What is worked out from answers, held in the memory of the cache that these came from."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar, cast

from services.cache.memory import Held, Memory

if TYPE_CHECKING:
    import pandas as pd

T = TypeVar("T")


class Derived:
    """What is derived from one thing that never changes, such as the rows of a version's table.

    `key` names that thing among all that share `memory`; without a memory nothing is kept. The thing itself has its
    `Derived`, so whoever has the thing can neither miss a part of its key nor mistake it for another's.
    """

    def __init__(self, memory: Memory | None = None, *key: Any) -> None:
        self._memory = memory
        self.key = key

    def of(self, *parts: Any) -> Derived:
        """What is derived from a part of the thing, or from one result; `parts` are plain values, a word for the kind
        of result first."""
        return Derived(self._memory, *self.key, parts)

    def get(self, make: Callable[[], T], is_valid: Callable[[T], bool] = lambda _: True) -> T:
        """The result of this name, made by `make` unless one is held and `is_valid` still. Threads that ask at once get
        the same one. Nobody may change it. Raises as :meth:`Flights.once`."""
        memory, key = self._memory, self.key
        if memory is None:
            return make()

        def find() -> Held | None:
            entry = memory.get(key)
            return entry if entry and is_valid(cast("T", entry.content)) else None

        entry = find() or memory.flights.once(key, find, lambda: memory.put(key, make()))[0]
        return cast("T", entry.content)


NOT_KEPT = Derived()
"""Of a thing that has no name: all is made anew."""


def ready(frame: pd.DataFrame) -> pd.DataFrame:
    """The same frame, in which several threads may look up rows at once. pandas builds the hash table of an index when
    it is first used, and a thread that comes meanwhile finds duplicates in it."""
    frame.index.get_indexer(frame.index[:1])
    return frame
