"""The populations page: resolves the sets, offers to read their synapses, reads, and draws."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, cast

from dash import ClientsideFunction, Input, Output, State, clientside_callback, no_update, set_props

from callbacks import population_chance, population_matrix, views
from callbacks.errors import left_to_load
from callbacks.population_views import address_of, shown, view_of, waiting
from callbacks.register import callback
from components import alerts, controls, population_fields, populations_page
from components.links import neuroglancer_link
from services.cave.context import cave
from services.cave.release import Release
from services.cells import proofreading, synapse_filter
from services.core.errors import KarstError
from services.core.moments import number_of
from services.populations import jobs, matrices
from services.populations.matrices import Value
from services.views.addresses import IDS, NO_MODEL, SAME, PopulationAddress, Query, parse_population
from services.views.population_view import NotReadError, PopulationView


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
    view = view_of(address)
    warnings = (*warnings, *view.messages)
    if not view.address.pre_set:
        return populations_page.invitation(_examples(view)), "", alerts.notes(warnings), view.address.href()
    try:
        view.look_up(grouped=view.address.read == "on")
    except jobs.LongError as error:
        return [waiting(error)], "", alerts.notes(warnings), no_update
    return _results(view, warnings)


def _results(view: PopulationView, warnings: Sequence[str]) -> tuple[Any, ...]:
    address, pair, status = view.address, view.pair, populations_page.status(view.pair)
    try:
        result = view.population
    except (NotReadError, jobs.LongError) as error:
        both = populations_page.sets(address, pair, read=False)
        href = address.href() if isinstance(error, NotReadError) else no_update
        return [both, waiting(error)], status, _notes(warnings, pair.notes, pair.notices), href
    head: list[Any] = [populations_page.sets(address, pair, read=True), populations_page.tabs(address)]
    drawn = _drawn(view) if address.panel == "matrix" else [populations_page.panel()]
    return [*head, *drawn], status, _notes(warnings, result.notes, view.notices), address.href()


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
    on_error=waiting,
)
def list_entry(href: str) -> Any:
    """The synapses of the entry that the address names."""
    address = address_of(href)
    view = shown(address) if address.row and address.column else None
    if not view:
        return no_update
    rows = view.entry_synapses()
    return populations_page.entry(view.address, rows, view.link_of_synapses(rows))


@callback(
    Output("pop-link", "children"),
    Input("pop-href", "data"),
    prevent_initial_call=True,
    on_error=alerts.problem,
)
def link_sets(href: str) -> Any:
    """The Neuroglancer link to both sets."""
    view = view_of(address_of(href))
    cells = len(view.pair.pre) + len(view.pair.post) if view.address.pre_set else 0
    return neuroglancer_link(view.link(), "both sets") if cells else no_update


@callback(
    Output("pop-chance", "children"),
    Input("pop-href", "data"),
    prevent_initial_call=True,
    on_error=waiting,
)
def compare(href: str) -> Any:
    """The observed numbers against those that the null model of the address expects."""
    address = address_of(href)
    view = shown(address) if address.model != NO_MODEL else None
    return populations_page.chance(*population_chance.plot(view)) if view else no_update


def _drawn(view: PopulationView) -> list[Any]:
    plot, words = population_matrix.plot(view), matrices.WORDS[cast("Value", view.address.value)]
    return populations_page.results(view.address, plot, words, populations_page.files(view.address))


def _examples(view: PopulationView) -> list[tuple[str, PopulationAddress]]:
    """Example sets: the proofread cells, where the version has a table of them."""
    known = proofreading.table_of(view.release)
    return [("The proofread cells onto each other", replace(view.address, pre_table=known.name))] if known else []


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
