"""Sets of cells of a version, written as `<table>:<filter line>`, as text with ids, or as the name of a saved list."""

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
"""Which cells are kept: "axon" = presynaptic cells with a proofread axon; "both" = also only postsynaptic cells with a
proofread dendrite; "off" = all."""
ROOT_IDS = "pt_root_id"
IDS = re.compile(r"[\s\d\[\](){}'\",;]+")
"""A list of ids, which cannot be a filter line."""


@dataclass(frozen=True, eq=False)
class CellSet:
    """A set of cells of one version. `text` is how the set is written, `table` the table whose rows name the cells (""
    = ids were given), `ids` their root ids, sorted and distinct.

    `num_rows` is the number of rows, or ids, that name cells, `num_repeated` that of root ids with more than one of
    them, `num_without_root` that of rows with root id 0. `num_multi_soma` is the number of root ids with several
    nuclei, which merge several cells; None where nuclei are not known. `num_axons` and `num_dendrites` count cells with
    a proofread axon or dendrite; None where the version does not tell. If `of_whole_cells`, proofreading is of cells as
    a whole and both are equal. `notes` are sentences about what was left out."""

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
    """The table and the filter line of a written set; ("", text) for ids."""
    table, colon, where = text.strip().partition(":")
    if colon and is_name(table.strip()) and not where.startswith("//") and not table.strip().isdigit():
        return table.strip(), where.strip()
    return "", text.strip()


def resolve(release: Release, text: str) -> CellSet:
    """The cells that `text` names at a version: those in the rows of a table that a filter line keeps
    (`types:cell_type = BC`; `types:` for all rows), or those with the root or nucleus ids in it.

    An outdated root id is replaced by the one that holds most of it at the version. Raises BadInput for a text that
    names no cells, a table without root ids, or a moment that is not a kept version; NotFound for a table that the
    version does not have; TooLarge for more rows than can be held."""
    if not release.version.materialized:
        raise BadInput(
            f"Populations are read at versions that are kept; {release.version.title} is not.", "Choose another."
        )
    table, where = parse(text)
    if not text.strip():
        raise BadInput("No cells are given.", "Name a table with a filter, as in types:cell_type = BC, or ids.")
    if table and table not in release.tables() and IDS.fullmatch(where):
        table = ""  # a label before pasted ids, as in root_id: 864691135000000000
    result = _of_table(release, table, where) if table else _of_ids(release, where)
    return _counted(release, replace(result, text=f"{table}:{where}" if table else where))


def proofread_only(release: Release, whole: CellSet, part: Literal["axon", "dendrite"]) -> CellSet:
    """The set with only the cells whose axon, or dendrite, is proofread; all of them, with a note, where the version
    does not tell."""
    strategies = proofreading.rows(release)
    if strategies is None:
        none = f"Version {release.version.label} of {release.datastack} has no proofreading table"
        why = proofreading.unknown(release) if release.roles.proofreading.table else none
        message = f"{why}, so all cells count."
        return replace(whole, notes=(*whole.notes, message))
    proofread = np.isin(whole.ids, _proofread(strategies, part))
    left_out = len(whole) - int(proofread.sum())
    reason = "not proofread" if strategies.attrs["whole"] else f"{part} not proofread"
    message = f"{left_out:,} of {len(whole):,} cells left out: {reason}." if left_out else ""
    return replace(whole, ids=whole.ids[proofread], notes=(*whole.notes, *filter(None, [message])))


def root_id(text: str) -> int:
    """The root id in a text. Raises BadInput for text that is not a single positive int64."""
    text = text.strip()
    if not (text.isascii() and text.isdigit()) or len(text) > 19 or not 0 < int(text) < 2**63:
        raise BadInput(f"{text[:40]!r} is not a root id.", "Give the root id of a cell in the sets.")
    return int(text)


def union(several: Sequence[CellSet]) -> CellSet:
    """The cells in any of several sets, with the notes of all; counts of rows and proofread cells are not carried
    over."""
    ids = np.unique(np.concatenate([cell_set.ids for cell_set in several]))
    return CellSet(
        "", "", ids, len(ids), notes=tuple(dict.fromkeys(note for cell_set in several for note in cell_set.notes))
    )


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
    """The cells in rows of a table too large to be held, of which only the root ids are read."""
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
    with_soma = np.isin(roots, somata["root_id"].to_numpy(np.int64))
    unsure = np.flatnonzero(~with_soma)
    latest = np.array(release.latest_roots(roots[unsure].tolist()), dtype=bool)
    outdated = unsure[~latest]
    successors = gather(*(partial(_successors, release, int(root)) for root in roots[outdated[:MOST_FOLLOWED]]))
    notes += _replaced(release, roots[outdated].tolist(), successors)
    roots[outdated] = [*(newer[0][0] if newer else 0 for newer in successors), *[0] * (len(outdated) - len(successors))]
    followed = sum(map(bool, successors))
    if lost := len(outdated) - followed:
        notes.append(f"No cells at version {release.version.label}: {lost:,} of the ids.")
    rounded = [number for number in ids[roots == 0].tolist() if looks_rounded(number)]
    if rounded:
        which = "1 id looks" if len(rounded) == 1 else f"{len(rounded):,} ids look"
        notes.append(
            f"{which} rounded by a spreadsheet or a browser ({described(rounded, last='and')}): copy again as text."
        )
    return replace(_distinct("", roots), notes=tuple(notes))


def _listed(release: Release, text: str) -> tuple[Sequence[int], list[str]]:
    """The ids in a text, or in the saved list that it names, and notes about them."""
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
    """Notes on the root ids used in place of outdated ones, the first of which have `successors`; for a root id that
    was split evenly, all of them are named."""
    followed = [(root, several) for root, several in zip(outdated, successors, strict=False) if several]
    newer = release.came_after([root for root, _ in followed])
    notes: list[str] = []
    for is_newer in (False, True):
        these = [pair for pair, came_after in zip(followed, newer, strict=True) if came_after == is_newer]
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
    strategies = proofreading.rows(release)
    proofread = {
        part: None if strategies is None else int(np.isin(cell_set.ids, _proofread(strategies, part)).sum())
        for part in ("axon", "dendrite")
    }
    return replace(
        cell_set,
        num_multi_soma=nuclei,
        num_axons=proofread["axon"],
        num_dendrites=proofread["dendrite"],
        of_whole_cells=strategies is not None and strategies.attrs["whole"],
    )


def _proofread(strategies: pd.DataFrame, part: str) -> Ids:
    ids: Ids = strategies.index[(strategies[f"strategy_{part}"] != proofreading.NONE).to_numpy(bool)].to_numpy(np.int64)
    return ids
