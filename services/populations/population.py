"""Two sets of cells at a version, and the synapses among them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
import pandas as pd

from services.cave.release import Release
from services.cells import synapse_filter
from services.core.errors import BadInput
from services.core.parallel import gather
from services.populations import sets, synapse_reading
from services.populations.edges import Edges, End, Ids, edges_of
from services.populations.groupings import Grouping
from services.populations.sets import CellSet, Proofread
from services.populations.synapse_reading import Progress

NO_SIZES = "The synapse table has no sizes."
"""Said once of populations beside each other."""


@dataclass(frozen=True, eq=False)
class Pair:
    """The presynaptic and the postsynaptic set of a question. `requested` are the sets before those cells were left out
    that `proofread` does not count (see :data:`sets.PROOFREAD`). `through` is the set that paths may lead through (""
    = both); where it is given, `pre` and `post` have all cells of the three. `synapses` is the line that synapses have
    to pass to count ("" = all do; see :func:`synapse_filter.chosen_among`)."""

    release: Release
    pre: CellSet
    post: CellSet
    proofread: Proofread
    requested: tuple[CellSet, CellSet]
    through: str | None = None
    synapses: str = ""

    @property
    def line(self) -> str:
        """What to ask :func:`choose` for so that the same synapses count."""
        return self.synapses or synapse_filter.ALL

    @property
    def notes(self) -> tuple[str, ...]:
        """What was left out of either set, in sentences that name it, and which synapses count."""
        sides = [("Presynaptic", self.pre), ("Postsynaptic", self.post)]
        shared = [note for note in self.pre.notes if note in self.post.notes]
        sentences = [f"Both sets: {note}" for note in shared]
        sentences += [f"{name} set: {note}" for name, side in sides for note in side.notes if note not in shared]
        empty = [f"The {name.lower()} set has no cells." for name, side in sides if not len(side)]
        notices = self.release.notices(*self.release.roles.of_cells)
        return with_new((*sentences, *empty, *self._counting()), notices)

    @property
    def general(self) -> tuple[str, ...]:
        """Those of the notes, or parts of them, that are not about these sets alone."""
        return (*self._counting(), *self.notices)

    @property
    def notices(self) -> tuple[str, ...]:
        """What the owners give notice of, of the tables of both sets and of those that tell of all cells."""
        return self.release.notices(*self.release.roles.of_cells, self.pre.table, self.post.table)

    def _counting(self) -> tuple[str, ...]:
        """Which synapses count."""
        if self.synapses:
            return (f"Synapses count where {self.synapses}.",)
        usual = synapse_filter.usual(self.release)
        return (f"Every synapse counts here; the partners of a cell are counted where {usual}.",) if usual else ()


@dataclass(frozen=True, eq=False)
class Population:
    """Two sets with the synapses among them (see :func:`synapse_reading.read`) and their edges. `sized` tells whether
    synapses have sizes."""

    pair: Pair
    synapses: pd.DataFrame = field(repr=False)
    edges: Edges = field(repr=False)
    sized: bool = True

    @property
    def between(self) -> pd.DataFrame:
        """The synapses between different cells, which alone count."""
        different = self.synapses["pre_root_id"] != self.synapses["post_root_id"]
        return self.synapses[different.to_numpy(bool)].reset_index(drop=True)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know beside the numbers."""
        sentences = list(self.pair.notes)
        if len(self.pair.pre) and len(self.pair.post) and not len(self.edges):
            sentences.append("There are no synapses among these sets.")
        if self.edges.autapses:
            which = f"{self.edges.autapses:,} synapses of cells onto themselves are"
            if self.edges.autapses == 1:
                which = "1 synapse of a cell onto itself is"
            sentences.append(f"{which} not counted.")
        if not self.sized:
            sentences.append(NO_SIZES)
        return tuple(sentences)


def with_new(notes: Sequence[str], more: Sequence[str]) -> tuple[str, ...]:
    """Notes with those of `more` that are in none of them."""
    return (*notes, *(one for one in more if not any(one in note for note in notes)))


def choose(
    release: Release,
    pre: str,
    post: str = "",
    *,
    proofread: Proofread = "axon",
    through: str | None = None,
    synapses: str = "",
) -> Pair:
    """The sets that two texts name (see :func:`sets.resolve`); `post` left out is `pre`. With `through`, what paths
    between them may use (see :class:`Pair`). `synapses` is the line that synapses have to pass to count ("" = the usual
    one, "all" = none). Raises as :func:`sets.resolve`, and BadInput for a line that cannot be read."""
    where = synapse_filter.chosen_among(release, synapses)
    texts = [pre] if not post.strip() or post.strip() == pre.strip() else [pre, post]
    cell_sets = gather(*(partial(sets.resolve, release, text) for text in texts))
    before, after = cell_sets[0], cell_sets[-1]
    if through is not None:
        others = [sets.resolve(release, through)] if through.strip() else []
        joined = sets.union([before, after, *others])
        before, after = replace(joined, text=before.text), replace(joined, text=after.text)
    one = before if proofread == "off" else sets.proofread_only(release, before, "axon")
    other = sets.proofread_only(release, after, "dendrite") if proofread == "both" else after
    return Pair(release, one, other, proofread, (before, after), through, where)


def beside(pair: Pair, text: str, end: End) -> Pair:
    """The pair with another set in place of the presynaptic, or postsynaptic, one. Raises as :func:`choose`."""
    if not text.strip():
        raise BadInput("There is no other set to compare with.", "Name a table with a filter, or ids.")
    texts = {"pre": pair.pre.text, "post": pair.post.text} | {end: text}
    return choose(pair.release, **texts, proofread=pair.proofread, synapses=pair.line)


def cost(pair: Pair) -> int:
    """About how many requests reading the synapses among the sets will take; 0 where all are kept."""
    return synapse_reading.plan(pair.release, pair.pre.ids, pair.post.ids, pair.synapses).num_requests


def read(pair: Pair, *, report: Callable[[Progress], None] = lambda _: None) -> Population:
    """The synapses among the sets, with their edges. Raises as :func:`synapse_reading.read`."""
    release, ids = pair.release, (pair.pre.ids, pair.post.ids)

    def load() -> Population:
        synapses = synapse_reading.read(release, *ids, pair.synapses, report=report)
        return Population(pair, synapses, edges_of(synapses, *ids), release.synapse_shape().sized)

    names = (synapse_reading.digest(pair.pre.ids), synapse_reading.digest(pair.post.ids))
    texts = (pair.pre.text, pair.post.text, pair.proofread, pair.through or "", pair.synapses)
    return release.derived.of("population", *names, *texts).get(load)


def second(population: Population, pair: Pair, end: End) -> Population:
    """A population that :func:`beside` names, with the partners that `population` has: its presynaptic cells, or the
    postsynaptic ones, are others, as the `end` says. Raises as :func:`read`."""
    partners = "post" if end == "pre" else "pre"
    same = replace(getattr(population.pair, partners), notes=())  # said of the first
    return restricted(read(pair), replace(pair, **{partners: same}))


def notes_beside(first: Population, other: Population, label: str) -> tuple[str, ...]:
    """What a person should know of a population beside the `first`, each sentence after a label that says which it is
    of; without what is general and said of the first."""
    repeated = [one for one in (*other.pair.general, NO_SIZES) if any(one in note for note in first.notes)]
    return tuple(f"{label}: {note}" for note in other.notes if not any(one in note for one in repeated))


def entry(population: Population, groups: tuple[Grouping, Grouping], row: str | None, column: str | None) -> Population:
    """What there is of a population in one entry of a matrix (see :func:`narrowed`), and the synapses among that."""
    return restricted(population, narrowed(population.pair, groups, row, column))


def narrowed(pair: Pair, groups: tuple[Grouping, Grouping], row: str | None, column: str | None) -> Pair:
    """The cells of two sets in one entry of a matrix, which are in the groups of these names; none for a name that
    there is not."""
    pre, post = _members(groups[0], pair.pre.ids, row), _members(groups[1], pair.post.ids, column)
    return replace(pair, pre=replace(pair.pre, ids=pre), post=replace(pair.post, ids=post))


def restricted(population: Population, pair: Pair) -> Population:
    """A population with the cells of another pair of sets only."""
    rows = population.synapses
    kept = np.isin(rows["pre_root_id"], pair.pre.ids) & np.isin(rows["post_root_id"], pair.post.ids)
    synapses = rows[kept].reset_index(drop=True)
    return replace(population, pair=pair, synapses=synapses, edges=edges_of(synapses, pair.pre.ids, pair.post.ids))


def synapses_of(
    population: Population, pre: Grouping, post: Grouping, row: str | None, column: str | None
) -> pd.DataFrame:
    """The synapses of one entry of a matrix, between the groups of these names; none for a name that there is not."""
    rows = population.synapses
    own, other = rows["pre_root_id"].to_numpy(np.int64), rows["post_root_id"].to_numpy(np.int64)
    kept = np.isin(own, _members(pre, population.edges.pre_ids, row)) & np.isin(
        other, _members(post, population.edges.post_ids, column)
    )
    return rows[kept & (own != other)].reset_index(drop=True)


def _members(groups: Grouping, ids: Ids, name: str | None) -> Ids:
    return ids[groups.of == groups.names.index(name)] if name in groups.names else ids[:0]
