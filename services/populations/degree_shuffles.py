"""Random wirings in which every cell keeps its numbers of targets and of sources: no pair twice, no cell onto itself.

Edges swap their targets two by two (a -> b, c -> d becomes a -> d, c -> b), as a Markov chain over the wirings that can
be reached so, each as likely as any other: all of them, but for cycles of three cells that no fourth one touches (Rao,
Jana and Bandyopadhyay, Sankhya 1996). In a round nearly all edges are paired at once, which numpy does in one go. Pairs
that could get in each other's way are left as they are, by a rule that is the same before and after a swap: the round
is its own way back, so that no wiring gets likelier.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from services.core.errors import TooLarge
from services.populations.edges import Edges, Places

MOST_PAIRS = 500_000_000
"""Pairs of cells, each 2 bytes: 1 GB."""
BURN_IN = 10
"""Wirings before the first one that is given."""
MOVED = 0.5
"""Share of the edges that move from one wiring to the next. In a sparse one they do in one round; where most pairs are
connected it takes several, but at most MOST_ROUNDS."""
MOST_ROUNDS = 50
ROUNDS_OF_ORDER = 4
Small: TypeAlias = npt.NDArray[np.int32]


def shuffles(edges: Edges, permutations: int, seed: int) -> Iterator[Places]:
    """For each of so many random wirings, the postsynaptic place of every edge, whose presynaptic one stays. The same
    seed gives the same wirings. The array is only good until the next one. Raises TooLarge for very many cells."""
    pre_kept, pre = np.unique(edges.pre, return_inverse=True)
    post_kept, post = np.unique(edges.post, return_inverse=True)
    width = len(post_kept)
    if len(pre_kept) * width > MOST_PAIRS:
        raise TooLarge(
            f"{len(pre_kept):,} x {width:,} connected cells are too many to shuffle their connections.",
            "Take smaller sets, or the null model of depth.",
        )
    taken = np.zeros(len(pre_kept) * width, dtype=bool)
    _, own, other = np.intersect1d(
        edges.pre_ids[pre_kept], edges.post_ids[post_kept], assume_unique=True, return_indices=True
    )
    taken[own * width + other] = True
    chain = _Chain((pre * width).astype(np.int32), post.astype(np.int32), taken, np.random.default_rng(seed))
    for _ in range(BURN_IN):
        chain.advance()
    for _ in range(permutations):
        chain.advance()
        yield post_kept.take(chain.post)


class _Chain:
    """The state: of each edge its row in the matrix of all pairs (its presynaptic place times the width) and its
    postsynaptic place; `taken` are the entries of the matrix that have an edge, or must not have one."""

    def __init__(self, rows: Small, post: Small, taken: npt.NDArray[np.bool_], rng: np.random.Generator) -> None:
        self.rows, self.post, self.taken, self.rng = rows, post, taken, rng
        self.taken[rows + post] = True
        self.contested = np.zeros(len(taken), dtype=bool)
        self.order = np.arange(len(rows))
        self.rounds = 0

    def advance(self) -> None:
        """Go on to the next wiring."""
        moved, rounds = 0, 0
        while moved < MOVED * len(self.rows) and rounds < MOST_ROUNDS:
            moved += self.round()
            rounds += 1

    def round(self) -> int:
        """Try to swap the targets of disjoint pairs of edges; how many edges moved."""
        one, other = self._pairs()
        rows_one, rows_other = self.rows.take(one), self.rows.take(other)
        post_one, post_other = self.post.take(one), self.post.take(other)
        old = np.stack([rows_one + post_one, rows_other + post_other])
        new = np.stack([rows_one + post_other, rows_other + post_one])
        kept = np.flatnonzero(self._apart(old, new))
        self.taken[old.take(kept, axis=1)] = False
        self.taken[new.take(kept, axis=1)] = True
        self.post[one.take(kept)], self.post[other.take(kept)] = post_other.take(kept), post_one.take(kept)
        return 2 * len(kept)

    def _pairs(self) -> tuple[Places, Places]:
        """All edges in pairs, one left over at most. An order serves several rounds, its halves turned against each
        other by a random number of places: to draw one takes as long as all the rest."""
        half = len(self.rows) // 2
        if self.rounds % ROUNDS_OF_ORDER == 0:
            self.order = self.rng.permutation(len(self.rows))
        self.rounds += 1
        turned = np.roll(self.order[half : 2 * half], self.rng.integers(max(half, 1)))
        return self.order[:half], turned

    def _apart(self, old: Small, new: Small) -> npt.NDArray[np.bool_]:
        """Which pairs want no entry that is taken or that another pair wants, and have none that another pair wants."""
        wanted = np.sort(new, axis=None)
        twice = wanted[1:][wanted[1:] == wanted[:-1]]
        touched = np.concatenate([twice, new[self.taken.take(new)]])
        self.contested[touched] = True
        busy = self.contested.take(np.concatenate([old, new]))
        self.contested[touched] = False
        free: npt.NDArray[np.bool_] = ~np.any(busy, axis=0)
        return free
