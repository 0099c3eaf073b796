"""The synapses behind one row of the partner table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pandas as pd
from dash import html

from components.attributes import aria
from components.cell_card import counted
from components.partner_options import keep_link
from components.partner_panel import file_links, synapses_path
from services.core.directions import Direction
from services.views.addresses import CellAddress

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_ROWS = 200
POSITION = ("ctr_pt_position_x_nm", "ctr_pt_position_y_nm", "ctr_pt_position_z_nm")
KNOWN = frozenset({"id", "size", "depth_um", "layer", "root_id", "pre_pt_root_id", "post_pt_root_id", *POSITION})
"""What :func:`partner_synapses.of_cell` gives without types of synapses."""
PARTNERS = {"root_zero": "what lies in no segment"}


def synapse_list(view: CellAddress, cells: str, sides: Mapping[Direction, pd.DataFrame]) -> html.Section:
    """The synapses of the cells of some root ids, with commas, with `view.partner`; `sides` has a frame of
    :func:`partner_synapses.of_partner` for each direction that has any."""
    size = " and ".join(counted(len(rows), f"{way.noun} synapse") for way, rows in sides.items()) or "No synapses"
    close = keep_link("Close", replace(view, partner=""), "partner")
    way = "both" if len(sides) != 1 else next(iter(sides))
    files = file_links("Files:", synapses_path(view, cells, way, partner=view.partner)) if sides else None
    if view.partner == "autapses":
        title = counted(sum(map(len, sides.values())), "autapse")
    else:
        title = f"{size} with {PARTNERS.get(view.partner, view.partner)}"
    head = html.Div([html.H2(title), html.Span([files, close], className="k-listed-ways")], className="k-panel-top")
    tables = [_table(way, rows) for way, rows in sides.items()]
    return html.Section([head, html.Div(tables, className="k-scroll k-synapses", tabIndex="0")], className="k-listed")


def _table(way: Direction, rows: pd.DataFrame) -> html.Table:
    shown = rows.head(MOST_ROWS)
    typed = [name for name in rows.columns if name not in KNOWN]
    sized, deep = "size" in rows, "depth_um" in rows
    measures = [*(["size (vx)"] if sized else []), "x, y, z (nm)", *(["depth (µm)"] if deep else [])]
    titles = ["direction", "synapse id", *measures]
    words = [*(["layer"] if deep else []), *typed]
    left = f"{len(rows) - MOST_ROWS:,} more are in the files." if len(rows) > MOST_ROWS else ""
    body = [_row(way, row, words) for row in shown.to_dict("records")]
    return html.Table(
        [
            html.Caption(left) if left else None,
            html.Thead(
                html.Tr(
                    [
                        *(html.Th(title, scope="col") for title in titles),
                        *(html.Th(name, scope="col", className="k-text") for name in words),
                    ]
                )
            ),
            html.Tbody(body),
        ],
        className="k-table",
        **aria(label=f"{way.noun} synapses"),
    )


def _row(way: Direction, row: Mapping[Any, Any], words: Sequence[str]) -> html.Tr:
    place = [row[axis] for axis in POSITION]
    texts = [
        str(row["id"]),
        *(["" if pd.isna(row["size"]) else f"{row['size']:,.0f}"] if "size" in row else []),
        "" if any(pd.isna(part) for part in place) else ", ".join(f"{part:,.0f}" for part in place),
    ]
    if "depth_um" in row:
        texts.append("" if pd.isna(row["depth_um"]) else f"{row['depth_um']:,.1f}")
    values = ["" if pd.isna(row[name]) else str(row[name]) for name in words]
    cells = [*map(html.Td, texts), *(html.Td(word, className="k-text") for word in values)]
    return html.Tr([html.Th(way.noun, scope="row"), *cells])
