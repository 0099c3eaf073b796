"""The plots of the table viewer and the form that chooses among them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd
from dash import dcc, html

from components import cell_figures, controls
from components.attributes import aria, data
from components.cell_card import counted
from components.cell_figures import Plot
from components.figures.counts import MOST_BARS
from components.figures.scatter import is_small_part
from components.figures.template import CONFIG
from services.core.columns import default_group, groupable
from services.views.addresses import TABLE_PAGE, TableAddress

if TYPE_CHECKING:
    from services.core.columns import Column
    from services.core.profiles import LayerSet
    from services.tables.plots import Bars
    from services.tables.tables import TableFrame

KINDS: tuple[controls.Option, ...] = (
    {"label": "Count by value", "value": "counts"},
    {"label": "Scatter", "value": "scatter"},
    {"label": "Map from the side", "value": "side"},
    {"label": "Map from the top", "value": "top"},
    {"label": "Histogram", "value": "histogram"},
)
SCATTER_CONFIG: Any = CONFIG | {
    "modeBarButtons": [["drawclosedpath", "drawrect", "zoom2d", "pan2d", "resetScale2d", "toImage"]],
    "locales": {"en-US": {"dictionary": {"Draw closed freeform": "Lasso", "Draw rectangle": "Box"}}},
}


def plot_form(
    view: TableAddress,
    table: TableFrame,
    axes: Sequence[Column],
    chosen: tuple[Column, Column] | None,
    layer_sets: Sequence[controls.Option] = (),
) -> Any:
    """What to plot, of which columns, coloured by which, with whose layers."""
    kinds = [kind for kind in KINDS if kind["value"] == "counts" or chosen]
    fields = [controls.choice("Plot", "plot", "plot-kind", view.plot, kinds)]
    if view.plot in ("scatter", "histogram") and chosen:
        fields.append(controls.choice("Horizontal", "x", "plot-x", chosen[0].name, _options(axes)))
    if view.plot == "scatter" and chosen:
        fields.append(controls.choice("Vertical", "y", "plot-y", chosen[1].name, _options(axes)))
    if groups := groupable(table.columns):
        colour = view.group_by or default_group(table.columns) or ""
        fields.append(controls.choice("Group and colour by", "group_by", "group-by", colour, _options(groups)))
    deep = view.plot == "side" or (view.plot == "scatter" and chosen and "depth" in chosen[1].name)
    if deep and len(layer_sets) > 1:
        key = view.layers or layer_sets[0]["value"]
        fields.append(controls.choice("Layers", "layers", "plot-layers", key, layer_sets))
    return html.Form(fields, action=TABLE_PAGE, className="k-plot-form", **data(view="1"))


def comparable(table: TableFrame) -> list[Column]:
    """Those of them whose values can be the same as those of another: words, true and false."""
    return [column for column in groupable(table.columns) if column.kind != "number"]


def counts_figure(plot: Plot, values: pd.Series, href: Callable[[Any], str]) -> list[Any]:
    """Rows by value. `href` gives the address that a click on one of the `values` (None = blank) leads to."""
    if values.empty:
        return [html.P("There are no rows to count.", className="k-muted")]
    bars = plot.figure.result
    alone = values.iloc[: len(bars["data"][0]["y"]) - (len(values) > MOST_BARS)]  # the last may be of many
    leads_to = [href(None if pd.isna(value) else value) for value in alone]
    for trace in bars["data"]:
        trace["customdata"] = leads_to
    caption = "Solid: the root id has one row only. Pale: it has several. Click a bar to filter by it."
    return _drawn(plot, caption)


def histogram_figure(plot: Plot, bars: Bars, href: Callable[[str], str]) -> list[Any]:
    """How often the numbers of a column occur. `href` gives the address that a click on a bar leads to, of its box."""
    shown, whole = int(bars.counts.to_numpy().sum()), sum(bars.totals)
    if not shown:
        return [html.P("No row that is shown has a number.", className="k-muted")]
    for trace in plot.figure.result["data"]:
        trace["customdata"] = [href(box) if box else "" for box in bars.boxes]
    with_number = f"{counted(shown, 'row')} with a number"
    if shown < whole:
        scales = (" (scale at the left)", " (at the right)") if is_small_part(bars) else ("", "")
        with_number = f"Solid: {counted(shown, 'row')} shown{scales[0]}; pale: all {whole:,} with a number{scales[1]}"
    blank = f" {counted(bars.blank, 'row')} shown without." if bars.blank else ""
    return _drawn(plot, f"{with_number}.{blank} Click a bar to filter by it.")


def scatter_figure(plot: Plot, drawn: int, whole: int, layers: LayerSet | None) -> list[Any]:
    """A dot for each of the rows `drawn`, which may be thinned out of `whole` ones, and a sentence on its `layers`."""
    if not whole:
        return [html.P("No row that is shown has both numbers.", className="k-muted")]
    thin = f"{drawn:,} of {whole:,} rows are drawn. " if drawn < whole else f"{counted(whole, 'row')}. "
    hint = thin + "Draw around dots to keep them; click one to see which row it is."
    hint = f"{hint} {layers.sentence}" if layers and layers.layers and layers.sentence else hint
    return _drawn(plot, hint, SCATTER_CONFIG)


def picked(count: int, keep: str | None, onwards: Sequence[Any]) -> list[Any]:
    """How many rows lie within what was drawn, and the ways on: keep only these, or `onwards`."""
    parts: list[Any] = [html.Strong(counted(count, "row")), " picked; the Neuroglancer link shows them. "]
    if not count:
        parts = [html.Span("No rows there. ", className="k-muted")]
    elif keep:
        parts.append(html.A("Keep only these", href=keep))
    else:
        parts.append(html.Span("They cannot be kept: draw a smaller outline."))
    if count:
        parts += [part for way in onwards for part in (" · ", way)]
    clear = {"type": "table-unpick", "of": "plot"}
    return [
        *parts,
        html.Button(
            "Clear",
            id=clear,
            type="button",
            className="btn btn-sm btn-link k-deselect",
            **aria(label="Clear picked rows"),
        ),
    ]


def no_numbers() -> list[Any]:
    """Stands where a plot would be."""
    return [html.P("This table has no numbers to plot.", className="k-muted")]


def blank(column: str) -> str:
    """What rows without a value of a column are called."""
    return f"no {column.replace('_', ' ')}" if column else ""


def _drawn(plot: Plot, hint: str, config: Any = CONFIG) -> list[Any]:
    figure = plot.figure.result
    graph = dcc.Graph(
        id={"type": "table-graph", "of": "plot"},
        figure=figure,
        config=config,
        responsive=True,
        style={"height": figure["layout"]["height"]},
    )
    parts = [graph, html.P(hint, className="k-hint"), cell_figures.figure_files(plot.name, "table")]
    return [html.Div(parts, **data(title=plot.title))]


def _options(columns: Iterable[Column]) -> list[controls.Option]:
    return [{"label": column.name, "value": column.name} for column in columns]
