"""Answers that are paid for once.

Two levels: frames and values held in this process, over bytes in a folder or in Redis that all
processes share. However many ask for the same thing at once, in whatever process, it is loaded once.
A failure is never kept. Without the second level (no room, no rights, no Redis) everything works,
only less is shared.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import nullcontext, suppress
from copy import copy
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import pandas as pd

from services.cache.codec import decode_frame, encode_frame, pack, unpack
from services.cache.flights import WAIT_S
from services.cache.memory import Held, Memory
from services.cache.stores import open_store
from services.core.errors import Upstream
from services.core.metrics import CACHE_ANSWERS
from services.core.stages import stage
from services.core.waiting import before_waiting, seconds_to_wait, waited_in_vain

log = logging.getLogger("karst.cache")

STALE_S = 24 * 3600
"""For `stale_s`: a list of yesterday is better than none."""
Key = tuple[str | int, ...]
T = TypeVar("T")


@dataclass(frozen=True)
class _Kind(Generic[T]):
    """How what was loaded becomes bytes for the store, how these and it become what is held, and how a caller gets his
    own of that."""

    name: str
    encode: Callable[[Any], bytes]
    decode: Callable[[bytes], Any]
    hold: Callable[[Any], Any]
    own: Callable[[Any], T]


def _to_json(value: Any) -> bytes:
    return json.dumps(value).encode()


def _same(value: T) -> T:
    return value


FRAME: _Kind[pd.DataFrame] = _Kind(
    "frame", encode_frame, decode_frame, hold=_same, own=lambda frame: frame.copy(deep=False)
)
VALUE: _Kind[Any] = _Kind("value", _to_json, bytes, hold=_to_json, own=json.loads)


class Cache:
    """A cache over `where`: a folder, a `redis://` address, or "" for this process only.

    `memory_bytes` bounds what this process holds (`memory`), `store_bytes` what a folder does; the least recently used
    goes first. Keys are plain values; `namespace` keeps apart what different servers or identities answer. `counts`
    says how often an answer came from memory, from the store, from a caller that was already loading it, was loaded, or
    was an old one because it could not be.
    """

    def __init__(self, where: str, memory_bytes: int, *, store_bytes: int = 4 * 2**30, namespace: str = "") -> None:
        self.counts: Counter[str] = Counter()
        self._namespace = namespace
        self.memory = Memory(memory_bytes)
        self._lock = threading.Lock()
        self._store = open_store(where, store_bytes) if where else None

    def frame(self, key: Key, load: Callable[[], pd.DataFrame], *, ttl_s: int | None = None) -> pd.DataFrame:
        """The frame of `key`, loaded if nobody has it; kept for `ttl_s` seconds, None = as long as there is room.

        Columns, dtypes and `attrs` (anything JSON can hold) come back as they were loaded, the index does
        not. The caller may change what he gets; nobody else sees it.
        """
        return self._get(key, FRAME, lambda: load().reset_index(drop=True), ttl_s)

    def value(self, key: Key, load: Callable[[], Any], *, ttl_s: int | None = None, stale_s: int = 0) -> Any:
        """As `frame`, for anything that JSON can hold; a tuple comes back as a list. What is older than `ttl_s`, by
        `stale_s` at most, comes back while `load` raises Upstream."""
        return self._get(key, VALUE, load, ttl_s, stale_s)

    def records(
        self,
        key: Key,
        load: Callable[[], Any],
        read: Callable[[bytes], T],
        *,
        ttl_s: int | None = None,
        stale_s: int = 0,
    ) -> T:
        """As `value`, of what `read` makes of the JSON, once for all callers: nobody may change it."""
        kind: _Kind[T] = _Kind("records", _to_json, read, hold=lambda loaded: read(_to_json(loaded)), own=_same)
        return self._get(key, kind, load, ttl_s, stale_s)

    def has_frame(self, key: Key) -> bool:
        """Whether the frame of `key` is here, so that nobody has to load it."""
        name = json.dumps([self._namespace, FRAME.name, *key])
        return self.memory.get(name) is not None or self._from_store(name, FRAME) is not None

    def forget(self, key: Key) -> None:
        """Have the value of `key` loaded anew when this process asks for it next, and others that do not hold it."""
        name = json.dumps([self._namespace, VALUE.name, *key])
        self.memory.drop(name)
        if self._store:
            self._store.delete(name)

    def noted(self, key: Key) -> list[Any]:
        """What was noted under `key` by any process, oldest first. Notes may be lost with the store: they are hints."""
        name = self._note_name(key)
        packed = self._store.get(name) if self._store else None
        entry = self.memory.get(name)
        with suppress(ValueError):
            return list(json.loads(unpack(packed)[0] if packed else entry.content if entry else b"[]"))
        return []

    def note(self, key: Key, entry: Any, *, most: int = 200) -> None:
        """Add something that JSON can hold to the notes of `key`, of which the `most` newest are kept."""
        name = self._note_name(key)
        with self._store.lock(name) if self._store else self._lock:
            entries = _to_json([*(earlier for earlier in self.noted(key) if earlier != entry), entry][-most:])
            self.memory.put(name, entries)
            if self._store:
                self._store.set(name, pack(entries, None), None)

    def apart(self, namespace: str) -> Cache:
        """The same cache, with the same bounds, for what is kept apart under another namespace."""
        other = copy(self)
        other._namespace = namespace
        return other

    def _note_name(self, key: Key) -> str:
        return json.dumps([self._namespace, "notes", *key])

    def problem(self) -> str:
        """Why nothing is shared with other processes at the moment; "" when all is well, or nothing has to be."""
        return self._store.problem() if self._store else ""

    def _get(self, key: Key, kind: _Kind[T], load: Callable[[], Any], ttl_s: int | None, stale_s: int = 0) -> T:
        name = json.dumps([self._namespace, kind.name, *key])
        if entry := self.memory.get(name):
            self._count("memory")
            return kind.own(entry.content)

        def make() -> Held:
            return self._from_store_or_load(name, kind, load, ttl_s, stale_s)

        made, by_another = self.memory.flights.once(name, lambda: self.memory.get(name), make)
        if by_another:
            self._count("waited")
        return kind.own(made.content)

    def _from_store_or_load(
        self, name: str, kind: _Kind[T], load: Callable[[], Any], ttl_s: int | None, stale_s: int
    ) -> Held:
        entry = self._from_store(name, kind)
        if entry is not None:
            return entry
        before_waiting()
        with self._store.lock(name, seconds_to_wait(WAIT_S)) if self._store else nullcontext(True) as is_first:
            if not is_first:
                waited_in_vain()
            return self._from_store(name, kind) or self._load(name, kind, load, ttl_s, stale_s)

    @stage("cache")
    def _from_store(self, name: str, kind: _Kind[T], stale_s: float = 0.0) -> Held | None:
        packed = self._store.get(name) if self._store else None
        if self._store is None or packed is None:
            return None
        try:
            content, expires = unpack(packed)
            if expires is not None and expires + stale_s <= time.time():
                return None
            entry = self.memory.put(name, kind.decode(content), expires)
        except Exception as error:
            log.warning("an entry of the cache cannot be read and is dropped (%s)", type(error).__name__)
            self._store.delete(name)
            return None
        self._count("stale" if stale_s else "store")
        return entry

    def _load(self, name: str, kind: _Kind[T], load: Callable[[], Any], ttl_s: int | None, stale_s: int) -> Held:
        self._count("loaded")
        try:
            loaded = load()
        except Upstream:
            stale = self._stale(name, kind, stale_s)
            if stale is None:
                raise
            return stale
        expires = None if ttl_s is None else time.time() + ttl_s
        if self._store:
            self._store.set(name, pack(kind.encode(loaded), expires), None if ttl_s is None else ttl_s + stale_s)
        return self.memory.put(name, kind.hold(loaded), expires)

    def _stale(self, name: str, kind: _Kind[T], stale_s: int) -> Held | None:
        """What has expired by `stale_s` seconds at most."""
        entry = self.memory.get(name, stale_s)
        if entry is None:
            return self._from_store(name, kind, stale_s) if stale_s else None
        self._count("stale")
        return entry

    def _count(self, source: str) -> None:
        CACHE_ANSWERS.labels(source).inc()
        with self._lock:
            self.counts[source] += 1
