"""What an address of the populations page describes: its sets, groups, matrix entry and draws."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal, cast

from callbacks import views
from components import populations_page
from services.cave.context import cave
from services.core.whole_numbers import whole_number
from services.populations import chance, groupings, jobs, motifs, nulls, population, sets
from services.populations.chance import Draws
from services.populations.groupings import Grouping
from services.populations.nulls import Model
from services.populations.population import Pair, Population
from services.tables import saved_ids
from services.views.addresses import PopulationAddress, parse_population
from services.views.resolving import release_of


def pair_of(address: PopulationAddress) -> tuple[PopulationAddress, Pair | None]:
    """The address at a concrete version with long id lists saved, and its pair of sets; None where it names no set."""
    release = release_of(cave(), address)
    sets_of = {name: getattr(address, name) for name in ("pre", "post", "through", "beside")}
    short = {name: saved_ids.named(cave(), release.datastack, text) for name, text in sets_of.items()}
    view = replace(address, datastack=release.datastack, version=str(release.version.label), **short)
    if not view.pre_set:
        return view, None
    proofread = cast("sets.Proofread", view.proofread)
    return view, population.choose(release, view.pre_set, view.post_set, proofread=proofread, synapses=view.synapses)


def address_of(href: str) -> PopulationAddress:
    """The parsed address, without defaults filled in."""
    return parse_population(views.query_of(href))[0]


def shown(href: str) -> tuple[PopulationAddress, Population | None]:
    """The view that the page shows, and its population if its synapses were read."""
    view, pair = pair_of(address_of(href))
    ready = pair is not None and not population.cost(pair)
    return view, population.read(pair) if pair and ready else None


def unread(view: PopulationAddress, pair: Pair) -> Any:
    """The placeholder for a population that has to be read first; None for one that is cached or quickly read."""
    requests = population.cost(pair)
    if requests and view.read != "on":
        return populations_page.offer(view, requests)
    return populations_page.under_way(jobs.current().start(pair)) if jobs.is_long(requests) else None


def groups(view: PopulationAddress, pair: Pair) -> tuple[Grouping, Grouping]:
    """The groups of presynaptic cells (rows) and of postsynaptic cells (columns) of a view."""
    pre = groupings.group(pair.release, pair.pre, view.pre_by)
    return pre, groupings.group(pair.release, pair.post, view.post_by)


def grouped_by(view: PopulationAddress, pair: Pair) -> list[str]:
    """The table columns by which the rows and the columns of the matrix are grouped."""
    sides = ((pair.pre, view.pre_by), (pair.post, view.post_by))
    return [groupings.column_of(pair.release, side, by) for side, by in sides]


def entry_of(view: PopulationAddress, result: Population) -> Population:
    """The part of a population in the matrix entry that the address names; all of it where it names none."""
    if not (view.row and view.column):
        return result
    return population.entry(result, groups(view, result.pair), *_entry(view))


def draws(view: PopulationAddress, pair: Pair, model: Literal["motifs"] | Model) -> Draws:
    """The draws of a model with the permutations and the seed of the address. Raises BadInput for bad numbers."""
    usual = motifs.PERMUTATIONS if model == "motifs" else chance.PERMUTATIONS
    seeded = nulls.draws(whole_number(view.permutations, usual), seed(view))
    if model != "motifs":
        return Draws(model, **seeded, counted=nulls.COUNTED[model][0], by=grouped_by(view, pair))
    if not (view.row and view.column):
        return Draws(model, **seeded)
    return Draws(model, **seeded, by=grouped_by(view, pair), entry=_entry(view))


def missing(view: PopulationAddress, result: Population) -> str:
    """A sentence where the matrix does not have the entry that the address names; else ""."""
    if not (view.row and view.column):
        return ""
    return groupings.missing(groups(view, result.pair), view.row, view.column)


def _entry(view: PopulationAddress) -> tuple[str | None, str | None]:
    """The names of the groups of the matrix entry of a view."""
    return groupings.named(view.row), groupings.named(view.column)


def seed(view: PopulationAddress) -> int:
    """The seed of the random numbers of a view. Raises BadInput for text that is not a whole number."""
    return whole_number(view.seed, chance.SEED, "seed")


def undrawn(result: Population, draws: Draws, groups: tuple[Grouping, Grouping] | tuple[()] = ()) -> Any:
    """The placeholder for draws that take too long to wait for; None for those that are cached or quick."""
    is_long = chance.is_long(result, draws, groups)
    return populations_page.under_way(jobs.current().start(result.pair, draws)) if is_long else None
