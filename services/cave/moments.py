"""What CAVE can be asked of a time at which it keeps no version: now, earlier, or that of an expired version."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pandas as pd

from services.cave import versions
from services.cave.queries import NO_FILTERS, Filters, Source
from services.cave.rows import Queries, complete
from services.core.errors import BadInput, NoRows, NotFound
from services.core.moments import FIRST_MOMENT, MomentNumber
from services.core.records import TableInfo, Version


class Moments(ABC):
    """The questions of :class:`Cave` about a time, asked through what the newest version knows."""

    _queries: Queries

    @abstractmethod
    def versions(self, datastack: str) -> list[Version]:
        """All versions, newest first."""

    @abstractmethod
    def version(self, datastack: str, number: int) -> Version:
        """A version, or a moment, by its number."""

    @abstractmethod
    def tables(self, datastack: str, version: int) -> dict[str, TableInfo]:
        """The tables and views of a version."""

    @abstractmethod
    def query(self, datastack: str, version: int, table: str, *, limit: int | None = None) -> pd.DataFrame:
        """Some rows."""

    def moment(self, datastack: str, version: int) -> Version | None:
        """The version or moment of a number if CAVE does not keep it; None for one that it keeps."""
        found = self.version(datastack, version)
        return None if found.kept else found

    def newest(self, datastack: str) -> Version:
        """The newest version that is valid. Raises NotFound."""
        found = versions.newest_valid(self.versions(datastack))
        if found is None:
            raise NotFound(f"Datastack {datastack} has no version at the moment.", "Choose another datastack.")
        return found

    def _live(self, datastack: str, number: int) -> Version | None:
        """The moment of a number; None for that of a version."""
        if number < FIRST_MOMENT:
            return None
        time = datetime.fromtimestamp(number, UTC)
        return replace(self.newest(datastack), number=MomentNumber(number), timestamp=time, live=True)

    def _tables_then(self, datastack: str, then: Version) -> dict[str, TableInfo]:
        """Those tables of the newest version that had been created, and no view."""
        listed = self.tables(datastack, self.newest(datastack).number)
        return {name: info for name, info in listed.items() if info.kind == "table" and not info.came_after(then)}

    def _rows_then(
        self,
        datastack: str,
        then: Version,
        source: Source,
        filters: Filters = NO_FILTERS,
        *,
        whole: bool = True,
        **options: Any,
    ) -> pd.DataFrame:
        """The rows that pass, with all edits until a time; those that CAVE sends at once, or all of them.

        Raises BadInput for a view.
        """
        newest = self.newest(datastack).number
        if source.is_view:
            raise BadInput(f"{source.table} is a view, which CAVE has at its versions only.", "Choose a version.")

        def rows(these: Filters) -> pd.DataFrame:
            try:
                return self._queries.rows_at(datastack, source, these, then.timestamp, version=newest, **options)
            except NoRows:
                return self.query(datastack, newest, source.table, limit=1).iloc[:0]

        return complete(rows, filters) if whole else rows(filters)


def selected(frame: pd.DataFrame, columns: Sequence[str] | None, offset: int | None, limit: int | None) -> pd.DataFrame:
    """Some rows of a frame with `id` and the columns asked for (positions without axis; None = all)."""
    rows = frame.iloc[offset or 0 :] if limit is None else frame.iloc[offset or 0 : (offset or 0) + limit]
    if columns is None:
        return rows
    wanted = {"id", *columns, *(f"{name}_{axis}" for name in columns for axis in "xyz")}
    return rows[[name for name in rows if name in wanted]]
