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
from components import population_network, population_panels
from components.cell_figures import Plot
from components.populations_page import MOST_LISTED
from services.populations import paths, scripts
from services.views.population_view import PopulationView


@callback(
    Output("pop-panel", "children"),
    Input("pop-href", "data"),
    prevent_initial_call=True,
    on_error=population_views.waiting,
)
def draw(href: str) -> Any:
    """The panel of the address."""
    view = population_views.shown(population_views.address_of(href))
    if not view or view.address.panel not in DRAWN:
        return no_update
    only = population_panels.only(view.address, view.missing) if view.is_of_entry else None
    return [only, DRAWN[view.address.panel](view)]


def _distributions(view: PopulationView) -> Any:
    return population_panels.distributions(population_plots.plots(view))


def _motifs(view: PopulationView) -> Any:
    counts, _, notes = view.motifs()
    return population_panels.motifs(view.address, counts, notes)


def _alike(view: PopulationView) -> Any:
    address = view.address
    if address.cell and address.other:
        return population_panels.partners(address, view.partners())
    panel = population_panels.alike if address.cell else population_panels.clusters
    return panel(address, view.similar())


def _paths(view: PopulationView) -> Any:
    best, pair, order = view.paths(most=MOST_LISTED), view.entry_pair, cast("paths.Order", view.address.best)
    pairs = len(pair.pre) * len(pair.post) - len(view.entry.edges.in_both[0])
    return population_panels.paths(view.address, *best, pairs, paths.WORDS[order])


def _network(view: PopulationView) -> Any:
    plot = population_plots.network(view)
    shown, colours = plot.figure.arguments
    named = plot.figure.options["named"]
    return population_network.picture(plot, shown.result, colours, named=named, axis=view.release.volume.down)


def _changes(view: PopulationView) -> Any:
    if not view.address.against.strip():
        return population_panels.nothing("Name another version to compare with.")
    against = str(view.earlier.release.version.label)
    return population_panels.changes(replace(view.address, against=against), *view.changes())


def _beside(view: PopulationView) -> Any:
    if not view.address.beside.strip():
        return population_panels.nothing("Name another set to compare with.")
    first, other = (len(getattr(result.pair, view.end)) for result in (view.entry, view.second))
    notes = (f"{first:,} cells beside {other:,}.", *view.difference_notes())
    plot, by = population_beside.plot(view), view.partner_groups.by
    return population_panels.beside(view.address, plot, view.difference.result, by, notes)


DRAWN: dict[str, Callable[[PopulationView], Any]] = {
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
    view = population_views.shown(population_views.address_of(href))
    if not view:
        return no_update
    drawn, readings = plots_to_copy(view, plot["name"])
    return copied(drawn, plot["name"], href, readings)


def plots_to_copy(view: PopulationView, name: str) -> tuple[list[Plot], Callable[[frozenset[str]], list[str]]]:
    """Plots of a view, the one called `name` among them, and a function that returns the parts of a script that define
    the variables of some names: for the matrix, of the whole population, else of the entry that the view names."""
    whole, entry = (partial(scripts.readings, pair) for pair in (view.pair, view.entry_pair))
    match name:
        case "matrix":
            return [population_matrix.plot(view)], whole
        case "chance":
            return [population_chance.plot(view)[0]], whole
        case "network":
            return [population_plots.network(view)], entry
        case "differences":
            return [population_beside.plot(view)], partial(population_beside.readings, view)
    return population_plots.plots(view), entry


clientside_callback(
    ClientsideFunction("tables", "draw"),
    Output({"type": "long-table", "of": MATCH}, "hidden"),
    Input({"type": "long-table-rows", "of": MATCH}, "data"),
    State({"type": "long-table-rows", "of": MATCH}, "id"),
)
clientside_callback(
    ClientsideFunction("network", "draw"), Output("pop-network", "children"), Input("pop-network-of", "data")
)
