"""Random wirings in which every cell keeps its numbers of targets and of sources: no pair twice, no cell onto itself.

Pairs of edges swap their targets (a -> b, c -> d becomes a -> d, c -> b) in a Markov chain, whose stationary
distribution is uniform over the wirings that swaps can reach: all of them, except that the direction of a cycle of
three cells that no fourth one touches cannot change (Rao, Jana and Bandyopadhyay, Sankhya 1996). One round pairs nearly
all edges at once, as numpy operations on whole arrays. Pairs whose swaps could conflict are left unchanged, by a rule
that is the same before and after the swap, so each round is as likely as its reverse and the distribution stays
uniform."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from services.core.errors import TooLarge
from services.populations.edges import Edges, Indices

MOST_PAIRS = 500_000_000
"""Pairs of cells, at one byte each: 0.5 GB."""
BURN_IN = 10
"""Steps of the chain before the first wiring that is used."""
MOVED = 0.5
"""Share of the edges that have to move between one wiring and the next. A sparse wiring takes one round for it, one in
which most pairs are connected several, but at most MOST_ROUNDS."""
MOST_ROUNDS = 50
ROUNDS_OF_ORDER = 4
"""Rounds after which the edges are put in a new random order."""
Small: TypeAlias = npt.NDArray[np.int32]


def shuffles(edges: Edges, permutations: int, seed: int) -> Iterator[Indices]:
    """For each of `permutations` random wirings, the index in `edges.post_ids` of each edge's target; the sources stay
    those of `edges`. The same seed gives the same wirings. An array is valid only until the next one is drawn. Raises
    TooLarge for more than MOST_PAIRS pairs of connected cells."""
    pre_kept, pre = np.unique(edges.pre, return_inverse=True)
    post_kept, post = np.unique(edges.post, return_inverse=True)
    width = len(post_kept)
    if len(pre_kept) * width > MOST_PAIRS:
        raise TooLarge(
            f"{len(pre_kept):,} x {width:,} connected cells are too many to shuffle their connections.",
            "Choose smaller sets, or the null model of depth.",
        )
    _, same_pre, same_post = np.intersect1d(
        edges.pre_ids[pre_kept], edges.post_ids[post_kept], assume_unique=True, return_indices=True
    )
    refused = np.zeros(len(pre_kept) * width, dtype=bool)
    itself = (same_pre * width + same_post).astype(np.int32)
    chain = _Chain((pre * width).astype(np.int32), post.astype(np.int32), itself, refused, np.random.default_rng(seed))
    for _ in range(BURN_IN):
        chain.advance()
    for _ in range(permutations):
        chain.advance()
        yield post_kept.take(chain.post)


class _Chain:
    """The state of the Markov chain.

    `rows` has the row of each edge in the flattened matrix of all pairs (its presynaptic index times the width), and
    `ordered` its postsynaptic index, both in an `order` that is redrawn every ROUNDS_OF_ORDER rounds. `refused` marks
    the entries of that matrix that no edge may move to or from; those in `itself`, of cells with themselves, always
    are."""

    def __init__(
        self, rows: Small, post: Small, itself: Small, refused: npt.NDArray[np.bool_], rng: np.random.Generator
    ) -> None:
        self.rows, self.ordered, self.itself, self.refused, self.rng = rows, post, itself, refused, rng
        self.order = np.arange(len(rows))
        self.rounds = 0

    @property
    def post(self) -> Small:
        """The postsynaptic indices of the edges in their original order."""
        shuffled = np.empty_like(self.ordered)
        shuffled[self.order] = self.ordered
        return shuffled

    def advance(self) -> None:
        """Advances to the next wiring: rounds until MOVED of the edges have moved, at most MOST_ROUNDS."""
        moved, rounds = 0, 0
        while moved < MOVED * len(self.rows) and rounds < MOST_ROUNDS:
            moved += self.round()
            rounds += 1

    def round(self) -> int:
        """Try to swap the targets of disjoint pairs of edges, one left over at most; how many edges moved.

        An order serves several rounds, its halves turned against each other by a random number of places: to draw one
        takes nearly as long as all the rest."""
        if self.rounds % ROUNDS_OF_ORDER == 0:
            order = self.rng.permutation(len(self.rows))
            self.rows, self.ordered = self.rows.take(order), self.ordered.take(order)
            self.order = self.order.take(order)
        self.rounds += 1
        half = len(self.rows) // 2
        turn, other = int(self.rng.integers(max(half, 1))), slice(half, 2 * half)
        rows = np.stack([self.rows[:half], np.roll(self.rows[other], turn)])
        post = np.stack([self.ordered[:half], np.roll(self.ordered[other], turn)])
        unpaired = self.rows[2 * half :] + self.ordered[2 * half :]
        free = self._free(rows + post, rows + post[::-1], unpaired)
        moved = np.where(free, post[::-1], post)
        self.ordered[:half], self.ordered[other] = moved[0], np.roll(moved[1], -turn)
        return 2 * int(free.sum())

    def _free(self, old: Small, new: Small, unpaired: Small) -> npt.NDArray[np.bool_]:
        """Which pairs of edges can swap: no entry that they have or would move to is one that another edge has or would
        move to, or one of a cell with itself."""
        entries = np.sort(np.concatenate([old, new, unpaired], axis=None))
        twice = entries[1:][entries[1:] == entries[:-1]]
        self.refused[twice] = True
        self.refused[self.itself] = True
        refused = self.refused.take(old) | self.refused.take(new)
        self.refused[twice] = False
        free: npt.NDArray[np.bool_] = ~(refused[0] | refused[1])
        return free
