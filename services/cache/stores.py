"""Where bytes are kept for all processes: a folder or Redis, by flask-caching, each with its kind of lock.

No method raises when the folder is full or Redis is down: there is then nothing to share, which
`problem` tells.
"""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import filelock
import redis
from flask_caching.backends import RedisCache

from services.cache.flights import WAIT_S
from services.cache.folder import Folder, Plain, within
from services.core.stages import stage

log = logging.getLogger("karst.cache")
T = TypeVar("T")
Lock: TypeAlias = Callable[[str, float], AbstractContextManager[Any]]
"""Locks a key, for which it waits so many seconds."""

KEEP_S = 90 * 24 * 3600
"""What has no time limit of its own is kept this long in Redis, which may drop what has one when it is full."""
LEASE_S = 60.0
"""A lock in Redis whose holder died is free after this. A lock on a file is free at once."""
RETRY_S = 10.0
"""After a failure the store is left alone this long, and then asked by one request first, lest all wait for it."""
SILENT_S = 2.0
"""A Redis that has said nothing for so long does not work: threads that wait for it do nothing else."""


class _Redis(RedisCache):
    serializer = Plain()  # type: ignore[assignment]


class Store:
    """Bytes by key, and locks by key, over a flask-caching backend.

    `connect` makes the backend and the function that locks a key for this process; it is called again
    after a failure, at most every ten seconds.
    """

    def __init__(self, connect: Callable[[], tuple[Any, Lock]]) -> None:
        self._connect = connect
        self._backend: Any = None
        self._make_lock: Lock | None = None
        self._mutex, self._turn = threading.Lock(), threading.Lock()
        self._problem = ""
        self._rest_until = 0.0
        self._try(lambda: None)

    def problem(self) -> str:
        """Why nothing is shared at the moment, in a few words; "" when all is well."""
        self._try(lambda: self._backend.get("nothing"))
        return self._problem

    def get(self, key: str) -> bytes | None:
        """What is kept for `key`, if anything."""
        content = self._try(lambda: self._backend.get(key))
        return content if isinstance(content, bytes) else None

    def set(self, key: str, content: bytes, ttl_s: int | None) -> None:
        """Keep `content` for `ttl_s` seconds, or for 90 days."""

        def write() -> None:
            # A folder counts in whole seconds, from the last one.
            if not self._backend.set(key, content, timeout=KEEP_S if ttl_s is None else ttl_s + 1):
                raise OSError("an entry could not be written")

        self._try(write)

    def delete(self, key: str) -> None:
        """Forget `key`."""
        self._try(lambda: self._backend.delete(key))

    @contextmanager
    def lock(self, key: str, wait_s: float = WAIT_S) -> Iterator[bool]:
        """Held by one process at a time; when it cannot be had in time, the block runs all the same, and is told so by
        False."""
        with ExitStack() as stack:
            lock = self._try(lambda: self._make_lock(key, wait_s) if self._make_lock else None)
            is_held = None if lock is None else self._try(lambda: stack.enter_context(_lenient(lock)))
            yield is_held is not False

    @stage("cache")
    def _try(self, action: Callable[[], T]) -> T | None:
        with self._turn:
            if time.monotonic() < self._rest_until:
                return None
            if self._problem:
                self._rest_until = time.monotonic() + RETRY_S  # of all others
        try:
            with self._mutex:
                if self._backend is None:
                    self._backend, self._make_lock = self._connect()
            result = action()
        except Exception as error:
            self._rest_until = time.monotonic() + RETRY_S
            self._problem = f"the shared cache does not work ({type(error).__name__})"
            log.warning(self._problem)  # without the error's words: they quote the address, and with it a password
            return None
        self._problem, self._rest_until = "", 0.0
        return result


@contextmanager
def _lenient(lock: AbstractContextManager[Any]) -> Iterator[bool]:
    """A lock that is given up when its time is over, which False tells, and whose release cannot fail."""
    try:
        lock.__enter__()
    except (filelock.Timeout, redis.exceptions.LockError):
        log.warning("another process has been loading for too long")
        yield False
        return
    try:
        yield True
    finally:
        try:
            lock.__exit__(None, None, None)
        except redis.exceptions.RedisError as error:
            log.warning("a lock was lost before its end: %s", error)


def open_store(where: str, max_bytes: int) -> Store:
    """The store at `where`: a `redis://` address, or a folder (made private to this user) of at most `max_bytes`."""
    is_redis = where.startswith(("redis://", "rediss://", "unix://"))
    return Store((lambda: _connect_redis(where)) if is_redis else (lambda: _connect_folder(Path(where), max_bytes)))


def _connect_folder(folder: Path, max_bytes: int) -> tuple[Folder, Lock]:
    @contextmanager
    def locked(key: str, wait_s: float) -> Iterator[None]:
        path = folder / "locks" / hashlib.blake2b(key.encode(), digest_size=16).hexdigest()
        lock = filelock.FileLock(path, timeout=wait_s, mode=0o600)
        with within(path.parent, lock.acquire):
            try:
                yield
            finally:
                path.unlink(missing_ok=True)  # whoever waits for this very file finds the entry when it gets the lock

    return Folder(folder / "entries", max_bytes), locked


def _connect_redis(address: str) -> tuple[_Redis, Lock]:
    client = redis.Redis.from_url(address, socket_connect_timeout=SILENT_S, socket_timeout=SILENT_S)
    client.ping()
    backend = _Redis(client, default_timeout=KEEP_S, key_prefix="karst:")

    def make_lock(key: str, wait_s: float) -> AbstractContextManager[Any]:
        longest = min(wait_s, LEASE_S)
        return client.lock(f"karst-lock:{key}", timeout=LEASE_S, blocking_timeout=longest, sleep=0.05)

    return backend, make_lock
