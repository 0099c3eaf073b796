"""Rows of a table by ids: a slice of a table that is held, else a query; the ids are few even where the table is too
large to hold."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import partial

import pandas as pd

from services.cave.queries import Filters
from services.cave.release import Release
from services.core.parallel import gather

IDS_AT_ONCE = 5_000
"""Ids in one request: 100 kB of JSON."""


def rows_of_ids(
    release: Release, table: str, column: str, ids: Collection[int], equal: Mapping[str, str] | None = None
) -> pd.DataFrame:
    """The rows of a table whose `column` has one of some ids, by their own `id`; of a table too large to hold only
    those `equal` to the values of columns. None where the table has no such column."""
    requested = [int(id) for id in ids]
    if not release.is_large(table):
        rows = release.table(table)
        matches = rows[column].isin(requested) if column in rows else pd.Series(False, rows.index)
        return rows[matches.fillna(False).to_numpy(bool)]
    if not requested or column not in release.sample(table):
        return release.sample(table).iloc[:0]
    batches = [requested[start : start + IDS_AT_ONCE] for start in range(0, len(requested), IDS_AT_ONCE)]
    each = gather(
        *(partial(_query, release, table, Filters(isin={column: some}, equal=equal or {})) for some in batches)
    )
    result = pd.concat(each, ignore_index=True) if len(each) > 1 else each[0]
    return result.sort_values("id", kind="stable", ignore_index=True) if "id" in result else result


def _query(release: Release, table: str, filters: Filters) -> pd.DataFrame:
    """All rows that pass, in as many pieces as it takes."""
    result = release.query(table, filters)
    if result.attrs.get("truncated"):
        return pd.concat([*release.query_parts(table, filters)], ignore_index=True)
    return result
