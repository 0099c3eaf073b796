"""The routes of cells: what an id names, its partners as the page shows them, and its synapses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd
from flask import Response, jsonify

from api import params, shapes
from api.answers import Subject, cell_json, frame_answer
from api.documented import documented, one_of
from api.routes import blueprint
from services.cave.context import cave
from services.cells import interpretation, partner_synapses, partner_table
from services.cells.connectivity import Connectivity
from services.core.columns import Column, describe_columns
from services.core.directions import Direction, Side
from services.filters.misread import misread
from services.tables import live
from services.views.addresses import NO_TYPES, CellAddress
from services.views.cell_view import CellView

CELL = "/<datastack>/<version>/cells/<cell>"
LINKED = "/<datastack>/<version>/cells/<link:cell>"
"""Texts with slashes in them."""
WHICH = ("id_type", "types", "type_by", "whole", "synapses", "top", "at_least", "proofread", "more", "filter")
"""Parameters that say which partners count, and what is known of them."""
SIDES_OF: Mapping[str, tuple[Side, ...]] = {"in": ("in",), "out": ("out",), "both": ("in", "out"), "merged": ("both",)}
"""The sides of each `direction`: "both" has a row for each partner and direction, "merged" one for each partner."""


@blueprint.get(CELL)
@blueprint.get(LINKED)
@documented(shapes.FoundCell, "id_type", examples={"id_type": "root_id"})
def find_cell(datastack: str, version: str, cell: str) -> Response:
    """The cell that an id, a position or a link names."""
    view = view_of(datastack, version, cell, whole="off")
    release = view.release
    described = cell_json(view.cell, release.volume, release.notices(release.roles.somata.table))
    return jsonify({"datastack": datastack, "version": release.version.label, "cell": described})


def partners_of(view: CellView) -> Response:
    """The partners of one cell that a request asks for."""
    sides, span = SIDES_OF[params.choice("direction", tuple(SIDES_OF), "both")], params.span(None)
    opened = {side: view.table(side) for side in sides}
    table = opened["both"] if "both" in opened else partner_table.one_below_the_other(opened)
    rows, kept_by = partner_table.select(table, view.query)
    columns = {column.name: column for column in table.columns}
    ordered = [columns[name] for name in table.frame if name in columns]
    ways = sides if sides != ("both",) else ("in", "out")
    totals = {way: view.first.totals[Direction(way)] for way in ways}
    notes = [*table.notes, *misread(kept_by, table.frame)]
    facts = {"sort": params.text("sort"), "left_out": [*table.left_out], "notes": notes, "totals": totals}
    return _answer(view.first, rows, ordered, "partners", span=span, facts=facts)


@blueprint.get(f"{CELL}/partners/python")
@blueprint.get(f"{LINKED}/partners/python")
@documented(
    "text/x-python",
    "direction",
    "sort",
    *WHICH,
    examples={"direction": "merged"},
    direction=(one_of("in", "out", "merged"), "Inputs, outputs, or one row for a partner."),
)
def partners_python(datastack: str, version: str, cell: str) -> Response:
    """A script over caveclient that yields the same partners, of one direction or merged."""
    side = SIDES_OF[params.choice("direction", ("in", "out", "merged"), "merged")][0]
    view = view_of(datastack, version, cell, whole="off").single()
    return Response(view.script(side), content_type="text/x-python; charset=utf-8")


def synapses_of(view: CellView) -> Response:
    """The synapses of one cell that a request asks for."""
    sides, span, partner = synapse_sides(), params.span(None), params.text("partner")
    frame = synapse_rows(view, sides, partner)
    cell = replace(view.first, warnings=partner_synapses.warnings(view.first, frame))
    return _answer(cell, frame, describe_columns(frame), "synapses", span=span, facts={"partner": partner})


def synapse_rows(view: CellView, sides: Mapping[Direction, Side], partner: str) -> pd.DataFrame:
    """The synapses of each direction below those of the one before: with one partner, else with those that count."""
    if partner:
        rows = view.synapses_with(partner, [*sides])
    else:
        rows = {way: view.synapses_of_partners(way, side) for way, side in sides.items()}
    return pd.concat([each.assign(direction=way) for way, each in rows.items()], ignore_index=True)


def synapse_sides() -> dict[Direction, Side]:
    """The directions of the synapses that a request asks for, and for each the side whose partners are meant."""
    sides = SIDES_OF[params.choice("direction", tuple(SIDES_OF), "both")]
    return dict.fromkeys(Direction, "both") if sides == ("both",) else {Direction(side): side for side in sides}


def view_of(datastack: str, version: str, cell: str, *, whole: str) -> CellView:
    """What a request asks of cells. What is wrong with its parameters is told before anything is read."""
    release = live.resolve(cave(), datastack, version)
    address = CellAddress(
        datastack,
        str(release.version.label),
        cell,
        params.choice("id_type", interpretation.QUESTION_TYPES, "auto"),
        params.text("types") or NO_TYPES,
        at_least=params.text("at_least"),
        proofread="on" if params.switch("proofread") else "",
        more=tuple(params.words("more")),
        where=params.text("filter"),
        sort=params.sort(),
        whole="on" if params.switch("whole", whole) else "",
        type_by=params.text("type_by"),
        synapses=params.text("synapses"),
        top=params.text("top"),
        against=params.text("against"),
    )
    view = CellView(release, address, lenient=False)
    (
        view.partner_options("in"),
        params.choice("direction", tuple(SIDES_OF), "both"),
        params.span(None),
        params.file_format(),
    )
    return view


def _answer(
    connectivity: Connectivity,
    frame: pd.DataFrame,
    columns: Sequence[Column],
    name: str,
    *,
    span: tuple[int, int | None],
    facts: Mapping[str, Any],
) -> Response:
    """A page of a frame, with the cell and with which of its partners were asked for."""
    offset, limit = span
    root, warnings = str(connectivity.cell.root_id), [*connectivity.warnings, *connectivity.notices]
    requests = {key: params.text(key) for key in ("direction", *WHICH[1:])}
    subject = Subject(
        connectivity.datastack,
        connectivity.version,
        f"{root}_{name}",
        {"root_id": root, **requests, **facts, "warnings": warnings},
    )
    part = frame.iloc[offset:] if limit is None else frame.iloc[offset : offset + limit]
    volume = cave().volume(connectivity.datastack)
    extra = {"cell": cell_json(connectivity.cell, volume), **facts, "warnings": warnings}
    return frame_answer(part, columns, subject, total=len(frame), extra=extra)
