"""The versions of an import: one `[version]`, or several `[[version]]`, each with files of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

from localcave.errors import InputError
from localcave.importer.sources import FilePlan, read_files
from localcave.importer.toml_fields import Section

NEVER = datetime(2121, 11, 10, 7, 10, 0, 1, tzinfo=UTC)
"""When a version expires that is to stay: CAVE writes such a date for permanent versions."""


@dataclass(frozen=True)
class VersionPlan:
    """One version: `files` are those that only it has, or has instead of those of `[files]`."""

    number: int
    timestamp: datetime
    expires: datetime
    files: Mapping[str, FilePlan]


def read_versions(top: Section) -> tuple[VersionPlan, ...]:
    """The versions, oldest first. Raises InputError naming the key, and for numbers and times in another order."""
    entries = top.get("version")
    if isinstance(entries, list):
        sections = [Section(f"{top.where} [[version]] {at}", entry) for at, entry in enumerate(entries, start=1)]
    else:
        sections = [top.section("version")]
    if not sections:
        raise InputError(f"{top.where} needs a section [version]")
    versions = sorted((_version(section) for section in sections), key=lambda version: version.number)
    for older, newer in pairwise(versions):
        if older.number == newer.number:
            raise InputError(f"{top.where}: version {older.number} is there twice; give each a number of its own")
        if older.timestamp >= newer.timestamp:
            raise InputError(
                f"{top.where}: version {newer.number} is not later than version {older.number}; "
                "number the versions in the order of their timestamps"
            )
    return tuple(versions)


def _version(section: Section) -> VersionPlan:
    number = section.get("number")
    if type(number) is not int or number < 1:
        raise InputError(f"{section.where} needs number, a whole number of at least 1, not {number!r}")
    plan = VersionPlan(
        number=number,
        timestamp=section.moment("timestamp"),
        expires=section.moment("expires", default=NEVER),
        files={} if section.get("files") is None else read_files(section.section("files")),
    )
    section.no_more()
    return plan
