"""A table of a TOML, read key by key; what is wrong in it is said in a sentence."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from localcave.errors import InputError

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


class Section:
    """A table of the TOML that knows its own name and which keys were asked for."""

    def __init__(self, where: str, values: Mapping[str, Any]):
        if not isinstance(values, dict):
            raise InputError(f"{where} must be a table of keys, not {values!r}")
        self.where, self.values = where, values
        self._keys_read: set[str] = set()

    def get(self, key: str, default: Any = None) -> Any:
        self._keys_read.add(key)
        return self.values.get(key, default)

    def text(self, key: str, default: str | None = None) -> str:
        value = self.get(key, default)
        if value is None:
            raise InputError(f"{self.where} needs the key {key!r}")
        if not isinstance(value, str):
            raise InputError(f"{self.where}: {key} must be text, not {value!r}")
        return value

    def optional_text(self, key: str) -> str | None:
        return None if self.get(key) is None else self.text(key)

    def section(self, key: str) -> Section:
        if self.get(key) is None:
            raise InputError(f"{self.where} needs a section [{key}]")
        return Section(f"{self.where} [{key}]", self.get(key))

    def resolution(self, key: str, default: tuple[float, float, float] | None = None) -> tuple[float, float, float]:
        value = self.get(key, default)
        if value is None:
            raise InputError(f"{self.where} needs the key {key!r}, the size of a voxel in nm, e.g. [4, 4, 40]")
        numbers = isinstance(value, list | tuple) and all(type(v) in (int, float) and 0 < v < 1e9 for v in value)
        if not numbers or len(value) != 3:
            raise InputError(f"{self.where}: {key} must be three positive numbers in nm, not {value!r}")
        x, y, z = (float(v) for v in value)
        return x, y, z

    def moment(self, key: str, default: datetime | None = None) -> datetime:
        value = self.get(key, default)
        if not isinstance(value, datetime):
            raise InputError(f"{self.where} needs {key} as a date with time, e.g. 2025-01-13T10:10:01Z, not {value!r}")
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)

    def no_more(self) -> None:
        """Refuse keys that nobody asked for: they are slips of the pen."""
        for key in self.values:
            if key not in self._keys_read:
                raise InputError(f"{self.where} has a key {key!r} that means nothing here{hint(key, self._keys_read)}")


def checked_name(name: str, where: str) -> str:
    """A name that CAVE could have. Raises InputError for another."""
    if not NAME.fullmatch(name):
        raise InputError(f"{where}: {name!r} must be letters, digits and underscores, beginning with a letter")
    return name


def hint(word: str, words: Iterable[str]) -> str:
    """What may have been meant by a word that is not known; "" if nothing is near."""
    close = difflib.get_close_matches(word, list(words), n=3)
    return f"; did you mean {' or '.join(close)}?" if close else ""
