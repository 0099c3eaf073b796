"""The values of a column of partners as groups with colours, the same as in the table that they come from."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from services.cave.client import Cave
from services.cave.release import Release
from services.cells.connectivity import Connectivity
from services.core.type_columns import SEPARATOR, are_several
from services.tables.groups import Groups, of_values, with_several


def of_partners(
    cave: Cave, connectivity: Connectivity | Sequence[Connectivity], column: str, more: pd.DataFrame | None = None
) -> Groups:
    """The groups of a column of the partners of a cell, or of several: over the whole table that it is from if that is
    held, else over all its values in the partners of both directions and in `more`, a frame of further columns.

    A column `table.column` is from a joined table (:mod:`partner_joins`), others are from the type table.
    """
    every = list(connectivity) if isinstance(connectivity, Sequence) else [connectivity]
    datastack, version, type_table = every[0].datastack, every[0].version.number, every[0].type_table
    palette = cave.profile(datastack).palette
    joined, _, name = column.rpartition(SEPARATOR)
    table = joined or type_table
    sides = [side for one in every for side in (one.inputs, one.outputs)]
    frames = [*sides, *([] if more is None else [more])]
    values = [frame[column] for frame in frames if column in frame]
    of_synapses = not joined and every[0].typed_synapses
    release = Release.of(cave, datastack, version)
    there = table and not of_synapses and table in release.tables() and not release.is_large(table)
    whole = release.table(table) if table and there else None
    if whole is not None and name in whole:
        derived = release.derived.of("table", table).of("groups", column)
        return with_several(derived.get(lambda: of_values(column, whole[name], palette)), values)
    every_value = pd.concat(values, ignore_index=True)
    single = every_value[~are_several(every_value)]
    return with_several(of_values(column, single, palette, few=0), values)  # counts and sizes, not names
