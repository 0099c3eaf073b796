"""Paths of up to three connections from the cells of one set to those of another."""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd

from services.core.errors import BadInput, TooLarge
from services.populations.edges import Edges, Ids, Indices, indices_of

Order = Literal["shortest", "strongest"]
ORDERS: tuple[Order, ...] = get_args(Order)
MOST_STEPS = 3
MOST_PAIRS = 5_000_000
"""Pairs of a source and a target for which all paths are returned: 240 MB."""
MOST_WALKED = 400_000_000
"""Edges times sources that are searched: half a minute."""
WORDS: dict[Order, str] = {
    "shortest": "For each pair of cells, the path with the fewest steps; of several, the one whose weakest step has "
    "the most synapses.",
    "strongest": "For each pair of cells, the path whose weakest step has the most synapses; of several, the one "
    "with the fewest steps.",
}
Counts: TypeAlias = npt.NDArray[np.int32]
_BATCH = 1_000_000
"""Edges times sources that are searched at once: about 50 MB."""


def between(
    edges: Edges,
    sources: Ids,
    targets: Ids,
    *,
    steps: int = MOST_STEPS,
    order: Order = "shortest",
    most: int | None = None,
) -> tuple[pd.DataFrame, pd.Series]:
    """The best path from each of `sources` to each of `targets` (root ids) that it reaches in at most `steps` edges,
    and the number of pairs reached in each number of steps (int64, indexed by steps). WORDS says which path is best for
    an `order`; ties go by root ids. A cell is not its own target.

    Columns of the paths: pre_root_id, post_root_id, steps, weakest (int64: synapses of the weakest step),
    via_1_root_id, via_2_root_id (Int64: the cells between, null beyond the path), num_syn_1, num_syn_2, num_syn_3
    (Int64: synapses of each step). The best come first, at most `most` of them (None = all).

    Raises BadInput unless `steps` is 1 to MOST_STEPS, TooLarge for more than MOST_PAIRS pairs with `most` None, and for
    more than MOST_WALKED edges times sources.
    """
    if not 1 <= steps <= MOST_STEPS:
        raise BadInput(f"Paths of {steps} steps are not searched.", f"Choose 1 to {MOST_STEPS}.")
    pairs = len(sources) * len(targets)
    if most is None and pairs > MOST_PAIRS:
        raise TooLarge(f"{pairs:,} pairs are more than {MOST_PAIRS:,}.", "Ask for the first, or take smaller sets.")
    if len(sources) * len(edges) > MOST_WALKED:
        raise TooLarge(
            f"{len(edges):,} connections are too many to follow from {len(sources):,} cells.", "Choose fewer cells."
        )
    graph = _Graph(edges)
    source_indices, sources_known = indices_of(graph.ids, sources)
    target_indices, targets_known = indices_of(graph.ids, targets)
    start, end = source_indices[sources_known], target_indices[targets_known]
    step = max(1, _BATCH // max(len(edges), len(graph.ids), 1))
    best = [graph.best(start[at : at + step], end, steps, order, most) for at in range(0, max(len(start), 1), step)]
    starts, ends, num_steps, weakest = (
        np.concatenate(parts) for parts in zip(*(pairs for pairs, _ in best), strict=True)
    )
    keys = (num_steps, -weakest) if order == "shortest" else (-weakest, num_steps)
    ordered = np.lexsort((ends, starts, *keys[::-1]))[: len(starts) if most is None else most]
    chosen = starts[ordered], ends[ordered], num_steps[ordered], weakest[ordered]
    reached = np.sum([counts for _, counts in best], axis=0)
    return graph.frame(*chosen, step), pd.Series(reached, name="pairs")[1:]


class _Graph:
    """The edges among all cells, sorted by their targets."""

    def __init__(self, edges: Edges) -> None:
        frame = edges.frame()
        self.ids: Ids = np.union1d(frame["pre_root_id"], frame["post_root_id"]).astype(np.int64)
        tail, head = (np.searchsorted(self.ids, frame[name]) for name in ("pre_root_id", "post_root_id"))
        by_head = np.lexsort((tail, head))
        self.tail, self.weight = tail[by_head], frame["num_syn"].to_numpy(np.int32)[by_head]
        self.head, self.first = np.unique(head[by_head], return_index=True)
        self.of_edge = np.searchsorted(self.head, head[by_head])

    def best(
        self, sources: Indices, targets: Indices, steps: int, order: Order, most: int | None
    ) -> tuple[tuple[Indices, Indices, Indices, Counts], Indices]:
        """The reached pairs of some sources and targets (indices of cells), at most `most`: sources, targets, numbers
        of steps, and synapses of the weakest step; and the number of pairs reached in 0, 1, 2… steps."""
        widths, _ = self._walks(sources, steps)
        reach = np.stack([width[:, targets] for width in widths])
        best = np.argmax(
            reach > 0 if order == "shortest" else reach, axis=0
        )  # argmax takes the first of ties, which has the fewest steps
        weakest = np.take_along_axis(reach, best[None], axis=0)[0] if reach.size else reach[0]
        rows, columns = np.nonzero((weakest > 0) & (sources[:, None] != targets[None, :]))
        num_steps, weak = best[rows, columns] + 1, weakest[rows, columns]
        reached = np.bincount(num_steps, minlength=steps + 1)
        if most is not None and len(rows) > most:
            keys = (num_steps, -weak) if order == "shortest" else (-weak, num_steps)
            first = np.lexsort((targets[columns], sources[rows], *keys[::-1]))[:most]
            rows, columns, num_steps, weak = rows[first], columns[first], num_steps[first], weak[first]
        return (sources[rows], targets[columns], num_steps, weak), reached

    def frame(self, starts: Indices, ends: Indices, num_steps: Indices, weakest: Counts, step: int) -> pd.DataFrame:
        """The paths between pairs, with the columns of :func:`between`; `step` sources are traced at once."""
        via, num_syn = np.zeros((2, MOST_STEPS, len(starts)), np.int64)
        sources, of = np.unique(starts, return_inverse=True)
        for at in range(0, len(sources), step):
            batch = np.flatnonzero((of >= at) & (of < at + step))
            _, backs = self._walks(sources[at : at + step], int(num_steps[batch].max()), traced=True)
            vertices = ends[batch]
            for number in range(len(backs), 0, -1):
                on = np.flatnonzero(num_steps[batch] >= number)
                edge = backs[number - 1][of[batch[on]] - at, vertices[on]]
                num_syn[number - 1, batch[on]] = self.weight[edge]
                vertices[on] = self.tail[edge]
                via[number - 1, batch[on]] = self.ids[vertices[on]]
        ends_of_paths = {"pre_root_id": self.ids[starts], "post_root_id": self.ids[ends]}
        between = {f"via_{number}_root_id": _whole(via[number], num_steps > number) for number in (1, 2)}
        along = {f"num_syn_{number}": _whole(num_syn[number - 1], num_steps >= number) for number in (1, 2, 3)}
        return pd.DataFrame(
            {
                **ends_of_paths,
                "steps": num_steps.astype(np.int64),
                "weakest": weakest.astype(np.int64),
                **between,
                **along,
            }
        )

    def _walks(self, sources: Indices, steps: int, *, traced: bool = False) -> tuple[list[Counts], list[Counts]]:
        """For each number of steps, the width of the widest walk from each source (rows) to each cell (columns): the
        number of synapses of its weakest step, 0 where there is no walk; and, if `traced`, the edge by which that walk
        arrives. A walk that is the widest with the fewest steps visits no cell twice, so it is a path."""
        shape = (len(sources), len(self.ids))
        width = np.zeros(shape, np.int32)
        width[np.arange(len(sources)), sources] = np.iinfo(np.int32).max
        widths, backs = [], []
        for _ in range(steps):
            along = np.minimum(width[:, self.tail], self.weight[None, :])
            widest, back = np.zeros(shape, np.int32), np.full(shape if traced else (0, 0), -1, np.int32)
            if along.shape[1]:
                widest[:, self.head] = most = np.maximum.reduceat(along, self.first, axis=1)
            if along.shape[1] and traced:
                edges = np.arange(along.shape[1], dtype=np.int32)
                edge = np.where(along == most[:, self.of_edge], edges[None, :], np.int32(along.shape[1]))
                back[:, self.head] = np.minimum.reduceat(edge, self.first, axis=1)
            widths.append(widest)
            backs.append(back)
            width = widest
        return widths, backs


def _whole(values: Indices, valid: npt.NDArray[np.bool_]) -> pd.arrays.IntegerArray:
    return pd.arrays.IntegerArray(values, ~valid)
