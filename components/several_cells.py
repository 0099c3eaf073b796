"""Several cells asked for at once: each in a line, and the synapses among them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pandas as pd
from dash import html

from components import glossary
from components.attributes import aria
from components.cell_card import counted
from components.connectivity_page import types_in_words
from components.links import copy_button, copyable, separated
from services.views.addresses import CellAddress, WallAddress

if TYPE_CHECKING:
    from services.cells.connectivity import Connectivity
    from services.core.directions import Direction

TEXTS = 3
"""Columns of ids and words behind the number of a cell; those behind them are NUMBERS."""
NUMBERS = {
    "inputs": ("in", "num_syn"),
    "input partners": ("in", "num_partners"),
    "outputs": ("out", "num_syn"),
    "output partners": ("out", "num_partners"),
    "autapses": ("out", "autapses"),
}


def status(connectivities: Sequence[Connectivity], description: str) -> list[Any]:
    """How many cells these are, of which version and day, with which types. `description` is that of the datastack."""
    first = connectivities[0]
    types = types_in_words(first)
    return [
        html.Strong(f"{len(connectivities)} cells"),
        " · ",
        glossary.datastack(first.datastack, description),
        f" · {first.version.words} · {types}",
    ]


def cells(
    view: CellAddress,
    connectivities: Sequence[Connectivity],
    types: Sequence[str | None],
    matrix: pd.DataFrame,
    shared: Mapping[Direction, int],
) -> html.Section:
    """A line for each cell, numbered, that leads to the cell alone; the synapses among them; and how many partners they
    all have in each direction (`shared`), with a link that shows these alone. `types` are the cells' own, `matrix` is
    of :func:`several_cells.among`."""
    texts = dict.fromkeys(("cell", "root id", "nucleus id", "type"), "k-text")
    deep = ["soma depth (µm)"] if "soma_depth_um" in connectivities[0].inputs else []
    titles = texts | dict.fromkeys((*deep, *NUMBERS), "")
    typed = zip(connectivities, types, strict=True)
    body = [_row(view, place, cell, cell_type) for place, (cell, cell_type) in enumerate(typed, start=1)]
    ids = ", ".join(str(cell.cell.root_id) for cell in connectivities)
    skeletons = html.A("Skeletons side by side", href=WallAddress(view.datastack, view.version, ids).href())
    table = html.Table(
        [
            html.Thead(
                html.Tr([html.Th(title, scope="col", className=class_name) for title, class_name in titles.items()])
            ),
            html.Tbody(body),
        ],
        className="k-table",
        **aria(label="The cells"),
    )
    return html.Section(
        [
            html.Div(
                [
                    html.Div(table, className="k-scroll", tabIndex="0", role="region", **aria(label="The cells")),
                    _among(matrix),
                ],
                className="k-several",
            ),
            html.Div(
                [
                    html.Span(
                        [_shared_by(len(connectivities)), *separated(_shared(view, len(connectivities), shared))]
                    ),
                    skeletons,
                    html.Span(["Root ids ", copy_button(ids, "all root ids")], className="k-copyable"),
                ],
                className="k-line",
            ),
        ],
        **aria(label="The cells that were asked for"),
    )


def _shared_by(cells: int) -> str:
    return f"Partners of {'both' if cells == 2 else f'all {cells}'} cells: "


def _shared(view: CellAddress, cells: int, shared: Mapping[Direction, int]) -> list[Any]:
    ways = {way: replace(view, tab=way, where=f"num_cells = {cells}", boxes={}, sort=(), partner="") for way in shared}
    words = {way: counted(count, f"{way.noun} partner") for way, count in shared.items()}
    return [html.A(words[way], href=ways[way].href()) if count else words[way] for way, count in shared.items()]


def _row(view: CellAddress, place: int, cell: Connectivity, cell_type: str | None) -> html.Tr:
    root = str(cell.cell.root_id)
    address = replace(view, cell=root, id_type="root_id", where="", boxes={}, sort=(), partner="")
    ids = cell.cell.nucleus_ids
    depth = cell.cell.soma_depth_um
    texts: list[Any] = [
        [html.A(root, href=address.href(), className="k-id"), copy_button(root, f"root id of cell {place}")],
        _nuclei(ids, place),
        cell_type or "no type",
        *(["" if depth is None else f"{depth:,.1f}"] if "soma_depth_um" in cell.inputs else []),
        *(f"{cell.totals[way][name]:,}" for way, name in NUMBERS.values()),  # type: ignore[index,literal-required]
    ]
    looks = ["k-text"] * TEXTS + [""] * len(texts)
    cells = [html.Td(text, className=class_name) for text, class_name in zip(texts, looks, strict=False)]
    return html.Tr([html.Th(str(place), scope="row"), *cells])


def _nuclei(ids: Sequence[int] | None, place: int) -> Any:
    if ids is None:
        return "not known"
    return copyable(str(ids[0]), f"nucleus id of cell {place}") if len(ids) == 1 else f"{len(ids):,} nuclei"


def _among(matrix: pd.DataFrame) -> Any:
    """Synapses from each cell (rows) onto each (columns)."""
    places = range(1, len(matrix) + 1)
    top = max((int(count) for count in matrix.to_numpy().ravel() if not pd.isna(count)), default=0)
    head = html.Tr(
        [
            html.Th("synapses from \\ onto", scope="col", title="Autapses are on the diagonal."),
            *(html.Th(str(place), scope="col") for place in places),
        ]
    )
    body = [
        html.Tr([html.Th(str(place), scope="row"), *(_count(count, top) for count in row)])
        for place, row in zip(places, matrix.to_numpy(), strict=True)
    ]
    return html.Div(
        html.Table(
            [
                html.Thead(head),
                html.Tbody(body),
            ],
            className="k-table k-among",
        ),
        className="k-scroll",
        tabIndex="0",
        role="region",
        **aria(label="Synapses among the cells"),
    )


def _count(count: Any, top: int) -> html.Td:
    if pd.isna(count):
        return html.Td("?", title="CAVE cut the synapses of both cells, so the number is not known.")
    share = round(100 * count / top) if top else 0
    mix = f"color-mix(in srgb, var(--k-accent) calc({share}% * var(--k-shade)), transparent)"
    shade = {"background": mix} if count else {}
    return html.Td(f"{count:,}", style=shade, className="" if count else "k-muted")
