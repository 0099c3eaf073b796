"""Examples for the start page of a datastack: its most frequent cell types, some cells, and pairs of these."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import combinations

import pandas as pd

from services.cave.release import Release
from services.cells import card, cell_types, morphology, partner_columns, several_cells, verdict
from services.cells.connectivity import Connectivity
from services.core.directions import Direction
from services.core.errors import KarstError
from services.core.parallel import gather
from services.filters.values import format_value
from services.tables import examples, groups
from services.views.addresses import CellAddress, TableAddress
from services.views.cell_view import CellView

MOST_CANDIDATES = 40
"""Cells from which the examples are chosen."""


@dataclass(frozen=True)
class TypeExample:
    """A cell type: its colour "#rrggbb", its number of rows in the type table, the layer of most of these (None = not
    known), and the address of the rows."""

    name: str
    colour: str | None
    rows: int
    layer: str | None
    address: TableAddress


@dataclass(frozen=True)
class CellExample:
    """A cell: its type and layer (None = not known), its number of synapses in each direction, and `why` it is shown:
    the first sentence of its verdict. `lines` are those of its skeleton (see :class:`morphology.Morphology`; {} = CAVE
    has none)."""

    address: CellAddress
    cell_type: str | None
    layer: str | None
    synapses: Mapping[Direction, int]
    why: str
    lines: Mapping[str, pd.DataFrame]


@dataclass(frozen=True)
class PairExample:
    """Two cells: the number of partners they share in each direction, and of synapses `between` them (None = not
    known)."""

    address: CellAddress
    cells: tuple[CellExample, CellExample]
    shared: Mapping[Direction, int]
    between: int | None


def types(release: Release, most: int) -> list[TypeExample]:
    """The `most` most frequent types in the datastack's type table; [] where it has no such table."""
    result = examples.types(release, most)
    if result is None:
        return []
    if result.table:
        colours = groups.of_table(release.cave, result.table, result.column).colours
    else:
        values = pd.Series([name for name, _, _ in result.counts], dtype="string")
        colours = groups.of_values(result.column, values, release.profile.palette).colours
    place = (release.datastack, str(release.number), result.name)
    system = {name: format_value(value) for name, value in filter(None, [result.system])}
    return [
        TypeExample(
            name,
            colours.get(name),
            rows,
            layer,
            TableAddress(*place, boxes={result.column: format_value(name)} | system),
        )
        for name, rows, layer in result.counts
    ]


def cells(release: Release, most: int) -> tuple[list[CellExample], list[PairExample]]:
    """Up to `most` cells that differ in type and proofreading, and all pairs of them; none where no table of the
    datastack describes cells."""
    roots = _different(release, most)
    if not roots:
        return [], []
    view = CellView.of(release.cave, _address(release, roots))
    skeletons = gather(*(partial(_lines, release, cell) for cell in view.cells))
    typed = zip(view.cells, view.own_types(), skeletons, strict=True)
    result = [_example(release, cell, cell_type, lines) for cell, cell_type, lines in typed]
    among = several_cells.among(view.cells)
    return result, [
        _pair(release, [view.cells[at] for at in pair], [result[at] for at in pair], among)
        for pair in combinations(range(len(result)), 2)
    ]


def _different(release: Release, most: int) -> list[int]:
    """Up to `most` root ids that differ in type and proofreading as much as the candidates allow."""
    words = dict(examples.cells(release, MOST_CANDIDATES))
    types: list[str | None] = [None] * len(words)
    with suppress(KarstError):
        types = cell_types.of_roots(release, partner_columns.default_types(release) or "", "", [*words])
    candidates = [(root, {word, cell_type}) for (root, word), cell_type in zip(words.items(), types, strict=True)]
    chosen: list[int] = []
    covered: set[str | None] = {None}
    while candidates and len(chosen) < most:
        best = min(candidates, key=lambda candidate: len(candidate[1] & covered))
        candidates.remove(best)
        chosen.append(best[0])
        covered |= best[1]
    return chosen


def _address(release: Release, roots: Sequence[int]) -> CellAddress:
    return CellAddress(release.datastack, str(release.number), ", ".join(map(str, roots)), "root_id")


def _lines(release: Release, cell: Connectivity) -> Mapping[str, pd.DataFrame]:
    with suppress(KarstError):
        return morphology.read(release.cave, cell).lines
    return {}


def _example(
    release: Release, cell: Connectivity, cell_type: str | None, lines: Mapping[str, pd.DataFrame]
) -> CellExample:
    return CellExample(
        _address(release, [cell.cell.root_id]),
        cell_type,
        card.layer_of(release.cave, release.datastack, cell.cell),
        {way: cell.totals[way]["num_syn"] for way in Direction},
        verdict.verdict(release.cave, cell).sentence.partition(". ")[0],
        lines,
    )


def _pair(
    release: Release, pair: Sequence[Connectivity], shown: Sequence[CellExample], among: pd.DataFrame
) -> PairExample:
    roots = [cell.cell.root_id for cell in pair]
    shared = {way: len(set(pair[0].side(way)["root_id"]) & set(pair[1].side(way)["root_id"])) for way in Direction}
    between = among.loc[roots, roots].to_numpy()[[0, 1], [1, 0]]
    count = None if pd.isna(between).any() else int(between.sum())
    return PairExample(_address(release, roots), (shown[0], shown[1]), shared, count)
