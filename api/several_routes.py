"""The routes of several cells: `cells/<id>,<id>,…`, each id of any kind that one cell may be named by, and of links."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
from flask import Response

from api import params
from api.answers import Subject, cell_json, frame_answer
from api.cell_routes import (
    LINKED,
    SIDES,
    WHICH,
    narrowed,
    partner_query,
    partners_of,
    read_options,
    synapse_sides,
    synapses_of,
    wanted,
)
from api.routes import blueprint
from services.cave.context import cave
from services.cells import interpretation, partner_synapses, partner_table, several_cells
from services.cells.connectivity import Connectivity
from services.core.columns import Column, describe_columns
from services.core.directions import Direction

CELLS = "/<datastack>/<version>/cells/<list:cell>"


@blueprint.get(f"{CELLS}/partners")
@blueprint.get(f"{LINKED}/partners", endpoint="partners_of_link")
def partners_of_cells(datastack: str, version: str, cell: str) -> Response:
    """The partners of any of several cells, synapses with each cell side by side: those that count (`at_least`,
    `proofread`) and that `filter` keeps, with the columns of `more`, by `sort`."""
    params.only("direction", "sort", "offset", "limit", *params.FILE, *WHICH)
    sides = SIDES[params.choice("direction", tuple(SIDES), "both")]
    found, alone = _read(datastack, version, cell, whole="off")
    if alone:
        return partners_of(datastack, found[0])
    query = partner_query(datastack)
    opened = {side: several_cells.open_partners(cave(), found, wanted(side)) for side in sides}
    kept = [partner_table.select(table, query).assign(direction=side) for side, table in opened.items()]
    frame = pd.concat(kept, ignore_index=True)
    known = {column.name: column for table in opened.values() for column in table.columns}
    if sides != ("both",):
        known["direction"] = Column("direction", "direction", "text")
    columns = [known[name] for name in frame if name in known]
    totals = [{way: one.totals[way] for way in Direction if way in sides or "both" in sides} for one in found]
    said = [sentence for table in opened.values() for sentence in (*table.left_out, *table.notes)]
    return _answer(found, frame, columns, "partners", {"totals": totals, "notes": said})


@blueprint.get(f"{CELLS}/synapses")
@blueprint.get(f"{LINKED}/synapses", endpoint="synapses_of_link")
def synapses_of_cells(datastack: str, version: str, cell: str) -> Response:
    """Every synapse of several cells, autapses and those with root id 0 included; with `partner` those with one, and
    with what says which partners count only those with these."""
    params.only("direction", "partner", "offset", "limit", *params.FILE, *WHICH)
    sides, partner = synapse_sides(), params.text("partner")
    found, alone = _read(datastack, version, cell, whole="on")
    if alone:
        return synapses_of(found[0])
    rows = several_cells.with_partner(cave(), found, [*sides], partner) if partner else {}
    for way, side in () if partner else sides.items():
        every = pd.concat([partner_synapses.of_cell(cave(), one, way) for one in found], ignore_index=True)
        if narrowed():
            kept = partner_table.select(
                several_cells.open_partners(cave(), found, wanted(side)), partner_query(datastack)
            )
            every = partner_synapses.with_partners(every, kept).drop(columns="row")
        rows[way] = every
    frame = pd.concat([each.assign(direction=way) for way, each in rows.items()], ignore_index=True)
    return _answer(found, frame, describe_columns(frame), "synapses", {"partner": partner})


def _read(datastack: str, version: str, text: str, *, whole: str) -> tuple[Sequence[Connectivity], bool]:
    """The cells of a text, and whether it names but one, as a position does."""
    release, id_type, options = read_options(datastack, version, whole=whole)
    asked = interpretation.understand(release, text, id_type)
    return interpretation.answer(release, asked, **options), len(asked.ids) == 1


def _answer(
    found: Sequence[Connectivity],
    frame: pd.DataFrame,
    columns: Sequence[Column],
    name: str,
    facts: dict[str, Any],
) -> Response:
    """A page of a frame, with the cells and the synapses among them."""
    offset, limit = params.span(None)
    roots = [str(one.cell.root_id) for one in found]
    warnings = [sentence for one in found for sentence in one.warnings]
    asked = {"root_ids": roots, **{key: params.text(key) for key in ("direction", *WHICH[1:])}, "warnings": warnings}
    subject = Subject(found[0].datastack, found[0].version, f"{len(found)}_cells_{name}", asked | facts)
    among = [[None if pd.isna(count) else int(count) for count in row] for row in several_cells.among(found).to_numpy()]
    extra = {"cells": [cell_json(one.cell) for one in found], "among": among, "warnings": warnings, **facts}
    part = frame.iloc[offset:] if limit is None else frame.iloc[offset : offset + limit]
    return frame_answer(part, columns, subject, total=len(frame), extra=extra)
