"""Two columns of the table viewer against each other: a matrix of counts, and how far they agree."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dash import dcc, html

from components import controls
from components.attributes import aria, data
from components.cell_card import counted
from components.table_columns import join_choice
from services.views.addresses import TABLE_PAGE, TableAddress

if TYPE_CHECKING:
    from services.core.columns import Column
    from services.filters.values import Value
    from services.tables.crosstabs import CrossTab

MOST_LISTED = 40
"""Values of a side that are drawn: the most frequent ones."""


def compare_form(
    view: TableAddress, columns: Sequence[Column], chosen: tuple[Column, Column] | None, others: Sequence[str]
) -> html.Div:
    """Which of the tables `others` to set beside, and which two of `columns` to compare."""
    # another table brings another column to compare with
    joined = [join_choice("With the table", "compare-join", view, others), dcc.Input(type="hidden", name="right")]
    forms = [_form(joined)]
    if chosen:
        options: list[controls.Option] = [{"label": column.name, "value": column.name} for column in columns]
        left, right = (column.name for column in chosen)
        rows = controls.choice("Rows", "left", "compare-left", left, options)
        forms.append(_form([rows, controls.choice("Columns", "right", "compare-right", right, options)]))
    return html.Div(forms, className="k-plot-form")


def _form(fields: Sequence[Any]) -> html.Form:
    return html.Form(fields, action=TABLE_PAGE, className="k-part", **data(view="1"))


def nothing_to_compare() -> html.P:
    """Stands where a matrix would be."""
    message = "Only one column of this table has categories. Choose another table above to set its types beside."
    return html.P(message, className="k-muted")


def compared(
    crosstab: CrossTab, view: TableAddress, narrowed: Callable[[str], str | None], *, filtered: bool
) -> list[Any]:
    """The figures in words, links to the rows that differ, and the matrix. `narrowed` gives the address of the rows
    that also pass a query line; `filtered` says whether something keeps rows out of the matrix."""
    if not crosstab.total:
        return [html.P("There are no rows to compare.", className="k-muted")]
    scope = "Counted over the rows that the other filters leave. " if filtered else ""
    differ = crosstab.both - crosstab.agree
    links = [("that disagree", differ, crosstab.disagreeing)] if crosstab.shared else []
    links.append((f"outside the majority of their {crosstab.left.title}", crosstab.off_majority, crosstab.minority))
    # a link to all rows of the view would lead nowhere
    ways = [_way(words, count, line, narrowed) for words, count, line in links if count < crosstab.total]
    return [
        html.P(crosstab.sentence(filtered=filtered), className="k-sentence", role="status"),
        html.P([part for way in ways if way for part in (" · ", way)][1:], className="k-sentence"),
        _matrix(crosstab, view),
        html.P(
            f"{scope}The stronger a cell, the larger its share of the rows with both and this {crosstab.left.title}. "
            "Framed: the same value on either side. Click a number to see its rows.",
            className="k-hint",
        ),
    ]


def _way(words: str, count: int, line: str, narrowed: Callable[[str], str | None]) -> Any:
    href = narrowed(line) if line else None
    return html.A(f"Show the {counted(count, 'row')} {words}", href=href) if href else None


def _matrix(crosstab: CrossTab, view: TableAddress) -> html.Div:
    rows, columns = range(len(crosstab.left_values))[:MOST_LISTED], crosstab.diagonal()[:MOST_LISTED]
    valued = [j for j in columns if crosstab.right_values[j] is not None]
    heads = [_head(crosstab, view, (None, j), int(crosstab.counts[:, j].sum()), scope="col") for j in columns]
    head = html.Thead(html.Tr([html.Td(), *heads, html.Th("all", scope="col", className="k-sum")]))
    body = []
    for i in rows:
        whole = int(crosstab.counts[i].sum())
        both = int(crosstab.counts[i, valued].sum())
        cells = [_cell(crosstab, view, (i, j), both if j in valued else whole) for j in columns]
        row_head = _head(crosstab, view, (i, None), whole, scope="row")
        body.append(html.Tr([row_head, *cells, html.Td(f"{whole:,}", className="k-sum")]))
    sums = [html.Td(f"{int(crosstab.counts[:, j].sum()):,}") for j in columns]
    foot = html.Tr([html.Th("all", scope="row"), *sums, html.Td(f"{crosstab.total:,}")], className="k-sum")
    table = html.Table([head, html.Tbody([*body, foot])], className="k-matrix")
    name = f"Rows by {crosstab.left.name} and {crosstab.right.name}"
    place = html.Div(table, className="k-matrix-place", tabIndex="0", role="region", **aria(label=name))
    return html.Div([place, _cut(crosstab, len(rows), len(columns))])


def _cut(crosstab: CrossTab, rows: int, columns: int) -> html.P | None:
    """What of a large matrix is not drawn."""
    listed = ((crosstab.left, crosstab.left_values, rows), (crosstab.right, crosstab.right_values, columns))
    cut = [f"{n} of {len(values)} values of {side.name}" for side, values, n in listed if n < len(values)]
    return html.P(f"Showing {' and '.join(cut)}; sums include all.", className="k-hint") if cut else None


def _head(
    crosstab: CrossTab, view: TableAddress, at: tuple[int | None, int | None], count: int, *, scope: str
) -> html.Th:
    value = crosstab.right_values[at[1]] if at[1] is not None else crosstab.left_values[at[0] or 0]
    link = _link(crosstab, view, at, _word(value), counted(count, "row"))
    return html.Th(html.Span(link), scope=scope, className="k-muted" if value is None else "")


def _cell(crosstab: CrossTab, view: TableAddress, at: tuple[int, int], whole: int) -> html.Td:
    count = int(crosstab.counts[at])
    left, right = crosstab.left_values[at[0]], crosstab.right_values[at[1]]
    frame = "k-same" if left is not None and left == right else ""
    if not count:
        return html.Td("", className=frame)
    share = f"{count / whole:.1%} of the {whole:,} {_word(left)} that have both"
    title = f"{_word(left)} and {_word(right)}: {counted(count, 'row')}"
    blank = left is None or right is None
    shade = {"--share": "0%" if blank else f"{100 * count / whole:.0f}%"}
    return html.Td(
        _link(crosstab, view, at, f"{count:,}", title if blank else f"{title}, {share}"),
        style=shade,
        className=frame,
    )


def _link(crosstab: CrossTab, view: TableAddress, at: tuple[int | None, int | None], text: str, title: str) -> html.A:
    """A link to the rows of a place in the matrix; to all of them where it is chosen already."""
    boxes = crosstab.boxes(*at)
    chosen = all(view.boxes.get(name) == box for name, box in boxes.items())
    href = replace(view, boxes={**view.boxes, **(dict.fromkeys(boxes, "") if chosen else boxes)}).href()
    return html.A(text, href=href, title=title, **(aria(current="true") if chosen else {}))


def _word(value: Value | None) -> str:
    return "blank" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
