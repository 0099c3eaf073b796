"""Bytes in a folder that processes share, within a bound."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, TypeVar

from flask_caching.backends import FileSystemCache

SPARE = 8
"""An eighth of the bound is freed at a time, and looked for whenever a process has written half of that: so up to four
processes stay within the bound."""


TRIES = 10
"""As often a folder that is deleted all the time is made again."""

T = TypeVar("T")


def within(folder: Path, action: Callable[[], T]) -> T:
    """Do `action` in a folder that is made first, with the one that it lies in, for this user alone.

    Both are done again, `TRIES` times in all, when the folder has been deleted meanwhile. Raises OSError.
    """
    for left in reversed(range(TRIES)):
        try:
            for path in (folder.parent, folder):
                path.mkdir(parents=True, exist_ok=True, mode=0o700)
            return action()
        except (FileExistsError, FileNotFoundError):  # mkdir says that a folder exists which is deleted just then
            if not left:
                raise
    raise AssertionError


class Plain:
    """Entries as they are; flask-caching would pickle them."""

    def dumps(self, value: bytes) -> bytes:
        return value

    def loads(self, content: bytes | None) -> bytes | None:
        return content

    def dump(self, value: bytes, file: IO[bytes]) -> None:
        file.write(value)

    def load(self, file: IO[bytes]) -> bytes:
        return file.read()


class Folder(FileSystemCache):
    """flask-caching's folder of files, bounded in bytes instead of in number; the least recently used go first.

    Nothing but the files is remembered, so the folder may be deleted at any time.
    """

    serializer = Plain()  # type: ignore[assignment]

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._unseen_bytes = max_bytes
        within(folder, lambda: FileSystemCache.__init__(self, str(folder), threshold=0, default_timeout=0))

    def get(self, key: str) -> Any:
        """What is kept for `key`; its file's time of change becomes that of its last use."""
        content = super().get(key)
        if content is not None:
            with suppress(FileNotFoundError):
                os.utime(self._get_filename(key))
        return content

    def set(self, key: str, value: bytes, timeout: Any = None, mgmt_element: bool = False) -> bool:
        """Keep `value`, unless it is larger than the bound. Raises OSError when it cannot be written."""
        if len(value) > self._max_bytes:
            return True
        within(Path(self._path), lambda: self._write(key, value, timeout, mgmt_element))
        self._unseen_bytes += len(value)
        if self._unseen_bytes > self._max_bytes // SPARE // 2:
            self._unseen_bytes = 0
            self._free()
        return True

    def _write(self, key: str, value: bytes, timeout: Any, mgmt_element: bool) -> None:
        if not super().set(key, value, timeout, mgmt_element):
            raise FileNotFoundError(f"{self._path} cannot be written to")  # which is most often the reason

    def _free(self) -> None:
        """Delete what was used least recently, until an eighth of the bound is free."""
        entries = []
        with suppress(FileNotFoundError), os.scandir(self._path) as files:
            for file in files:
                with suppress(FileNotFoundError):  # another process frees, too
                    entries.append((file.stat().st_mtime_ns, file.stat().st_size, Path(file.path)))
        total = sum(size for _, size, _ in entries)
        for _, size, path in sorted(entries):
            if total <= self._max_bytes - self._max_bytes // SPARE:
                return
            path.unlink(missing_ok=True)
            total -= size
