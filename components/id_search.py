"""Looking up pasted ids in a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dash_bootstrap_components as dbc
import pandas as pd
from dash import dcc, html

from components import controls

if TYPE_CHECKING:
    from services.cells.id_search import IdSearch
    from services.tables.tables import TableFrame

ID_TYPES: tuple[controls.Option, ...] = (
    {"label": "Detect", "value": "auto"},
    {"label": "Root ids", "value": "root_id"},
    {"label": "Nucleus ids", "value": "nucleus_id"},
    {"label": "Supervoxel ids", "value": "supervoxel_id"},
    {"label": "Annotation ids", "value": "annotation_id"},
)
MOST_LISTED = 200
WORDS = {"found": "found", "stale": "outdated", "newer": "newer", "absent": "not in this table", "unknown": "unknown"}


def id_panel(table: TableFrame) -> list[Any]:
    """A box to paste ids into, and the place of what becomes of them."""
    box = dcc.Textarea(
        id="table-ids",
        value="",
        rows=6,
        className="form-control form-control-sm k-id",
        placeholder="Root, nucleus, supervoxel or annotation ids, one or thousands, however separated; or a "
        "Neuroglancer link",
    )
    return [
        html.Label(f"Ids to find in {table.info.name}", htmlFor="table-ids", className="k-hint"),
        box,
        html.Div(
            [
                controls.choice("Of type", "", "table-ids-type", "auto", ID_TYPES),
                dbc.Button("Find", id="table-ids-find", color="primary", size="sm", type="button"),
            ],
            className="k-form-row",
        ),
        html.Div(id="table-ids-report", role="status"),
    ]


def id_report(search: IdSearch, keep: str | None) -> list[Any]:
    """What became of the ids. `keep` is the address of the view of their rows, None where it would be too long."""
    rows = f"{search.num_rows:,} row{'' if search.num_rows == 1 else 's'}"
    if not search.num_rows:
        way: Any = html.P("No row of this table has one of them.")
    elif keep:
        way = html.P(html.A(f"Show the {rows}" if search.num_rows > 1 else "Show the row", href=keep))
    else:
        way = html.P(f"They have {rows}, but CAVE did not save so many ids for an address. Paste fewer to see them.")
    return [html.P(sentence, className="k-sentence") for sentence in search.sentences] + [way, _listed(search.ids)]


def _listed(ids: pd.DataFrame) -> html.Details:
    order = {"unknown": 0, "stale": 1, "newer": 2, "absent": 3, "found": 4}
    first = ids.iloc[ids["status"].map(order).argsort(kind="stable")].head(MOST_LISTED)
    head = html.Thead(html.Tr([html.Th(name, scope="col") for name in ("Id", "Status", "Rows")]))
    body = [_row(record) for record in first.to_dict("records")]
    title = f"Each id ({len(first):,} of {len(ids):,})" if len(first) < len(ids) else "Each id"
    return html.Details([html.Summary(title), html.Table([head, html.Tbody(body)], className="k-small-table")])


def _row(record: dict[Any, Any]) -> html.Tr:
    status: list[Any] = [WORDS[record["status"]]]
    if record["status"] in ("stale", "newer") and not pd.isna(record["current"]):
        share = "" if pd.isna(record["overlap"]) else f" ({record['overlap']:.0%})"
        status = [f"{WORDS[record['status']]} → ", html.Span(str(int(record["current"])), className="k-id"), share]
    cells: list[Any] = [html.Span(str(int(record["asked"])), className="k-id"), status, f"{int(record['num_rows']):,}"]
    return html.Tr([html.Td(cell) for cell in cells])
