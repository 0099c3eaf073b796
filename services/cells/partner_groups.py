"""The values of a partner column as groups with colours, the same as in the table that the column is from."""

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
    """The groups of a column of the partners of one cell, or of several.

    A column `table.column` is from a joined table (:mod:`partner_joins`), any other from the type table. The groups
    are of all values in that table if it is held in memory, else of the values in the partners of both directions and
    in `more`, a frame of further columns. :class:`Groups` has their order and colours.
    """
    cells = list(connectivity) if isinstance(connectivity, Sequence) else [connectivity]
    datastack, version, type_table = cells[0].datastack, cells[0].version.number, cells[0].type_table
    palette = cave.profile(datastack).palette
    joined, _, name = column.rpartition(SEPARATOR)
    table = joined or type_table
    sides = [side for cell in cells for side in (cell.inputs, cell.outputs)]
    frames = [*sides, *([] if more is None else [more])]
    values = [frame[column] for frame in frames if column in frame]
    of_synapses = not joined and cells[0].typed_synapses
    release = Release.of(cave, datastack, version)
    is_held = table and not of_synapses and table in release.tables() and not release.is_large(table)
    whole = release.table(table) if table and is_held else None
    if whole is not None and name in whole:
        derived = release.derived.of("table", table).of("groups", column)
        return with_several(derived.get(lambda: of_values(column, whole[name], palette)), values)
    all_values = pd.concat(values, ignore_index=True)
    single = all_values[~are_several(all_values)]
    return with_several(of_values(column, single, palette, few=0), values)  # counts and sizes, not names
