"""Partners summed up by a column, both directions beside each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pandas as pd
from dash import html

from components.attributes import aria
from services.core.directions import Direction
from services.views.addresses import CellAddress

if TYPE_CHECKING:
    from collections.abc import Sequence

COLUMNS = (
    ("num_syn", "synapses", "{:,}"),
    ("pct_of_shown", "% of synapses", "{:.1f}"),
    ("num_partners", "partners", "{:,}"),
    ("syn_per_partner", "synapses a partner", "{:.2f}"),
    ("mean_size", "mean size (vx)", "{:,.0f}"),
)


def type_table(
    view: CellAddress,
    column: str,
    groups: Mapping[str, pd.DataFrame],
    colours: Mapping[str, str],
) -> html.Div:
    """A line for each value of `column`, most synapses first, with those that no partner has, and a line of sums.

    `groups` has a frame of :func:`partner_sets.grouped` for each direction.
    """
    sides = {way: frame.set_index(frame["value"].fillna("")) for way, frame in groups.items()}
    order = sides["in"]["num_syn"].add(sides["out"]["num_syn"], fill_value=0)
    names = sorted(order.index, key=lambda name: (name == "", -order[name], name))
    title = column.replace("_", " ").replace(".", ": ")
    heads = [html.Th(way.noun.capitalize(), colSpan=len(COLUMNS), scope="colgroup") for way in Direction]
    titles = [html.Th(words, scope="col") for _ in Direction for _, words, _ in COLUMNS]
    return html.Div(
        html.Table(
            [
                html.Caption(f"Partners by {title}. Percentages are of the synapses with the partners that count."),
                html.Thead([html.Tr([html.Th(title, rowSpan=2, scope="col"), *heads]), html.Tr(titles)]),
                html.Tbody(
                    [_row(view, {column: f'= "{name}"' if name else "null"}, name, sides, colours) for name in names]
                ),
                html.Tfoot(_sums(groups)),
            ],
            className="k-table k-types",
        ),
        className="k-scroll",
        tabIndex="0",
        role="region",
        **aria(label=f"Partners by {title}"),
    )


def without() -> html.P:
    """Stands where the table would be."""
    return html.P("Choose a table of cell types, and partners are summed up by type.", className="k-muted")


def _row(
    view: CellAddress,
    box: Mapping[str, str],
    name: str,
    sides: Mapping[str, pd.DataFrame],
    colours: Mapping[str, str],
) -> html.Tr:
    swatch = html.Span(className="k-swatch", style={"backgroundColor": colours.get(name, "#9e9e9e")})
    cells: list[Any] = []
    for way, side in sides.items():
        numbers = side.loc[name].to_dict() if name in side.index else {}
        href = replace(view, tab=way, boxes=box, sort=(), where="").href()
        cells += _numbers(numbers, href)
    return html.Tr([html.Th([swatch, name or "no type"], scope="row"), *cells])


def _numbers(numbers: Mapping[Any, Any], href: str) -> Sequence[html.Td]:
    def text(column: str, form: str) -> str:
        value = numbers.get(column)
        none = form.format(0) if column.startswith(("num_", "pct_")) else ""
        return none if value is None or pd.isna(value) else form.format(value)

    texts = [text(column, form) for column, _, form in COLUMNS]
    some = numbers.get("num_syn", 0) > 0
    return [html.Td(html.A(texts[0], href=href) if some else texts[0]), *(html.Td(words) for words in texts[1:])]


def _sums(groups: Mapping[str, pd.DataFrame]) -> html.Tr:
    cells: list[html.Td] = []
    for frame in groups.values():
        synapses, partners = (frame[name].sum() for name in ("num_syn", "num_partners"))
        size = frame["net_size"].sum(skipna=False)
        cells += [
            html.Td(f"{synapses:,}"),
            html.Td("100.0" if synapses else "0.0"),
            html.Td(f"{partners:,}"),
            html.Td(f"{synapses / partners:.2f}" if partners else ""),
            html.Td(f"{size / synapses:,.0f}" if synapses and pd.notna(size) else ""),
        ]
    return html.Tr([html.Th("all", scope="row"), *cells])
