"""Which cells are proofread, and how far: the proofreading table of a version, by root id."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Literal

import numpy as np
import pandas as pd

from services.cache.derived import ready
from services.cave.release import Release
from services.core.directions import Direction
from services.core.records import TableInfo
from services.core.roles import PROOFREADING_SCHEMAS

WHOLE_CELL, BACKBONE = "whole_cell", "backbone"
"""The strategies of a table that does not tell axon and dendrite apart; the second where its name says backbone."""
Compartment = Literal["axon", "dendrite"]
NONE = "none"
NOT_DONE = ("non", "none", "no", "f", "false", "0", "")
"""What a status says of a cell that is not proofread."""
DONE = ("t", "true", "y", "yes", "1", "done", "complete", "completed", "finished", "proofread", "clean", "extended",
        WHOLE_CELL, BACKBONE)  # fmt: skip
"""What it says of one that is; with any other word nobody knows which."""
MOST_NAMED = 3
"""How many of the words that nobody knows are named."""
NO_TABLE = "no proofreading table at this version"
COLUMNS = ("strategy_axon", "strategy_dendrite", "edited_since")


def table_of(release: Release) -> TableInfo | None:
    """The table that says which cells, or which of their axons and dendrites, were proofread; None where the version
    has none, one without rows or with more than are held, or one with a :func:`fault`."""
    info = _held(release)
    return None if info is None or release.is_empty(info.name) or fault(release) else info


def tells_of_whole_cells(release: Release) -> bool:
    """Whether the table with that role says of cells, not of their axons and dendrites, whether they are proofread."""
    info = _held(release)
    return info is not None and is_of_whole_cells(release.sample(info.name).columns)


def unknown(release: Release) -> str:
    """In a few words why a version does not tell which cells are proofread; "" where it does."""
    table = release.roles.proofreading.table
    if table is None:
        return NO_TABLE
    if release.is_large(table):
        return release.not_held(table)
    if fault(release):
        return f"{table} does not tell which cells are proofread"
    return f"{table} is empty" if release.is_empty(table) else ""


def fault(release: Release) -> str:
    """A sentence where the table with the role of proofreading does not tell which cells are proofread, so that nobody
    is taken for proofread by it; "" where it does, and where there is none that is held."""
    info, column = _held(release), release.roles.proofreading.column
    if info is None:
        return ""
    derived = release.derived.of("proofreading fault", info.name, column)
    return derived.get(lambda: fault_of(release.table(info.name), info, column))


def fault_of(table: pd.DataFrame, info: TableInfo, column: str = "") -> str:
    """The same from the rows of a table, of which the profile names a `column`."""
    named = f"{info.name}, named for proofreading,"
    if "pt_root_id" not in table:
        return f"{named} has no column pt_root_id."
    if not is_of_whole_cells(table.columns):
        return ""
    flag = flag_of(table.columns, column)
    if flag is None:
        listing = info.schema_type in PROOFREADING_SCHEMAS or re.search(f"proofread|{BACKBONE}", info.name.casefold())
        return (
            ""
            if listing
            else f"{named} has no column proofread or status, and neither type nor name say that it is one."
        )
    words = _words(table[flag])
    unknown = words[~words.isin([*NOT_DONE, *DONE])] if not flag.endswith("_id") else words
    if unknown.empty:
        return ""
    listed = ", ".join(unknown.unique()[:MOST_NAMED])
    return f"{named} says {listed} in {flag}, which does not tell whether a cell is proofread."


def _held(release: Release) -> TableInfo | None:
    info = release.tables().get(release.roles.proofreading.table or "")
    return None if info is None or release.is_large(info.name) else info


def missing(release: Release) -> str:
    """A sentence where a version does not tell which cells are proofread; "" where it does."""
    if message := fault(release):
        return f"{message} So proofread partners cannot be told apart."
    why = unknown(release)
    if why and release.roles.proofreading.table is None:
        why = f"Version {release.number} of {release.datastack} has no proofreading table"
    return f"{why}, so proofread partners cannot be told apart." if why else ""


def rows(release: Release) -> pd.DataFrame | None:
    """Every proofread cell of a version, indexed by `root_id`; None where there is no table of them.

    Columns: strategy_axon and strategy_dendrite (string; "none" = not proofread), and edited_since (bool): the
    segment has changed since it was looked at. A root id whose rows contradict each other is left out; of a table
    that says it of whole cells, the last row counts. `attrs["table"]` is the name of the table, `attrs["whole"]` tells
    whether it is one of whole cells.
    """
    info = table_of(release)
    if info is None:
        return None
    name, column = info.name, release.roles.proofreading.column
    derived = release.derived.of("proofreading", name, column)
    return derived.get(lambda: _read(release.table(name), name, column))


def _read(table: pd.DataFrame, name: str, column: str = "") -> pd.DataFrame:
    roots = table["pt_root_id"].fillna(0)
    result = pd.DataFrame({"root_id": roots.to_numpy(np.int64)}, index=table.index)
    whole = is_of_whole_cells(table.columns)
    for part in ("axon", "dendrite"):
        result[f"strategy_{part}"] = _of_cell(table, name, column) if whole else _strategy(table, part)
    edited = table["valid_id"] != table["pt_root_id"] if "valid_id" in table else pd.Series(False, index=table.index)
    result["edited_since"] = edited.fillna(False).to_numpy(bool)
    result = result[result["root_id"] != 0]
    result = result.drop_duplicates("root_id", keep="last") if whole else result.drop_duplicates()
    result = result[~result["root_id"].duplicated(keep=False)].set_index("root_id")
    result.attrs = {"table": name, "whole": whole}
    return ready(result)


def is_of_whole_cells(columns: Collection[str]) -> bool:
    """Whether the rows of a table with these columns say of cells, not of axons and dendrites, whether they are
    proofread."""
    return "status_axon" not in columns


def strategy_of(table: str) -> str:
    """What a table of whole cells says of one that is proofread."""
    return BACKBONE if BACKBONE in table.casefold() else WHOLE_CELL


def flag_of(columns: Collection[str], column: str = "") -> str | None:
    """The column by which a table says of a cell whether it is proofread, `column` if there is one; None where its
    having a row says it."""
    return next((name for name in (column, "proofread", "status") if name and name in columns), None)


def _of_cell(table: pd.DataFrame, name: str, column: str) -> pd.Series:
    """The strategy of the cell of each row."""
    words = pd.Series(strategy_of(name), index=table.index, dtype="string")
    flag = flag_of(table.columns, column)
    if flag is None:
        return words
    return words.where(~_words(table[flag]).isin(NOT_DONE), NONE)


def _words(values: pd.Series) -> pd.Series:
    """What a column says of each cell, in small letters."""
    return values.astype("string").str.casefold().fillna(NONE)


def _strategy(table: pd.DataFrame, part: str) -> pd.Series:
    """The strategy in words; tables without one have a status, "non", "clean" or "extended"."""
    status = table[f"status_{part}"]
    if f"strategy_{part}" in table:
        strategy = table[f"strategy_{part}"].fillna(NONE)
        return strategy.where(status.fillna(False).astype(bool), NONE).astype("string")
    words = status.astype("string").fillna("non")
    return (part + "_" + words).where(words.isin(["clean", "extended"]), NONE).astype("string")


def of_partners(partners: pd.DataFrame, proofread: pd.DataFrame) -> pd.DataFrame:
    """A partner frame with strategy_axon and strategy_dendrite (string) of each partner, "none" for the unproofread; or
    with `proofreading` instead, where that is known of whole cells."""
    own = proofread.reindex(partners["root_id"])
    names = ("strategy_axon", "strategy_dendrite")
    if proofread.attrs.get("whole"):
        return partners.assign(proofreading=own[names[0]].fillna(NONE).astype("string").array)
    return partners.assign(**{name: own[name].fillna(NONE).astype("string").array for name in names})


def mask(
    partners: pd.DataFrame, direction: Direction, proofread: pd.DataFrame
) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Which partners are proofread where they touch the cell: the axon of an input, the dendrite of an output."""
    strategy = proofread["strategy_axon" if direction == Direction.IN else "strategy_dendrite"]
    known = proofread.index[(strategy != NONE).to_numpy(bool)]
    kept: np.ndarray[tuple[int], np.dtype[np.bool_]] = partners["root_id"].isin(known).to_numpy(bool)
    return kept
