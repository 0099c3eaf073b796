"""What CAVE says about versions and tables, as plain records."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal

KEPT_FOR_GOOD = 2200
"""Versions that expire after this year never do: CAVE or caveclient had to write something."""


@dataclass(frozen=True)
class Version:
    """One materialization. Times are UTC; `expires` is None when it is kept for good.

    An invalid version has expired: it may still answer, or its data may be gone. A `live` one is no materialization but
    the state at its time, and its number a :class:`moments.MomentNumber`.
    """

    number: int
    timestamp: datetime
    expires: datetime | None
    valid: bool
    live: bool = False

    @property
    def materialized(self) -> bool:
        """Whether CAVE has it materialized; otherwise its tables are read through its time."""
        return self.valid and not self.live

    @property
    def label(self) -> int | str:
        """What addresses and JSON call it: its number, or the time of a live one in ISO (UTC)."""
        return f"{self.timestamp:%Y-%m-%dT%H:%M:%SZ}" if self.live else self.number

    @property
    def title(self) -> str:
        """What sentences call it."""
        return f"{self.timestamp:%Y-%m-%d %H:%M:%S} UTC (live)" if self.live else f"version {self.number}"

    @property
    def words(self) -> str:
        """Its title, day and state."""
        if self.live:
            return f"live, {self.timestamp:%d %B %Y, %H:%M:%S} UTC"
        return f"{self.title}, {'materialized' if self.valid else 'expired, of'} {self.timestamp:%d %B %Y}"

    @classmethod
    def from_cave(cls, record: Mapping[str, Any]) -> Version:
        """From a record with `version`, `valid`, and `time_stamp` and `expires_on` in ISO."""
        expires = _utc(record["expires_on"])
        return cls(
            number=int(record["version"]),
            timestamp=_utc(record["time_stamp"]),
            expires=expires if expires.year < KEPT_FOR_GOOD else None,
            valid=bool(record["valid"]),
        )


@dataclass(frozen=True)
class TableInfo:
    """One table or view at a version.

    `reference_table` names the table whose `id` this one's `target_id` holds. `created` is
    empty for views. `is_public` says whether whoever may read the datastack may read its rows. `voxel_resolution_nm` is
    the size in x, y, z of the voxels that positions of its rows count, so for a reference table those of its target.
    `row_count` is None where it was not asked.
    """

    name: str
    kind: Literal["table", "view"]
    schema_type: str
    description: str
    notice: str
    reference_table: str | None
    created: str
    voxel_resolution_nm: tuple[float, float, float]
    row_count: int | None
    is_public: bool = True

    @property
    def notices(self) -> tuple[str, ...]:
        """A sentence with the notice of the table's owner, such as "Superseded by ..."; none where there is none."""
        return (f"Notice on {self.name}: {self.notice.strip()}",) if self.notice.strip() else ()

    @property
    def created_at(self) -> datetime | None:
        """When it was created, in UTC; None where nobody knows."""
        return _utc(self.created) if self.created else None

    def came_after(self, version: Version) -> bool:
        """Whether it was created after the time of a version."""
        return self.created_at is not None and self.created_at > version.timestamp

    @classmethod
    def from_cave(cls, name: str, kind: Literal["table", "view"], record: Mapping[str, Any]) -> TableInfo:
        """From CAVE's metadata of a table (as caveclient gives it) or of a view."""
        resolution = record.get("voxel_resolution") or [record.get(f"voxel_resolution_{axis}") for axis in "xyz"]
        x, y, z = (float(size or 1.0) for size in resolution)
        return cls(
            name=name,
            kind=kind,
            schema_type=record.get("schema_type") or "",
            description=record.get("description") or "",
            notice=record.get("notice_text") or "",
            reference_table=record.get("reference_table") or None,
            created=record.get("created") or "",
            voxel_resolution_nm=(x, y, z),
            row_count=None,
            is_public=(record.get("read_permission") or "PUBLIC") == "PUBLIC",
        )


def read_versions(content: bytes) -> tuple[Version, ...]:
    """Versions, newest first, from JSON: a list of what :meth:`Version.from_cave` takes."""
    return tuple(sorted(map(Version.from_cave, json.loads(content)), key=lambda version: -version.number))


def read_tables(content: bytes) -> Mapping[str, TableInfo]:
    """Tables and views by name, from JSON: a list of [name, "table" or "view", what CAVE says of it]."""
    records = json.loads(content)
    return with_target_resolutions({name: TableInfo.from_cave(name, kind, record) for name, kind, record in records})


def with_target_resolutions(tables: Mapping[str, TableInfo]) -> dict[str, TableInfo]:
    """The same tables, reference tables with the voxels of the table that they refer to: CAVE gives the
    positions of a join in those of its last table."""
    targets = {name: tables.get(info.reference_table or "", info) for name, info in tables.items()}
    return {name: replace(info, voxel_resolution_nm=targets[name].voxel_resolution_nm) for name, info in tables.items()}


def _utc(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    return time if time.tzinfo else time.replace(tzinfo=UTC)
