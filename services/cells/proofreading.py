"""Which cells are proofread, and how far: the newest proofreading table of a version, by root id."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd

from services.cave.client import Cave
from services.cave.memo import Memo, key_of, ready
from services.core.records import TableInfo

SCHEMAS = ("compartment_proofread_status_strategy", "compartment_proofread_status")
"""Schema types that tell axon and dendrite apart, the better one first."""
Compartment = Literal["axon", "dendrite"]
NONE = "none"
COLUMNS = ("strategy_axon", "strategy_dendrite", "edited_since")

_tables: Memo[pd.DataFrame] = Memo(8)


def table_of(cave: Cave, datastack: str, version: int) -> TableInfo | None:
    """The table that says how axons and dendrites were proofread; None where the version has none."""
    infos = cave.tables(datastack, version).values()
    found = (info for schema in SCHEMAS for info in infos if info.schema_type == schema)
    return next(found, None)


def missing(cave: Cave, datastack: str, version: int) -> str:
    """A sentence where a version does not tell which cells are proofread; "" where it does."""
    if table_of(cave, datastack, version):
        return ""
    return f"Version {version} of {datastack} has no proofreading table, so proofread partners cannot be told apart."


def rows(cave: Cave, datastack: str, version: int) -> pd.DataFrame | None:
    """Every proofread cell of a version, indexed by `root_id`; None where there is no table of them.

    Columns: strategy_axon and strategy_dendrite (string; "none" = not proofread), and edited_since (bool): the
    segment has changed since it was looked at. A root id whose rows contradict each other is left out.
    `attrs["table"]` is the name of the table.
    """
    info = table_of(cave, datastack, version)
    if info is None:
        return None
    name = info.name
    return _tables.get(key_of(cave, datastack, version), lambda: _read(cave.table(datastack, version, name), name))


def _read(table: pd.DataFrame, name: str) -> pd.DataFrame:
    roots = table["pt_root_id"].fillna(0)
    found = pd.DataFrame({"root_id": roots.to_numpy(np.int64)}, index=table.index)
    for part in ("axon", "dendrite"):
        found[f"strategy_{part}"] = _strategy(table, part)
    edited = table["valid_id"] != table["pt_root_id"] if "valid_id" in table else pd.Series(False, index=table.index)
    found["edited_since"] = edited.fillna(False).to_numpy(bool)
    found = found[found["root_id"] != 0].drop_duplicates()
    found = found[~found["root_id"].duplicated(keep=False)].set_index("root_id")
    found.attrs = {"table": name}
    return ready(found)


def _strategy(table: pd.DataFrame, part: str) -> pd.Series:
    """The strategy in words; tables without one have a status, "non", "clean" or "extended"."""
    status = table[f"status_{part}"]
    if f"strategy_{part}" in table:
        strategy = table[f"strategy_{part}"].fillna(NONE)
        return strategy.where(status.fillna(False).astype(bool), NONE).astype("string")
    words = status.astype("string").fillna("non")
    return (part + "_" + words).where(words.isin(["clean", "extended"]), NONE).astype("string")


def of_partners(partners: pd.DataFrame, proofread: pd.DataFrame) -> pd.DataFrame:
    """A partner frame with strategy_axon and strategy_dendrite (string) of each partner, "none" for the unproofread."""
    own = proofread.reindex(partners["root_id"])
    names = ("strategy_axon", "strategy_dendrite")
    return partners.assign(**{name: own[name].fillna(NONE).astype("string").array for name in names})


def mask(
    partners: pd.DataFrame, direction: Literal["in", "out"], proofread: pd.DataFrame
) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Which partners are proofread where they touch the cell: the axon of an input, the dendrite of an output."""
    strategy = proofread["strategy_axon" if direction == "in" else "strategy_dendrite"]
    known = proofread.index[(strategy != NONE).to_numpy(bool)]
    kept: np.ndarray[tuple[int], np.dtype[np.bool_]] = partners["root_id"].isin(known).to_numpy(bool)
    return kept
