"""Which materialization version is meant."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from services.core.errors import BadInput, Expired, NotFound
from services.core.moments import LIVE
from services.core.profiles import Profile
from services.core.records import Version

LATEST = "latest"
MOST_NAMED = 10
"""Expired versions that a sentence names."""


class Datastacks(Protocol):
    """What is asked of a :class:`client.Cave` here."""

    def versions(self, datastack: str) -> Sequence[Version]:
        """The versions that it knows, expired ones included."""

    def profile(self, datastack: str) -> Profile:
        """What Karst was told of it."""


def resolve(cave: Datastacks, datastack: str, version: str | int | None) -> Version:
    """The version that `version` means: a number, or "latest", "" or None for the newest valid one.

    Raises BadInput for what is neither, NotFound for a number that never was, and Expired, with the newest
    valid one in its hint, for one that is no longer kept.
    """
    result = find(cave, datastack, version)
    if not result.valid:
        newest = newest_valid(cave.versions(datastack))
        raise Expired(_expired(datastack, result), f"The newest version is {newest.number}." if newest else "")
    return result


def find(cave: Datastacks, datastack: str, version: str | int | None) -> Version:
    """As :func:`resolve`, expired versions included."""
    versions = cave.versions(datastack)
    text = "" if version is None else str(version).strip()
    newest = newest_valid(versions)
    if text.casefold() in ("", LATEST):
        if newest is None:
            raise NotFound(f"Datastack {datastack} has no version at the moment.", "Choose another datastack.")
        return newest
    if not (text.isascii() and text.isdigit()):
        raise BadInput(f"{text[:40]!r} is not a version of {datastack}.", _ways(cave, datastack))
    result = {str(version.number): version for version in versions}.get(text.lstrip("0"))
    if result is None:
        message = f"Datastack {datastack} has no version {text[:40]}."
        raise NotFound(message, f"Its versions are {_numbers(versions)}.", datastack=datastack)
    return result


def newest_valid(versions: Sequence[Version]) -> Version | None:
    """The valid version with the highest number."""
    return max((version for version in versions if version.valid), key=lambda version: version.number, default=None)


def _ways(cave: Datastacks, datastack: str) -> str:
    """How a version or a moment of a datastack can be asked for."""
    if cave.profile(datastack).allow_live:
        return f"Give a number, {LATEST}, {LIVE}, or a day or time such as 2025-06-01 or 2025-06-01T12:00:00Z."
    return f"Give a number, or {LATEST}."


def _numbers(versions: Sequence[Version]) -> str:
    """All versions, of expired ones the newest."""
    available, expired = (
        [str(version.number) for version in versions if version.valid is valid] for valid in (True, False)
    )
    more = f" and {len(expired) - MOST_NAMED} older ones" if len(expired) > MOST_NAMED else ""
    past = f" and, expired, {', '.join(expired[:MOST_NAMED])}{more}" if expired else ""
    return f"{', '.join(available) or 'none'}{past}"


def _expired(datastack: str, version: Version) -> str:
    since = f" on {version.expires:%d %B %Y}".replace(" 0", " ") if version.expires else ""
    return f"Version {version.number} of {datastack}, of {version.timestamp:%d %B %Y}, expired{since}.".replace(
        " 0", " "
    )
