"""A cell's skeleton as a few lines in um, and its synapses as a few points, for a small picture."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from services.cave.client import Cave
from services.cells import connectivity
from services.cells.connectivity import Connectivity
from services.cells.synapse_rows import CENTRE_NM
from services.core import space
from services.core.directions import Direction

Floats = npt.NDArray[np.float64]

MOST_VERTICES = 3_000
MOST_SYNAPSES = 1_000
"""Of each direction. A picture a few hundred pixels wide shows no more."""
COMPARTMENTS = {1: "soma", 2: "axon", 3: "dendrite", 4: "apical dendrite"}
"""The codes of SWC; others are "neurite"."""
SOMA = 1
_Walk = tuple[int, list[int]]


@dataclass(frozen=True)
class Morphology:
    """A skeleton thinned to be drawn. `lines` has the volume's axes (x_um, depth_um, ...; float64; a row of NaN ends a
    line) for each compartment, `synapses` the same for each direction; `titles` stand at the axes. `cable_um` is how
    long the skeleton is, `drawn_um` how much of it the lines follow, `num_synapses` of how many the synapses are, in
    each direction."""

    lines: Mapping[str, pd.DataFrame]
    synapses: Mapping[Direction, pd.DataFrame]
    num_synapses: Mapping[Direction, int]
    cable_um: float
    drawn_um: float
    titles: Mapping[str, str]


def placed(cave: Cave, datastack: str, root_id: int) -> dict[str, Any]:
    """A skeleton of :meth:`Cave.skeleton` with `vertices_um`, its vertices along the axes of the volume (float64).
    Raises NotFound where CAVE has none."""
    skeleton = cave.skeleton(datastack, root_id)
    return skeleton | {"vertices_um": space.nm_to_um(skeleton["vertices"], cave.volume(datastack))}


def read(cave: Cave, connections: Connectivity) -> Morphology:
    """The picture of a cell. Raises NotFound where CAVE has no skeleton of it."""
    skeleton, volume = (
        placed(cave, connections.datastack, connections.cell.root_id),
        cave.volume(connections.datastack),
    )
    vertices_um, walks = skeleton["vertices_um"], chains(skeleton["edges"], skeleton["compartment"])
    longest_walks = longest(walks, vertices_um, MOST_VERTICES)
    synapses: dict[Direction, pd.DataFrame] = {}
    counts: dict[Direction, int] = {}
    for way in Direction:
        rows = connectivity.synapses(cave, connections, way).sort_values("id")
        counts[way] = len(rows)
        points_nm = np.column_stack([rows[name].to_numpy(np.float64, na_value=np.nan) for name in CENTRE_NM])
        synapses[way] = some(pd.DataFrame(space.nm_to_um(points_nm, volume), columns=list(volume.axes)))
    return Morphology(
        lines=_lines(longest_walks, vertices_um, volume.axes),
        synapses=synapses,
        num_synapses=counts,
        cable_um=sum(_length(vertices_um[path]) for _, path in walks),
        drawn_um=sum(_length(vertices_um[path]) for _, path in longest_walks),
        titles=volume.titles,
    )


def lines(skeleton: Mapping[str, Any], axes: Sequence[str]) -> dict[str, pd.DataFrame]:
    """The longest pieces of a skeleton of :func:`placed`, as `Morphology.lines`."""
    walks = chains(skeleton["edges"], skeleton["compartment"])
    return _lines(longest(walks, skeleton["vertices_um"], MOST_VERTICES), skeleton["vertices_um"], axes)


def _lines(walks: Sequence[_Walk], vertices_um: Floats, axes: Sequence[str]) -> dict[str, pd.DataFrame]:
    parts: dict[str, list[Any]] = defaultdict(list)
    for code, path in walks:
        parts[COMPARTMENTS.get(code, "neurite")].append(vertices_um[path])
    return {name: pd.DataFrame(joined(parts[name]), columns=list(axes)) for name in sorted(parts)}


def some(points: pd.DataFrame) -> pd.DataFrame:
    """MOST_SYNAPSES of some points, spread evenly; all of them where they are fewer."""
    return points.take(evenly(len(points), MOST_SYNAPSES))


def chains(edges: Sequence[Sequence[int]], compartment: Sequence[int]) -> list[_Walk]:
    """A tree cut where it branches, ends, or goes from one compartment to another: (compartment, vertices along the
    way) for each piece. The soma's vertex belongs to whatever leaves it."""
    around: dict[int, list[int]] = defaultdict(list)
    for tail, head in edges:
        around[tail].append(head)
        around[head].append(tail)

    def kind(tail: int, head: int) -> int:
        return next((code for code in (compartment[tail], compartment[head]) if code != SOMA), SOMA)

    def goes_on(vertex: int) -> bool:
        others = around[vertex]
        return len(others) == 2 and kind(vertex, others[0]) == kind(vertex, others[1])

    branches, seen = [], set()
    for start in [vertex for vertex in around if not goes_on(vertex)]:
        for first in around[start]:
            if (start, first) in seen:
                continue
            path = [start, first]
            while goes_on(path[-1]):
                path.append(next(other for other in around[path[-1]] if other != path[-2]))
            seen |= {(start, first), (path[-1], path[-2])}
            branches.append((kind(start, first), path))
    return branches


def longest(walks: Sequence[_Walk], vertices_um: Floats, most: int) -> list[_Walk]:
    """The longest pieces, thinned evenly but for their ends, that have `most` vertices together."""
    whole = sum(len(path) for _, path in walks)
    step = max(1, -(-whole // most))
    thinned = [(kind, [*path[:-1:step], path[-1]]) for kind, path in walks]
    order = sorted(range(len(walks)), key=lambda place: -_length(vertices_um[walks[place][1]]))
    chosen, left = [], most
    for place in order:
        left -= len(thinned[place][1])
        if left < 0:
            break
        chosen.append(thinned[place])
    return chosen


def evenly(count: int, most: int) -> npt.NDArray[np.int64]:
    """`most` places of `count`, spread evenly; all of them where they are fewer."""
    return np.arange(count) if count <= most else np.linspace(0, count - 1, most).astype(np.int64)


def joined(paths: Sequence[Floats]) -> Floats:
    """Points of several lines, (n, 3), a row of NaN after each."""
    gap = np.full((1, 3), np.nan)
    return np.concatenate([np.zeros((0, 3)), *(part for path in paths for part in (path, gap))])


def _length(points_um: Floats) -> float:
    return float(np.linalg.norm(np.diff(points_um, axis=0), axis=1).sum())
