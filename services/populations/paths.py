"""Paths of up to three steps from the cells of one set to those of another."""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd

from services.core.errors import BadInput, TooLarge
from services.populations.edges import Edges, Ids, Places, places

Order = Literal["shortest", "strongest"]
ORDERS: tuple[Order, ...] = get_args(Order)
MOST_STEPS = 3
MOST_PAIRS = 5_000_000
"""Pairs of a source and a target: 240 MB of answers."""
WORDS: dict[Order, str] = {
    "shortest": "For each pair of cells, the path with the fewest steps; of several, the one whose weakest step has "
    "the most synapses.",
    "strongest": "For each pair of cells, the path whose weakest step has the most synapses; of several, the one "
    "with the fewest steps.",
}
Counts: TypeAlias = npt.NDArray[np.int32]
_EACH = 1_000_000
"""Edges times sources that are looked at at once: some 50 MB."""


def between(
    edges: Edges,
    sources: Ids,
    targets: Ids,
    *,
    steps: int = MOST_STEPS,
    order: Order = "shortest",
    most: int | None = None,
) -> tuple[pd.DataFrame, pd.Series]:
    """The best path from each of `sources` to each of `targets` that can be reached, along edges of at most `steps`
    steps; what is best see WORDS (of equal ones the first by root ids is one). A cell is not its own target.

    Columns: pre_root_id, post_root_id, steps, weakest (int64: synapses of the weakest step), via_1_root_id,
    via_2_root_id (Int64: the cells between), num_syn_1, num_syn_2, num_syn_3 (Int64); the shortest, or strongest,
    first, at most `most` (None = all). Beside them: how many pairs are reached in how many steps (int64, by steps).

    Raises TooLarge for more than 5 million pairs, BadInput for a number of steps that is not 1 to 3.
    """
    if not 1 <= steps <= MOST_STEPS:
        raise BadInput(f"Paths of {steps} steps are not looked for.", f"1 to {MOST_STEPS} are.")
    if len(sources) * len(targets) > MOST_PAIRS:
        raise TooLarge(f"{len(sources) * len(targets):,} pairs are more than {MOST_PAIRS:,}.", "Take smaller sets.")
    graph = _Graph(edges)
    own = places(graph.ids, sources)
    other = places(graph.ids, targets)
    start, end = own[0][own[1]], other[0][other[1]]
    step = max(1, _EACH // max(len(edges), len(graph.ids), 1))
    reached = np.zeros(steps + 1, np.int64)
    blocks = []
    for at in range(0, max(len(start), 1), step):
        block, counts = graph.paths(start[at : at + step], end, steps, order, most)
        blocks.append(block)
        reached += counts
    frame = pd.concat(blocks, ignore_index=True)
    keys = ["steps", "weakest"] if order == "shortest" else ["weakest", "steps"]
    ascending = [order == "shortest", order != "shortest", True, True]
    ordered = frame.sort_values([*keys, "pre_root_id", "post_root_id"], ascending=ascending, ignore_index=True)
    return ordered.head(len(ordered) if most is None else most), pd.Series(reached, name="pairs")[1:]


class _Graph:
    """The edges among all cells, sorted by where they lead."""

    def __init__(self, edges: Edges) -> None:
        frame = edges.frame()
        self.ids: Ids = np.union1d(frame["pre_root_id"], frame["post_root_id"]).astype(np.int64)
        tail, head = (np.searchsorted(self.ids, frame[name]) for name in ("pre_root_id", "post_root_id"))
        by_head = np.lexsort((tail, head))
        self.tail, self.weight = tail[by_head], frame["num_syn"].to_numpy(np.int32)[by_head]
        self.head, self.first = np.unique(head[by_head], return_index=True)
        self.of_edge = np.searchsorted(self.head, head[by_head])

    def paths(
        self, sources: Places, targets: Places, steps: int, order: Order, most: int | None
    ) -> tuple[pd.DataFrame, Places]:
        """The best paths from some sources, at most so many, and how many pairs are reached in 0, 1, 2… steps."""
        widths, backs = self._walks(sources, steps)
        reach = np.stack([width[:, targets] for width in widths])
        best = np.argmax(reach > 0 if order == "shortest" else reach, axis=0)  # of equal ones that of the fewest steps
        weakest = np.take_along_axis(reach, best[None], axis=0)[0] if reach.size else reach[0]
        rows, columns = np.nonzero((weakest > 0) & (sources[:, None] != targets[None, :]))
        num_steps, weak = best[rows, columns] + 1, weakest[rows, columns]
        reached = np.bincount(num_steps, minlength=steps + 1)
        if most is not None and len(rows) > most:
            some = np.lexsort((-weak, num_steps) if order == "shortest" else (num_steps, -weak))[:most]
            rows, columns, num_steps, weak = rows[some], columns[some], num_steps[some], weak[some]
        ends = sources[rows], targets[columns]
        return self._frame(rows, ends, num_steps, weak, backs), reached

    def _walks(self, sources: Places, steps: int) -> tuple[list[Counts], list[Counts]]:
        """For each number of steps, of walks from each source to each cell, the most that the weakest step of one has
        (0 = there is none), and the edge that the widest arrives by. One that is the widest of the fewest steps visits
        no cell twice."""
        shape = (len(sources), len(self.ids))
        width = np.zeros(shape, np.int32)
        width[np.arange(len(sources)), sources] = np.iinfo(np.int32).max
        widths, backs = [], []
        for _ in range(steps):
            along = np.minimum(width[:, self.tail], self.weight[None, :])
            now, back = np.zeros(shape, np.int32), np.full(shape, -1, np.int32)
            if along.shape[1]:
                most = np.maximum.reduceat(along, self.first, axis=1)
                edges = np.arange(along.shape[1], dtype=np.int32)
                edge = np.where(along == most[:, self.of_edge], edges[None, :], np.int32(along.shape[1]))
                now[:, self.head] = most
                back[:, self.head] = np.minimum.reduceat(edge, self.first, axis=1)
            widths.append(now)
            backs.append(back)
            width = now
        return widths, backs

    def _frame(
        self, of: Places, ends: tuple[Places, Places], num_steps: Places, weakest: Counts, backs: list[Counts]
    ) -> pd.DataFrame:
        via, num_syn = np.zeros((2, MOST_STEPS, len(num_steps)), np.int64)
        at = ends[1].copy()
        for step in range(len(backs), 0, -1):
            on = np.flatnonzero(num_steps >= step)
            edge = backs[step - 1][of[on], at[on]]
            num_syn[step - 1, on] = self.weight[edge]
            at[on] = self.tail[edge]
            via[step - 1, on] = self.ids[at[on]]
        known = {"pre_root_id": self.ids[ends[0]], "post_root_id": self.ids[ends[1]]}
        between = {f"via_{step}_root_id": _whole(via[step], num_steps > step) for step in (1, 2)}
        along = {f"num_syn_{step}": _whole(num_syn[step - 1], num_steps >= step) for step in (1, 2, 3)}
        return pd.DataFrame(
            {**known, "steps": num_steps.astype(np.int64), "weakest": weakest.astype(np.int64), **between, **along}
        )


def _whole(values: Places, known: npt.NDArray[np.bool_]) -> pd.arrays.IntegerArray:
    return pd.arrays.IntegerArray(values, ~known)
