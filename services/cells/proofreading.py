"""Which cells are proofread, and to what extent: the proofreading table of a version, by root id."""

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
"""The strategies of a table that does not distinguish axon and dendrite; BACKBONE if its name contains "backbone"."""
Compartment = Literal["axon", "dendrite"]
NONE = "none"
NOT_DONE = ("non", "none", "no", "f", "false", "0", "")
"""Statuses, in lower case, of a cell that is not proofread."""
DONE = ("t", "true", "y", "yes", "1", "done", "complete", "completed", "finished", "proofread", "clean", "extended",
        WHOLE_CELL, BACKBONE)  # fmt: skip
"""Statuses of a proofread cell. With any other status in a table, its meaning is not known."""
MOST_NAMED = 3
"""How many statuses of unknown meaning a message names."""
NO_TABLE = "no proofreading table at this version"
COLUMNS = ("strategy_axon", "strategy_dendrite", "edited_since")


def table_of(release: Release) -> TableInfo | None:
    """The table that says which cells, or which axons and dendrites, were proofread; None where the version has none,
    and where the table is empty, too large to be held in memory, or has a :func:`fault`."""
    info = _held(release)
    return None if info is None or release.is_empty(info.name) or fault(release) else info


def concerns_whole_cells(release: Release) -> bool:
    """Whether the table with the role of proofreading is about cells as a whole, not about their axons and
    dendrites."""
    info = _held(release)
    return info is not None and is_of_whole_cells(release.sample(info.name).columns)


def unknown(release: Release) -> str:
    """Why it is not known at a version which cells are proofread, in a few words; "" where it is known."""
    table = release.roles.proofreading.table
    if table is None:
        return NO_TABLE
    if release.is_large(table):
        return release.not_held(table)
    if fault(release):
        return f"{table} does not tell which cells are proofread"
    return f"{table} is empty" if release.is_empty(table) else ""


def fault(release: Release) -> str:
    """A sentence that says why the table with the role of proofreading cannot be used to tell which cells are
    proofread; "" where it can be, and where there is no such table or it is too large to be held."""
    info, column = _held(release), release.roles.proofreading.column
    if info is None:
        return ""
    derived = release.derived.of("proofreading fault", info.name, column)
    return derived.get(lambda: fault_of(release.table(info.name), info, column))


def fault_of(table: pd.DataFrame, info: TableInfo, column: str = "") -> str:
    """As :func:`fault`, for the rows of a table; `column` is the one that the profile names ("" = none)."""
    named = f"{info.name}, named for proofreading,"
    if "pt_root_id" not in table:
        return f"{named} has no column pt_root_id."
    if not is_of_whole_cells(table.columns):
        return ""
    flag = flag_of(table.columns, column)
    if flag is None:
        is_list = info.schema_type in PROOFREADING_SCHEMAS or re.search(f"proofread|{BACKBONE}", info.name.casefold())
        return (
            ""
            if is_list
            else f"{named} has no column proofread or status, and neither type nor name say that it is one."
        )
    statuses = _statuses(table[flag])
    unknown = statuses[~statuses.isin([*NOT_DONE, *DONE])] if not flag.endswith("_id") else statuses
    if unknown.empty:
        return ""
    listed = ", ".join(unknown.unique()[:MOST_NAMED])
    return f"{named} says {listed} in {flag}, which does not tell whether a cell is proofread."


def _held(release: Release) -> TableInfo | None:
    info = release.tables().get(release.roles.proofreading.table or "")
    return None if info is None or release.is_large(info.name) else info


def missing(release: Release) -> str:
    """A sentence that says why proofread partners cannot be selected at a version; "" where they can."""
    if message := fault(release):
        return f"{message} So proofread partners cannot be told apart."
    why = unknown(release)
    if why and release.roles.proofreading.table is None:
        why = f"Version {release.number} of {release.datastack} has no proofreading table"
    return f"{why}, so proofread partners cannot be told apart." if why else ""


def rows(release: Release) -> pd.DataFrame | None:
    """The cells in the proofreading table of a version, indexed by `root_id` (int64); None where :func:`table_of` is.

    Columns: strategy_axon and strategy_dendrite (string; "none" = not proofread), and edited_since (bool): the
    segment has changed since it was last proofread. A root id whose rows contradict each other is left out; in a table
    about whole cells the last row counts. `attrs["table"]` is the name of the table, `attrs["whole"]` whether it is
    about whole cells.
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
    """Whether a proofreading table with these columns is about cells as a whole, not about axons and dendrites."""
    return "status_axon" not in columns


def strategy_of(table: str) -> str:
    """The strategy of a proofread cell in a table about whole cells, from the name of the table."""
    return BACKBONE if BACKBONE in table.casefold() else WHOLE_CELL


def flag_of(columns: Collection[str], column: str = "") -> str | None:
    """The column of a table about whole cells that tells whether a cell is proofread: `column`, else a usual name. None
    where there is none, and every cell in the table is proofread."""
    return next((name for name in (column, "proofread", "status") if name and name in columns), None)


def _of_cell(table: pd.DataFrame, name: str, column: str) -> pd.Series:
    """The strategy of each row in a table about whole cells."""
    strategies = pd.Series(strategy_of(name), index=table.index, dtype="string")
    flag = flag_of(table.columns, column)
    if flag is None:
        return strategies
    return strategies.where(~_statuses(table[flag]).isin(NOT_DONE), NONE)


def _statuses(values: pd.Series) -> pd.Series:
    """The values of a status column as text in lower case; "none" for null."""
    return values.astype("string").str.casefold().fillna(NONE)


def _strategy(table: pd.DataFrame, part: str) -> pd.Series:
    """The strategy of a `part` ("axon" or "dendrite") in each row; without that column, from a status such as
    "extended"."""
    status = table[f"status_{part}"]
    if f"strategy_{part}" in table:
        strategy = table[f"strategy_{part}"].fillna(NONE)
        return strategy.where(status.fillna(False).astype(bool), NONE).astype("string")
    statuses = status.astype("string").fillna("non")
    return (part + "_" + statuses).where(statuses.isin(["clean", "extended"]), NONE).astype("string")


def of_partners(partners: pd.DataFrame, proofread: pd.DataFrame) -> pd.DataFrame:
    """A partner frame with strategy_axon and strategy_dendrite (string; "none" = not proofread) of each partner, or
    with a single column `proofreading` where the table is about whole cells. `proofread` is a frame of :func:`rows`."""
    strategies = proofread.reindex(partners["root_id"])
    names = ("strategy_axon", "strategy_dendrite")
    if proofread.attrs.get("whole"):
        return partners.assign(proofreading=strategies[names[0]].fillna(NONE).astype("string").array)
    return partners.assign(**{name: strategies[name].fillna(NONE).astype("string").array for name in names})


def mask(
    partners: pd.DataFrame, direction: Direction, proofread: pd.DataFrame
) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Which partners are proofread on the side of the synapse: the axon of an input, the dendrite of an output
    (bool)."""
    strategy = proofread["strategy_axon" if direction == Direction.IN else "strategy_dendrite"]
    proofread_roots = proofread.index[(strategy != NONE).to_numpy(bool)]
    passed: np.ndarray[tuple[int], np.dtype[np.bool_]] = partners["root_id"].isin(proofread_roots).to_numpy(bool)
    return passed
