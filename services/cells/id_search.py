"""Any number of pasted ids, looked up in a table: which are found, stale, newer, absent, or unknown.

A root id that is not valid at the version is followed to the one that holds most of it then (asked -> valid).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd

from services.cave.client import Cave
from services.cave.release import Release
from services.cells import pasted_positions
from services.cells.cells import LAYER_BITS, evenly, somas
from services.core.columns import Column
from services.core.errors import BadInput, KarstError, NotFound, TooLarge
from services.core.id_text import looks_rounded
from services.core.parallel import gather
from services.filters.nodes import Node, OneOf, any_of
from services.tables import saved_ids
from services.tables.tables import TableFrame, id_columns

Ids: TypeAlias = npt.NDArray[np.int64]
Status = Literal["found", "stale", "newer", "absent", "unknown"]
STATUSES: tuple[Status, ...] = get_args(Status)

ID_TYPES = ("auto", "root_id", "nucleus_id", "supervoxel_id", "annotation_id")
MOST_FOLLOWED = 100
"""Root ids that are not valid and are followed at once: each costs CAVE several requests."""
COLUMNS = (
    Column("asked", "pasted id", "id"),
    Column("status", "status", "text"),
    Column("id_type", "type of id", "text"),
    Column("current", "valid id", "id"),
    Column("overlap", "overlap", "number"),
    Column("num_rows", "rows", "number"),
)
"""Of the frame of a search, for grids and JSON."""


@dataclass(frozen=True)
class IdSearch:
    """What became of the pasted ids.

    `ids` has a row for each, in their order: asked (Int64), status, id_type ("" = none fits), current (Int64: the
    root or other id under which the table has it), overlap (Float64, 0 to 1: the share of a stale or newer root that
    `current` holds), num_rows (Int64: rows of the table). Statuses: "found" is in the table; "stale" is a root id
    that was replaced by `current` (blank where it was not followed); "newer" is one that was created after the
    version, when `current` held most of it; "absent" exists, but the table has no row of it; "unknown" is no id of
    the datastack.

    `where` is the query line that keeps the rows of all of them ("" = there are none; many ids are saved in CAVE, see
    :mod:`saved_ids`), `num_rows` how many rows it
    keeps; `sentences` say all of this.
    """

    ids: pd.DataFrame
    where: str
    num_rows: int
    sentences: tuple[str, ...]

    def counts(self) -> dict[str, int]:
        """How many ids have each status."""
        result = Counter(self.ids["status"])
        return {status: result[status] for status in STATUSES}


def search(cave: Cave, table: TableFrame, text: str, id_type: str = "auto") -> IdSearch:
    """Look up every id in `text` (see :func:`pasted_positions.read`) in the id columns of `table`.

    With "auto", an id is a root, supervoxel, nucleus or annotation id, whichever the table has first; three numbers in
    the volume that are not all ids are a position, and the id is that of the cell there. At most
    10,000 ids are looked up, and 100 stale ones followed; the sentences say what was left out. Raises BadInput where
    there is no id at all.
    """
    if id_type not in ID_TYPES:
        raise BadInput(f"{id_type[:40]!r} is not a type of id.", f"Choose one of {', '.join(ID_TYPES)}.")
    if table.filters is not None:
        raise TooLarge(
            f"{table.info.name} is too large to look ids up in.", "Type them into the box of a column: in 1, 2, 3."
        )
    release = Release(cave, table.datastack, table.version)
    pasted = pasted_positions.read(release, text)
    if not pasted.ids:
        raise BadInput(
            "There is no id in this text.", " ".join(pasted.sentences()) or "Paste root, nucleus or other ids."
        )
    looked_up = _Lookup(cave, table, np.array(pasted.ids, dtype=np.int64), id_type)
    looked_up.run()
    unknown = (looked_up.status == "unknown").any()
    if id_type == "auto" and unknown and (placed := pasted_positions.placed(release, text)):
        pasted = placed
        looked_up = _Lookup(cave, table, np.array(pasted.ids, dtype=np.int64), id_type)
        looked_up.run()
    where, num_rows = looked_up.filter()
    frame = looked_up.frame()
    messages = (*_messages(frame, table), *looked_up.sentences(), *pasted.sentences())
    return IdSearch(frame, where, num_rows, messages)


class _Lookup:
    """One search: every step settles some of the ids that are still open."""

    def __init__(self, cave: Cave, table: TableFrame, ids: Ids, id_type: str) -> None:
        self.cave, self.table, self.ids, self.id_type = cave, table, ids, id_type
        self.release = Release(cave, table.datastack, table.version)
        self.columns = id_columns(table)
        self.status = np.full(len(ids), "", dtype=object)
        self.kind = np.full(len(ids), "", dtype=object)
        self.current = np.zeros(len(ids), dtype=np.int64)
        self.overlap = np.full(len(ids), np.nan)
        self.num_rows = np.zeros(len(ids), dtype=np.int64)
        self.keys: dict[str, set[int]] = {}
        self.ambiguous = 0
        self.split: list[str] = []

    def run(self) -> None:
        self.in_table()
        self.supervoxels()
        self.nuclei()
        self.roots()
        unsettled = self.open()
        self.status[unsettled] = "unknown"

    def open(self, *kinds: str) -> npt.NDArray[np.bool_]:
        """For each id, whether it has no status yet and may be of one of `kinds` (none given = of any)."""
        is_of_kind = not kinds or self.id_type in ("auto", *kinds)
        return (self.status == "") & is_of_kind

    def in_table(self) -> None:
        """Settle the ids that stand in a column of the table."""
        for kind, columns in self.columns.items():
            if self.id_type not in ("auto", kind):
                continue
            counts = self.rows_of(columns, self.ids)
            if kind == "annotation_id":
                self.ambiguous = int(((self.status == "found") & (counts > 0)).sum())
            self.settle(self.open(kind) & (counts > 0), kind, kind, self.ids, "found")

    def supervoxels(self) -> None:
        """Settle supervoxels that are not those of annotated points, through the roots that they belong to."""
        level = self.ids >> LAYER_BITS
        requested = self.open("supervoxel_id") & ((level == 1) | (self.id_type == "supervoxel_id"))
        if not requested.any():
            return
        roots = np.zeros(len(self.ids), dtype=np.int64)
        roots[requested] = self.release.roots_of_supervoxels(self.ids[requested].tolist())
        resolved = requested & (roots >> LAYER_BITS > 1)
        self.settle(resolved, "supervoxel_id", "root_id", roots, "found")

    def nuclei(self) -> None:
        """Settle nuclei of the datastack, through their roots where the table has no column of nuclei."""
        nuclei = somas(self.release)
        requested = self.open("nucleus_id") & np.isin(self.ids, nuclei["nucleus_id"])
        roots = nuclei.set_index("nucleus_id")["root_id"].reindex(self.ids, fill_value=0).to_numpy(np.int64)
        by = "nucleus_id" if "nucleus_id" in self.columns else "root_id"
        self.settle(requested, "nucleus_id", by, self.ids if by == "nucleus_id" else roots, "found")

    def roots(self) -> None:
        """Settle root ids that the table does not have: valid, replaced, not yet created, or unknown."""
        level = self.ids >> LAYER_BITS
        at = np.flatnonzero(self.open("root_id") & (level > 1))
        latest = np.array(self.release.latest_roots(self.ids[at].tolist()), dtype=bool)
        self.kind[at] = "root_id"
        self.status[at[latest]] = "absent"
        outdated = at[~latest]
        self.status[outdated] = "stale"
        followed = outdated[:MOST_FOLLOWED]
        suggested = gather(*(partial(self.suggested, int(root)) for root in self.ids[followed]))
        roots = np.zeros(len(self.ids), dtype=np.int64)
        for place, successors in zip(followed, suggested, strict=True):
            if not successors:
                self.status[place], self.kind[place] = "unknown", ""
                continue
            roots[place], self.overlap[place] = successors[0]
        resolved = followed[roots[followed] > 0]
        newer = np.zeros(len(self.ids), dtype=bool)
        newer[resolved] = self.release.came_after(self.ids[resolved].tolist())
        self.settle((roots > 0) & ~newer, "root_id", "root_id", roots, "stale")
        self.settle(newer, "root_id", "root_id", roots, "newer")
        for place, successors in zip(followed, suggested, strict=True):
            if successors and (even := evenly(successors)):
                parted = "had its pieces evenly in" if newer[place] else "was split evenly into"
                self.split.append(f"{self.ids[place]} {parted} {even}")

    def suggested(self, root: int) -> list[tuple[int, float]]:
        try:
            return self.release.suggest_roots(root)
        except NotFound:
            return []

    def settle(self, which: npt.NDArray[np.bool_], kind: str, by: str, keys: Ids, status: Status) -> None:
        """Give the ids of `which` their kind, status and rows: those in which a column of type `by` holds their key."""
        columns = self.columns.get(by, ())
        counts = self.rows_of(columns, keys) if columns else np.zeros(len(keys), dtype=np.int64)
        self.kind[which] = kind
        self.status[which] = np.where(counts[which] > 0, status, "absent" if status == "found" else status)
        self.current[which] = keys[which]
        self.num_rows[which] = counts[which]
        for column in columns:
            self.keys.setdefault(column.name, set()).update(keys[which & (counts > 0)].tolist())

    def rows_of(self, columns: Sequence[Column], keys: Ids) -> Ids:
        """For each key, the number of rows that hold it in any of `columns`; 0 for id 0, which stands for none."""
        ids = pd.Index(np.unique(keys[keys > 0]))
        matches = []
        for column in columns:
            values = self.table.frame[column.name].fillna(0).to_numpy(np.int64)
            at = np.flatnonzero(np.isin(values, ids.to_numpy()))
            matches.append(pd.DataFrame({"row": at, "key": values[at]}))
        counts = pd.concat(matches).drop_duplicates()["key"].value_counts()
        return np.asarray(counts.reindex(keys).fillna(0), dtype=np.int64)

    def filter(self) -> tuple[str, int]:
        """The query line of all rows, and their number."""
        by_name = {column.name: column for columns in self.columns.values() for column in columns}
        parts = [self.listed(by_name[name], keys) for name, keys in self.keys.items() if keys]
        if not parts:
            return "", 0
        node = any_of(parts)
        return node.text(), int(node.mask(self.table.frame).sum())

    def listed(self, column: Column, keys: set[int]) -> Node:
        try:
            return saved_ids.listed(self.cave, self.table.datastack, column, keys)
        except KarstError:  # not every CAVE lets everybody save; the line is then as long as it is
            return OneOf(column, tuple(sorted(keys)))

    def frame(self) -> pd.DataFrame:
        current = pd.array(self.current, dtype="Int64")
        current[self.current == 0] = pd.NA
        overlap = pd.array(self.overlap, dtype="Float64")
        return pd.DataFrame(
            {
                "asked": pd.array(self.ids, dtype="Int64"),
                "status": pd.array(self.status, dtype="string"),
                "id_type": pd.array(self.kind, dtype="string"),
                "current": current,
                "overlap": overlap,
                "num_rows": pd.array(self.num_rows, dtype="Int64"),
            }
        )

    def sentences(self) -> tuple[str, ...]:
        sentences = []
        if self.ambiguous:
            which = _ids(self.ambiguous)
            sentences.append(f"Also annotation ids: {which}. Choose the type of the ids if that was meant.")
        if self.split:
            sentences.append(f"{_listed(self.split)}.")
        rounded = [str(id) for id in self.ids[self.status == "unknown"].tolist() if looks_rounded(id)]
        if rounded:
            ids_look = "1 id looks" if len(rounded) == 1 else f"{_ids(len(rounded))} look"
            sentences.append(
                f"{ids_look} rounded by a spreadsheet or a browser ({_listed(rounded)}): copy them again as text."
            )
        return tuple(sentences)


def _messages(frame: pd.DataFrame, table: TableFrame) -> list[str]:
    """How many ids have which status."""
    place = f"{table.info.name} at {table.version.title}"
    sentences = [f"Found: {int((frame['status'] == 'found').sum()):,} of {_ids(len(frame))} in {place}."]
    for status, words in (("stale", "No longer valid"), ("newer", f"Newer than {table.version.title}")):
        followed = frame[(frame["status"] == status) & frame["current"].notna()]
        if len(followed):
            sentences.append(f"{words}: {_ids(len(followed))} ({_arrows(followed)}).")
    if num_unfollowed := int(((frame["status"] == "stale") & frame["current"].isna()).sum()):
        sentences.append(f"Probably not valid: {_ids(num_unfollowed)} more; only {MOST_FOLLOWED} are followed at once.")
    for status, words in (("absent", f"Known, but not in {place}"), ("unknown", f"Unknown to {table.datastack}")):
        rows = frame[frame["status"] == status]
        if len(rows):
            sentences.append(f"{words}: {_ids(len(rows))} ({_listed(rows['asked'].astype(str).tolist())}).")
    return sentences


def _arrows(followed: pd.DataFrame) -> str:
    pairs = zip(followed["asked"], followed["current"], followed["overlap"], strict=True)
    return _listed([f"{requested} -> {valid} ({share:.0%} of it)" for requested, valid, share in pairs])


def _listed(texts: Collection[str], most: int = 5) -> str:
    shown = ", ".join(list(texts)[:most])
    return f"{shown} and {len(texts) - most:,} more" if len(texts) > most else shown


def _ids(count: int) -> str:
    return "1 id" if count == 1 else f"{count:,} ids"
