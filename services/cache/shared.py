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
from concurrent.futures import Future, wait
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import pandas as pd
from cachetools import LRUCache

from services.cache.codec import decode_frame, encode_frame, pack, unpack
from services.cache.stores import WAIT_S, open_store
from services.core.metrics import CACHE_ANSWERS
from services.core.stages import stage

log = logging.getLogger("karst.cache")

MOST_NOTED = 256
"""Lists of notes that a process keeps."""

Key = tuple[str | int, ...]
T = TypeVar("T")


@dataclass(frozen=True)
class _Held:
    """Something kept in this process. `expires` is in seconds since 1970, None = never."""

    content: Any
    nbytes: int
    expires: float | None

    @property
    def fresh(self) -> bool:
        return self.expires is None or time.time() < self.expires


@dataclass(frozen=True)
class _Kind(Generic[T]):
    """How one kind of content becomes bytes and back, what it weighs, and how a caller gets his own."""

    name: str
    encode: Callable[[T], bytes]
    decode: Callable[[bytes], T]
    weigh: Callable[[T], int]
    own: Callable[[T], T]


FRAME: _Kind[pd.DataFrame] = _Kind(
    "frame",
    encode_frame,
    decode_frame,
    weigh=lambda frame: int(frame.memory_usage(deep=True).sum()),
    own=lambda frame: frame.copy(deep=False),
)
VALUE: _Kind[bytes] = _Kind("value", encode=bytes, decode=bytes, weigh=len, own=bytes)


class Cache:
    """A cache over `where`: a folder, a `redis://` address, or "" for this process only.

    `memory_bytes` bounds what this process holds; the least recently used goes first. Keys are plain
    values; `namespace` keeps apart what different servers or identities answer. `counts` says how often
    an answer came from memory, from the store, from a caller that was already loading it, or was loaded.
    """

    def __init__(self, where: str, memory_bytes: int, *, namespace: str = "") -> None:
        self.counts: Counter[str] = Counter()
        self._namespace = namespace
        self._held: LRUCache[str, _Held] = LRUCache(memory_bytes, getsizeof=lambda held: held.nbytes)
        self._loading: dict[str, Future[_Held]] = {}
        self._notes: LRUCache[Key, list[Any]] = LRUCache(MOST_NOTED)
        self._lock = threading.Lock()
        self._store = open_store(where) if where else None

    def frame(self, key: Key, load: Callable[[], pd.DataFrame], *, ttl_s: int | None = None) -> pd.DataFrame:
        """The frame of `key`, loaded if nobody has it; kept for `ttl_s` seconds, None = as long as there is room.

        Columns, dtypes and `attrs` (anything JSON can hold) come back as they were loaded, the index does
        not. The caller may change what he gets; nobody else sees it.
        """
        return self._get(key, FRAME, lambda: load().reset_index(drop=True), ttl_s)

    def value(
        self, key: Key, load: Callable[[], Any], *, ttl_s: int | None = None, read: Callable[[bytes], Any] = json.loads
    ) -> Any:
        """As `frame`, for anything that JSON can hold (a tuple comes back as a list), or what `read` makes of it."""
        return read(self._get(key, VALUE, lambda: json.dumps(load()).encode(), ttl_s))

    def noted(self, key: Key) -> list[Any]:
        """What was noted under `key` by any process, oldest first. Notes may be lost with the store: they are hints."""
        packed = self._store.get(self._note_name(key)) if self._store else None
        with suppress(ValueError):
            return list(json.loads(unpack(packed)[0])) if packed else list(self._notes.get(key, ()))
        return []

    def note(self, key: Key, entry: Any, *, most: int = 200) -> None:
        """Add something that JSON can hold to the notes of `key`, of which the `most` newest are kept."""
        with self._store.lock(self._note_name(key)) if self._store else self._lock:
            entries = [*(one for one in self.noted(key) if one != entry), entry][-most:]
            self._notes[key] = entries
            if self._store:
                self._store.set(self._note_name(key), pack(json.dumps(entries).encode(), None), None)

    def _note_name(self, key: Key) -> str:
        return json.dumps([self._namespace, "notes", *key])

    def problem(self) -> str:
        """Why nothing is shared with other processes at the moment; "" when all is well, or nothing has to be."""
        return self._store.problem() if self._store else ""

    def _get(self, key: Key, kind: _Kind[T], load: Callable[[], T], ttl_s: int | None) -> T:
        name = json.dumps([self._namespace, kind.name, *key])
        with self._lock:
            held = self._held.get(name)
            if held is not None and held.fresh:
                self.counts["memory"] += 1
                CACHE_ANSWERS.labels("memory").inc()
                return kind.own(held.content)
            others = self._loading.get(name)
            mine: Future[_Held] = Future()
            self._loading.setdefault(name, mine)
        if others is not None:
            with stage("cache"):
                ready = wait([others], timeout=WAIT_S).done
            if ready:
                self._count("waited")
                return kind.own(others.result().content)
        try:
            held = self._from_store_or_load(name, kind, load, ttl_s)
        except BaseException as error:
            # Whoever waits gets the same error: asking a broken server again and again helps nobody.
            self._land(name, None)
            mine.set_exception(error)
            raise
        self._land(name, held)
        mine.set_result(held)
        return kind.own(held.content)

    def _land(self, name: str, held: _Held | None) -> None:
        with self._lock:
            self._loading.pop(name, None)
            if held is not None and held.nbytes <= self._held.maxsize:
                self._held[name] = held

    def _from_store_or_load(self, name: str, kind: _Kind[T], load: Callable[[], T], ttl_s: int | None) -> _Held:
        held = self._from_store(name, kind)
        if held is not None:
            return held
        with self._store.lock(name) if self._store else nullcontext():
            return self._from_store(name, kind) or self._load(name, kind, load, ttl_s)

    @stage("cache")
    def _from_store(self, name: str, kind: _Kind[T]) -> _Held | None:
        packed = self._store.get(name) if self._store else None
        if self._store is None or packed is None:
            return None
        try:
            content, expires = unpack(packed)
            thing = kind.decode(content)
        except Exception as error:
            log.warning("an entry of the cache cannot be read and is dropped: %s", error)
            self._store.delete(name)
            return None
        held = _Held(thing, kind.weigh(thing), expires)
        if not held.fresh:
            return None
        self._count("store")
        return held

    def _load(self, name: str, kind: _Kind[T], load: Callable[[], T], ttl_s: int | None) -> _Held:
        self._count("loaded")
        thing = load()
        expires = None if ttl_s is None else time.time() + ttl_s
        if self._store:
            self._store.set(name, pack(kind.encode(thing), expires), ttl_s)
        return _Held(thing, kind.weigh(thing), expires)

    def _count(self, source: str) -> None:
        CACHE_ANSWERS.labels(source).inc()
        with self._lock:
            self.counts[source] += 1
