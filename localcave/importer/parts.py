"""Several files as one table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from localcave.errors import InputError
from localcave.importer.files import Rows, open_file
from localcave.importer.sources import FilePlan
from localcave.importer.values import to_kind


def open_files(plan: FilePlan, folder: Path) -> Rows:
    """The rows of all files of an entry, one after the other.

    Raises InputError for a file that cannot be read, and for files that have other columns than the first.
    """
    return joined([open_file(path, plan.form) for path in plan.paths(folder)])


def joined(parts: Sequence[Rows]) -> Rows:
    """Rows of several files as those of one. Raises InputError where they have not the same columns."""
    if len(parts) == 1:
        return parts[0]
    first = parts[0]
    for part in parts[1:]:
        odd = set(first.table.column_names) ^ set(part.table.column_names)
        if odd:
            raise InputError(
                f"{first.file} and {part.file} are one table, but only one of them has the column {min(odd)!r}; "
                "give them the same columns, or each a table of its own"
            )
    columns = {name: _one_column(parts, name) for name in first.table.column_names}
    counts = [len(part.numbers) for part in parts]
    starts = np.cumsum([0, *counts[:-1]])
    names = tuple((int(start), part.file) for start, part in zip(starts, parts, strict=True))
    return Rows(first.file, pa.table(columns), np.arange(1, sum(counts) + 1), names)


def _one_column(parts: Sequence[Rows], name: str) -> pa.Array:
    arrays = [part.column(name) for part in parts]
    kinds = {array.type for array in arrays}
    if len(kinds) > 1 and all(pa.types.is_integer(kind) or pa.types.is_null(kind) for kind in kinds):
        arrays = [to_kind(part, name, "id") for part in parts]
    elif len(kinds) > 1:
        arrays = [array.cast(pa.string()) if pa.types.is_large_string(array.type) else array for array in arrays]
    type_ = next((array.type for array in arrays if not pa.types.is_null(array.type)), pa.null())
    for part, array in zip(parts, arrays, strict=True):
        if array.type not in (type_, pa.null()):
            raise InputError(
                f"column {name!r} holds {type_} in {parts[0].file} but {array.type} in {part.file}; "
                "save it as the same type in all files of the table (ids as integers or text)"
            )
    return pa.concat_arrays([array.cast(type_) for array in arrays])
