"""Further routes of a table: facets, pasted ids, two tables against each other, scripts. All take the same filter."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify

from api import params, shapes
from api.documented import documented
from api.routes import blueprint, messages_of, table_view
from services.cave.context import cave
from services.cells.id_search import COLUMNS, ID_TYPES
from services.tables.crosstabs import CrossTab
from services.tables.facets import Facet, Histogram
from services.tables.tables import to_records
from services.views.addresses import TableAddress
from services.views.table_opening import exact_view, held


@blueprint.get("/<datastack>/<version>/tables/<table>/facets")
@documented(shapes.Facets, "filter", "join", "on", "units", examples={"filter": "id > 0"})
def table_facets(datastack: str, version: str, table: str) -> Response:
    """How many of the rows that a filter keeps have each value of each categorical column, and histograms."""
    view = held(table_view(datastack, version, table))
    facets, histograms, system = view.facets()
    return jsonify(
        {
            "datastack": datastack,
            "version": view.table.version.label,
            "facets": [_facet_json(facet) for facet in facets],
            "histograms": [_histogram_json(histogram) for histogram in histograms],
            "messages": messages_of(view, system),
        }
    )


@blueprint.post("/<datastack>/<version>/tables/<table>/ids")
@documented(shapes.FoundIds, body=shapes.IdsBody, examples={"ids": "{cell}, 1", "id_type": "root_id"})
def find_ids(datastack: str, version: str, table: str) -> Response:
    """What became of pasted ids (`ids`, any text; `id_type`), and the filter that keeps their rows; `join` sets other
    tables beside, several by commas, by `on`."""
    read = params.Body(params.json_object('{"ids": "1, 2"}'), "ids", "id_type", "join", "on")
    address = TableAddress(datastack, version, table, join=tuple(params.split(read.text("join"))))
    view = held(exact_view(cave(), address, read.text("on") or "auto"))
    match = view.find_ids(read.text("ids"), read.text("id_type") or ID_TYPES[0])
    return jsonify(
        {
            "datastack": datastack,
            "version": view.table.version.label,
            "counts": match.counts(),
            "filter": match.where,
            "total": match.num_rows,
            "messages": [*match.sentences, *messages_of(view)],
            "rows": to_records(match.ids, COLUMNS),
        }
    )


@blueprint.get("/<datastack>/<version>/tables/<table>/crosstab")
@documented(shapes.CrossTab, "filter", "join", "on", "left", "right", examples={"left": "{left}", "right": "{right}"})
def table_crosstab(datastack: str, version: str, table: str) -> Response:
    """Two columns against each other: `left`, and `right`, which may be of a table that is joined (`join`, `on`)."""
    view = held(table_view(datastack, version, table))
    result, _, system = view.crosstab(params.text("left"), params.text("right"))
    counts = _crosstab_json(result, filtered=bool(view.query.where))
    place = {"datastack": datastack, "version": view.table.version.label}
    return jsonify({**place, **counts, "messages": messages_of(view, system)})


@blueprint.get("/<datastack>/<version>/tables/<table>/python")
@documented("text/x-python", "filter", "sort", "join", "on", "units", "columns", examples={"filter": "id > 0"})
def table_python(datastack: str, version: str, table: str) -> Response:
    """A script over caveclient that yields the rows that a filter keeps, as `rows` would."""
    view = table_view(datastack, version, table)
    script = view.script(params.columns(view.table.columns))
    return Response(script, content_type="text/x-python; charset=utf-8")


def _facet_json(facet: Facet) -> dict[str, Any]:
    values = [{"value": one.value, "count": one.count, "total": one.total, "box": one.box} for one in facet.values]
    return {"column": facet.column.name, "timed_out": facet.timed_out, "values": values}


def _histogram_json(histogram: Histogram) -> dict[str, Any]:
    return {
        "column": histogram.column.name,
        "unit": histogram.column.unit,
        "timed_out": histogram.timed_out,
        "blank": histogram.blank,
        "bars": [vars(bar) for bar in histogram.bars],
    }


def _crosstab_json(result: CrossTab, *, filtered: bool) -> dict[str, Any]:
    return {
        "left": {"column": result.left.name, "values": list(result.left_values)},
        "right": {"column": result.right.name, "values": list(result.right_values)},
        "counts": result.counts.tolist(),
        "total": result.total,
        "both": result.both,
        "agree": result.agree,
        "agreement": result.agreement,
        "kappa": result.kappa,
        "majority": result.majority,
        "disagreeing": result.disagreeing,
        "message": result.sentence(filtered=filtered),
    }
