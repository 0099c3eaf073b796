"""The routes, each a few lines over a service."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from flask import Blueprint, Response, jsonify, request

from api import params, shapes
from api.answers import (
    Subject,
    csv_answer,
    frame_answer,
    table_json,
    version_json,
)
from api.documented import documented
from services.cave import versions
from services.cave.context import cave
from services.cave.release import Release
from services.core.columns import Column
from services.core.errors import BadInput
from services.neuroglancer import links
from services.tables import joins, large_tables, live, narrowed_tables, position_units, tables
from services.tables.systems import OneSystem
from services.views.addresses import NO_TYPES, CellAddress, TableAddress
from services.views.cell_view import CellView
from services.views.table_opening import exact_view, held
from services.views.table_view import HeldView, PagedView

LINK_KEYS = ("viewer", "group_by", "colour_by", "visible")

blueprint = Blueprint("v1", __name__, url_prefix="/v1", template_folder="templates")

JSON_ROWS = 1_000
"""Rows of a table in one JSON answer when no limit is asked for."""


@blueprint.get("/datastacks")
@documented(shapes.Datastacks)
def list_datastacks() -> Response:
    """The datastacks that can be read."""
    profiles = [cave().profile(name) for name in cave().datastacks()]
    return jsonify(
        {"datastacks": [{"name": p.datastack, "title": p.title, "description": p.description} for p in profiles]}
    )


@blueprint.get("/<datastack>/versions")
@documented(shapes.Versions)
def list_versions(datastack: str) -> Response:
    """All versions, newest first, and which one `latest` is."""
    listed = cave().versions(datastack)
    latest = versions.resolve(cave(), datastack, "latest").number
    return jsonify(
        {
            "datastack": datastack,
            "description": cave().profile(datastack).description,
            "latest": latest,
            "axes": [{"name": name, "title": title} for name, title in cave().volume(datastack).titles.items()],
            "versions": [version_json(version) for version in listed],
        }
    )


@blueprint.get("/<datastack>/<version>/tables")
@documented(shapes.Tables)
def list_tables(datastack: str, version: str) -> Response:
    """The tables and views of a version."""
    release = live.resolve(cave(), datastack, version)
    infos = live.catalogue(release)
    return jsonify(
        {"datastack": datastack, "version": release.version.label, "tables": [table_json(info) for info in infos]}
    )


@blueprint.get("/<datastack>/<version>/tables/<table>")
@documented(shapes.DescribedTable)
def describe_table(datastack: str, version: str, table: str) -> Response:
    """What is known about a table, without its rows."""
    release = live.resolve(cave(), datastack, version)
    info = live.describe(release, table)
    return jsonify({"datastack": datastack, "version": release.version.label, **table_json(info)})


@blueprint.get("/<datastack>/<version>/tables/<table>/rows")
@documented(
    shapes.Rows,
    "filter",
    "sort",
    "offset",
    "limit",
    *params.FILE,
    "join",
    "on",
    "units",
    "columns",
    examples={"filter": "id > 0", "sort": "-id", "limit": "2"},
)
def table_rows(datastack: str, version: str, table: str) -> Response:
    """The rows that a filter keeps, in the order asked for; `join` sets other tables beside (by `on`), `units` says
    what positions count, `columns` names the ones wanted."""
    offset, limit = params.span(JSON_ROWS if params.file_format() == "json" else None)
    view = table_view(datastack, version, table)
    columns = params.columns(view.table.columns)
    messages = messages_of(view)
    facts: dict[str, Any] = {
        "table": table,
        "join": ",".join(view.address.join),
        "filter": view.query.where,
        "sort": request.args.getlist("sort"),
        "units": params.text("units"),
        "offset": offset or None,
    }
    subject = Subject(datastack, view.table.version, table, facts | ({"messages": messages} if messages else {}))
    if isinstance(view, PagedView):
        return _large_rows(view, subject, columns, offset, limit)
    if params.file_format() == "csv":
        frames, count, total = tables.row_chunks(view.table, view.query, offset, limit)
        return csv_answer(frames, columns, subject, rows=count, total=total)
    rows, total = tables.page(view.table, view.query, offset, limit)
    return frame_answer(rows, columns, subject, total=total, extra={"messages": messages} if messages else None)


def messages_of(view: HeldView | PagedView, system: OneSystem | None = None) -> list[str]:
    """What has to be said beside the rows of a view, and beside all that is made of them; of the rows of one annotation
    `system`, which that is."""
    table = view.table
    messages = [*live.sentences(table.datastack, table.version, table.info), *live.notices(cave(), table)]
    if isinstance(view, HeldView):
        messages += [*narrowed_tables.sentences(view.table), *view.misread]
        messages += filter(None, (joined.sentence() for joined in view.table.joined))
    return [*messages, system.sentence] if system else messages


def table_view(datastack: str, version: str, table: str) -> HeldView | PagedView:
    """The table of a request with its `filter`, `sort`, `units` and `join` (by `on`)."""
    address = TableAddress(
        datastack,
        version,
        table,
        where=params.text("filter"),
        sort=params.sort(),
        unit=params.choice("units", position_units.UNITS, "vx"),
        join=tuple(name for name in params.text("join").split(",") if name),
    )
    return exact_view(cave(), address, params.choice("on", ("auto", *joins.KEYS), "auto"))


def _large_rows(
    view: PagedView, subject: Subject, columns: Sequence[Column], offset: int, limit: int | None
) -> Response:
    """A page of a table that is too large to hold."""
    file_format = params.file_format()
    if file_format == "csv" and limit is None and not offset:
        frames, total = large_tables.read_all(cave(), view.table, view.query)
        return csv_answer(frames, columns, subject, rows=total, total=total)
    if limit is None and file_format != "json":
        raise BadInput(f"{subject.name} is too large for a whole {file_format} file.", "Give a limit, or take CSV.")
    result = large_tables.read_page(cave(), view.table, view.query, offset, JSON_ROWS if limit is None else limit)
    messages = {"messages": [*subject.facts.get("messages", ()), *result.sentences]}
    with_messages = replace(subject, facts={**subject.facts, **messages})
    return frame_answer(result.frame, columns, with_messages, total=result.total, extra=messages)


@blueprint.post("/<datastack>/<version>/neuroglancer")
@documented(shapes.Link, body=shapes.LinkBody, examples={"cell": "{cell}", "direction": "in"})
def make_link(datastack: str, version: str) -> Response:
    """A Neuroglancer link to a table's rows (`table`, `filter`, `sort`) or to cells (`cell`, `id_type`, `types`,
    `type_by`, `direction`, `partners`); both take `group_by` or `colour_by`, `visible` and `viewer`."""
    body = params.json_object('{"cell": "864691135771609595"}')
    if ("table" in body) == ("cell" in body):
        raise BadInput("The body has to be a JSON object with either a table or a cell.", "See the documentation.")
    release = live.resolve(cave(), datastack, version)
    link = (_table_link if "table" in body else _cell_link)(release, body)
    return jsonify(
        {
            "datastack": datastack,
            "version": release.version.label,
            "url": link.url,
            "state": link.state,
            "description": link.description,
            "num_points": link.num_points,
            "num_segments": link.num_segments,
            "left_out": link.left_out,
            "legend": dict(link.legend),
        }
    )


def _table_link(release: Release, requests: dict[str, Any]) -> links.Link:
    read = params.Body(requests, "table", "filter", "sort", *LINK_KEYS)
    place = (release.datastack, str(release.version.label), read.text("table"))
    view = held(exact_view(cave(), TableAddress(*place, where=read.text("filter"), sort=read.sort())))
    rows = tables.select(view.table, view.query)
    return links.table_link(cave(), view.table, rows, **_link_options(read))


def _cell_link(release: Release, requests: dict[str, Any]) -> links.Link:
    read = params.Body(requests, "cell", "id_type", "types", "type_by", "direction", "partners", "synapses", *LINK_KEYS)
    address = CellAddress(
        release.datastack,
        str(release.version.label),
        read.text("cell"),
        read.text("id_type") or "auto",
        read.text("types") or NO_TYPES,
        type_by=read.text("type_by"),
        synapses=read.text("synapses"),
        group_by=read.text("group_by"),
        viewer=read.text("viewer"),
    )
    partners, visible = read.ids("partners"), read.ids("visible")
    look: dict[str, Any] = {"colour_by": read.text("colour_by") or None}
    look["visible"] = partners if visible is None else visible
    view = CellView(release, address, lenient=False)
    return view.link(read.direction(), partners, **look)[0]


def _link_options(read: params.Body) -> dict[str, Any]:
    texts = {key: read.text(key) or None for key in ("viewer", "group_by", "colour_by")}
    return texts | {"visible": read.ids("visible")}
