"""The panels of a population other than its matrix; each is computed when it is in front."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, cast

from dash import MATCH, ClientsideFunction, Input, Output, State, clientside_callback, no_update

from callbacks import population_beside, population_chance, population_matrix, population_plots, population_views
from callbacks.bodies import Href, OfPlot
from callbacks.figure_scripts import COPIED, COPY, copied
from callbacks.register import callback
from components import alerts, population_network, population_panels
from components.cell_figures import Plot
from components.populations_page import MOST_LISTED
from services.cave.context import cave
from services.core.directions import Side
from services.core.whole_numbers import whole_number
from services.populations import (
    chance,
    comparisons,
    motifs,
    paths,
    population,
    scripts,
    sets,
    similar_cells,
)
from services.populations.nulls import Model
from services.populations.population import Population
from services.populations.similarity import Measure
from services.views.addresses import PopulationAddress
from services.views.resolving import release_of


@callback(
    Output("pop-panel", "children"),
    Input("pop-href", "data"),
    prevent_initial_call=True,
    on_error=alerts.problem,
)
def draw(href: str) -> Any:
    """The panel of the address."""
    view, result = population_views.shown(href)
    if not result or view.panel not in DRAWN:
        return no_update
    shown = population_views.entry_of(view, result)
    missing = population_views.missing(view, result)
    only = population_panels.only(view, missing) if shown is not result else None
    return [only, DRAWN[view.panel](view, shown)]


def _distributions(view: PopulationAddress, result: Population) -> Any:
    return population_panels.distributions(population_plots.plots(view, result))


def _motifs(view: PopulationAddress, result: Population) -> Any:
    draws = population_views.draws(view, result.pair, "motifs")
    if (waiting := population_views.undrawn(result, draws)) is not None:
        return waiting
    counts = chance.count_motifs(result, draws)
    return population_panels.motifs(view, counts, motifs.notes(result.edges, counts, **draws.seeded))


def _alike(view: PopulationAddress, result: Population) -> Any:
    direction, measure = cast("Side", view.direction), cast("Measure", view.measure)
    if view.cell and view.other:
        both = sets.root_id(view.cell), sets.root_id(view.other)
        return population_panels.partners(view, similar_cells.partners(result.edges, both, direction))
    groups = population_views.groups(view, result.pair)
    profiles = similar_cells.profiles(result.edges, *groups, direction)
    own, ids = (groups[1], result.pair.post.ids) if direction == "in" else (groups[0], result.pair.pre.ids)
    if view.cell:
        cells = similar_cells.like(profiles, sets.root_id(view.cell), measure)
        return population_panels.alike(view, cells.assign(group=own.names_of(ids, cells["root_id"].to_numpy())))
    cells = similar_cells.clusters(profiles, whole_number(view.clusters, similar_cells.CLUSTERS), measure)
    return population_panels.clusters(view, cells.assign(group=own.names_of(ids, cells["root_id"].to_numpy())))


def _paths(view: PopulationAddress, result: Population) -> Any:
    pair, order = result.pair, cast("paths.Order", view.best)
    wide = population.choose(
        pair.release,
        view.pre_set,
        view.post_set,
        proofread=pair.proofread,
        through=view.through,
        synapses=pair.line,
    )
    if (waiting := population_views.unread(view, wide)) is not None:
        return waiting
    edges = population.read(wide).edges
    pairs = len(pair.pre) * len(pair.post) - len(result.edges.in_both[0])
    best = paths.between(edges, pair.pre.ids, pair.post.ids, order=order, most=MOST_LISTED)
    return population_panels.paths(view, *best, pairs, paths.WORDS[order])


def _network(view: PopulationAddress, result: Population) -> Any:
    plot = population_plots.network(view, result)
    shown, colours = plot.figure.arguments
    named = plot.figure.options["named"]
    return population_network.picture(plot, shown.result, colours, named=named, axis=result.pair.release.volume.down)


def _changes(view: PopulationAddress, result: Population) -> Any:
    if not view.against.strip():
        return population_panels.nothing("Name another version to compare with.")
    release = release_of(cave(), replace(view, version=view.against.strip()))
    pair = result.pair
    earlier = population.choose(release, view.pre_set, view.post_set, proofread=pair.proofread, synapses=pair.line)
    if (waiting := population_views.unread(view, earlier)) is not None:
        return waiting
    known = (comparisons.nuclei(one) for one in (release, pair.release))
    before = population_views.entry_of(view, population.read(earlier))
    pairs, against = comparisons.changes(before.edges, result.edges, *known), str(release.version.label)
    notes = population.notes_beside(result, before, comparisons.at_version(against))
    return population_panels.changes(replace(view, against=against), pairs, notes)


def _beside(view: PopulationAddress, result: Population) -> Any:
    if not view.beside.strip():
        return population_panels.nothing("Name another set to compare with.")
    if (waiting := population_views.unread(view, population_beside.pair(view, result))) is not None:
        return waiting
    return population_panels.beside(view, *population_beside.plot(view, result))


DRAWN: dict[str, Callable[[PopulationAddress, Population], Any]] = {
    "distributions": _distributions,
    "motifs": _motifs,
    "alike": _alike,
    "paths": _paths,
    "network": _network,
    "changes": _changes,
    "beside": _beside,
}


@callback(
    Output({"type": COPIED, "of": "population", "name": MATCH}, "data"),
    Input({"type": COPY, "of": "population", "name": MATCH}, "n_clicks"),
    State({"type": COPY, "of": "population", "name": MATCH}, "id"),
    State("pop-href", "data"),
    prevent_initial_call=True,
)
def copy_script(clicks: int | None, plot: OfPlot, href: Href) -> Any:
    """The script that draws a plot, to copy."""
    if not clicks:
        return no_update
    view, result = population_views.shown(href)
    if not result:
        return no_update
    drawn, readings = plots_to_copy(view, result, plot["name"])
    return copied(drawn, plot["name"], href, readings)


def plots_to_copy(
    view: PopulationAddress, result: Population, name: str
) -> tuple[list[Plot], Callable[[frozenset[str]], list[str]]]:
    """Plots of a view, the one called `name` among them, and a function that returns the parts of a script that define
    the variables of some names: for the matrix, of the whole population, else of the entry that the view names."""
    whole = partial(scripts.readings, result.pair)
    match name:
        case "matrix":
            return [population_matrix.plot(view, result)], whole
        case "chance":
            drawn = population_views.draws(view, result.pair, cast("Model", view.model))
            return [population_chance.plot(view, result, drawn)[0]], whole
    of = population_views.entry_of(view, result)
    if name == "network":
        return [population_plots.network(view, of)], partial(scripts.readings, of.pair)
    if name == "differences":
        return [population_beside.plot(view, of)[0]], partial(population_beside.readings, view, of)
    return population_plots.plots(view, of), partial(scripts.readings, of.pair)


clientside_callback(
    ClientsideFunction("tables", "draw"),
    Output({"type": "long-table", "of": MATCH}, "hidden"),
    Input({"type": "long-table-rows", "of": MATCH}, "data"),
    State({"type": "long-table-rows", "of": MATCH}, "id"),
)
clientside_callback(
    ClientsideFunction("network", "draw"), Output("pop-network", "children"), Input("pop-network-of", "data")
)
