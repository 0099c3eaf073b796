"""Rows of CAVE: whose columns they are, whether they are all, and how many there would be."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import pandas as pd
from pandas.api.types import infer_dtype

from services.cache.shared import Cache
from services.cave.asker import Asker
from services.cave.http import Trip
from services.cave.queries import NO_FILTERS, Filters, Owners, Source, arguments_at, query_arguments
from services.core.errors import TooLarge
from services.core.pages import page_ended

UNUSED = ("bb_start_position", "bb_end_position")
MORE = "more results which are not shown"
"""What CAVE warns of when it cuts an answer about a time."""
TEXT = ("string", "empty")
SENT_AT_ONCE = 200_000
"""Rows that CAVE sends at once where nobody has set another limit."""


class Queries:
    """Queries of tables, merged tables and views; `connect` gives the materialization client of a datastack."""

    def __init__(self, asker: Asker, cache: Cache, connect: Callable[[str], Any]) -> None:
        self._asker = asker
        self._cache = cache
        self._connect = connect

    def rows(self, datastack: str, version: int, source: Source, filters: Filters, **options: Any) -> pd.DataFrame:
        """One answer of CAVE. Where it cut it, `attrs["truncated"]` has no total yet.

        `options` are `select_columns`, `limit`, `offset` and `desired_resolution`.
        """
        frame, trip = self._send(datastack, version, source, filters, **options)
        limit = options.get("limit")
        cut = trip.row_limit is not None and (limit is None or trip.row_limit < limit)
        if cut and trip.row_limit != self.row_limit(datastack):
            self._cache.note(("row limit", datastack), trip.row_limit, most=1)
        frame.attrs = {
            "resolution_nm": trip.resolution_nm,
            "truncated": {"shown": len(frame), "total": None} if cut else None,
        }
        return frame

    def row_limit(self, datastack: str) -> int:
        """How many rows CAVE sends at once: as it said when it last cut an answer, else as many as it usually does."""
        return int((self._cache.noted(("row limit", datastack)) or [SENT_AT_ONCE])[-1])

    def with_total(
        self,
        frame: pd.DataFrame,
        datastack: str,
        version: int,
        source: Source,
        filters: Filters,
        *,
        rows_before: int = 0,
    ) -> pd.DataFrame:
        """`frame` of `rows`, with the total where CAVE cut it; CAVE also warns of results that just fit.

        `rows_before` rows came before these.
        """
        if frame.attrs["truncated"]:
            total = self.count(datastack, version, source, filters)
            shown = len(frame)
            frame.attrs["truncated"] = None if total == rows_before + shown else {"shown": shown, "total": total}
        return frame

    def count(self, datastack: str, version: int, source: Source, filters: Filters) -> int | None:
        """Number of rows; None if a filter is on a column of the target: CAVE does not count joins."""
        owners = self._owners(datastack, version, source, filters.columns())
        if source.target is not None and any(owners[c][0] != source.table for c in filters.columns() if c in owners):
            return None
        alone = replace(source, target=None)
        frame, _ = self._send(datastack, version, alone, filters, get_counts=True)
        return int(frame["count"].iloc[0])

    def rows_at(
        self, datastack: str, source: Source, filters: Filters, time: datetime, *, version: int, **options: Any
    ) -> pd.DataFrame:
        """One answer of CAVE for a table, merged with its target, as it was at a time; `version` is one that has the
        table. `filters` and `attrs` are as of `rows`; of its `options` there is `desired_resolution`."""
        arguments = self.arguments_at(datastack, version, source, filters, time, **options)
        frame, trip = self._asker.ask_closely(
            "rows at a time",
            self._asker.subject(datastack, None, source.table),
            self._connect,
            lambda client: client.live_live_query(**arguments),
        )
        cut = any(MORE in warning for warning in trip.warnings)
        frame.attrs = {
            "resolution_nm": trip.resolution_nm,
            "truncated": {"shown": len(frame), "total": None} if cut else None,
        }
        return _with_text(frame)

    def arguments_at(
        self, datastack: str, version: int, source: Source, filters: Filters, time: datetime, **options: Any
    ) -> dict[str, Any]:
        """Keyword arguments of `live_live_query` that :meth:`rows_at` gives."""
        by_own_columns = source.target is None or filters.columns() <= {"id"}
        owners = None if by_own_columns else self._owners(datastack, version, source, filters.columns())
        return arguments_at(source, filters, time, owners=owners, **options)

    def call(
        self, datastack: str, version: int, source: Source, filters: Filters, **options: Any
    ) -> tuple[str, dict[str, Any]]:
        """Name of the method of caveclient's MaterializationClient that `rows` uses, and its arguments."""
        owners = self._owners(datastack, version, source, filters.columns() | set(options.get("select_columns") or ()))
        method, arguments = query_arguments(source, filters, owners, **options)
        return method, arguments | {"materialization_version": version, "split_positions": True}

    def _send(
        self, datastack: str, version: int, source: Source, filters: Filters, **options: Any
    ) -> tuple[pd.DataFrame, Trip]:
        method, arguments = self.call(datastack, version, source, filters, **options)
        arguments["metadata"] = False
        frame, trip = self._asker.ask_closely(
            "rows",
            self._asker.subject(datastack, version, source.table),
            self._connect,
            lambda client: getattr(client, method)(**arguments),
        )
        return _with_text(frame), trip

    def _owners(self, datastack: str, version: int, source: Source, columns: set[str]) -> Owners:
        """Which table of a join has which of the columns, as CAVE says with every answer."""
        if source.target is None or columns <= {"id"}:
            return {"id": (source.table, "id")}

        def load() -> dict[str, dict[str, str]]:
            _, trip = self._send(datastack, version, source, NO_FILTERS, limit=1)
            columns_of: dict[str, dict[str, str]] = ast.literal_eval(trip.headers.get("column_names", "{}"))
            return columns_of

        names = self._cache.value(("columns", datastack, version, source.table), load)
        return {joined: (table, name) for table, by in names.items() for name, joined in by.items()}


def selected(frame: pd.DataFrame, columns: Sequence[str] | None, offset: int | None, limit: int | None) -> pd.DataFrame:
    """Some rows of a frame with `id` and the columns asked for (positions without axis; None = all)."""
    rows = frame.iloc[offset or 0 :] if limit is None else frame.iloc[offset or 0 : (offset or 0) + limit]
    if columns is None:
        return rows
    names = {"id", *columns, *(f"{name}_{axis}" for name in columns for axis in "xyz")}
    return rows[[name for name in rows if name in names]]


def _with_text(frame: pd.DataFrame) -> pd.DataFrame:
    """`frame` with text as `string` also where CAVE sends no value at all, which it has as objects."""
    texts = [name for name in frame.select_dtypes(object) if infer_dtype(frame[name]) in TEXT]
    return frame.astype(dict.fromkeys(texts, "string")) if texts else frame


def parts(rows: Callable[[Filters], pd.DataFrame], filters: Filters, by: str = "id") -> Iterator[pd.DataFrame]:
    """Everything that passes `filters`, however little CAVE sends at once: what it cuts is asked for in two parts, of
    the rows with smaller and with larger values of `by`, no two of which are equal. Where an answer is in order, all
    that comes before its last row is likely in it, so that the parts are this and the rest, else halves.

    Raises TooLarge for a view without ids, which cannot be halved.
    """
    pending = [filters]
    while pending:
        next_filters = pending.pop()
        part = rows(next_filters)
        if not part.attrs["truncated"]:
            if pending:
                page_ended(len(part))
            yield part
            continue
        if by not in part:
            raise TooLarge(f"CAVE sends only {len(part):,} rows of this view at once.", "Filter it.")
        # once: it was not so where that is cut again
        likely = by not in next_filters.less and part[by].is_monotonic_increasing
        border = int(part[by].iloc[-1] if likely else part[by].sort_values().iloc[len(part) // 2])
        pending.append(replace(next_filters, less={**next_filters.less, by: border}))
        pending.append(replace(next_filters, greater_equal={**next_filters.greater_equal, by: border}))
        page_ended(0)


def complete(rows: Callable[[Filters], pd.DataFrame], filters: Filters, by: str = "id") -> pd.DataFrame:
    """All :func:`parts` as one frame."""
    frames = list(parts(rows, filters, by))
    frame = pd.concat(frames, ignore_index=True) if len(frames) > 1 else frames[0]
    frame.attrs = frames[0].attrs
    return frame


def whole_table(rows: Callable[[Filters], pd.DataFrame]) -> pd.DataFrame:
    """All rows of a table by id, for CAVE promises no order, without what nobody uses."""
    frame = complete(rows, NO_FILTERS)
    used = frame.drop(columns=[name for name in frame.columns if name.startswith(UNUSED)])
    return used.sort_values("id", kind="stable", ignore_index=True) if "id" in used else used
