"""What the page of populations asks for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dash import html

from components import controls
from services.views.addresses import (
    COMPARED,
    IDS,
    MODELS,
    NO_MODEL,
    ORDERS,
    PATH_ORDERS,
    POPULATION_VALUES,
    SAME,
    PopulationAddress,
)

OF_IDS: controls.Option = {"label": "Pasted ids", "value": IDS}
SAME_SET: controls.Option = {"label": "The same set", "value": SAME}
PROOFREAD: tuple[controls.Option, ...] = (
    {"label": "Proofread axons", "value": "axon"},
    {"label": "Proofread axons onto proofread dendrites", "value": "both"},
    {"label": "All cells", "value": "off"},
)
MODEL_WORDS = {
    NO_MODEL: "None",
    "degrees": "Degrees kept",
    "depth": "Depth of synapses kept",
    "distance": "Distance of somata kept",
}
DIRECTIONS: tuple[controls.Option, ...] = (
    {"label": "Outputs", "value": "out"},
    {"label": "Inputs", "value": "in"},
    {"label": "Both", "value": "both"},
)
SIDES: tuple[controls.Option, ...] = (
    {"label": "Presynaptic cells", "value": "out"},
    {"label": "Postsynaptic cells", "value": "in"},
)
MEASURES: tuple[controls.Option, ...] = (
    {"label": "Cosine", "value": "cosine"},
    {"label": "Jaccard", "value": "jaccard"},
)


def fields(view: PopulationAddress) -> list[Any]:
    """The sets of a view, and what its panel asks for beside them."""
    return [
        controls.choice("Datastack", "datastack", "pop-datastack", view.datastack),
        controls.choice("Version", "version", "pop-version", view.version),
        controls.choice("Presynaptic cells", "pre_table", "pop-pre-table", view.pre_table or IDS, [OF_IDS]),
        controls.text("where, or ids", "pre", "pop-pre", view.pre, "cell_type = BC"),
        controls.choice("Postsynaptic cells", "post_table", "pop-post-table", view.post_table, [SAME_SET, OF_IDS]),
        controls.text("where, or ids", "post", "pop-post", view.post, "cell_type = BC"),
        controls.choice("Which count", "proofread", "pop-proofread", view.proofread, PROOFREAD),
        *(field(view) for field in FIELDS_OF[view.panel]),
    ]


def _shown(view: PopulationAddress) -> html.Div:
    return controls.choice("Value", "value", "pop-value", view.value, _words(POPULATION_VALUES))


def _rows(view: PopulationAddress) -> html.Div:
    return controls.text("Rows by", "pre_by", "pop-pre-by", view.pre_by, "cell type, cell, or table.column")


def _columns(view: PopulationAddress) -> html.Div:
    return controls.text("Columns by", "post_by", "pop-post-by", view.post_by, "cell type, cell, or table.column")


def _order(view: PopulationAddress) -> html.Div:
    return controls.choice("Order", "order", "pop-order", view.order, _words(ORDERS))


def _model(view: PopulationAddress) -> html.Div:
    return controls.choice("Against chance", "model", "pop-model", view.model, _models())


def _permutations(view: PopulationAddress) -> html.Div | None:
    usual = "100" if view.panel == "motifs" else "1000"
    drawn = controls.text("Permutations", "permutations", "pop-permutations", view.permutations, usual)
    return drawn if _draws(view) else None


def _seed(view: PopulationAddress) -> html.Div | None:
    return controls.text("Seed", "seed", "pop-seed", view.seed, "1") if _draws(view) else None


def _draws(view: PopulationAddress) -> bool:
    return view.panel == "motifs" or view.model != NO_MODEL


def _direction(view: PopulationAddress) -> html.Div:
    return controls.choice("Alike in", "direction", "pop-direction", view.direction, DIRECTIONS)


def _measure(view: PopulationAddress) -> html.Div:
    return controls.choice("By", "measure", "pop-measure", view.measure, MEASURES)


def _cell(view: PopulationAddress) -> html.Div:
    return controls.text("Like cell", "cell", "pop-cell", view.cell, "root id; none for clusters")


def _clusters(view: PopulationAddress) -> html.Div:
    return controls.text("Clusters", "clusters", "pop-clusters", view.clusters, "8")


def _through(view: PopulationAddress) -> html.Div:
    return controls.text("Through", "through", "pop-through", view.through, "both sets, or table:filter, or ids")


def _best(view: PopulationAddress) -> html.Div:
    return controls.choice("First", "best", "pop-best", view.best, _words(PATH_ORDERS))


def _against(view: PopulationAddress) -> html.Div:
    return controls.text("Against version", "against", "pop-against", view.against, "a number")


def _side(view: PopulationAddress) -> html.Div:
    return controls.choice("Compare", "direction", "pop-side", view.direction, SIDES)


def _beside(view: PopulationAddress) -> html.Div:
    return controls.text("with", "beside", "pop-beside", view.beside, "table:filter, or ids")


def _compared(view: PopulationAddress) -> html.Div:
    return controls.choice("By", "compared", "pop-compared", view.compared, _words(COMPARED))


FIELDS_OF: Mapping[str, Sequence[Callable[[PopulationAddress], Any]]] = {
    "matrix": (_shown, _rows, _columns, _order, _model, _permutations, _seed),
    "distributions": (_rows, _columns),
    "motifs": (_permutations, _seed),
    "alike": (_rows, _columns, _direction, _measure, _cell, _clusters),
    "paths": (_through, _best),
    "network": (_rows, _columns),
    "changes": (_against,),
    "beside": (_side, _beside, _columns, _compared),
}
"""What each panel asks for beside the sets."""


def _words(names: Sequence[str]) -> list[controls.Option]:
    return [{"label": name.replace("_", " "), "value": name} for name in names]


def _models() -> list[controls.Option]:
    return [{"label": MODEL_WORDS[name], "value": name} for name in MODELS]
