"""What became of a cell's partners between two versions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd
from dash import html

from components.attributes import aria

if TYPE_CHECKING:
    from services.changes import Changes

MOST_ROWS = 200
WAYS = {"in": "Input", "out": "Output"}


def changes(told: Sequence[Changes]) -> list[Any]:
    """A sentence and the partners that are not the same, for each direction."""
    return [
        html.Section([html.H2(told[0].sentence if len(told) == 1 else "Changes between versions"), *map(_side, told)])
    ]


def _side(told: Changes) -> html.Details:
    rows = told.partners[told.partners["status"] != "same"]
    old, new = told.older.version.number, told.newer.version.number
    titles = ["change", f"root id in v{old}", f"root id in v{new}", f"synapses in v{old}", f"in v{new}", "difference"]
    types = [name for name in rows.columns if name == "cell_type"]
    table = html.Table(
        [
            html.Caption(_left(len(rows))),
            html.Thead(
                html.Tr([html.Th(title, scope="col") for title in [*titles, *(["cell type"] if types else [])]])
            ),
            html.Tbody([_row(row, types) for row in rows.head(MOST_ROWS).to_dict("records")]),
        ],
        className="k-table",
        **aria(label=f"{WAYS[told.direction]} partners that changed"),
    )
    return html.Details(
        [html.Summary(told.sentence), html.Div(table, className="k-scroll k-synapses", tabIndex="0")],
        className="k-plot",
    )


def _left(count: int) -> str:
    return f"The largest {MOST_ROWS} of {count:,} changes." if count > MOST_ROWS else ""


def _row(row: Mapping[Any, Any], types: Sequence[str]) -> html.Tr:
    ids = ["" if pd.isna(row[name]) else str(row[name]) for name in ("root_id_old", "root_id_new")]
    counts = [f"{row['num_syn_old']:,}", f"{row['num_syn_new']:,}", f"{row['delta']:+,}"]
    kinds = ["" if pd.isna(row[name]) else str(row[name]) for name in types]
    return html.Tr([html.Th(row["status"], scope="row"), *(html.Td(text) for text in (*ids, *counts, *kinds))])
