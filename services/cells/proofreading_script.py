"""Lines of Python that add the columns of :mod:`proofreading` to partners, for scripts."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from services.cave.client import Cave
from services.cave.release import Release
from services.cells import proofreading
from services.cells.connectivity import Connectivity
from services.core.errors import BadInput

COLUMNS = ("strategy_axon", "strategy_dendrite", "proofreading")
"""The columns of a partner frame that these lines make."""


def lines(cave: Cave, connectivity: Connectivity, only: Collection[str], needed: Collection[str]) -> Iterator[str]:
    """Lines that add those of COLUMNS that are `needed` to the partners in `frame`, and keep partners that are
    proofread for each direction in `only`. No lines where neither is requested. Raises BadInput for a table that a
    script cannot read."""
    info = proofreading.table_of(Release(cave, connectivity.datastack, connectivity.version))
    if info is None or not (only or {*COLUMNS} & {*needed}):
        return
    columns = Release(cave, connectivity.datastack, connectivity.version).sample(info.name).columns
    if proofreading.is_of_whole_cells(columns):
        column = Release(cave, connectivity.datastack, connectivity.version).roles.proofreading.column
        yield from _of_cells(info.name, proofreading.flag_of(columns, column), only=bool(only))
        return
    if "strategy_axon" not in columns:
        raise BadInput(f"A script cannot read {info.name}.", "Show all partners, without their proofreading.")
    yield f"rows = client.materialize.query_table({info.name!r}, split_positions=True)"
    yield "rows = rows[rows['pt_root_id'] != 0].drop_duplicates('pt_root_id', keep=False)"
    yield "proofread = rows.set_index('pt_root_id').reindex(frame['root_id'])"
    for part in ("axon", "dendrite"):
        yield f"done = proofread['status_{part}'].fillna(False).astype(bool)"
        yield f"frame['strategy_{part}'] = proofread['strategy_{part}'].where(done, 'none').array"
    for way in only:
        yield f"frame = frame[frame['strategy_{'axon' if way == 'in' else 'dendrite'}'] != 'none']"


def _of_cells(table: str, flag: str | None, *, only: bool) -> Iterator[str]:
    """Lines for a proofreading table about whole cells, in which the last row of a cell counts."""
    yield f"rows = client.materialize.query_table({table!r}, split_positions=True)"
    yield "rows = rows[rows['pt_root_id'] != 0].sort_values('id').drop_duplicates('pt_root_id', keep='last')"
    if flag:
        yield f"flags = rows[{flag!r}].astype('string').str.casefold().fillna('none')"
        yield f"rows = rows[~flags.isin({list(proofreading.NOT_DONE)})]"
    yield "done = frame['root_id'].isin(rows['pt_root_id'])"
    yield f"frame['proofreading'] = done.map({{True: {proofreading.strategy_of(table)!r}, False: 'none'}})"
    if only:
        yield "frame = frame[done]"
