"""What an address of the populations page means: two sets of cells, the synapses among them, and what is computed of
these."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Literal, cast

import pandas as pd
from werkzeug.utils import cached_property

from services.cave.client import Cave
from services.cave.release import Release
from services.core.calls import Call, call
from services.core.directions import Side
from services.core.errors import KarstError
from services.core.whole_numbers import whole_number
from services.neuroglancer import links
from services.neuroglancer.links import Link
from services.populations import (
    chance,
    comparisons,
    figure_reads,
    groupings,
    jobs,
    matrices,
    motifs,
    nulls,
    paths,
    population,
    sets,
    similar_cells,
    totals,
)
from services.populations.chance import Draws, Groups
from services.populations.comparisons import Compared
from services.populations.edges import End
from services.populations.groupings import Grouping
from services.populations.matrices import Value
from services.populations.nulls import Counted, Model, Null
from services.populations.population import Pair, Population
from services.populations.similarity import Measure
from services.tables import large_tables, saved_ids
from services.views.addresses import PopulationAddress
from services.views.resolving import release_of

MOST_POINTS = 2_000
"""Synapses in a link."""


class NotReadError(KarstError):
    """Synapses are not cached, and the `address` does not ask to read them, which takes about this many `requests`."""

    code = "not_read"
    status = 409

    def __init__(self, address: PopulationAddress, requests: int) -> None:
        super().__init__("The synapses among these cells are not read yet.", "Choose to read them.")
        self.address = address
        self.requests = requests


@dataclass(frozen=True)
class PopulationView:
    """The sets of an address, created once for a request and shared by everything that answers it.

    `address` has the datastack and the version number filled in. Data are read when they are first needed: this raises
    NotReadError where the address does not ask for it, and LongError where a web request would wait too long or, if
    `as_job`, for anything that was not read or drawn before. If `lenient`, an entry that the matrix does not have is
    one without cells (see :attr:`missing`); otherwise it raises BadInput.
    """

    release: Release
    address: PopulationAddress
    lenient: bool = True
    as_job: bool = False

    @classmethod
    def of(
        cls, cave: Cave, address: PopulationAddress, *, lenient: bool = True, as_job: bool = False
    ) -> PopulationView:
        """The view of an address. Raises as :func:`live.resolve`."""
        release = release_of(cave, address)
        named = replace(address, datastack=release.datastack, version=str(release.version.label))
        return cls(release, named, lenient, as_job)

    def shortened(self) -> PopulationView:
        """The view with long lists of ids saved on the server, so that its address is short enough for web servers."""
        texts = {name: getattr(self.address, name) for name in ("pre", "post", "through", "beside")}
        cave, datastack = self.release.cave, self.release.datastack
        saved = {name: saved_ids.named(cave, datastack, text) for name, text in texts.items()}
        return replace(self, address=replace(self.address, **saved))

    @property
    def messages(self) -> tuple[str, ...]:
        """A sentence about a row or a column of the matrix that the address names without the other, and which is left
        out."""
        named = {side: name for side in ("row", "column") if (name := getattr(self.address, side))}
        alone = named.items() if len(named) == 1 else ()
        words = "An entry of the matrix has a row and a column"
        return tuple(f"{words}; the {side} {name[:80]!r} alone was left out." for side, name in alone)

    # ---- the sets and their groups

    def look_up(self, *, grouped: bool) -> None:
        """Reads what says which cells are in the sets and, if `grouped`, in which groups. Raises as
        :meth:`Jobs.look_up`."""
        address = self.address
        others = [text for text in (address.through, address.beside) if text.strip()]

        def ask() -> tuple[Pair, Groups | None]:
            for text in others:
                with suppress(KarstError):  # what uses the set raises this again
                    sets.resolve(self.release, text)
            return self.pair, self.groups if grouped else None

        by = (address.pre_by, address.post_by) if grouped else ()
        jobs.current().look_up(self.release, [address.pre_set, address.post_set, *others], ask, by)

    @cached_property
    def pair(self) -> Pair:
        """Both sets. Raises as :func:`population.choose`."""
        return self._chosen(self.address.synapses)

    @property
    def notices(self) -> tuple[str, ...]:
        """The notices that owners attached to the tables of the sets and of their groups."""
        sides = ((self.pair.pre, self.address.pre_by), (self.pair.post, self.address.post_by))
        by = [groupings.column_of(self.release, *side) for side in sides]
        return population.with_new(self.pair.notices, groupings.notices(self.release, *by))

    @cached_property
    def groups(self) -> Groups:
        """The groups of presynaptic cells (rows of the matrix) and of postsynaptic cells (columns)."""
        return self._grouped(self.pair)

    @property
    def is_of_entry(self) -> bool:
        """Whether the address names an entry of the matrix."""
        return bool(self.address.row and self.address.column)

    @property
    def missing(self) -> str:
        """A sentence where the matrix does not have the entry that the address names; else ""."""
        return groupings.missing(self.groups, self.address.row, self.address.column) if self.is_of_entry else ""

    @property
    def entry_names(self) -> Sequence[str | None]:
        """The names of both groups of the entry; () where the address names none."""
        row, column = self.address.row, self.address.column
        if not self.is_of_entry:
            return ()
        return (groupings.named(row), groupings.named(column)) if self.lenient else self._entry_of_matrix()

    @cached_property
    def entry_pair(self) -> Pair:
        """The sets with only the cells of the entry; with all where the address names none."""
        names = self.entry_names
        return population.narrowed(self.pair, self.groups, *names) if names else self.pair

    @cached_property
    def entry_groups(self) -> Groups:
        """The groups of the cells of :attr:`entry_pair`."""
        return self._grouped(self.entry_pair) if self.is_of_entry else self.groups

    # ---- the synapses among them

    @cached_property
    def unread(self) -> int:
        """About how many requests it takes to read the synapses among the sets; 0 where they are cached."""
        return population.cost(self.pair)

    @cached_property
    def population(self) -> Population:
        """The synapses among the sets."""
        return self._read(self.pair, self.unread)

    @cached_property
    def entry(self) -> Population:
        """The synapses among the cells of the entry; among all where the address names none."""
        pair = self.entry_pair
        return population.restricted(self.population, pair) if self.is_of_entry else self.population

    def entry_synapses(self) -> pd.DataFrame:
        """The synapses of the entry, with columns as of :func:`chance.measured`. Raises BadInput for an entry that the
        matrix does not have."""
        rows = population.synapses_of(self.population, *self.groups, *self._entry_of_matrix())
        return chance.measured(self.population, rows)

    def link(self, viewer: str = "") -> Link:
        """The Neuroglancer link to both sets."""
        return links.population_link(self.pair, viewer=viewer or None)

    def link_of_synapses(self, rows: pd.DataFrame) -> Link | None:
        """The Neuroglancer link to the first of some synapses; None where there are none."""
        if rows.empty:
            return None
        cave, table = self.release.cave, large_tables.open_large(self.release, self.release.roles.synapses.table or "")
        linked = large_tables.rows_with_ids(cave, table, rows["id"].head(MOST_POINTS).tolist())
        link = links.table_link(cave, table, linked)
        not_all = f"The first {MOST_POINTS:,} of {len(rows):,} synapses are in it."
        return replace(link, left_out=f"{not_all} {link.left_out}") if len(rows) > MOST_POINTS else link

    # ---- what is computed of them

    @property
    def seed(self) -> int:
        """The seed of random numbers. Raises BadInput for text that is not a whole number."""
        return whole_number(self.address.seed, chance.SEED, "seed")

    @cached_property
    def matrix(self) -> Call:
        """The call that makes the :class:`Matrix` of the value of the address."""
        value, groups = cast("Value", self.address.value), self.groups
        edges, whole = figure_reads.edges(self.population), totals.of_shares(self.pair, *groups, value)
        return call(matrices.matrix, edges, *map(figure_reads.groups, groups), value, **whole)

    def draws(self, model: Literal["motifs"] | Model, counted: Counted | None = None) -> Draws:
        """The draws of a model, which counts `counted` (None = its first). Raises BadInput for bad numbers."""
        usual = motifs.PERMUTATIONS if model == "motifs" else chance.PERMUTATIONS
        permutations = whole_number(self.address.permutations, usual, "permutations")
        draws = Draws(model, **nulls.draws(permutations, self.seed))
        if model != "motifs":
            return replace(draws, counted=counted or nulls.COUNTED[model][0], by=self._grouped_by)
        names = self.entry_names
        return replace(draws, by=self._grouped_by, entry=names) if names else draws

    def null(self, counted: Counted | None = None) -> tuple[Null, Draws]:
        """What the null model of the address expects, and its draws."""
        draws = self.draws(cast("Model", self.address.model), counted)
        result = self._read(self.pair, self.unread, draws)
        self._wait_for(result, draws, self.groups)
        return chance.compare(result, self.groups, draws), draws

    def motifs(self) -> tuple[pd.DataFrame, Draws, tuple[str, ...]]:
        """How often each motif occurs (see :func:`chance.count_motifs`), the draws that say how often it would by
        chance, and notes."""
        draws = self.draws("motifs")
        self._read(self.pair, self.unread, draws)
        self._wait_for(self.entry, draws)
        counts = chance.count_motifs(self.entry, draws)
        return counts, draws, motifs.notes(self.entry.edges, counts, **draws.seeded)

    def similar(self) -> pd.DataFrame:
        """The cells by their similarity to `cell`, or in clusters where the address has none, each with its `group`;
        see :mod:`similar_cells`."""
        address, edges, groups = self.address, self.entry.edges, self.entry_groups
        direction, measure = cast("Side", address.direction), cast("Measure", address.measure)
        profiles = similar_cells.profiles(edges, *groups, direction)
        if address.cell:
            frame = similar_cells.like(profiles, sets.root_id(address.cell), measure)
        else:
            number = whole_number(address.clusters, similar_cells.CLUSTERS, "number")
            frame = similar_cells.clusters(profiles, number, measure)
        own, ids = (groups[1], edges.post_ids) if direction == "in" else (groups[0], edges.pre_ids)
        return frame.assign(group=own.names_of(ids, frame["root_id"].to_numpy()))

    def partners(self) -> pd.DataFrame:
        """The partners of `cell` and `other`; see :func:`similar_cells.partners`."""
        cells = sets.root_id(self.address.cell), sets.root_id(self.address.other)
        return similar_cells.partners(self.entry.edges, cells, cast("Side", self.address.direction))

    @cached_property
    def wide(self) -> Population:
        """The synapses among the cells of both sets and of `through`, by which paths lead."""
        return self._read(self._chosen(self.pair.line, self.address.through))

    def paths(self, *, steps: int = paths.MOST_STEPS, most: int | None = None) -> tuple[pd.DataFrame, pd.Series]:
        """The best paths among the cells of the entry; see :func:`paths.between`."""
        pair, order = self.entry_pair, cast("paths.Order", self.address.best)
        return paths.between(self.wide.edges, pair.pre.ids, pair.post.ids, steps=steps, order=order, most=most)

    @cached_property
    def earlier(self) -> PopulationView:
        """The view of the same sets and synapses at the version `against`."""
        parts: dict[str, Any] = {"version": self.address.against.strip(), "synapses": self.pair.line}
        address = replace(self.address, through="", beside="", **parts)
        return PopulationView.of(self.release.cave, address, as_job=self.as_job)

    def changes(self) -> tuple[pd.DataFrame, tuple[str, ...]]:
        """What became of each connected pair of cells since :attr:`earlier` (see :func:`comparisons.changes`), and
        notes about the sets then."""
        self.earlier.look_up(grouped=self.is_of_entry)
        result, before = self.entry, self.earlier.entry
        nuclei = (comparisons.nuclei(release) for release in (self.earlier.release, self.release))
        label = comparisons.at_version(self.earlier.release.version.label)
        frame = comparisons.changes(before.edges, result.edges, *nuclei)
        return frame, population.notes_beside(result, before, label)

    @property
    def end(self) -> End:
        """The end at which `beside` takes the place of a set."""
        return "post" if self.address.direction == "in" else "pre"

    @cached_property
    def second_pair(self) -> Pair:
        """The set `beside` with the partners of the set whose place it takes."""
        return population.beside(self.pair, self.address.beside, self.end)

    @cached_property
    def second(self) -> Population:
        """The synapses of :attr:`second_pair`, with the partners of the entry."""
        pair, first = self.second_pair, self.entry
        self._read(pair)
        return population.second(first, pair, self.end)

    @property
    def partner_groups(self) -> Grouping:
        """The groups of the partners that both sets share."""
        return self.entry_groups[self.end == "pre"]

    @cached_property
    def difference(self) -> Call:
        """The call of :func:`comparisons.difference` that compares both sets."""
        edges = figure_reads.second_edges(self.second)
        both, groups = (figure_reads.edges(self.entry), edges), figure_reads.groups(self.partner_groups)
        compared = cast("Compared", self.address.compared)
        return call(comparisons.difference, *both, groups, compared, end=self.end, seed=self.seed)

    def difference_notes(self) -> tuple[str, ...]:
        """What is compared, and notes about the second set."""
        cells = [len(getattr(result.pair, self.end)) for result in (self.entry, self.second)]
        single = ("A set of one cell has no interval.",) if min(cells) == 1 else ()
        words = comparisons.WORDS[cast("Compared", self.address.compared)]
        return (words, *single, *population.notes_beside(self.entry, self.second, comparisons.SECOND))

    # ---- how they are read

    def _chosen(self, synapses: str, through: str | None = None) -> Pair:
        address, proofread = self.address, cast("sets.Proofread", self.address.proofread)
        options: Any = {"proofread": proofread, "through": through, "synapses": synapses}
        return population.choose(self.release, address.pre_set, address.post_set, **options)

    def _grouped(self, pair: Pair) -> Groups:
        pre = groupings.group(self.release, pair.pre, self.address.pre_by)
        return pre, groupings.group(self.release, pair.post, self.address.post_by)

    @property
    def _grouped_by(self) -> list[str]:
        return [grouping.by for grouping in self.groups]

    def _entry_of_matrix(self) -> tuple[str | None, str | None]:
        return groupings.entry(self.groups, self.address.row, self.address.column)

    def _read(self, pair: Pair, requests: int | None = None, draws: Draws | None = None) -> Population:
        """The population of a pair, which takes so many `requests` (None = to be counted); a job for it also makes
        `draws`."""
        requests = population.cost(pair) if requests is None else requests
        if requests and self.address.read != "on":
            raise NotReadError(self.address, requests)
        if requests and (self.as_job or jobs.is_long(requests)):
            raise jobs.LongError(jobs.current().start(pair, draws), self.release)
        return population.read(pair)

    def _wait_for(self, result: Population, draws: Draws, groups: Groups | tuple[()] = ()) -> None:
        """Raises LongError for draws that take long."""
        new = self.as_job and not chance.is_kept(result, draws, groups)
        if new or chance.is_long(result, draws, groups):
            raise jobs.LongError(jobs.current().start(self.pair, draws), self.release)
