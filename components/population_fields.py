"""What the page of populations asks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
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
PROOFREAD_CELLS: tuple[controls.Option, ...] = (
    {"label": "Proofread cells", "value": "axon"},
    {"label": "Proofread cells onto proofread cells", "value": "both"},
    {"label": "All cells", "value": "off"},
)
"""The same where it is known of cells alone whether they are proofread."""
MODEL_WORDS = {
    NO_MODEL: "None",
    "degrees": "Degrees kept",
    "depth": "Depth of synapses kept",
    "distance": "Distance of somata kept",
}
SIDES: tuple[controls.Option, ...] = (
    {"label": "Outputs", "value": "out"},
    {"label": "Inputs", "value": "in"},
    {"label": "Both", "value": "both"},
)
ENDS: tuple[controls.Option, ...] = (
    {"label": "Presynaptic cells", "value": "out"},
    {"label": "Postsynaptic cells", "value": "in"},
)
MEASURES: tuple[controls.Option, ...] = (
    {"label": "Cosine", "value": "cosine"},
    {"label": "Jaccard", "value": "jaccard"},
)


@dataclass(frozen=True)
class Field:
    """What is asked for under a `title`: a text with an example of it, or one of some options. `name` is that of the
    part of the address; `id` that of the control where it is another."""

    name: str
    title: str
    accepts: str | Sequence[controls.Option]
    id: str = ""

    def control(self, view: PopulationAddress) -> html.Div:
        """The field with what a view has in it."""
        id, value = f"pop-{(self.id or self.name).replace('_', '-')}", getattr(view, self.name)
        if isinstance(self.accepts, str):
            return controls.text(self.title, self.name, id, value, self.accepts)
        return controls.choice(self.title, self.name, id, value, self.accepts)


def _words(names: Sequence[str]) -> list[controls.Option]:
    return [{"label": name.replace("_", " "), "value": name} for name in names]


ROWS = Field("pre_by", "Rows by", "cell type, cell, or table.column")
COLUMNS = Field("post_by", "Columns by", "cell type, cell, or table.column")
PERMUTATIONS = Field("permutations", "Permutations", "1000")
SEED = Field("seed", "Seed", "1")
FIELDS_OF: Mapping[str, Sequence[Field]] = {
    "matrix": (
        Field("value", "Value", _words(POPULATION_VALUES)),
        ROWS,
        COLUMNS,
        Field("order", "Order", _words(ORDERS)),
        Field("model", "Against chance", [{"label": MODEL_WORDS[name], "value": name} for name in MODELS]),
        PERMUTATIONS,
        SEED,
    ),
    "distributions": (ROWS, COLUMNS, SEED),
    "motifs": (replace(PERMUTATIONS, accepts="100"), SEED),
    "alike": (
        ROWS,
        COLUMNS,
        Field("direction", "Similarity of", SIDES),
        Field("measure", "By", MEASURES),
        Field("cell", "Similar to cell", "root id; none for clusters"),
        Field("clusters", "Clusters", "8"),
    ),
    "paths": (
        Field("through", "Through", "both sets, or table:filter, or ids"),
        Field("best", "First", _words(PATH_ORDERS)),
    ),
    "network": (ROWS, COLUMNS),
    "changes": (Field("against", "Against version", "a number"),),
    "beside": (
        Field("direction", "Compare", ENDS, id="side"),
        Field("beside", "with", "table:filter, or ids"),
        COLUMNS,
        Field("compared", "By", _words(COMPARED)),
        SEED,
    ),
}
"""What each panel asks for beside the sets."""


WITHOUT_DEPTH: Mapping[str, Sequence[controls.Option]] = {
    f"pop-{field.name}": [one for one in field.accepts if isinstance(one, dict) and one["value"] != "depth"]
    for field in FIELDS_OF["matrix"]
    if field.name in ("order", "model")
}
"""What the choices offer, by their id, in a volume without depth."""


def fields(view: PopulationAddress) -> list[Any]:
    """The sets of a view, and what its panel asks for beside them."""
    drawn = view.panel != "matrix" or view.model != NO_MODEL
    shown = [field for field in FIELDS_OF[view.panel] if drawn or field not in (PERMUTATIONS, SEED)]
    return [
        controls.choice("Datastack", "datastack", "pop-datastack", view.datastack),
        controls.choice("Version", "version", "pop-version", view.version),
        controls.choice("Presynaptic cells", "pre_table", "pop-pre-table", view.pre_table or IDS, [OF_IDS]),
        controls.text("Filter or ids", "pre", "pop-pre", view.pre, "cell_type = BC"),
        controls.choice("Postsynaptic cells", "post_table", "pop-post-table", view.post_table, [SAME_SET, OF_IDS]),
        controls.text("Filter or ids", "post", "pop-post", view.post, "cell_type = BC"),
        controls.choice("Cells counted", "proofread", "pop-proofread", view.proofread, PROOFREAD),
        controls.text("Synapses where", "synapses", "pop-synapses", view.synapses, "all"),
        *(field.control(view) for field in shown),
    ]
