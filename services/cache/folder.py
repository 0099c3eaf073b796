"""Bytes in a folder that processes share, within a bound."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from flask_caching.backends import FileSystemCache

SPARE = 8
"""An eighth of the bound is freed at a time, and looked for whenever a process has written half of that: so up to four
processes stay within the bound."""


def make_private(folder: Path) -> None:
    """Make a folder, and the one that it lies in, for this user alone."""
    for path in (folder.parent, folder):
        path.mkdir(parents=True, exist_ok=True, mode=0o700)


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
        make_private(folder)
        super().__init__(str(folder), threshold=0, default_timeout=0)

    def get(self, key: str) -> Any:
        """What is kept for `key`; its file's time of change becomes that of its last use."""
        content = super().get(key)
        if content is not None:
            with suppress(FileNotFoundError):
                os.utime(self._get_filename(key))
        return content

    def set(self, key: str, value: bytes, timeout: Any = None, mgmt_element: bool = False) -> bool:
        """Keep `value`, unless it is larger than the bound; False when it cannot be written."""
        if len(value) > self._max_bytes:
            return True
        for _ in range(2):  # the folder may be deleted just now
            make_private(Path(self._path))
            if written := super().set(key, value, timeout, mgmt_element):
                break
        self._unseen_bytes += len(value)
        if self._unseen_bytes > self._max_bytes // SPARE // 2:
            self._unseen_bytes = 0
            self._free()
        return written

    def _free(self) -> None:
        """Delete what was used least recently, until an eighth of the bound is free."""
        matches = []
        with suppress(FileNotFoundError), os.scandir(self._path) as files:
            for file in files:
                with suppress(FileNotFoundError):  # another process frees, too
                    matches.append((file.stat().st_mtime_ns, file.stat().st_size, Path(file.path)))
        total = sum(size for _, size, _ in matches)
        for _, size, path in sorted(matches):
            if total <= self._max_bytes - self._max_bytes // SPARE:
                return
            path.unlink(missing_ok=True)
            total -= size
