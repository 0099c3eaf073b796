"""The parts of the start page: three doors, each with examples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dash import dcc, html

from components import alerts, later, tour
from components.cell_card import counted
from components.figures.thumbnail import thumbnail
from components.shell import heading
from services.core.directions import Direction
from services.views.addresses import CONNECTIVITY_PAGE, TABLE_PAGE, TableAddress

if TYPE_CHECKING:
    from services.core.profiles import Profile
    from services.core.records import TableInfo, Version
    from services.views.start import CellExample, PairExample, TypeExample

PURPOSE = "Browse cell types, read the partners of neurons and open them in Neuroglancer, through CAVE."


def page(query: Mapping[str, Any]) -> html.Div:
    """The doors; what they lead to is still to come."""
    types = html.Div(alerts.loading("Reading the types…"), id="home-types")
    cells = later.place("home-cells", alerts.loading("Reading example cells…"))
    pairs = html.Div(alerts.loading("Comparing them…"), id="home-pairs")
    doors = [
        _door("Browse a cell type", TABLE_PAGE, "All rows of a table: filter, plot, export.", types),
        _door("Look up a cell", CONNECTIVITY_PAGE, "Its inputs and outputs, and how far to trust them.", cells),
        _door("Compare cells", CONNECTIVITY_PAGE, "The partners they share, the synapses among them.", pairs),
    ]
    return html.Div(
        [
            html.Div(
                [heading("Read a connectome"), html.P([PURPOSE, " ", tour.starter()], className="k-lead")],
                className="k-hero",
            ),
            html.P(id="home-about", className="k-muted k-about"),
            html.Div(id="alerts"),
            html.Div(id="recent", className="k-recent"),
            html.Div(doors, className="k-doors"),
            html.Section(
                [html.H2("Tables"), html.Div(alerts.loading("Asking CAVE what there is…"), id="home-tables")],
                className="k-panel",
            ),
            dcc.Store(id="home-query", data=dict(query)),
        ],
        className="k-home",
    )


def about(profile: Profile, version: Version) -> list[Any]:
    """What the datastack is, and as of when."""
    when = f"version {version.number} of {version.timestamp:%d %B %Y}"
    return [html.Strong(profile.title), f" · {profile.datastack}, {when}. {profile.description}"]


def tables(datastack: str, version: Version, listed: Sequence[TableInfo]) -> html.Ul:
    """A link to each table, with its rows."""
    place = (datastack, str(version.number))
    links = [_line(TableAddress(*place, info.name).href(), info.name, _rows(info)) for info in listed]
    return html.Ul(links, className="k-columns")


def types(listed: Sequence[TypeExample]) -> Any:
    """A link to the cells of each type, with their number and layer, and one to those of all."""
    if not listed:
        return html.P("No table of this datastack has cell types.", className="k-hint")
    lines = [
        _line(
            cell_type.address.href(),
            [html.Span(className="k-swatch", style={"backgroundColor": cell_type.colour}), cell_type.name],
            " · ".join(filter(None, [cell_type.layer, counted(cell_type.rows, "cell")])),
        )
        for cell_type in listed
    ]
    return html.Ul([*lines, _line(replace(listed[0].address, boxes={}).href(), "All types, counted", "")])


def cells(listed: Sequence[CellExample]) -> Any:
    """A card for each cell: its skeleton, type, layer, counts, and why it is worth a look."""
    if not listed:
        return html.P("Type an id above: no table of this datastack names cells.", className="k-hint")
    return html.Ul([_card(cell.address.href(), [_skeleton(cell)], *_words(cell)) for cell in listed])


def pairs(listed: Sequence[PairExample]) -> html.Ul:
    """A card for each pair of cells: both skeletons, and what they share."""
    return html.Ul(
        [_card(pair.address.href(), [_skeleton(cell) for cell in pair.cells], *_shared(pair)) for pair in listed]
    )


def _door(title: str, href: str, words: str, examples: Any) -> html.Section:
    link = html.H2(html.A(title, href=href))
    return html.Section([link, html.P(words, className="k-muted"), examples], className="k-panel k-door")


def _line(href: str, name: Any, words: str) -> html.Li:
    return html.Li([html.A(name, href=href), html.Span(words, className="k-muted")])


def _card(href: str, pictures: Sequence[Any], title: str, *lines: str) -> html.Li:
    words = [html.Strong(title), *(html.Span(line, className="k-muted") for line in lines)]
    parts = [html.Span(pictures, className="k-pictures"), html.Span(words, className="k-words")]
    return html.Li(html.A(parts, href=href, className="k-example"))


def _skeleton(cell: CellExample) -> html.Img | None:
    return html.Img(src=thumbnail(cell.lines), alt="", className="k-thumbnail") if cell.lines else None


def _words(cell: CellExample) -> list[str]:
    counts = ", ".join(f"{cell.synapses[way]:,} {way.noun}s" for way in Direction)
    return [_title(cell), counts, cell.why, cell.address.cell]


def _shared(pair: PairExample) -> list[str]:
    shared = [counted(pair.shared[way], f"shared {way.noun} partner") for way in Direction]
    between = "not known" if pair.between is None else counted(pair.between, "synapse")
    return [" and ".join(map(_title, pair.cells)), *shared, f"Between them: {between}"]


def _title(cell: CellExample) -> str:
    return " · ".join(filter(None, [cell.cell_type or "no type", cell.layer]))


def _rows(info: TableInfo) -> str:
    return f"{info.row_count:,} rows" if info.row_count is not None else info.kind
