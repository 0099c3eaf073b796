"""What one process holds: one bound in bytes for everything that was answered or derived."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Collection, Hashable
from dataclasses import dataclass, fields, is_dataclass
from functools import singledispatch
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from cachetools import LRUCache

from services.cache.flights import Flights


@dataclass(frozen=True)
class Held:
    """Something kept in this process. `expires` is in seconds since 1970, None = never."""

    content: Any
    nbytes: int
    expires: float | None = None

    def is_fresh(self, stale_s: float = 0.0) -> bool:
        """Whether it has not expired, or `stale_s` seconds ago at most."""
        return self.expires is None or time.time() < self.expires + stale_s


class Memory:
    """Things by key, of `max_bytes` together with their keys; the least recently used goes first. `flights` are of what
    is being made to be held. Safe to use from many threads."""

    def __init__(self, max_bytes: int) -> None:
        self.flights = Flights()
        self._held: LRUCache[Hashable, Held] = LRUCache(max_bytes, getsizeof=lambda held: held.nbytes)
        self._lock = threading.Lock()

    @property
    def nbytes(self) -> int:
        """The bytes that are held now."""
        return int(self._held.currsize)

    @property
    def max_bytes(self) -> int:
        """The bytes that are held at most."""
        return int(self._held.maxsize)

    def get(self, key: Hashable, stale_s: float = 0.0) -> Held | None:
        """What is held under `key` and has not expired, or `stale_s` seconds ago at most."""
        with self._lock:
            entry = self._held.get(key)
        return entry if entry is not None and entry.is_fresh(stale_s) else None

    def put(self, key: Hashable, content: Any, expires: float | None = None) -> Held:
        """Hold `content`, unless it is larger than all that is held at most."""
        entry = Held(content, nbytes_of(content) + nbytes_of(key), expires)
        if entry.nbytes <= self.max_bytes:
            with self._lock:
                self._held[key] = entry
        return entry

    def drop(self, key: Hashable) -> None:
        """Hold nothing under `key`."""
        with self._lock:
            self._held.pop(key, None)


@singledispatch
def nbytes_of(value: Any) -> int:
    """The bytes that a value keeps alive: frames, columns and arrays by their buffers, containers and dataclasses with
    what is in them. What two values share is counted for each, and of an index what a look-up adds to it later, so that
    the sum is never too small."""
    parts = [getattr(value, part.name) for part in fields(value)] if is_dataclass(value) else []
    return sys.getsizeof(value) + sum(map(nbytes_of, parts))


@nbytes_of.register
def _(value: pd.DataFrame) -> int:
    return int(value.memory_usage(deep=True).sum()) + _lookup_nbytes(value.index) + nbytes_of(value.attrs)


@nbytes_of.register
def _(value: pd.Series) -> int:
    return int(value.memory_usage(deep=True)) + _lookup_nbytes(value.index) + nbytes_of(value.attrs)


def _lookup_nbytes(index: pd.Index[Any]) -> int:
    """The bytes of the hash table that pandas keeps with an index from the first look-up on, where it is not there yet.
    Up to four times the index: a power of two of buckets, at most 77% of them used, of 16 bytes and a bit."""
    if isinstance(index, pd.RangeIndex) or index.memory_usage() > index.nbytes:  # none is needed, or counted already
        return 0
    buckets = 1 << int(len(index) / 0.77).bit_length()
    return buckets * 16 + buckets // 8


@nbytes_of.register
def _(value: np.ndarray) -> int:
    owner = value
    while isinstance(owner.base, np.ndarray):
        owner = owner.base
    return int(owner.nbytes) + (sum(map(nbytes_of, value.flat)) if value.dtype.hasobject else 0)


@nbytes_of.register
def _(value: pa.Array) -> int:
    return int(value.get_total_buffer_size())


@nbytes_of.register(str)
@nbytes_of.register(bytes)
def _(value: str | bytes) -> int:
    return sys.getsizeof(value)


@nbytes_of.register(dict)
def _(value: dict[Any, Any]) -> int:
    return sys.getsizeof(value) + sum(nbytes_of(key) + nbytes_of(content) for key, content in value.items())


@nbytes_of.register(tuple)
@nbytes_of.register(list)
@nbytes_of.register(set)
@nbytes_of.register(frozenset)
def _(value: Collection[Any]) -> int:
    return sys.getsizeof(value) + sum(map(nbytes_of, value))
