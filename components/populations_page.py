"""The parts of the page of populations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import pandas as pd
from dash import dcc, html

from components import alerts, cell_figures, controls, glossary, tray
from components.attributes import aria, data
from components.cell_card import counted
from components.cell_figures import Plot
from components.figures.matrix import is_table
from components.figures.template import CONFIG, Figure
from components.links import neuroglancer_link, separated
from components.long_table import Cell, link, long_table
from components.partner_panel import file_links
from components.population_fields import fields
from components.shell import heading
from services.views.addresses import (
    NO_MODEL,
    POPULATIONS_PAGE,
    CellAddress,
    PopulationAddress,
    WallAddress,
)

if TYPE_CHECKING:
    from services.neuroglancer.links import Link
    from services.populations.jobs import Job
    from services.populations.population import Pair
    from services.populations.sets import CellSet

PANEL_TITLES = {
    "matrix": "Matrix",
    "distributions": "Distributions",
    "motifs": "Motifs",
    "alike": "Similarity",
    "paths": "Paths",
    "network": "Network",
    "changes": "Versions",
    "beside": "Side by side",
}
MOST_LISTED = 200
POLL_MS = 1_500
HEAD_PX, ROW_PX = 56, 22.75
"""Of a matrix, whose place is kept until it is drawn."""


def page(view: PopulationAddress, query: Mapping[str, Any]) -> html.Div:
    """The whole page of a view whose sets are still to be looked up. `query` is the address as it was given."""
    what = alerts.loading("Looking up the sets…" if view.pre_set else "Opening the datastack…")
    return html.Div(
        [
            html.Div(
                [heading("Populations"), html.P(id="pop-status", className="k-status", role="status")],
                className="k-top",
            ),
            controls.view_form(POPULATIONS_PAGE, fields(view), "Show"),
            html.Div(id="alerts"),
            html.Div(id="pop-notes"),
            html.Div(what, id="pop-results", className="k-results"),
            dcc.Store(id="pop-query", data=dict(query)),
            dcc.Store(id="pop-href"),
        ]
    )


def tabs(view: PopulationAddress) -> html.Nav:
    """The ways to look at a population, each an address."""
    links = [
        html.A(
            title,
            href=replace(view, panel=panel).href(),
            **data(keep="panel"),
            **(aria(current="page") if panel == view.panel else {}),
        )
        for panel, title in PANEL_TITLES.items()
    ]
    return html.Nav(links, className="k-tabs k-population-tabs", **aria(label="Analyses"))


def invitation(examples: Sequence[tuple[str, PopulationAddress]]) -> html.Div:
    """Stands where a matrix would be."""
    links = [html.P(html.A(words, href=view.href())) for words, view in examples]
    return alerts.empty(
        "Who connects to whom",
        html.P(
            "Choose a table and a filter for the presynaptic cells, and others for the postsynaptic if they differ."
        ),
        *links,
    )


def sets(view: PopulationAddress, pair: Pair, *, read: bool) -> html.Div:
    """What is known of both sets, in a menu once their synapses are `read`; their skeletons, and both in a viewer."""
    titles = (
        "set",
        "cells counted",
        "cells named",
        *(("proofread",) if pair.requested[0].of_whole_cells else ("axon proofread", "dendrite proofread")),
        "several somata",
        "repeated ids",
    )
    rows = [
        _set_row("Presynaptic", pair.pre, pair.requested[0]),
        _set_row("Postsynaptic", pair.post, pair.requested[1]),
    ]
    head = html.Thead(html.Tr([html.Td(), *(html.Th(title, scope="col") for title in titles)]))
    table = html.Table([head, html.Tbody(rows)], className="k-table k-sets", **aria(label="The sets"))
    shown: Any = html.Div(table, className="k-scroll", tabIndex="0", role="region", **aria(label="The sets"))
    if read:
        shown = html.Details(
            [html.Summary("Sets"), html.Div(shown, className="k-menu")], className="k-drop k-sets-drop"
        )
    requested = {"presynaptic": view.pre_set, "postsynaptic": view.post_set}
    walls = [
        html.A(name, href=WallAddress(view.datastack, view.version, cells).href())
        for name, cells in requested.items()
        if cells
    ]
    skeletons = html.Span(["Skeletons: ", *separated(walls)])
    link = html.Div(id="pop-link", className="k-link")
    return html.Div([None if read else shown, html.Div([shown if read else None, skeletons, link], className="k-line")])


def offer(view: PopulationAddress, requests: int) -> html.Div:
    """What reading will take, and the way to begin."""
    words = "about 1 request" if requests == 1 else f"about {requests:,} requests"
    go = html.A("Read the synapses", href=replace(view, read="on").href(), className="btn btn-primary", id="pop-read")
    return html.Div([html.P(f"Reading the synapses among these cells takes {words} to CAVE."), go], className="k-offer")


def under_way(job: Job) -> html.Div:
    """Stands where the matrix will be while a long reading goes on."""
    cancel = html.Button("Cancel", id="pop-cancel", type="button", className="btn btn-outline-secondary btn-sm")
    return html.Div(
        [
            html.Div(progress(job), id="pop-progress", role="status"),
            cancel,
            dcc.Store(id="pop-job", data=job.id),
            dcc.Interval(id="pop-poll", interval=POLL_MS),
        ],
        className="k-offer",
    )


def progress(job: Job) -> list[Any]:
    """How far a job is."""
    left = f", about {job.seconds_left:,.0f} s left" if job.seconds_left is not None and job.state == "reading" else ""
    words = {
        "waiting": "Waiting for its turn.",
        "reading": _under_way(job) + f"{left}.",
        "cancelled": "Cancelled. What was read is kept.",
        "failed": job.message,
        "done": "Done.",
    }
    extent: dict[str, Any] = {"value": str(job.done), "max": str(job.total)} if job.total else {}
    bar = html.Progress(**extent, **aria(label="Progress"))
    return [html.P(words[job.state]), bar]


def _under_way(job: Job) -> str:
    if job.of == "permutations":
        return f"{job.done:,} of {job.total:,} permutations counted"
    if job.of == "answers":
        return f"Looking up the cells of the sets, {job.done:,} requests so far"
    if not job.total:
        return "Looking up the sets"
    return f"{job.done:,} of {job.total:,} chunks read, {job.rows:,} synapses"


def results(view: PopulationAddress, plot: Plot, note: str, files: Any) -> list[Any]:
    """The matrix of a population that was read, and the places of what is drawn after it."""
    drawn = [
        html.Div([html.H2(plot.title), html.P(note, className="k-hint")], className="k-titled"),
        _matrix(plot.figure.result, replace(view, row="", column="").href()),
        html.P("Click an entry to list its synapses.", className="k-hint"),
        cell_figures.figure_files(plot.name, "population"),
    ]
    return [
        html.Section(
            [html.Div(drawn, **data(title=plot.title)), files],
            className="k-matrix",
            **aria(label="Matrix"),
            **data(of=replace(view, row="", column="").href()),
        ),
        html.Div(id="pop-entry"),
        html.Div(id="pop-chance"),
    ]


def _matrix(figure: Figure, href: str) -> Any:
    """A matrix as a table, each entry of which leads to its synapses; one of too many cells, or with trees, as a
    plot, whose code is three times as large as all else on the page."""
    if is_table(figure):
        place = html.Table(id="pop-table", hidden=True, className="k-matrix", **aria(label="Matrix"))
        store = dcc.Store(id="pop-table-of", data={"figure": figure, "href": href})
        kept = {"minHeight": HEAD_PX + ROW_PX * len(figure["layout"]["meta"]["rows"])}
        return html.Div(
            [place, store],
            className="k-matrix-place",
            style=kept,
            tabIndex="0",
            role="region",
            **aria(label="Entries"),
        )
    return dcc.Graph(
        id="pop-matrix",
        figure=figure,
        config=CONFIG | {"modeBarButtons": [["zoom2d", "pan2d", "resetScale2d"]]},
        responsive=True,
        style={"height": figure["layout"]["height"]},
    )


def panel() -> html.Div:
    """Where what is looked at will be."""
    return html.Div(alerts.loading("Computing…"), id="pop-panel")


def file(view: PopulationAddress, kind: str, words: str, **more: str) -> html.Div:
    """Links to the files of one answer of the API about the sets."""
    requests = _sets(view) | _entry(view) | more
    query = urlencode({name: text for name, text in requests.items() if text}, quote_via=quote, safe="~")
    return file_links(words, f"/api/v1/{view.datastack}/{view.version}/populations/{kind}?{query}")


def _sets(view: PopulationAddress) -> dict[str, str]:
    """What the API is asked for the sets of a view."""
    return {"pre": view.pre_set, "post": view.post_set, "proofread": view.proofread, "synapses": view.synapses}


def _entry(view: PopulationAddress) -> dict[str, str]:
    """What the API is asked for the entry of the matrix that a view is of alone."""
    if not (view.row and view.column):
        return {}
    return {"pre_by": view.pre_by, "post_by": view.post_by, "row": view.row, "column": view.column}


def files(view: PopulationAddress) -> html.Div:
    """Links to the files of a matrix, of all its entries."""
    shape, whole = {"pre_by": view.pre_by, "post_by": view.post_by}, replace(view, row="", column="")
    parts: list[Any] = [file(whole, "edges", "Edges:"), file(whole, "matrix", "Matrix:", **shape, value=view.value)]
    if view.model != NO_MODEL:
        drawn = {"model": view.model, "permutations": view.permutations, "seed": view.seed}
        parts.append(file(whole, "null", "Chance:", **shape, **drawn))
    query = urlencode({name: text for name, text in _sets(view).items() if text}, quote_via=quote, safe="~")
    script = f"/api/v1/{view.datastack}/{view.version}/populations/python?{query}"
    parts.append(html.A("caveclient script", href=script, download="edges.py"))
    return html.Div(parts, className="k-population-files")


MEASURES = (("size", "size (vx)", ",.0f"), ("depth_um", "depth (µm)", ",.1f"))


def entry(view: PopulationAddress, synapses: pd.DataFrame, viewer: Link | None) -> html.Section:
    """The synapses of one entry of the matrix: id, pre_root_id, post_root_id, and size and depth_um where they
    are known."""
    close = html.A("Close", href=replace(view, row="", column="").href())
    title = f"{counted(len(synapses), 'synapse')} of {view.row} onto {view.column}"
    titles_of = {name: title for name, title, _ in MEASURES if name in synapses}
    titles = ("synapse id", "presynaptic cell", "postsynaptic cell", *titles_of.values())
    rows = [_synapse(view, row) for row in synapses.head(MOST_LISTED).to_dict("records")]
    left = f"The first {MOST_LISTED} are listed." if len(synapses) > MOST_LISTED else ""
    return html.Section(
        [
            html.Div([html.H2(title), close], className="k-panel-top"),
            tray.collector([*synapses["pre_root_id"], *synapses["post_root_id"]], f"{view.row} onto {view.column}"),
            neuroglancer_link(viewer, "these synapses") if viewer else None,
            long_table("Synapses", titles, rows, (), left),
            file(view, "edges", "Edges of this entry:"),
        ],
        className="k-listed",
    )


def chance(plot: Plot, notes: Sequence[str]) -> html.Section:
    """Observed by expected."""
    figure = plot.figure.result
    style = {"height": figure["layout"]["height"]}
    graph = dcc.Graph(id="pop-null", figure=figure, config=CONFIG, responsive=True, style=style)
    hints = [html.P(note, className="k-hint") for note in notes]
    drawn = [html.H2(plot.title), graph, *hints, cell_figures.figure_files(plot.name, "population")]
    return html.Section(html.Div(drawn, **data(title=plot.title)), className="k-matrix", **aria(label="Against chance"))


def status(pair: Pair) -> list[Any]:
    """Which sets these are, of which version and day."""
    same = pair.pre.text == pair.post.text and len(pair.pre) == len(pair.post)
    onto = "each other" if same else f"{len(pair.post):,} cells"
    return [
        html.Strong(f"{len(pair.pre):,} cells onto {onto}"),
        " · ",
        glossary.datastack(pair.release.datastack, pair.release.profile.description),
        f" · {pair.release.version.words}",
    ]


def _set_row(name: str, counting: CellSet, cell_set: CellSet) -> html.Tr:
    proofread = (cell_set.num_axons, cell_set.num_dendrites)
    known = (*(proofread[:1] if cell_set.of_whole_cells else proofread), cell_set.num_multi_soma)
    numbers = ["not known" if number is None else f"{number:,}" for number in known]
    cells = [
        cell_set.text[:120].removesuffix(":"),
        f"{len(counting):,}",
        f"{len(cell_set):,}",
        *numbers,
        f"{cell_set.num_repeated:,}",
    ]
    return html.Tr([html.Th(name, scope="row"), *map(html.Td, cells)])


def _synapse(view: PopulationAddress, row: Mapping[Any, Any]) -> list[Cell]:
    ends = [str(row[f"{end}_root_id"]) for end in ("pre", "post")]
    at = CellAddress(view.datastack, view.version)
    links = [link(root, replace(at, cell=root).href(), "k-id") for root in ends]
    return [str(row["id"]), *links, *(_number(row[name], form) for name, _, form in MEASURES if name in row)]


def _number(value: float, form: str) -> str:
    return "" if pd.isna(value) else format(value, form)
