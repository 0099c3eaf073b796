"""The values of a table's columns with their counts, each a link to the view that a click on it gives.

Bars are drawn by the style sheet: Dash goes through all components of a page at every change, and these are many.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from dash import html

from components.attributes import aria, data

if TYPE_CHECKING:
    from services.tables.facets import Bar, Facet, FacetValue, Histogram
    from services.tables.systems import OneSystem

FIRST = 8
"""Values of a column that are seen at once."""

Href = Callable[[str, str], str]
"""From the name of a column and the text of its box to the address of the view with that box."""


MOST_SYSTEMS = 12
"""Systems that a sentence names."""


def of_one_system(system: OneSystem | None, href: Callable[[str], str]) -> list[Any]:
    """Of which rows something is, where not of all: those of one system. `href` gives the address of the rows of
    another one."""
    if system is None:
        return []
    parts: list[Any] = [f"{system.sentence} Others: "]
    for name in system.others[:MOST_SYSTEMS]:
        parts += [html.A(name, href=href(name)), ", "]
    more = len(system.others) - MOST_SYSTEMS
    parts[-1] = f", and {more:,} more." if more > 0 else "."
    return [html.P(parts, className="k-hint")]


def facet_panel(facets: Sequence[Facet], histograms: Sequence[Histogram], href: Href) -> list[Any]:
    """Categories first, then numbers."""
    drawn = [_facet(facet, href) for facet in facets if facet.values or facet.timed_out]
    drawn += [_histogram(histogram, href) for histogram in histograms if histogram.bars or histogram.timed_out]
    return drawn or [html.P("This table has no column to count by.", className="k-muted")]


def _facet(facet: Facet, href: Href) -> html.Section:
    name = facet.column.name
    if facet.timed_out:
        return _section(name, facet.column.title, [_late()])
    most = max(value.count for value in facet.values) or 1
    rows = [_value(value, most, href(name, value.box)) for value in facet.values]
    listed: list[Any] = [html.Ul(rows[:FIRST])]
    if len(rows) > FIRST:
        hidden = any(value.chosen for value in facet.values[FIRST:])
        more = [html.Summary(f"{len(rows) - FIRST:,} more"), html.Ul(rows[FIRST:])]
        listed.append(html.Details(more, open=hidden))
    return _section(name, facet.column.title, listed)


def _value(value: FacetValue, most: int, href: str) -> html.Li:
    word = "blank" if value.value is None else str(value.value).lower() if value.value in (True, False) else value.value
    link = html.A(
        [str(word), html.Span(f"{value.count:,}", className="k-count")],
        href=href,
        title=f"{value.count:,} now, {value.total:,} in the whole table",
        className="k-facet" + ("" if value.count and value.value is not None else " k-none"),
        style={"--share": f"{100 * value.count / most:.1f}%"},
        **(aria(current="true") if value.chosen else {}),
    )
    return html.Li(link)


def _histogram(histogram: Histogram, href: Href) -> html.Section:
    column = histogram.column
    if histogram.timed_out:
        return _section(column.name, column.heading, [_late()])
    most = max(bar.total for bar in histogram.bars) or 1
    bars = html.Div([_bar(bar, most, column.name, href) for bar in histogram.bars], className="k-histogram")
    ends = [html.Span(_number(histogram.bars[0].low)), html.Span(_number(histogram.bars[-1].high))]
    blank = f"{histogram.blank:,} blank" if histogram.blank else ""
    scale = html.Div([ends[0], html.Span(blank), ends[1]], className="k-scale")
    return _section(column.name, column.heading, [bars, scale])


def _bar(bar: Bar, most: int, name: str, href: Href) -> Any:
    heights = {"--whole": f"{100 * bar.total / most:.1f}%", "--now": f"{100 * bar.count / most:.1f}%"}
    if not bar.box:
        return html.Span(style=heights)
    title = f"{_number(bar.low)} to {_number(bar.high)}: {bar.count:,} now, {bar.total:,} in the whole table"
    return html.A(
        href=href(name, bar.box),
        style=heights,
        title=title,
        tabIndex="-1",  # the column's box takes a range from the keyboard
        draggable="false",
        **aria(label=f"{name} {title}"),
        **data(column=name, box=bar.box),
    )


def _section(name: str, title: str, children: Sequence[Any]) -> html.Section:
    return html.Section(
        [html.H2(title, title=name), *children], className="k-facets", **aria(label=f"Values of {name}")
    )


def _late() -> html.P:
    return html.P("Not counted in time. Narrow the filter.", className="k-hint")


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"
