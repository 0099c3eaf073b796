"""What became of a cell's partners between two versions: gained, lost, changed.

A nucleus is the same cell at any version; root ids are not. A partner is therefore known again by its nucleus, else
by its root id, else, for a fragment whose root id was replaced, by the synapses that both have with the cell: a
synapse keeps its id.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
import pandas as pd

from services.cave.release import Release
from services.cells import connectivity
from services.cells.cells import Cell
from services.cells.connectivity import Connectivity
from services.core.directions import Direction
from services.core.errors import BadInput
from services.core.parallel import gather

Status = Literal["gained", "lost", "changed", "same"]
STATUSES: tuple[Status, ...] = ("gained", "lost", "changed", "same")
COLUMNS = ("root_id_old", "root_id_new", "nucleus_id", "num_syn_old", "num_syn_new", "delta", "status", "matched_by")


@dataclass(frozen=True)
class Changes:
    """One direction of a cell at two versions.

    `partners` has COLUMNS: root ids (Int64, null where it was no partner), nucleus_id (Int64, of partners with one
    soma), num_syn_old and num_syn_new (int64, 0 = none), delta (int64), status, matched_by ("nucleus", "root id",
    "synapses" or "", strings), then the columns of the type table at the newer version (at the older one for lost
    partners). Largest change first. `counts` says how many partners have each status; `synapses` how many synapses of
    partners were "kept", "gained", "lost", and how many of those kept "moved" to another root id.
    """

    direction: Direction
    older: Connectivity
    newer: Connectivity
    partners: pd.DataFrame
    counts: dict[Status, int]
    synapses: dict[Literal["kept", "gained", "lost", "moved"], int]

    @property
    def sentence(self) -> str:
        """What changed, in words."""
        old, new = self.older.version.number, self.newer.version.number
        way = "input" if self.direction == "in" else "output"
        message = ", ".join(f"{self.counts[status]:,} {status}" for status in STATUSES)
        return (
            f"From version {old} to {new}: {message} of {len(self.partners):,} {way} partners; "
            f"{self.synapses['gained']:,} synapses gained, {self.synapses['lost']:,} lost."
        )


def compare(
    releases: tuple[Release, Release],
    nucleus_id: int,
    direction: Direction,
    *,
    type_table: str | None = None,
    type_by: str = "",
    only: str = "",
) -> Changes:
    """The partners of the cell with a nucleus at two versions, read at once, all synapses of it that the filter `only`
    keeps.

    A version whose type table is not there, or says no types, goes without types. Raises BadInput for one version
    twice, and NotFound when the nucleus lies in no segment at one of them.
    """
    older, newer = sorted(releases, key=lambda release: release.version.timestamp)
    if older == newer:
        raise BadInput(f"Version {older.number} cannot be compared with itself.", "Choose another version.")

    def read(release: Release) -> Connectivity:
        options: Any = {"type_table": type_table, "type_by": type_by, "only": only, "whole": True, "lenient": True}
        return connectivity.read(release, nucleus_id, "nucleus_id", **options)

    old_cell, new_cell = gather(partial(read, older), partial(read, newer))
    rows = [connectivity.synapses(older.cave, result, direction) for result in (old_cell, new_cell)]
    frame = match(old_cell.side(direction), new_cell.side(direction), shared(rows[0], rows[1], direction))
    counts: dict[Status, int] = {status: int((frame["status"] == status).sum()) for status in STATUSES}
    return Changes(
        direction, old_cell, new_cell, frame, counts, _synapse_counts(rows[0], rows[1], old_cell, new_cell, direction)
    )


def of_cell(
    releases: tuple[Release, Release],
    cell: Cell,
    direction: Direction,
    *,
    type_table: str | None = None,
    type_by: str = "",
    only: str = "",
) -> Changes:
    """:func:`compare` for a cell, which can be followed by its nucleus. Raises BadInput unless it has exactly one."""
    ids = cell.nucleus_ids
    if ids is None or len(ids) != 1:
        raise BadInput(
            "Only a cell with exactly one nucleus can be followed between versions.",
            "This version has no nucleus table." if ids is None else f"This segment has {len(ids)}.",
        )
    return compare(releases, ids[0], direction, type_table=type_table, type_by=type_by, only=only)


def shared(older: pd.DataFrame, newer: pd.DataFrame, direction: Direction) -> pd.DataFrame:
    """How many synapses two partners have in common: root_id_old, root_id_new, num_syn (int64)."""
    ends = [
        rows[["id", direction.partner]].rename(columns={direction.partner: name}).fillna(0).astype("int64")
        for rows, name in ((older, "root_id_old"), (newer, "root_id_new"))
    ]
    pairs = ends[0].merge(ends[1], on="id").groupby(["root_id_old", "root_id_new"])["id"].size()
    return pairs.rename("num_syn").reset_index()


def match(older: pd.DataFrame, newer: pd.DataFrame, common: pd.DataFrame) -> pd.DataFrame:
    """Two partner frames as one; `common` is of :func:`shared`. See :class:`Changes` for the columns."""
    pairs = _by_nucleus(older, newer)
    pairs = pd.concat([pairs, _by_root(older, newer, pairs)])
    pairs = pd.concat([pairs, _by_synapses(older, newer, pairs, common)], ignore_index=True)
    gone = older.loc[~older["root_id"].isin(pairs["root_id_old"]), "root_id"]
    come = newer.loc[~newer["root_id"].isin(pairs["root_id_new"]), "root_id"]
    # nullable before they meet blanks: floats would round ids
    every = pd.DataFrame(
        {
            "root_id_old": pd.array([*pairs["root_id_old"], *gone, *[pd.NA] * len(come)], dtype="Int64"),
            "root_id_new": pd.array([*pairs["root_id_new"], *[pd.NA] * len(gone), *come], dtype="Int64"),
            "matched_by": pd.array([*pairs["matched_by"], *[""] * (len(gone) + len(come))], dtype="string"),
        }
    )
    old_rows, new_rows = _at(older, every["root_id_old"]), _at(newer, every["root_id_new"])
    every["nucleus_id"] = new_rows["nucleus_id"].fillna(old_rows["nucleus_id"])
    every["num_syn_old"] = old_rows["num_syn"].fillna(0).astype("int64")
    every["num_syn_new"] = new_rows["num_syn"].fillna(0).astype("int64")
    every["delta"] = every["num_syn_new"] - every["num_syn_old"]
    every["status"] = pd.array(
        np.select(
            [every["root_id_old"].isna(), every["root_id_new"].isna(), every["delta"] != 0],
            ["gained", "lost", "changed"],
            "same",
        ),
        dtype="string",
    )
    types = [name for name in newer.columns if name not in connectivity.PARTNER_COLUMNS]
    lost = (every["status"] == "lost").to_numpy(bool)
    for name in types:
        every[name] = new_rows[name].where(~lost, old_rows[name]) if name in old_rows else new_rows[name]
    order = np.lexsort([every["num_syn_new"], every["delta"].abs()])[::-1]
    return every.take(order)[[*COLUMNS, *types]].reset_index(drop=True)


def _by_nucleus(older: pd.DataFrame, newer: pd.DataFrame) -> pd.DataFrame:
    sides = [side[side["nucleus_id"].notna()][["nucleus_id", "root_id"]] for side in (older, newer)]
    pairs = sides[0].merge(sides[1], on="nucleus_id", suffixes=("_old", "_new"))
    return pairs[["root_id_old", "root_id_new"]].assign(matched_by="nucleus")


def _by_root(older: pd.DataFrame, newer: pd.DataFrame, pairs: pd.DataFrame) -> pd.DataFrame:
    old_roots = older.loc[~older["root_id"].isin(pairs["root_id_old"]), "root_id"]
    new_roots = newer.loc[~newer["root_id"].isin(pairs["root_id_new"]), "root_id"]
    roots = old_roots[old_roots.isin(new_roots)].to_numpy(np.int64)
    return pd.DataFrame({"root_id_old": roots, "root_id_new": roots, "matched_by": "root id"})


def _by_synapses(older: pd.DataFrame, newer: pd.DataFrame, pairs: pd.DataFrame, common: pd.DataFrame) -> pd.DataFrame:
    """Pairs of so far unknown partners with most synapses in common, each in one pair only."""
    old_roots = older.loc[~older["root_id"].isin(pairs["root_id_old"]), "root_id"]
    new_roots = newer.loc[~newer["root_id"].isin(pairs["root_id_new"]), "root_id"]
    open_ = common[common["root_id_old"].isin(old_roots) & common["root_id_new"].isin(new_roots)]
    chosen: dict[int, int] = {}
    ranked = open_.sort_values(["num_syn", "root_id_old"], ascending=[False, True])
    matched: set[int] = set()
    for old, new in zip(ranked["root_id_old"].tolist(), ranked["root_id_new"].tolist(), strict=True):
        if old not in chosen and new not in matched:
            chosen[old] = new
            matched.add(new)
    # an empty list would be a column of floats, and round the ids above it
    old_new = np.array([*chosen.items()], dtype=np.int64).reshape(-1, 2)
    return pd.DataFrame({"root_id_old": old_new[:, 0], "root_id_new": old_new[:, 1], "matched_by": "synapses"})


def _at(side: pd.DataFrame, roots: pd.Series) -> pd.DataFrame:
    """The rows of a partner frame for root ids; null where there is none."""
    return side.set_index("root_id").reindex(roots.fillna(0).astype("int64")).reset_index(drop=True)


def _synapse_counts(
    older: pd.DataFrame, newer: pd.DataFrame, old_cell: Connectivity, new_cell: Connectivity, direction: Direction
) -> dict[Literal["kept", "gained", "lost", "moved"], int]:
    ends = [_ends(rows, result.cell.root_id, direction) for rows, result in ((older, old_cell), (newer, new_cell))]
    both = ends[0].index.intersection(ends[1].index)
    return {
        "kept": len(both),
        "gained": len(ends[1]) - len(both),
        "lost": len(ends[0]) - len(both),
        "moved": int((ends[0][both].to_numpy() != ends[1][both].to_numpy()).sum()),
    }


def _ends(synapses: pd.DataFrame, root_id: int, direction: Direction) -> pd.Series:
    """The partner of each synapse, by synapse id; those without one and autapses left out."""
    partner = synapses[direction.partner].fillna(0).astype("int64")
    ends = pd.Series(partner.to_numpy(), index=pd.Index(synapses["id"].astype("int64")))
    return ends[(ends != 0) & (ends != root_id)]
