"""The skeletons of several cells as lines, to be drawn side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from services.cave.release import Release
from services.cave.skeletons import MOST_ASKED
from services.cells import morphology
from services.cells.morphology import COMPARTMENTS, SOMA
from services.core.errors import NotFound
from services.core.parallel import gather

MOST_CELLS = 40
"""Cells that are drawn: more of them would not be legible on a slide."""
MOST_LOOKED_AT = 5_000
"""Root ids searched for skeletons in a larger set; each thousand is a request to CAVE."""
MOST_VERTICES = 1_500
"""Vertices that are drawn of a cell, those of its longest branches."""
AXON = "axon"


@dataclass(frozen=True)
class DrawnCell:
    """A cell of a wall. `axon` and `dendrite` (everything that is not axon) are lines along the first two axes of the
    volume, in um (float64; a row of NaN ends a line). `soma_um` is the soma's position, None where the skeleton has
    none."""

    root_id: int
    axon: pd.DataFrame
    dendrite: pd.DataFrame
    soma_um: tuple[float, float] | None


@dataclass(frozen=True)
class Wall:
    """The drawn cells, from the shallowest soma to the deepest, those without a soma last. `without` are the root ids
    that have no skeleton, `left` is the number of requested cells that are neither drawn nor known to have none."""

    cells: tuple[DrawnCell, ...]
    without: tuple[int, ...]
    left: int


def read(release: Release, root_ids: Sequence[int]) -> Wall:
    """The wall of the first MOST_CELLS root ids that have a skeleton, among the first MOST_LOOKED_AT. Raises NotFound
    when none of them has one."""
    shown, missing = _chosen(release, list(root_ids))
    skeletons = dict(zip(shown, gather(*(partial(_skeleton, release, root) for root in shown)), strict=True))
    available = {root: skeleton for root, skeleton in skeletons.items() if skeleton}
    if not available:
        raise NotFound("CAVE has no skeleton of any of these cells.", "Mostly proofread cells have skeletons.")
    without = (*missing, *(root for root in skeletons if root not in available))
    return Wall(cells(available, release.volume.axes), without, len(root_ids) - len(available) - len(without))


def _chosen(release: Release, root_ids: list[int]) -> tuple[list[int], list[int]]:
    """The root ids to draw, and those before the last of them that have no skeleton."""
    if len(root_ids) <= MOST_CELLS:
        return root_ids, []
    shown: list[int] = []
    missing: list[int] = []
    for start in range(0, min(len(root_ids), MOST_LOOKED_AT), MOST_ASKED):
        batch = root_ids[start : start + MOST_ASKED]
        with_skeleton = release.cave.with_skeletons(release.datastack, batch)
        for root in batch:
            if len(shown) == MOST_CELLS:
                return shown, missing
            (shown if root in with_skeleton else missing).append(root)
    return shown, missing


def rows(wall: Wall) -> pd.DataFrame:
    """The points of a wall, cell by cell: root_id (int64), part ("axon" or "dendrite"), line (int64, from 1 within each
    part) and the first two axes of the volume in um (float64)."""
    parts = []
    for cell in wall.cells:
        for part, points in (("axon", cell.axon), ("dendrite", cell.dendrite)):
            ends = points.isna().any(axis=1)
            line = ends.cumsum() + 1
            parts.append(points.assign(root_id=cell.root_id, part=part, line=line)[~ends])
    whole = pd.concat(parts, ignore_index=True)
    return whole[["root_id", "part", "line", *whole.columns[:2]]]


def cells(skeletons: Mapping[int, Mapping[str, Any]], axes: Sequence[str]) -> tuple[DrawnCell, ...]:
    """The cells of a wall, in its order, from skeletons of :func:`morphology.placed` by root id; `axes` are the
    volume's."""
    unsorted = [_cell(root_id, skeleton, list(axes[:2])) for root_id, skeleton in skeletons.items()]
    return tuple(sorted(unsorted, key=lambda cell: cell.soma_um[1] if cell.soma_um else np.inf))


def _skeleton(release: Release, root_id: int) -> dict[str, Any] | None:
    with suppress(NotFound):
        return morphology.placed(release.cave, release.datastack, root_id)
    return None


def _cell(root_id: int, skeleton: Mapping[str, Any], axes: list[str]) -> DrawnCell:
    vertices_um = skeleton["vertices_um"]
    walks = morphology.longest(
        morphology.chains(skeleton["edges"], skeleton["compartment"]), vertices_um, MOST_VERTICES
    )
    parts: dict[bool, list[Any]] = {True: [], False: []}
    for code, path in walks:
        parts[COMPARTMENTS.get(code) == AXON].append(vertices_um[path])
    axon, dendrite = (pd.DataFrame(morphology.joined(part)[:, :2], columns=axes) for part in parts.values())
    somata = np.flatnonzero(np.asarray(skeleton["compartment"]) == SOMA)
    soma = (float(vertices_um[somata[0], 0]), float(vertices_um[somata[0], 1])) if len(somata) else None
    return DrawnCell(root_id, axon, dendrite, soma)
