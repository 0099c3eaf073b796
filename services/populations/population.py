"""Two sets of cells at a version, and the synapses among them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import pandas as pd

from services.cave.client import Cave
from services.cave.release import Release
from services.core.parallel import gather
from services.core.records import Version
from services.populations import reading, sets
from services.populations.edges import Edges, edges_of
from services.populations.reading import Progress
from services.populations.sets import CellSet, Proofread


@dataclass(frozen=True, eq=False)
class Pair:
    """The presynaptic and the postsynaptic set of a question. `asked` are the sets before those cells were left out
    that `proofread` does not count (see :data:`sets.PROOFREAD`)."""

    datastack: str
    version: Version
    pre: CellSet
    post: CellSet
    proofread: Proofread
    asked: tuple[CellSet, CellSet]

    @property
    def notes(self) -> tuple[str, ...]:
        """What was left out of either set, in sentences that name it."""
        sides = [("Presynaptic", self.pre), ("Postsynaptic", self.post)]
        said = [f"{name} set: {note}" for name, side in sides for note in side.notes]
        empty = [f"The {name.lower()} set has no cells." for name, side in sides if not len(side)]
        return (*said, *empty)


@dataclass(frozen=True, eq=False)
class Population:
    """Two sets with the synapses among them (see :func:`reading.read`) and their edges. `sized` tells whether synapses
    have sizes."""

    pair: Pair
    synapses: pd.DataFrame = field(repr=False)
    edges: Edges = field(repr=False)
    sized: bool = True

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know beside the numbers."""
        said = list(self.pair.notes)
        if len(self.pair.pre) and len(self.pair.post) and not len(self.edges):
            said.append("There are no synapses among these sets.")
        if self.edges.autapses:
            said.append(f"{self.edges.autapses:,} synapses of cells onto themselves are not counted.")
        if not self.sized:
            said.append("The synapse table has no sizes.")
        return tuple(said)


def choose(release: Release, pre: str, post: str = "", *, proofread: Proofread = "axon") -> Pair:
    """The sets that two texts name (see :func:`sets.resolve`); `post` left out is `pre`. Raises as that does."""
    texts = [pre] if not post.strip() or post.strip() == pre.strip() else [pre, post]
    found = gather(*(partial(sets.resolve, release, text) for text in texts))
    before, after = found[0], found[-1]
    one = before if proofread == "off" else sets.proofread_only(release, before, "axon")
    other = sets.proofread_only(release, after, "dendrite") if proofread == "both" else after
    return Pair(release.datastack, release.version, one, other, proofread, (before, after))


def cost(cave: Cave, pair: Pair) -> int:
    """About how many requests reading the synapses among the sets will take; 0 where all are kept."""
    return reading.plan(Release(cave, pair.datastack, pair.version), pair.pre.ids, pair.post.ids).num_requests


def read(cave: Cave, pair: Pair, *, report: Callable[[Progress], None] = lambda _: None) -> Population:
    """The synapses among the sets, with their edges. Raises as :func:`reading.read`."""
    release = Release(cave, pair.datastack, pair.version)

    def load() -> Population:
        synapses = reading.read(release, pair.pre.ids, pair.post.ids, report=report)
        return Population(
            pair, synapses, edges_of(synapses, pair.pre.ids, pair.post.ids), release.synapse_shape().sized
        )

    names = (reading.digest(pair.pre.ids), reading.digest(pair.post.ids))
    texts = (pair.pre.text, pair.post.text, pair.proofread)
    return release.derived.of("population", *names, *texts).get(load)
