"""Sets of cells as the root ids of a version: `<table>:<filter line>`, any text with ids, or a saved list of these."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Literal

import numpy as np
import pandas as pd

from services.cave.release import Release
from services.cells import cells, pasted_positions, proofreading
from services.cells.id_search import MOST_FOLLOWED
from services.cells.pasted import MOST_NAMED
from services.core.addresses import is_name
from services.core.errors import BadInput, NotFound, TooLarge
from services.core.id_text import looks_rounded
from services.core.parallel import gather
from services.filters.misread import misread
from services.filters.values import described
from services.populations.edges import Ids
from services.tables import large_tables, live, narrowed_tables, saved_ids, tables
from services.tables.large_tables import LargeTable
from services.tables.tables import TableFrame, TableQuery

Proofread = Literal["axon", "both", "off"]
PROOFREAD: tuple[Proofread, ...] = ("axon", "both", "off")
"""Which cells count: presynaptic ones with a proofread axon; also only postsynaptic ones with a proofread dendrite;
all of them."""
ROOT_IDS = "pt_root_id"
IDS = re.compile(r"[\s\d\[\](){}'\",;]+")
"""What is no filter line, but ids in some list."""


@dataclass(frozen=True, eq=False)
class CellSet:
    """A set of cells of one version. `text` is how it was asked for, `table` whose rows they are ("" = ids were given),
    `ids` their root ids, sorted and distinct.

    `num_rows` are the rows, or ids, that name them; `num_repeated` the root ids with more than one of these,
    `num_without_root` the rows in no segment (root id 0). `num_multi_soma` are the root ids with several nuclei, which
    are more than one cell; None where nuclei are not known. `num_axons` and `num_dendrites` are how many have the one
    or the other proofread; None where the version does not tell. With `of_whole_cells` it tells that of cells, so both
    are the same. `notes` are sentences about what was left out.
    """

    text: str
    table: str
    ids: Ids
    num_rows: int
    num_repeated: int = 0
    num_without_root: int = 0
    num_multi_soma: int | None = None
    num_axons: int | None = None
    num_dendrites: int | None = None
    of_whole_cells: bool = False
    notes: tuple[str, ...] = field(default=())

    def __len__(self) -> int:
        return len(self.ids)


def parse(text: str) -> tuple[str, str]:
    """The table and filter line of a set; ("", text) for ids."""
    table, colon, where = text.strip().partition(":")
    if colon and is_name(table.strip()) and not where.startswith("//") and not table.strip().isdigit():
        return table.strip(), where.strip()
    return "", text.strip()


def resolve(release: Release, text: str) -> CellSet:
    """The cells that `text` names at a version: those of the rows of a table that a filter line keeps
    (`types:cell_type = BC`; `types:` for all), or those with the ids in it (root or nucleus ids).

    A stale root id becomes the one that holds most of it now. Raises BadInput for a text that names nothing, a table
    without root ids or a version that is not kept; NotFound for a table that the version does not have; TooLarge for
    one that cannot be held.
    """
    if not release.version.kept:
        raise BadInput(
            f"Populations are read at versions that are kept; {release.version.title} is not.", "Choose another."
        )
    table, where = parse(text)
    if not text.strip():
        raise BadInput("No cells are given.", "Name a table with a filter, as in types:cell_type = BC, or ids.")
    if table and table not in release.tables() and IDS.fullmatch(where):
        table = ""  # a name of what is pasted, as in root_id: 864691135000000000
    result = _of_table(release, table, where) if table else _of_ids(release, where)
    return _counted(release, replace(result, text=f"{table}:{where}" if table else where))


def proofread_only(release: Release, whole: CellSet, part: Literal["axon", "dendrite"]) -> CellSet:
    """The cells of a set that have their axon, or dendrite, proofread; all where the version does not tell, and a note
    then says so."""
    known = proofreading.rows(release)
    if known is None:
        none = f"Version {release.version.label} of {release.datastack} has no proofreading table"
        why = proofreading.unknown(release) if release.roles.proofreading.table else none
        message = f"{why}, so all cells count."
        return replace(whole, notes=(*whole.notes, message))
    kept = np.isin(whole.ids, _proofread(known, part))
    left = len(whole) - int(kept.sum())
    what = "not proofread" if known.attrs["whole"] else f"{part} not proofread"
    message = f"{left:,} of {len(whole):,} cells left out: {what}." if left else ""
    return replace(whole, ids=whole.ids[kept], notes=(*whole.notes, *filter(None, [message])))


def root_id(text: str) -> int:
    """The root id that a text is. Raises BadInput."""
    text = text.strip()
    if not (text.isascii() and text.isdigit()) or len(text) > 19 or not 0 < int(text) < 2**63:
        raise BadInput(f"{text[:40]!r} is not a root id.", "Give the root id of a cell in the sets.")
    return int(text)


def union(several: Sequence[CellSet]) -> CellSet:
    """The cells of any of several sets; what is known of these alone is not known of them."""
    ids = np.unique(np.concatenate([one.ids for one in several]))
    return CellSet("", "", ids, len(ids), notes=tuple(dict.fromkeys(note for one in several for note in one.notes)))


def _of_table(release: Release, table: str, where: str) -> CellSet:
    query = saved_ids.query(release.cave, release.datastack, where)
    opened = narrowed_tables.open_narrowed(release, table, query=query)
    if not isinstance(opened, TableFrame):
        return _of_large(release, opened, query)
    if ROOT_IDS not in opened.frame:
        raise BadInput(f"{table} has no root ids, so its rows name no cells.", "Choose another table.")
    roots = opened.frame[ROOT_IDS].take(tables.row_numbers(opened, query)).fillna(0).to_numpy(np.int64)
    sentences = (*live.notices(release.cave, opened), *narrowed_tables.sentences(opened))
    notes = (*sentences, *misread(tables.filter_of(opened.columns, query), opened.frame))
    return replace(_distinct(table, roots), notes=notes)


def _of_large(release: Release, table: LargeTable, query: TableQuery) -> CellSet:
    """The cells of rows that are too many to hold: of these, root ids alone are read."""
    name, most = table.info.name, large_tables.MOST_EXPORTED
    if ROOT_IDS not in {column.name for column in table.columns}:
        raise BadInput(f"{name} has no root ids, so its rows name no cells.", "Choose another table.")
    filters = large_tables.filters_of(release.cave, table, query)
    count = release.count(name, filters) if filters.columns() else table.info.row_count
    if count is not None and count > most:
        raise TooLarge(f"These are {count:,} rows of {name}, more than {most:,}.", "Narrow the filter.")
    rows = release.query(name, filters, select_columns=[ROOT_IDS], whole=True)
    notes = live.notices(release.cave, table)
    return replace(_distinct(name, rows[ROOT_IDS].fillna(0).to_numpy(np.int64)), notes=notes)


def _of_ids(release: Release, text: str) -> CellSet:
    listed, notes = _listed(release, text)
    ids = np.array(listed, dtype=np.int64)
    somata = cells.somas(release).drop_duplicates("nucleus_id").set_index("nucleus_id")
    roots = somata["root_id"].reindex(ids, fill_value=0).to_numpy(np.int64)
    roots = np.where(roots > 0, roots, ids)
    known = np.isin(roots, somata["root_id"].to_numpy(np.int64))
    unsure = np.flatnonzero(~known)
    latest = np.array(release.latest_roots(roots[unsure].tolist()), dtype=bool)
    outdated = unsure[~latest]
    successors = gather(*(partial(_successors, release, int(root)) for root in roots[outdated[:MOST_FOLLOWED]]))
    notes += _replaced(release, roots[outdated].tolist(), successors)
    roots[outdated] = [*(one[0][0] if one else 0 for one in successors), *[0] * (len(outdated) - len(successors))]
    followed = sum(map(bool, successors))
    if lost := len(outdated) - followed:
        notes.append(f"No cells at version {release.version.label}: {lost:,} of the ids.")
    rounded = [one for one in ids[roots == 0].tolist() if looks_rounded(one)]
    if rounded:
        which = "1 id looks" if len(rounded) == 1 else f"{len(rounded):,} ids look"
        notes.append(
            f"{which} rounded by a spreadsheet or a browser ({described(rounded, last='and')}): copy again as text."
        )
    return replace(_distinct("", roots), notes=tuple(notes))


def _listed(release: Release, text: str) -> tuple[Sequence[int], list[str]]:
    """The ids of a text or of the saved list that it names, and what there is to say of them."""
    if saved := saved_ids.ids_of(release.cave, release.datastack, text):
        return saved, []
    pasted = pasted_positions.placed(release, text) or pasted_positions.read(release, text)
    if not pasted.ids:
        raise BadInput("There is no id in this text.", " ".join(pasted.sentences()) or "Paste root or nucleus ids.")
    return pasted.ids, list(pasted.sentences())


def _successors(release: Release, root: int) -> list[tuple[int, float]]:
    try:
        return release.suggest_roots(root)
    except NotFound:
        return []


def _replaced(release: Release, outdated: Sequence[int], successors: Sequence[list[tuple[int, float]]]) -> list[str]:
    """What is used for root ids of another time, of which the first have `successors`; where a root was split evenly,
    all are named."""
    followed = [(root, several) for root, several in zip(outdated, successors, strict=False) if several]
    newer = release.came_after([root for root, _ in followed])
    notes: list[str] = []
    for is_newer in (False, True):
        these = [one for one, came_after in zip(followed, newer, strict=True) if came_after == is_newer]
        split = [(root, several[0][0], even) for root, several in these if (even := cells.evenly(several))]
        state = f"Newer than {release.version.title}" if is_newer else "No longer valid"
        parted = "its pieces were then evenly in" if is_newer else "split evenly into"
        num = len(these) - len(split)
        if num == 1:
            notes.append(f"{state}: 1 root id; the cell that {'held' if is_newer else 'holds'} most of it is used.")
        elif num:
            notes.append(
                f"{state}: {num:,} root ids; the cells that {'held' if is_newer else 'hold'} most of them are used."
            )
        notes += [f"{state}: {root}, {parted} {even}; {used} is used." for root, used, even in split[:MOST_NAMED]]
        if (more := len(split) - MOST_NAMED) > 0:
            notes.append(f"{state}: {more:,} more, {parted} several cells; one of these is used for each.")
    return notes


def _distinct(table: str, roots: Ids) -> CellSet:
    ids, counts = np.unique(roots[roots != 0], return_counts=True)
    return CellSet(
        "", table, ids, len(roots), num_repeated=int((counts > 1).sum()), num_without_root=int((roots == 0).sum())
    )


def _counted(release: Release, cell_set: CellSet) -> CellSet:
    nuclei = None
    if cells.nucleus_table(release):
        roots = cells.somas(release)["root_id"].to_numpy(np.int64)
        several, counts = np.unique(roots, return_counts=True)
        nuclei = int(np.isin(cell_set.ids, several[counts > 1]).sum())
    known = proofreading.rows(release)
    proofread = {
        part: None if known is None else int(np.isin(cell_set.ids, _proofread(known, part)).sum())
        for part in ("axon", "dendrite")
    }
    return replace(
        cell_set,
        num_multi_soma=nuclei,
        num_axons=proofread["axon"],
        num_dendrites=proofread["dendrite"],
        of_whole_cells=known is not None and known.attrs["whole"],
    )


def _proofread(known: pd.DataFrame, part: str) -> Ids:
    ids: Ids = known.index[(known[f"strategy_{part}"] != proofreading.NONE).to_numpy(bool)].to_numpy(np.int64)
    return ids
