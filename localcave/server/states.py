"""Neuroglancer states and segment properties that users upload, kept in memory."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict

FIRST_ID = 5560000000000001
KEPT_BYTES = 64_000_000


class States:
    """The JSON texts of one kind, by id. The oldest are forgotten when they take more than `KEPT_BYTES`."""

    def __init__(self) -> None:
        self._texts: OrderedDict[int, tuple[bytes, str]] = OrderedDict()
        # after a new start no number may mean another state than it did
        self._next = FIRST_ID + time.time_ns() // 1_000_000
        self._bytes = 0
        self._fixed: dict[int, tuple[bytes, str]] = {}
        self._lock = threading.Lock()

    def add(self, text: bytes, address: str) -> int:
        """Keep a JSON text that came by an address of this server; returns its id."""
        with self._lock:
            number, self._next = self._next, self._next + 1
            self._texts[number] = text, address
            self._bytes += len(text)
            while self._bytes > KEPT_BYTES and len(self._texts) > 1:
                self._bytes -= len(self._texts.popitem(last=False)[1][0])
            return number

    def clear(self) -> None:
        """Forget all that did not come with a datastack. Their numbers are not given again."""
        with self._lock:
            self._texts.clear()
            self._bytes = 0

    def keep(self, number: int, text: bytes, address: str) -> None:
        """Keep a text that comes with a datastack, for ever."""
        self._fixed[number] = text, address

    def get(self, number: int, address: str) -> bytes | None:
        """The text with an id, None when it is unknown. What it says of this server leads to `address`: the reader may
        reach it by another than the writer did, from another machine or in another network."""
        with self._lock:
            text, written = self._texts.get(number) or self._fixed.get(number) or (None, "")
        return text and text.replace(f"{written}/".encode(), f"{address}/".encode())
