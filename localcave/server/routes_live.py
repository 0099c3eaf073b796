"""The materialization engine's queries of the live state."""

from __future__ import annotations

from flask import Response, request

from localcave.engine import wire
from localcave.server import query_body
from localcave.server.live_query import LiveQuery
from localcave.server.routes_materialize import V3, routes


@routes.post(f"{V3}/query")
def live_query(datastack: str) -> Response:
    body = query_body.read(query_body.LIVE, required=("table", "timestamp"))
    query = LiveQuery.of(datastack, body)
    allow_invalid = request.args.get("allow_invalid_root_ids", "False").lower() == "true"
    rows, resolution_nm, names = query.run(allow_invalid)
    return wire.answer(wire.encoded(rows), warnings=query.warnings, resolution_nm=resolution_nm, column_names=names)
