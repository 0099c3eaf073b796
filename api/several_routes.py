"""The routes of several cells: `cells/<id>,<id>,…`, each id of any kind that one cell may be named by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
from flask import Response

from api import params
from api.answers import Subject, cell_json, frame_answer
from api.routes import blueprint
from services import cells, partner_synapses, partner_table, questions, several_cells, tables, versions
from services.columns import Column, describe_columns
from services.connectivity import Connectivity
from services.context import cave
from services.partner_table import Wanted
from services.tables import TableQuery

CELLS = "/<datastack>/<version>/cells/<first>,<others>"


@blueprint.get(f"{CELLS}/partners")
def partners_of_cells(datastack: str, version: str, first: str, others: str) -> Response:
    """The partners of any of several cells, synapses with each cell side by side; those with `at_least` so many that
    `filter` keeps, by `sort`."""
    params.only("direction", "types", "id_type", "at_least", "filter", "sort", "offset", "limit", "format")
    ways = params.directions()
    found = _read(datastack, version, f"{first},{others}")
    least, query = (
        partner_table.threshold(params.text("at_least")),
        TableQuery(params.text("filter"), sort=params.sort()),
    )
    opened = {way: several_cells.open_partners(cave(), found, Wanted(way, least)) for way in ways}
    kept = [
        table.frame.take(tables.rows_of(table.frame, table.columns, query)).assign(direction=way)
        for way, table in opened.items()
    ]
    frame = pd.concat(kept, ignore_index=True)
    known = {column.name: column for table in opened.values() for column in table.columns}
    columns = [*(known[name] for name in frame if name in known), Column("direction", "direction", "text")]
    totals = [{way: one.totals[way] for way in ways} for one in found]
    said = [sentence for table in opened.values() for sentence in (*table.left_out, *table.notes)]
    facts = {"at_least": params.text("at_least"), "filter": query.where, "totals": totals, "notes": said}
    return _answer(found, frame, columns, "partners", facts)


@blueprint.get(f"{CELLS}/synapses")
def synapses_of_cells(datastack: str, version: str, first: str, others: str) -> Response:
    """Every synapse of several cells, autapses and those with root id 0 included."""
    params.only("direction", "id_type", "offset", "limit", "format")
    ways = params.directions()
    found = _read(datastack, version, f"{first},{others}", whole=True)
    rows = [partner_synapses.of_cell(cave(), one, way).assign(direction=way) for way in ways for one in found]
    frame = pd.concat(rows, ignore_index=True)
    return _answer(found, frame, describe_columns(frame), "synapses", {})


def _read(datastack: str, version: str, ids: str, *, whole: bool = False) -> Sequence[Connectivity]:
    number = versions.resolve(cave(), datastack, version).number
    id_type = params.choice("id_type", cells.ID_TYPES, "auto")
    return questions.read(cave(), datastack, number, ids, id_type, type_table=params.text("types") or None, whole=whole)


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
    asked = {"root_ids": roots, "types": found[0].type_table, "warnings": warnings}
    subject = Subject(found[0].datastack, found[0].version, f"{len(found)}_cells_{name}", asked | facts)
    among = [[None if pd.isna(count) else int(count) for count in row] for row in several_cells.among(found).to_numpy()]
    extra = {"cells": [cell_json(one.cell) for one in found], "among": among, "warnings": warnings, **facts}
    part = frame.iloc[offset:] if limit is None else frame.iloc[offset : offset + limit]
    return frame_answer(part, columns, subject, total=len(frame), extra=extra)
