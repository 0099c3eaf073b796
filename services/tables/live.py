"""Tables at a moment instead of a kept version: now, or at the time of a version which has expired."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Protocol

from services.cave import versions
from services.cave.client import Cave
from services.cave.release import Release
from services.core.errors import BadInput, NotAllowed, NotFound, TooLarge
from services.core.moments import LIVE, MomentNumber, is_moment, read_moment
from services.core.records import TableInfo, Version
from services.tables import tables
from services.tables.tables import TableFrame


class Opened(Protocol):
    """A table at a version, held or large."""

    @property
    def datastack(self) -> str: ...
    @property
    def version(self) -> Version: ...
    @property
    def info(self) -> TableInfo: ...


def is_allowed(cave: Cave, datastack: str) -> bool:
    """Whether the profile lets people ask for the present state."""
    return cave.profile(datastack).allow_live


def resolve(cave: Cave, datastack: str, version: str) -> Release:
    """The datastack at the version or moment that `version` means: a number, of an expired version too;
    "latest"; "live", which is now; or an earlier time, in any time zone, such as 2026-11-26T12:10:21+01:00; without a
    zone it is UTC.

    Raises NotAllowed where the profile does not allow live queries, BadInput for a time to come, and what
    :func:`versions.resolve` raises.
    """
    text = version.strip()
    if text.casefold() != LIVE and not is_moment(text):
        return Release(cave, datastack, versions.find(cave, datastack, text))
    if not is_allowed(cave, datastack):
        raise NotAllowed(f"Live queries of {datastack} are switched off here.", "Choose a version.")
    now = datetime.now(UTC).replace(microsecond=0)
    time = now if text.casefold() == LIVE else _time(text)
    if time > now:
        raise BadInput(f"{time:%Y-%m-%d %H:%M:%S} UTC is in the future.", "Give an earlier time.")
    return Release.of(cave, datastack, MomentNumber(time.timestamp()))


def catalogue(release: Release) -> list[TableInfo]:
    """As :func:`tables.catalogue`; at a moment, those tables of the newest version that had been created, of
    which CAVE does not count the rows, and no view."""
    if release.version.materialized:
        return tables.catalogue(release)
    listed = tables.catalogue(release.newest)
    created = [info for info in listed if info.kind == "table" and not info.came_after(release.version)]
    return [replace(info, row_count=None) for info in created]


def not_too_large(release: Release) -> list[TableInfo]:
    """The tables and views of :func:`catalogue` without those that are known to have too many rows to hold."""
    counts, most = (
        (release if release.version.materialized else release.newest).row_counts(),
        release.cave.settings.max_table_rows,
    )
    return [info for info in catalogue(release) if counts.get(info.name, 0) <= most]


def describe(release: Release, table: str) -> TableInfo:
    """As :func:`tables.describe`; at a moment, as the newest version has it, and without a number of rows."""
    if release.version.materialized:
        return tables.describe(release, table)
    return _newest(release, table)[1]


def open_table(release: Release, table: str) -> TableFrame:
    """A table of a version, or with all edits until a moment; the same moment gives the very same rows.

    Raises NotFound for a table that the version does not have, at a moment the newest one; TooLarge for one that has
    too many rows to hold, and at a moment BadInput for a view.
    """
    if release.version.materialized:
        return tables.open_table(release, table)
    newest, info = _newest(release, table)
    if info.kind == "table" and release.is_large(table):
        raise too_large(release, table, "Filter it, or choose a version that is kept.")
    rows = newest.table_at(table, release.version.timestamp)
    return tables.table_of(release, info, rows, derived=release.derived.of("table", table))


def too_large(release: Release, table: str, hint: str) -> TooLarge:
    """Why a table cannot be read as a whole at a moment, of which CAVE counts no rows."""
    nearest = release.nearest(table)
    return TooLarge(
        f"{table} is too large to be read as a whole as of a time: version {nearest.number} has "
        f"{nearest.row_count(table):,} rows.",
        hint,
    )


def notices(cave: Cave, table: Opened) -> tuple[str, ...]:
    """What their owners give notice of, such as "Superseded by ...", for a table and those that stand beside it or that
    they refer to."""
    beside = table.joined_names if isinstance(table, TableFrame) else ()
    release = Release(cave, table.datastack, table.version)
    return (release if release.version.materialized else release.newest).notices(table.info.name, *beside)


def sentences(datastack: str, version: Version, info: TableInfo) -> Sequence[str]:
    """What has to be said beside a table that is of a moment."""
    if version.materialized:
        return ()
    message = _shown(datastack, version, info.name)
    if info.created_at and info.came_after(version):
        message += f" The table was created later, on {_day(info.created_at)}."
    return (message,)


def of_cells(datastack: str, version: Version) -> tuple[str, ...]:
    """What has to be said beside cells and their partners at a moment."""
    return () if version.materialized else (_shown(datastack, version, "what tables and synapses say"),)


def _shown(datastack: str, version: Version, subject: str) -> str:
    time = f"{_day(version.timestamp)}, {version.timestamp:%H:%M:%S} UTC"
    if version.live:
        return f"Shown is {subject} of {datastack} as it was on {time}: live data, of no version."
    return (
        f"Version {version.number} of {datastack} has expired. Shown is {subject} as CAVE finds it for the time of "
        f"that version, {time}."
    )


def _day(time: datetime) -> str:
    return f"{time:%d %B %Y}".removeprefix("0")


def _newest(release: Release, table: str) -> tuple[Release, TableInfo]:
    """A table as the version has it through which tables are read at a moment, and that version."""
    newest = release.newest
    info = newest.tables().get(table)
    if info is None:
        raise NotFound(
            f"There is no table {table} at {release.version.title} of {release.datastack} that can be read: "
            f"{'live data are' if release.version.live else 'a version that has expired is'} read through the tables "
            f"that the newest version, {newest.number}, knows.",
            "Choose another table, or another version.",
            datastack=release.datastack,
        )
    return newest, info


def _time(text: str) -> datetime:
    try:
        return read_moment(text)
    except (ValueError, OverflowError) as error:
        raise BadInput(
            f"{text[:40]} is not a time.", "Give one such as 2026-11-26T11:10:21Z or 2026-11-26T12:10:21+01:00."
        ) from error
