"""Tables at a moment instead of a version: now, or that of a version which has expired."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from services import tables
from services.cave import Cave
from services.errors import BadInput, NotAllowed, NotFound
from services.memo import key_of
from services.records import Version
from services.tables import TableFrame
from services.versions import newest_valid

LIVE = "live"
"""What stands for a version's number in addresses."""


@dataclass(frozen=True)
class LiveTable:
    """A table at `time` (UTC). `sentence` says what it is, to be shown beside it."""

    table: TableFrame
    time: datetime
    sentence: str


def is_allowed(cave: Cave, datastack: str) -> bool:
    """Whether the profile lets people ask for the present state."""
    return cave.profile(datastack).allow_live


def open_live(cave: Cave, datastack: str, table: str, time: datetime | None = None) -> LiveTable:
    """A table with all edits until `time`, which is now if none is given; give that of an earlier answer to page
    through the very same rows.

    The table's `version` is the newest valid one, with this time. Raises NotAllowed where the profile does not allow
    it, BadInput for a view or a time to come, NotFound for a table that the newest version does not have.
    """
    if not is_allowed(cave, datastack):
        raise NotAllowed(f"Live queries of {datastack} are switched off here.", "Choose a version.")
    now = datetime.now(UTC).replace(microsecond=0)
    moment = _utc(time) if time else now
    if moment > now:
        raise BadInput(f"{moment:%Y-%m-%d %H:%M:%S} UTC is yet to come.", "Give an earlier time.")
    newest = _newest(cave, datastack)
    opened = _open(cave, datastack, table, newest, replace(newest, timestamp=moment))
    return LiveTable(opened, moment, f"{table} of {datastack} as it was on {_words(moment)}, not a version.")


def open_expired(cave: Cave, datastack: str, version: Version, table: str) -> LiveTable:
    """A table as it was at the time of a version that is no longer kept.

    The table's `version` is the expired one. Raises BadInput for a view, NotFound for a table that the newest version
    does not have.
    """
    opened = _open(cave, datastack, table, _newest(cave, datastack), version)
    sentence = (
        f"Version {version.number} of {datastack} has expired: shown is {table} as CAVE finds it for the time of that "
        f"version, {_words(version.timestamp)}."
    )
    return LiveTable(opened, version.timestamp, sentence)


def _open(cave: Cave, datastack: str, table: str, known: Version, shown: Version) -> TableFrame:
    """`known` is the version that has the table's description, `shown` what the rows are said to be of."""
    info = cave.table_info(datastack, known.number, table)
    rows = cave.table_at(datastack, known.number, table, shown.timestamp)
    key = key_of(cave, datastack, "at", shown.timestamp.isoformat(), table)
    return tables.table_of(cave, datastack, shown, info, rows, key=key)


def _newest(cave: Cave, datastack: str) -> Version:
    newest = newest_valid(cave.versions(datastack))
    if newest is None:
        raise NotFound(f"Datastack {datastack} has no version at the moment.", "Choose another datastack.")
    return newest


def _utc(time: datetime) -> datetime:
    return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)


def _words(time: datetime) -> str:
    return f"{time:%d %B %Y, %H:%M:%S} UTC".removeprefix("0")
