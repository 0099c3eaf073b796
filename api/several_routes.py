"""The partners and synapses of what a text asks for: one cell or several, by ids of any kind, a position or a link."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pandas as pd
from flask import Response

from api import params, shapes
from api.answers import Subject, cell_json, frame_answer
from api.cell_routes import (
    CELL,
    LINKED,
    SIDES_OF,
    WHICH,
    partners_of,
    synapse_rows,
    synapse_sides,
    synapses_of,
    view_of,
)
from api.documented import documented
from api.routes import blueprint
from services.cave.context import cave
from services.cells import partner_synapses, several_cells
from services.cells.connectivity import Connectivity
from services.core.columns import Column, describe_columns
from services.core.directions import Direction
from services.filters.misread import misread


@blueprint.get(f"{CELL}/partners")
@blueprint.get(f"{LINKED}/partners", endpoint="partners_of_link")
@documented(
    shapes.CellRows,
    "direction",
    "sort",
    "offset",
    "limit",
    *params.FILE,
    *WHICH,
    examples={"direction": "in", "limit": "2", "sort": "-num_syn"},
)
def partners_of_cells(datastack: str, version: str, cell: str) -> Response:
    """The cells that a cell, or any of several, makes synapses with; of several with the synapses of each side by side.

    They are those that count (`top`, `at_least`, `proofread`) and that `filter` keeps, counted from the synapses that
    `synapses` keeps, with the columns of `more`, by `sort`."""
    sides = SIDES_OF[params.choice("direction", tuple(SIDES_OF), "both")]
    view = view_of(datastack, version, cell, whole="off")
    if len(view.question.ids) == 1:
        return partners_of(view)
    result, partners = view.cells, {side: view.partners(side) for side in sides}
    frame = pd.concat([rows.assign(direction=side) for side, (rows, *_) in partners.items()], ignore_index=True)
    column_of = {column.name: column for _, table, _ in partners.values() for column in table.columns}
    if sides != ("both",):
        column_of["direction"] = Column("direction", "direction", "text")
    columns = [column_of[name] for name in frame if name in column_of]
    totals = [{way: cell.totals[way] for way in Direction if way in sides or "both" in sides} for cell in result]
    messages = [
        sentence
        for _, table, filter_ in partners.values()
        for sentence in (*table.left_out, *table.notes, *misread(filter_, table.frame))
    ]
    return _answer(result, frame, columns, "partners", {"totals": totals, "notes": messages})


@blueprint.get(f"{CELL}/synapses")
@blueprint.get(f"{LINKED}/synapses", endpoint="synapses_of_link")
@documented(
    shapes.CellRows,
    "direction",
    "partner",
    "offset",
    "limit",
    *params.FILE,
    *WHICH,
    examples={"direction": "out", "limit": "2"},
)
def synapses_of_cells(datastack: str, version: str, cell: str) -> Response:
    """Every synapse of a cell or several, autapses and those with root id 0 included.

    With `partner` only those with one (or `autapses`, or `root_zero`), and with what says which partners count those
    with these: in the direction of the synapse or, when "merged", in both together."""
    sides, partner = synapse_sides(), params.text("partner")
    view = view_of(datastack, version, cell, whole="on")
    if len(view.question.ids) == 1:
        return synapses_of(view)
    frame = synapse_rows(view, sides, partner)
    result = [replace(cell, warnings=partner_synapses.warnings(cell, frame)) for cell in view.cells]
    return _answer(result, frame, describe_columns(frame), "synapses", {"partner": partner})


def _answer(
    connectivities: Sequence[Connectivity],
    frame: pd.DataFrame,
    columns: Sequence[Column],
    name: str,
    facts: dict[str, Any],
) -> Response:
    """A page of a frame, with the cells and the synapses among them."""
    offset, limit = params.span(None)
    roots = [str(cell.cell.root_id) for cell in connectivities]
    warnings = [*dict.fromkeys(sentence for cell in connectivities for sentence in cell.warnings)]
    warnings += connectivities[0].notices
    requests = {"root_ids": roots, **{key: params.text(key) for key in ("direction", *WHICH[1:])}, "warnings": warnings}
    subject = Subject(
        connectivities[0].datastack, connectivities[0].version, f"{len(connectivities)}_cells_{name}", requests | facts
    )
    among = [
        [None if pd.isna(count) else int(count) for count in row]
        for row in several_cells.among(connectivities).to_numpy()
    ]
    volume = cave().volume(connectivities[0].datastack)
    extra = {
        "cells": [cell_json(cell.cell, volume) for cell in connectivities],
        "among": among,
        "warnings": warnings,
        **facts,
    }
    part = frame.iloc[offset:] if limit is None else frame.iloc[offset : offset + limit]
    return frame_answer(part, columns, subject, total=len(frame), extra=extra)
