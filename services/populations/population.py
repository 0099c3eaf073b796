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
"""A note that is shown once where two populations are compared."""


@dataclass(frozen=True, eq=False)
class Pair:
    """A presynaptic and a postsynaptic set of cells.

    `requested` are the sets before cells were left out by `proofread` (see :data:`sets.PROOFREAD`). `through` is the
    set that paths may lead through ("" = both sets); where it is not None, `pre` and `post` have the cells of all these
    sets. `synapses` is the filter line for synapses ("" = all are counted; see :func:`synapse_filter.chosen_among`).
    """

    release: Release
    pre: CellSet
    post: CellSet
    proofread: Proofread
    requested: tuple[CellSet, CellSet]
    through: str | None = None
    synapses: str = ""

    @property
    def line(self) -> str:
        """The `synapses` argument of :func:`choose` that gives the same filter line."""
        return self.synapses or synapse_filter.ALL

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences about what was left out of each set, which synapses are counted, and notices of tables."""
        sides = [("Presynaptic", self.pre), ("Postsynaptic", self.post)]
        shared = [note for note in self.pre.notes if note in self.post.notes]
        sentences = [f"Both sets: {note}" for note in shared]
        sentences += [f"{name} set: {note}" for name, side in sides for note in side.notes if note not in shared]
        empty = [f"The {name.lower()} set has no cells." for name, side in sides if not len(side)]
        notices = self.release.notices(*self.release.roles.of_cells)
        return with_new((*sentences, *empty, *self._counting()), notices)

    @property
    def general(self) -> tuple[str, ...]:
        """The notes, or parts of notes, that apply to any sets: those about counted synapses and the notices of
        tables."""
        return (*self._counting(), *self.notices)

    @property
    def notices(self) -> tuple[str, ...]:
        """The notices that owners attached to the tables of both sets and to those that describe all cells."""
        return self.release.notices(*self.release.roles.of_cells, self.pre.table, self.post.table)

    def _counting(self) -> tuple[str, ...]:
        """A sentence that says which synapses are counted; () where that is all of them, as usual."""
        if self.synapses:
            return (f"Synapses count where {self.synapses}.",)
        usual = synapse_filter.usual(self.release)
        return (f"Every synapse counts here; the partners of a cell are counted where {usual}.",) if usual else ()


@dataclass(frozen=True, eq=False)
class Population:
    """Two sets of cells with the synapses among them (columns as of :func:`synapse_reading.read`) and their edges.
    `sized` is whether synapses have sizes."""

    pair: Pair
    synapses: pd.DataFrame = field(repr=False)
    edges: Edges = field(repr=False)
    sized: bool = True

    @property
    def between(self) -> pd.DataFrame:
        """The synapses without autapses; only these are counted."""
        different = self.synapses["pre_root_id"] != self.synapses["post_root_id"]
        return self.synapses[different.to_numpy(bool)].reset_index(drop=True)

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences about the sets and about synapses that are not counted."""
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
    """Notes followed by those of `more` that no note contains."""
    return (*notes, *(addition for addition in more if not any(addition in note for note in notes)))


def choose(
    release: Release,
    pre: str,
    post: str = "",
    *,
    proofread: Proofread = "axon",
    through: str | None = None,
    synapses: str = "",
) -> Pair:
    """The pair of sets that two texts name (see :func:`sets.resolve`); without `post`, both are the set `pre`.
    `proofread` and `through` are as of :class:`Pair`. `synapses` is the filter line for synapses ("" = the usual one,
    "all" = no filter). Raises as :func:`sets.resolve`, and BadInput for a line that cannot be parsed."""
    where = synapse_filter.chosen_among(release, synapses)
    texts = [pre] if not post.strip() or post.strip() == pre.strip() else [pre, post]
    cell_sets = gather(*(partial(sets.resolve, release, text) for text in texts))
    pre_set, post_set = cell_sets[0], cell_sets[-1]
    if through is not None:
        others = [sets.resolve(release, through)] if through.strip() else []
        joined = sets.union([pre_set, post_set, *others])
        pre_set, post_set = replace(joined, text=pre_set.text), replace(joined, text=post_set.text)
    kept_pre = pre_set if proofread == "off" else sets.proofread_only(release, pre_set, "axon")
    kept_post = sets.proofread_only(release, post_set, "dendrite") if proofread == "both" else post_set
    return Pair(release, kept_pre, kept_post, proofread, (pre_set, post_set), through, where)


def beside(pair: Pair, text: str, end: End) -> Pair:
    """The pair with the set that `text` names in place of the one at an `end`. Raises BadInput for "", and as
    :func:`choose`."""
    if not text.strip():
        raise BadInput("There is no other set to compare with.", "Name a table with a filter, or ids.")
    texts = {"pre": pair.pre.text, "post": pair.post.text} | {end: text}
    return choose(pair.release, **texts, proofread=pair.proofread, synapses=pair.line)


def cost(pair: Pair) -> int:
    """The approximate number of requests to read the synapses among the sets; 0 where all are cached."""
    return synapse_reading.plan(pair.release, pair.pre.ids, pair.post.ids, pair.synapses).num_requests


def read(pair: Pair, *, report: Callable[[Progress], None] = lambda _: None) -> Population:
    """The population of a pair, read from CAVE or the cache. `report` and errors are as of
    :func:`synapse_reading.read`."""
    release, ids = pair.release, (pair.pre.ids, pair.post.ids)

    def load() -> Population:
        synapses = synapse_reading.read(release, *ids, pair.synapses, report=report)
        return Population(pair, synapses, edges_of(synapses, *ids), release.synapse_shape().sized)

    names = (synapse_reading.digest(pair.pre.ids), synapse_reading.digest(pair.post.ids))
    texts = (pair.pre.text, pair.post.text, pair.proofread, pair.through or "", pair.synapses)
    return release.derived.of("population", *names, *texts).get(load)


def second(population: Population, pair: Pair, end: End) -> Population:
    """The population of a `pair` of :func:`beside`, with the same partners as `population` at the other end than `end`.
    Raises as :func:`read`."""
    partners = "post" if end == "pre" else "pre"
    same = replace(getattr(population.pair, partners), notes=())  # the first population has these notes
    return restricted(read(pair), replace(pair, **{partners: same}))


def notes_beside(first: Population, other: Population, label: str) -> tuple[str, ...]:
    """The notes of a second population after a `label` each, without general ones that the `first` has as well."""
    repeated = [general for general in (*other.pair.general, NO_SIZES) if any(general in note for note in first.notes)]
    return tuple(f"{label}: {note}" for note in other.notes if not any(general in note for general in repeated))


def entry(population: Population, groups: tuple[Grouping, Grouping], row: str | None, column: str | None) -> Population:
    """The part of a population in one entry of a matrix: the cells of :func:`narrowed`, and the synapses among them."""
    return restricted(population, narrowed(population.pair, groups, row, column))


def narrowed(pair: Pair, groups: tuple[Grouping, Grouping], row: str | None, column: str | None) -> Pair:
    """The pair with only the cells in one entry of a matrix: those in the groups named `row` and `column`. A name that
    no group has gives an empty set."""
    pre, post = _members(groups[0], pair.pre.ids, row), _members(groups[1], pair.post.ids, column)
    return replace(pair, pre=replace(pair.pre, ids=pre), post=replace(pair.post, ids=post))


def restricted(population: Population, pair: Pair) -> Population:
    """The population with only the cells of `pair`, and the synapses among these."""
    rows = population.synapses
    within = np.isin(rows["pre_root_id"], pair.pre.ids) & np.isin(rows["post_root_id"], pair.post.ids)
    synapses = rows[within].reset_index(drop=True)
    return replace(population, pair=pair, synapses=synapses, edges=edges_of(synapses, pair.pre.ids, pair.post.ids))


def synapses_of(
    population: Population, pre: Grouping, post: Grouping, row: str | None, column: str | None
) -> pd.DataFrame:
    """The synapses in one entry of a matrix, from the group named `row` onto the one named `column`; none for an
    unknown name."""
    rows = population.synapses
    pre_ids, post_ids = rows["pre_root_id"].to_numpy(np.int64), rows["post_root_id"].to_numpy(np.int64)
    within = np.isin(pre_ids, _members(pre, population.edges.pre_ids, row)) & np.isin(
        post_ids, _members(post, population.edges.post_ids, column)
    )
    return rows[within & (pre_ids != post_ids)].reset_index(drop=True)


def _members(groups: Grouping, ids: Ids, name: str | None) -> Ids:
    """The root ids of the cells in the group of a name."""
    return ids[groups.of == groups.names.index(name)] if name in groups.names else ids[:0]
