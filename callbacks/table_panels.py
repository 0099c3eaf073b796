"""The panels beside the table: facets, plots, pasted ids, the choice of columns. Only the one in front is computed."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from typing import Any

from dash import ALL, MATCH, ClientsideFunction, Input, Output, State, clientside_callback, no_update

from callbacks import table_drawings, views
from callbacks.bodies import GridState, Href, OfPlot, Outline
from callbacks.errors import left_to_load, unless_typed
from callbacks.figure_scripts import COPIED, COPY, copied
from callbacks.register import callback
from components import alerts, table_page, table_plots
from components.crosstabs import compare_form, compared, nothing_to_compare
from components.facets import facet_panel, of_one_system
from components.id_search import id_report
from services.cave.context import cave
from services.filters import completion
from services.tables import crosstabs, examples, facets, joins, plots
from services.tables.systems import OneSystem
from services.views.addresses import parse_table
from services.views.table_opening import held, open_view
from services.views.table_view import HeldView, PagedView

GRAPHS = {"type": "table-graph", "of": ALL}


@callback(
    Output("table-facets", "children"),
    Input({"type": "table-front", "panel": "facets"}, "data"),
    State("table-columns", "value"),
    prevent_initial_call=True,
    running=[(Output("table-facets", "className"), "k-busy", "")],
    on_error=alerts.problem,
)
def count_facets(state: GridState | None, columns: list[str]) -> Any:
    """The panel of facets: the values of every column, counted."""
    if not state:
        return no_update
    shown = held(views.of_table_grid(state, columns, "facets"))
    return table_page.drawn_for(shown.address, counted_values(shown))


def counted_values(shown: HeldView) -> list[Any]:
    """The facets of a view. Of a table with several annotation systems they count the rows of one system, except for
    the facet of the systems themselves, which counts all rows."""
    categories, histograms, system = shown.facets()
    single = shown.of_system(system.value) if system else shown
    panel = facet_panel(
        categories,
        histograms,
        lambda column, box: (shown if system and column == system.column else single).href_with_box(column, box),
    )
    return [*system_note(shown, system), *panel]


def system_note(shown: HeldView, system: OneSystem | None) -> list[Any]:
    """A note that names the annotation system shown alone, with links to the others; [] without one."""
    return of_one_system(system, lambda other: shown.of_system(other).address.href())


@callback(
    Output("table-compared", "children"),
    Input({"type": "table-front", "panel": "compare"}, "data"),
    State("table-columns", "value"),
    prevent_initial_call=True,
    running=[(Output("table-compared", "className"), "k-busy", "")],
    on_error=alerts.problem,
)
def compare(state: GridState | None, columns: list[str]) -> Any:
    """The crosstab of two columns, over the rows that the rest of the filter keeps."""
    if not state:
        return no_update
    shown = held(views.of_table_grid(state, columns, "compare"))
    view, groups = shown.address, table_plots.comparable(shown.table)
    chosen = crosstabs.sides(groups, view.left, view.right)
    form = compare_form(view, groups, chosen, joins.joinable(cave(), shown.table))
    if chosen is None:
        return [form, nothing_to_compare()]
    result, single, system = shown.crosstab(*(column.name for column in chosen))
    other_boxes = single.address.boxes.keys() - {column.name for column in chosen}
    drawn = compared(result, single.address, single.href_with_line, filtered=bool(view.where or other_boxes))
    return table_page.drawn_for(view, [form, *system_note(shown, system), *drawn])


@callback(
    Output("table-figure", "children"),
    Input({"type": "table-front", "panel": "plot"}, "data"),
    State("table-columns", "value"),
    State("table-picked", "data"),
    prevent_initial_call=True,
    running=[(Output("table-figure", "className"), "k-busy", "")],
    on_error=unless_typed,
)
def draw(state: GridState | None, columns: list[str], picked: Outline | None) -> Any:
    """The plot of the view, with the outline drawn in it."""
    if not state:
        return no_update
    shown = held(views.of_table_grid(state, columns, "plot"))
    drawers = {"counts": draw_counts, "histogram": draw_histogram}
    drawn = drawers.get(shown.address.plot, partial(draw_points, outline=picked))(shown.plotted)
    return table_page.drawn_for(shown.address, [*system_note(shown, shown.system(shown.colour_by)), *drawn])


def draw_counts(shown: HeldView) -> list[Any]:
    """Bars of the rows by value."""
    result, plot = shown.groups, table_drawings.counts(shown)
    if not result or not plot:
        return []
    clicked = plots.boxes(shown.table, shown.query, result)
    values = plots.counts(shown.table, shown.query, result)["value"]
    return table_plots.counts_figure(plot, values, lambda value: shown.href_with_box(result.column, clicked(value)))


def draw_histogram(shown: HeldView) -> list[Any]:
    """Bars of the rows by a number."""
    drawn = table_drawings.bars(shown)
    if drawn is None:
        return table_plots.no_numbers()
    return table_plots.histogram_figure(*drawn, lambda box: shown.href_with_box(drawn[1].column.name, box))


def draw_points(shown: HeldView, outline: Outline | None) -> list[Any]:
    """A scatter plot or map of the rows."""
    drawn = table_drawings.points(shown, outline)
    if drawn is None:
        return table_plots.no_numbers()
    plot, points = drawn
    down = plot.figure.options["down"]
    layers = shown.release.volume.layer_set(shown.address.layers) if down else None
    return table_plots.scatter_figure(plot, len(plots.thinned(points)), len(points), layers)


@callback(
    Output({"type": COPIED, "of": "table", "name": MATCH}, "data"),
    Input({"type": COPY, "of": "table", "name": MATCH}, "n_clicks"),
    State({"type": COPY, "of": "table", "name": MATCH}, "id"),
    State("table-shown", "data"),
    State("table-columns", "value"),
    State("table-picked", "data"),
    prevent_initial_call=True,
)
def copy_script(
    clicks: int | None, plot: OfPlot, state: GridState | None, columns: list[str], picked: Outline | None
) -> Any:
    """The script that draws the plot, to copy."""
    if not clicks or not state:
        return no_update
    shown = held(views.of_table_grid(state, columns, "plot"))
    plotted = shown.plotted
    return copied(table_drawings.plots_of(plotted, picked), plot["name"], plotted.address.href(), plotted.readings)


@callback(
    Output("table-picked-message", "children"),
    Input("table-picked", "data"),
    Input({"type": "table-front", "panel": "plot"}, "data"),
    State("table-columns", "value"),
    prevent_initial_call=True,
    on_error=unless_typed,
)
def picked_message(picked: Outline | None, state: GridState | None, columns: list[str]) -> Any:
    """The number of rows within the outline drawn in the plot, with links that keep only these."""
    if not picked or not state:
        return []
    shown = held(views.of_table_grid(state, columns, "plot"))
    ids = shown.picked_ids(picked)
    if ids is None:
        return []
    line = shown.line_of_ids("id", ids)
    keep = shown.href_with_line(line) if line else None
    root = table_page.root_href(shown.address, shown.table, shown.picked_rows(None, picked)[0])
    onwards = table_page.onwards(shown.address, line, root) if line and (root or shown.names_cells) else []
    return table_page.drawn_for(shown.address, table_plots.picked(len(ids), keep, onwards))


@callback(
    Output("table-ids-report", "children"),
    Input("table-ids-find", "n_clicks"),
    State("table-ids", "value"),
    State("table-ids-type", "value"),
    State("table-of", "data"),
    State("table-shown", "data"),
    State("table-columns", "value"),
    prevent_initial_call=True,
    running=[(Output("table-ids-find", "disabled"), True, False)],
    on_error=alerts.problem,
)
def find_ids(  # noqa: PLR0917 - one for each of the decorator's
    clicks: int | None, text: str | None, id_type: str, of: Href, state: GridState | None, columns: list[str]
) -> Any:
    """The report on the pasted ids: which rows they match, and which they do not."""
    if not clicks:
        return no_update
    shown = held(views.of_table_grid(state or {"of": of}, columns, "ids"))
    match = shown.find_ids(text or "", id_type)
    unfiltered = replace(shown, address=shown.address.unfiltered())
    report = id_report(match, unfiltered.href_with_line(match.where) if match.where else None)
    return table_page.drawn_for(shown.address, report)


@callback(
    Output("table-where-words", "data-words"),
    Output("table-where", "placeholder"),
    Input("table-of", "data"),
    prevent_initial_call=True,
    on_error=left_to_load(("{}", table_page.WHERE_HINT)),
)
def offer_words(of: Href) -> tuple[str, str]:
    """The columns, operators and values by which the query line is completed, and an example of one."""
    shown = open_view(cave(), parse_table(views.query_of(of))[0])
    values = {} if isinstance(shown, PagedView) else facets.known_values(shown.table)
    example = "" if isinstance(shown, PagedView) else examples.filter_line(shown.table, values)
    return json.dumps(completion.offered(shown.table.columns, values)), example or table_page.WHERE_HINT


clientside_callback(
    ClientsideFunction("grids", "front"),
    Output({"type": "table-front", "panel": ALL}, "data"),
    Input("table-shown", "data"),
    Input("tab", "data"),
    Input("table-there", "data"),
    State({"type": "table-front", "panel": ALL}, "id"),
    prevent_initial_call=True,
)
clientside_callback(ClientsideFunction("plots", "follow"), Input(GRAPHS, "clickData"), prevent_initial_call=True)
clientside_callback(
    ClientsideFunction("plots", "drawn"),
    Output("table-picked", "data", allow_duplicate=True),
    Input(GRAPHS, "relayoutData"),
    prevent_initial_call=True,
)
clientside_callback(
    ClientsideFunction("plots", "picked"),
    Output("table-picked", "data", allow_duplicate=True),
    Input("table-figure", "n_clicks"),
    prevent_initial_call=True,
)
clientside_callback(
    ClientsideFunction("plots", "clear"),
    Output("table-picked", "data", allow_duplicate=True),
    Input({"type": "table-unpick", "of": ALL}, "n_clicks"),
    prevent_initial_call=True,
)
clientside_callback(
    ClientsideFunction("grids", "showColumns"),
    Output("table-columns", "options"),
    Input("table-columns", "value"),
    State("table-columns", "options"),
    State({"type": "table-rows", "side": ALL, "of": ALL, "key": ALL}, "id"),
    prevent_initial_call=True,
)
