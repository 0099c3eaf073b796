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
from services.populations.edges import Edges, Indices

MOST_PAIRS = 500_000_000
"""Pairs of cells, a byte each: 0.5 GB."""
BURN_IN = 10
"""Wirings before the first one that is given."""
MOVED = 0.5
"""Share of the edges that move from one wiring to the next. In a sparse one they do in one round; where most pairs are
connected it takes several, but at most MOST_ROUNDS."""
MOST_ROUNDS = 50
ROUNDS_OF_ORDER = 4
Small: TypeAlias = npt.NDArray[np.int32]


def shuffles(edges: Edges, permutations: int, seed: int) -> Iterator[Indices]:
    """For each of so many random wirings, the postsynaptic place of every edge, whose presynaptic one stays. The same
    seed gives the same wirings. The array is only good until the next one. Raises TooLarge for very many cells."""
    pre_kept, pre = np.unique(edges.pre, return_inverse=True)
    post_kept, post = np.unique(edges.post, return_inverse=True)
    width = len(post_kept)
    if len(pre_kept) * width > MOST_PAIRS:
        raise TooLarge(
            f"{len(pre_kept):,} x {width:,} connected cells are too many to shuffle their connections.",
            "Choose smaller sets, or the null model of depth.",
        )
    _, own, other = np.intersect1d(
        edges.pre_ids[pre_kept], edges.post_ids[post_kept], assume_unique=True, return_indices=True
    )
    refused = np.zeros(len(pre_kept) * width, dtype=bool)
    itself = (own * width + other).astype(np.int32)
    chain = _Chain((pre * width).astype(np.int32), post.astype(np.int32), itself, refused, np.random.default_rng(seed))
    for _ in range(BURN_IN):
        chain.advance()
    for _ in range(permutations):
        chain.advance()
        yield post_kept.take(chain.post)


class _Chain:
    """The state: of each edge its row in the matrix of all pairs (its presynaptic place times the width) and its
    postsynaptic place, both in an `order` that is drawn anew now and then. `refused` are the entries of that matrix
    that no edge may move to or from; those of cells with themselves (`itself`) always are."""

    def __init__(
        self, rows: Small, post: Small, itself: Small, refused: npt.NDArray[np.bool_], rng: np.random.Generator
    ) -> None:
        self.rows, self.ordered, self.itself, self.refused, self.rng = rows, post, itself, refused, rng
        self.order = np.arange(len(rows))
        self.rounds = 0

    @property
    def post(self) -> Small:
        """The postsynaptic places of the edges as they came."""
        shuffled = np.empty_like(self.ordered)
        shuffled[self.order] = self.ordered
        return shuffled

    def advance(self) -> None:
        """Go on to the next wiring."""
        moved, rounds = 0, 0
        while moved < MOVED * len(self.rows) and rounds < MOST_ROUNDS:
            moved += self.round()
            rounds += 1

    def round(self) -> int:
        """Try to swap the targets of disjoint pairs of edges, one left over at most; how many edges moved.

        An order serves several rounds, its halves turned against each other by a random number of places: to draw one
        takes nearly as long as all the rest."""
        if self.rounds % ROUNDS_OF_ORDER == 0:
            drawn = self.rng.permutation(len(self.rows))
            self.rows, self.ordered = self.rows.take(drawn), self.ordered.take(drawn)
            self.order = self.order.take(drawn)
        self.rounds += 1
        half = len(self.rows) // 2
        turn, other = int(self.rng.integers(max(half, 1))), slice(half, 2 * half)
        rows = np.stack([self.rows[:half], np.roll(self.rows[other], turn)])
        post = np.stack([self.ordered[:half], np.roll(self.ordered[other], turn)])
        left_over = self.rows[2 * half :] + self.ordered[2 * half :]
        free = self._free(rows + post, rows + post[::-1], left_over)
        moved = np.where(free, post[::-1], post)
        self.ordered[:half], self.ordered[other] = moved[0], np.roll(moved[1], -turn)
        return 2 * int(free.sum())

    def _free(self, old: Small, new: Small, left_over: Small) -> npt.NDArray[np.bool_]:
        """Which pairs of edges neither have nor want an entry that another edge has or wants, or a cell with itself."""
        entries = np.sort(np.concatenate([old, new, left_over], axis=None))
        twice = entries[1:][entries[1:] == entries[:-1]]
        self.refused[twice] = True
        self.refused[self.itself] = True
        refused = self.refused.take(old) | self.refused.take(new)
        self.refused[twice] = False
        free: npt.NDArray[np.bool_] = ~(refused[0] | refused[1])
        return free
