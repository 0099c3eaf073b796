"""Cells of a datastack that are worth a first look."""

from __future__ import annotations

from services import tables
from services.cave import Cave

PROOFREADING = "proofread"
"""In the schema types of tables that say which cells are proofread."""


def cells(cave: Cave, datastack: str, version: int, most: int = 6) -> list[tuple[int, str]]:
    """Root ids of a version with a word about each: proofread cells with as many different words as there are.

    Taken from the first proofreading table, else from the first cell-type table; empty where there is neither.
    """
    listed = tables.catalogue(cave, datastack, version)
    proofread = [info for info in listed if PROOFREADING in info.schema_type]
    typed = [info for info in listed if tables.is_type_table(info)]
    for info in [*proofread, *typed]:
        frame = tables.open_table(cave, datastack, version, info.name).frame
        words = [name for name in ("strategy_axon", "status_axon", "cell_type") if name in frame.columns]
        if "pt_root_id" not in frame.columns or not words:
            continue
        known = frame[frame["pt_root_id"].fillna(0) != 0].drop_duplicates("pt_root_id")
        rank = known.groupby(words[0]).cumcount()
        chosen = known.loc[rank.sort_values(kind="stable").index[:most]]
        return [(int(root), str(word)) for root, word in zip(chosen["pt_root_id"], chosen[words[0]], strict=True)]
    return []
