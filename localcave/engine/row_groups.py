"""The row groups of a Parquet file that can hold given ids.

DuckDB looks at the statistics of every row group for every query, which takes longer the larger the table is. Here
they are read once, and only the row groups that matter are opened: a cell costs the same in a table of any size.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

Bounds = npt.NDArray[np.int64]
FEW = 1 / 4
"""Share of a file's row groups up to which reading them one by one is worth it."""
INT64 = 2**63
"""Below this number, and from its negative on, an int64 lies."""


def groups_with(path: Path, column: str, values: Collection[int]) -> list[int] | None:
    """Numbers of the row groups in which the int64 `column` can be one of `values`.

    None when that is not known, or too many of them to be worth it.
    """
    bounds = _bounds(path, column)
    if bounds is None:
        return None
    low, high = bounds
    sought = np.sort(np.array([value for value in values if -INT64 <= value < INT64], np.int64))
    result = np.searchsorted(sought, low, "left") < np.searchsorted(sought, high, "right")
    groups: list[int] = np.flatnonzero(result).tolist()
    return groups if len(groups) <= FEW * len(low) else None


def read_groups(path: Path, groups: Collection[int]) -> pa.Table:
    """The rows of some row groups."""
    with pq.ParquetFile(path, metadata=_metadata(path)) as file:
        return file.read_row_groups(list(groups))


@lru_cache(maxsize=256)
def _metadata(path: Path) -> pq.FileMetaData:
    return pq.read_metadata(path)


@lru_cache(maxsize=1024)
def _bounds(path: Path, column: str) -> tuple[Bounds, Bounds] | None:
    """Least and greatest value of a column in each row group; in one of nulls nothing can be found."""
    metadata = _metadata(path)
    place = metadata.schema.names.index(column)
    low, high = (np.zeros(metadata.num_row_groups, np.int64) for _ in range(2))
    for group in range(metadata.num_row_groups):
        chunk = metadata.row_group(group).column(place)
        if chunk.physical_type != "INT64" or not chunk.is_stats_set:
            return None
        has_range = chunk.statistics.has_min_max
        if not has_range and chunk.statistics.null_count != chunk.num_values:
            return None
        low[group], high[group] = (chunk.statistics.min, chunk.statistics.max) if has_range else (1, 0)
    return low, high
