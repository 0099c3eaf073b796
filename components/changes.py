"""What became of a cell's partners between two versions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pandas as pd
from dash import html

from components.attributes import aria
from components.partner_panel import FORMATS
from services.views.addresses import NO_TYPES, CellAddress

if TYPE_CHECKING:
    from services.cells.changes import Changes

MOST_ROWS = 200
ROOT_IDS = ("root_id_old", "root_id_new")


def changes(view: CellAddress, directions: Sequence[Changes]) -> list[Any]:
    """A sentence and the partners that are not the same, for each direction, and all of them as files."""
    return [html.Section([html.H2("Changes between versions"), *(_side(view, changed) for changed in directions)])]


def _files(view: CellAddress, changed: Changes) -> html.P:
    """All partners of both versions, the same ones included."""
    ends = {str(end.version.label): end for end in (changed.older, changed.newer)}
    this_end = ends.pop(view.version)
    (other,) = ends
    which = "" if view.type_table == NO_TYPES else f"&types={quote(view.type_table)}"
    which += f"&type_by={quote(view.type_by)}" if view.type_by else ""
    which += f"&synapses={quote(view.synapses)}" if view.synapses else ""
    path = f"/api/v1/{quote(view.datastack)}/{view.version}/cells/{this_end.cell.root_id}/changes"
    href = f"{path}?against={other}&direction={changed.direction}{which}"
    links = [html.A(words, href=f"{href}&format={form}", download="") for form, words in FORMATS.items()]
    return html.P([f"All {len(changed.partners):,} partners: ", *links], className="k-hint k-files-line")


def _side(view: CellAddress, changed: Changes) -> html.Details:
    rows = changed.partners[changed.partners["status"] != "same"]
    old, new = changed.older.version.number, changed.newer.version.number
    types = [name for name in rows.columns if name == "cell_type"]
    titles = {
        "change": "k-text",
        f"root id in v{old}": "k-text",
        f"root id in v{new}": "k-text",
        f"synapses in v{old}": "",
        f"in v{new}": "",
        "difference": "",
        "known again by": "k-text",
    } | dict.fromkeys(["cell type" for _ in types], "k-text")
    table = html.Table(
        [
            html.Caption(_left(len(rows))),
            html.Thead(html.Tr([html.Th(title, scope="col", className=look) for title, look in titles.items()])),
            html.Tbody([_row(view, (old, new), row, types) for row in rows.head(MOST_ROWS).to_dict("records")]),
        ],
        className="k-table",
        **aria(label=f"{changed.direction.noun.capitalize()} partners that changed"),
    )
    return html.Details(
        [
            html.Summary(changed.sentence),
            _files(view, changed),
            html.Div(table, className="k-scroll k-synapses", tabIndex="0")
            if len(rows)
            else html.P("No partner was gained, lost or changed.", className="k-hint"),
        ],
        className="k-plot",
    )


def _left(count: int) -> str:
    return f"The largest {MOST_ROWS} of {count:,} changes." if count > MOST_ROWS else ""


def _row(view: CellAddress, versions: tuple[int, int], row: Mapping[Any, Any], types: Sequence[str]) -> html.Tr:
    ids = [_cell(view, version, row[name]) for name, version in zip(ROOT_IDS, versions, strict=True)]
    counts = [f"{row['num_syn_old']:,}", f"{row['num_syn_new']:,}", f"{row['delta']:+,}"]
    kinds = ["" if pd.isna(row[name]) else str(row[name]) for name in types]
    texts = [str(row["matched_by"]), *kinds]
    return html.Tr(
        [
            html.Th(row["status"], scope="row"),
            *(html.Td(id, className="k-text") for id in ids),
            *(html.Td(count) for count in counts),
            *(html.Td(text, className="k-text") for text in texts),
        ]
    )


def _cell(view: CellAddress, version: int, root_id: Any) -> Any:
    """Leads to the partner at the version of its id."""
    if pd.isna(root_id):
        return ""
    address = CellAddress(view.datastack, str(version), str(root_id), "root_id", view.type_table, type_by=view.type_by)
    return html.A(str(root_id), href=address.href(), className="k-id", title=f"Read this cell at version {version}")
