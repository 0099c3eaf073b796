"""The populations page: resolves the sets, offers to read their synapses, reads, and draws."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, cast

from dash import ClientsideFunction, Input, Output, State, clientside_callback, no_update, set_props

from callbacks import population_chance, population_matrix, views
from callbacks.errors import left_to_load
from callbacks.population_views import address_of, draws, grouped_by, groups, pair_of, shown, undrawn, unread
from callbacks.register import callback
from components import alerts, controls, population_fields, populations_page
from components.links import neuroglancer_link
from services.cave.context import cave
from services.cave.release import Release
from services.cells import proofreading, synapse_filter
from services.core.errors import KarstError
from services.core.moments import number_of
from services.neuroglancer import links
from services.populations import chance, groupings, jobs, matrices, population, sets
from services.populations.matrices import Value
from services.populations.nulls import Model
from services.populations.population import Pair, Population
from services.tables import large_tables
from services.views.addresses import IDS, NO_MODEL, SAME, PopulationAddress, Query, parse_population
from services.views.resolving import release_of

MOST_POINTS = 2_000
"""Synapses in a link."""


@callback(
    Output("pop-datastack", "options"),
    Output("pop-datastack", "value"),
    Output("pop-version", "options"),
    Output("pop-version", "value"),
    Output("pop-pre-table", "options"),
    Output("pop-post-table", "options"),
    Input("pop-query", "data"),
    Input("reload", "data"),
    on_error=left_to_load(),
)
def fill_controls(query: Query, _reload: Any) -> tuple[Any, ...]:
    """The options and values of the controls for datastack, version and the tables of both sets."""
    view, _ = parse_population(query or {})
    datastack, datastacks, version, versions, listed = views.place_choices(view)
    chosen = ("" if name in (IDS, SAME) else name for name in (view.pre_table, view.post_table))
    pre, post = (controls.table_options(listed, name) for name in chosen)
    if listed:
        _fit_fields(view, datastack, version)
    ids = population_fields.OF_IDS
    return datastacks, datastack, versions, version, [ids, *pre], [population_fields.SAME_SET, ids, *post]


def _fit_fields(view: PopulationAddress, datastack: str, version: str) -> None:
    """Fits the fields to the datastack: the usual synapse filter as a placeholder, no options by depth in a volume
    without depths, and words about cells, not axons, where cells are proofread as a whole."""
    with suppress(KarstError):  # `load` shows this error
        release = Release.of(cave(), datastack, number_of(version))
        set_props("pop-synapses", {"placeholder": synapse_filter.usual(release) or synapse_filter.ALL})
        if view.panel == "matrix" and not release.volume.has_depth:
            for id, options in population_fields.WITHOUT_DEPTH.items():
                set_props(id, {"options": options})
        if proofreading.concerns_whole_cells(release):
            set_props("pop-proofread", {"options": population_fields.PROOFREAD_CELLS})


@callback(
    Output("pop-results", "children"),
    Output("pop-status", "children"),
    Output("pop-notes", "children"),
    Output("pop-href", "data"),
    Input("pop-query", "data"),
    Input("reload", "data"),
    running=[(Output("pop-results", "className"), "k-results k-busy", "k-results")],
    on_error=lambda error: ([], "Nothing is shown.", alerts.problem(error), no_update),
)
def load(query: Query, _reload: Any) -> tuple[Any, ...]:
    """The sets of the address and its matrix or panel; before synapses are read, the offer to read them."""
    address, warnings = parse_population(query or {})
    try:
        view, pair = _looked_up(address)
    except jobs.LongError as error:
        return [populations_page.under_way(error.job)], "", alerts.notes(warnings), no_update
    if pair is None:
        return populations_page.invitation(_examples(view)), "", alerts.notes(warnings), view.href()
    return _results(view, pair, warnings)


def _looked_up(address: PopulationAddress) -> tuple[PopulationAddress, Pair | None]:
    """As :func:`pair_of`, with the other sets and groups of the page looked up too. Raises as :meth:`Jobs.look_up`."""
    release = release_of(cave(), address)
    others = [text for text in (address.through, address.beside) if text.strip()]

    def ask() -> tuple[PopulationAddress, Pair | None]:
        view, pair = pair_of(address)
        for text in others if pair else ():
            with suppress(KarstError):  # the panel that uses the set shows this error
                sets.resolve(release, text)
        if pair and view.read == "on":
            groups(view, pair)
        return view, pair

    texts, by = [address.pre_set, address.post_set, *others], [address.pre_by, address.post_by]
    return jobs.current().look_up(release, texts, ask, by)


def _results(view: PopulationAddress, pair: Pair, warnings: Sequence[str]) -> tuple[Any, ...]:
    status, waiting = populations_page.status(pair), unread(view, pair)
    both = populations_page.sets(view, pair, read=waiting is None)
    if waiting is not None:
        href = no_update if view.read == "on" else view.href()
        return [both, waiting], status, _notes(warnings, pair.notes, pair.notices), href
    result = population.read(pair)
    notices = population.with_new(pair.notices, groupings.notices(pair.release, *grouped_by(view, pair)))
    drawn = _drawn(view, result) if view.panel == "matrix" else [populations_page.panel()]
    return [both, populations_page.tabs(view), *drawn], status, _notes(warnings, result.notes, notices), view.href()


def _notes(messages: Sequence[str], notes: Sequence[str], notices: Sequence[str]) -> list[Any]:
    """The notices of tables on a line of their own, then the messages and the notes that do not repeat a notice."""
    specific = [note for note in notes if not any(notice in note for notice in notices)]
    return [*alerts.notices(notices), *alerts.notes([*messages, *specific])]


@callback(
    Output("pop-progress", "children"),
    Output("pop-poll", "disabled"),
    Output("reload", "data", allow_duplicate=True),
    Input("pop-poll", "n_intervals"),
    State("pop-job", "data"),
    prevent_initial_call=True,
    on_error=lambda error: (alerts.problem(error), True, no_update),
)
def watch(ticks: int | None, job: str) -> tuple[Any, ...]:
    """The progress of the reading; once it is done, the page reloads with the result."""
    result = jobs.current().find(job)
    ended = not result.under_way
    return populations_page.progress(result), ended, f"{job} {ticks or 0}" if result.state == "done" else no_update


@callback(
    Output("pop-cancel", "disabled"),
    Input("pop-cancel", "n_clicks"),
    State("pop-job", "data"),
    prevent_initial_call=True,
)
def cancel(clicks: int | None, job: str) -> bool:
    """Cancel the reading."""
    return bool(clicks) and not jobs.current().cancel(job).under_way


@callback(
    Output("pop-entry", "children"),
    Input("pop-href", "data"),
    prevent_initial_call=True,
    on_error=alerts.problem,
)
def list_entry(href: str) -> Any:
    """The synapses of the entry that the address names."""
    address = address_of(href)
    view, result = shown(href) if address.row and address.column else (address, None)
    if not result:
        return no_update
    pre, post = groups(view, result.pair)
    rows = population.synapses_of(result, pre, post, *groupings.entry((pre, post), view.row, view.column))
    return populations_page.entry(view, chance.measured(result, rows), _link(result, rows))


@callback(
    Output("pop-link", "children"),
    Input("pop-href", "data"),
    prevent_initial_call=True,
    on_error=alerts.problem,
)
def link_sets(href: str) -> Any:
    """The Neuroglancer link to both sets."""
    _, pair = pair_of(address_of(href))
    ready = pair is not None and len(pair.pre) + len(pair.post)
    return neuroglancer_link(links.population_link(pair), "both sets") if pair and ready else no_update


@callback(
    Output("pop-chance", "children"),
    Input("pop-href", "data"),
    prevent_initial_call=True,
    on_error=alerts.problem,
)
def compare(href: str) -> Any:
    """The observed numbers against those that the null model of the address expects."""
    address = address_of(href)
    view, result = shown(href) if address.model != NO_MODEL else (address, None)
    if not result:
        return no_update
    rows, drawn = groups(view, result.pair), draws(view, result.pair, cast("Model", view.model))
    if (waiting := undrawn(result, drawn, rows)) is not None:
        return waiting
    return populations_page.chance(*population_chance.plot(view, result, drawn))


def _drawn(view: PopulationAddress, result: Population) -> list[Any]:
    plot, words = population_matrix.plot(view, result), matrices.WORDS[cast("Value", view.value)]
    return populations_page.results(view, plot, words, populations_page.files(view))


def _link(result: Population, rows: Any) -> Any:
    """A link to the first of some synapses; None where there are none."""
    if not len(rows):
        return None
    release = result.pair.release
    table = large_tables.open_large(release, release.roles.synapses.table or "")
    linked = large_tables.rows_with_ids(cave(), table, rows["id"].head(MOST_POINTS).tolist())
    link = links.table_link(cave(), table, linked)
    not_all = f"The first {MOST_POINTS:,} of {len(rows):,} synapses are in it."
    return replace(link, left_out=f"{not_all} {link.left_out}") if len(rows) > MOST_POINTS else link


def _examples(view: PopulationAddress) -> list[tuple[str, PopulationAddress]]:
    """Example sets: the proofread cells, where the version has a table of them."""
    known = proofreading.table_of(release_of(cave(), view))
    return [("The proofread cells onto each other", replace(view, pre_table=known.name))] if known else []


clientside_callback(ClientsideFunction("navigation", "remember"), Input("pop-href", "data"), prevent_initial_call=True)
clientside_callback(
    ClientsideFunction("tables", "matrix"), Output("pop-table", "hidden"), Input("pop-table-of", "data")
)
clientside_callback(
    ClientsideFunction("plots", "entry"),
    Input("pop-matrix", "clickData"),
    State("pop-matrix", "figure"),
    State("pop-href", "data"),
    prevent_initial_call=True,
)
