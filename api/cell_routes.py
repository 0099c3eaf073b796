"""The routes of cells: what an id names, its partners as the page shows them, and its synapses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from flask import Response, jsonify

from api import params
from api.answers import Subject, cell_json, frame_answer
from api.routes import blueprint
from services.cave.context import cave
from services.cave.release import Release
from services.cells import interpretation, partner_script, partner_synapses, partner_table
from services.cells.connectivity import Connectivity
from services.cells.partner_table import PartnerTable, Side, Wanted
from services.core.columns import Column, describe_columns
from services.core.directions import Direction
from services.filters.patterns import misread
from services.tables import live, saved_ids
from services.tables.tables import TableQuery, filter_of

CELL = "/<datastack>/<version>/cells/<cell>"
LINKED = "/<datastack>/<version>/cells/<link:cell>"
"""Texts with slashes in them."""
WHICH = ("id_type", "types", "type_by", "whole", "synapses", "top", "at_least", "proofread", "more", "filter")
"""Parameters that say which partners count, and what is known of them."""
SIDES: Mapping[str, tuple[Side, ...]] = {"in": ("in",), "out": ("out",), "both": ("in", "out"), "merged": ("both",)}
"""The sides of each `direction`: "both" has a row for each partner and direction, "merged" one for each partner."""


@blueprint.get(CELL)
@blueprint.get(LINKED)
def find_cell(datastack: str, version: str, cell: str) -> Response:
    """The cell that an id, a position or a link names."""
    params.only("id_type")
    release = live.resolve(cave(), datastack, version)
    id_type = params.choice("id_type", interpretation.QUESTION_TYPES, "auto")
    found = interpretation.find(release, cell, id_type)
    return jsonify({"datastack": datastack, "version": release.version.label, "cell": cell_json(found)})


@blueprint.get(f"{CELL}/partners")
def cell_partners(datastack: str, version: str, cell: str) -> Response:
    """The cells that a cell makes synapses with: those that count (`top`, `at_least`, `proofread`) and that `filter`
    keeps, counted from the synapses that `synapses` keeps, with the columns of `more`, by `sort`."""
    params.only("direction", "sort", "offset", "limit", *params.FILE, *WHICH)
    return partners_of(datastack, _read(datastack, version, cell, whole="off"))


def partners_of(datastack: str, found: Connectivity) -> Response:
    """The partners of one cell that a request asks for."""
    sides, span = SIDES[params.choice("direction", tuple(SIDES), "both")], params.span(None)
    asked = _Asked(found)
    table, query = asked.table(sides), partner_query(datastack)
    rows = partner_table.select(table, query)
    columns = {column.name: column for column in table.columns}
    ordered = [columns[name] for name in table.frame if name in columns]
    ways = sides if sides != ("both",) else ("in", "out")
    totals = {way: asked.found.totals[Direction(way)] for way in ways}
    notes = [*table.notes, *misread(filter_of(table.columns, query), table.frame)]
    facts = {"sort": params.text("sort"), "left_out": [*table.left_out], "notes": notes, "totals": totals}
    return _answer(asked.found, rows, ordered, "partners", span=span, facts=facts)


@blueprint.get(f"{CELL}/partners/python")
@blueprint.get(f"{LINKED}/partners/python")
def partners_python(datastack: str, version: str, cell: str) -> Response:
    """A script over caveclient that yields the same partners, of one direction or merged."""
    params.only("direction", "sort", *WHICH)
    side = SIDES[params.choice("direction", ("in", "out", "merged"), "merged")][0]
    asked = _Asked(_read(datastack, version, cell, whole="off"))
    query = partner_query(datastack)
    script = partner_script.snippet(cave(), [asked.found], wanted(side), query)
    return Response(script, content_type="text/x-python; charset=utf-8")


@blueprint.get(f"{CELL}/synapses")
def cell_synapses(datastack: str, version: str, cell: str) -> Response:
    """Every synapse of a cell, autapses and those with root id 0 included; with `partner` those with one (or
    `autapses`, or `root_zero`), and with what says which partners count only those with these: in the direction of the
    synapse or, when "merged", in both together."""
    params.only("direction", "partner", "offset", "limit", *params.FILE, *WHICH)
    return synapses_of(_read(datastack, version, cell, whole="on"))


def synapses_of(found: Connectivity) -> Response:
    """The synapses of one cell that a request asks for."""
    sides, span, partner = synapse_sides(), params.span(None), params.text("partner")
    asked = _Asked(found)
    if partner:
        listed = partner_synapses.of_partner_in(cave(), asked.found, [*sides], partner)
    else:
        listed = {way: asked.synapses(way, side) for way, side in sides.items()}
    frame = pd.concat([rows.assign(direction=way) for way, rows in listed.items()], ignore_index=True)
    return _answer(asked.found, frame, describe_columns(frame), "synapses", span=span, facts={"partner": partner})


def synapse_sides() -> dict[Direction, Side]:
    """The directions of the synapses that a request asks for, and for each the side whose partners are meant."""
    sides = SIDES[params.choice("direction", tuple(SIDES), "both")]
    return dict.fromkeys(Direction, "both") if sides == ("both",) else {Direction(side): side for side in sides}


def wanted(side: Side) -> Wanted:
    """Which partners of one side a request asks for, with which columns."""
    least, proofread = partner_table.threshold(params.text("at_least")), params.switch("proofread")
    return Wanted(side, least, proofread, tuple(params.words("more")), partner_table.percentage(params.text("top")))


def partner_query(datastack: str) -> TableQuery:
    """Which of them it keeps, in which order."""
    return saved_ids.query(cave(), datastack, params.text("filter"), sort=params.sort())


def narrowed() -> bool:
    """Whether a request asks for some partners only."""
    return any(map(params.text, ("top", "at_least", "proofread", "filter")))


@dataclass(frozen=True)
class _Asked:
    """A cell, and which of its partners a request asks for."""

    found: Connectivity

    def table(self, sides: Sequence[Side]) -> PartnerTable:
        parts = {side: partner_table.open_partners(cave(), self.found, wanted(side)) for side in sides}
        return parts["both"] if "both" in parts else partner_table.one_below_the_other(parts)

    def synapses(self, way: Direction, side: Side) -> pd.DataFrame:
        every = partner_synapses.of_cell(cave(), self.found, way)
        if not narrowed():
            return every
        kept = partner_table.select(self.table([side]), partner_query(self.found.datastack))
        return partner_synapses.with_partners(every, kept).drop(columns="row")


def _read(datastack: str, version: str, cell: str, *, whole: str) -> Connectivity:
    release, id_type, options = read_options(datastack, version, whole=whole)
    return interpretation.read_one(release, cell, id_type, **options)


def read_options(datastack: str, version: str, *, whole: str) -> tuple[Release, str, dict[str, Any]]:
    """The version, the type of the ids, and the options of :func:`questions.read` that a request asks for."""
    release, types = live.resolve(cave(), datastack, version), params.text("types") or None
    id_type, complete = params.choice("id_type", interpretation.QUESTION_TYPES, "auto"), params.switch("whole", whole)
    # what is wrong with these is told before anything is read
    wanted("in"), params.sort(), params.choice("direction", tuple(SIDES), "both"), params.span(None)
    params.file_format()
    options = {
        "type_table": types,
        "type_by": params.text("type_by"),
        "whole": complete,
        "only": params.text("synapses"),
    }
    return release, id_type, options


def _answer(
    found: Connectivity,
    frame: pd.DataFrame,
    columns: Sequence[Column],
    name: str,
    *,
    span: tuple[int, int | None],
    facts: Mapping[str, Any],
) -> Response:
    """A page of a frame, with the cell and with which of its partners were asked for."""
    offset, limit = span
    root, warnings = str(found.cell.root_id), [*found.warnings, *found.notices]
    asked = {key: params.text(key) for key in ("direction", *WHICH[1:])}
    subject = Subject(
        found.datastack, found.version, f"{root}_{name}", {"root_id": root, **asked, **facts, "warnings": warnings}
    )
    part = frame.iloc[offset:] if limit is None else frame.iloc[offset : offset + limit]
    extra = {"cell": cell_json(found.cell), **facts, "warnings": warnings}
    return frame_answer(part, columns, subject, total=len(frame), extra=extra)
