"""What became of a cell's partners between two versions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pandas as pd
from dash import html

from components.attributes import aria
from components.partner_panel import FORMATS
from services.urls import NO_TYPES, ConnectivityView

if TYPE_CHECKING:
    from services.changes import Changes

MOST_ROWS = 200
WAYS = {"in": "Input", "out": "Output"}


def changes(view: ConnectivityView, told: Sequence[Changes]) -> list[Any]:
    """A sentence and the partners that are not the same, for each direction, and all of them as files."""
    return [html.Section([html.H2("Changes between versions"), *(_side(view, one) for one in told)])]


def _files(view: ConnectivityView, told: Changes) -> html.P:
    """All partners of both versions, the same ones included."""
    ends = {one.version.number: one for one in (told.older, told.newer)}
    here = ends.pop(int(view.version))
    (other,) = ends
    types = "" if view.type_table == NO_TYPES else f"&types={quote(view.type_table)}"
    path = f"/api/v1/{quote(view.datastack)}/{view.version}/cells/{here.cell.root_id}/changes"
    href = f"{path}?against={other}&direction={told.direction}{types}"
    links = [html.A(words, href=f"{href}&format={form}", download="") for form, words in FORMATS.items()]
    return html.P([f"All {len(told.partners):,} partners: ", *links], className="k-hint k-files-line")


def _side(view: ConnectivityView, told: Changes) -> html.Details:
    rows = told.partners[told.partners["status"] != "same"]
    old, new = told.older.version.number, told.newer.version.number
    titles = [
        "change",
        f"root id in v{old}",
        f"root id in v{new}",
        f"synapses in v{old}",
        f"in v{new}",
        "difference",
        "known again by",
    ]
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
        [
            html.Summary(told.sentence),
            _files(view, told),
            html.Div(table, className="k-scroll k-synapses", tabIndex="0")
            if len(rows)
            else html.P("No partner was gained, lost or changed.", className="k-hint"),
        ],
        className="k-plot",
    )


def _left(count: int) -> str:
    return f"The largest {MOST_ROWS} of {count:,} changes." if count > MOST_ROWS else ""


def _row(row: Mapping[Any, Any], types: Sequence[str]) -> html.Tr:
    ids = ["" if pd.isna(row[name]) else str(row[name]) for name in ("root_id_old", "root_id_new")]
    counts = [f"{row['num_syn_old']:,}", f"{row['num_syn_new']:,}", f"{row['delta']:+,}"]
    known = str(row["matched_by"])
    kinds = ["" if pd.isna(row[name]) else str(row[name]) for name in types]
    return html.Tr([html.Th(row["status"], scope="row"), *(html.Td(text) for text in (*ids, *counts, known, *kinds))])
