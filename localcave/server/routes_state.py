"""The state service: Neuroglancer states and segment properties, up and down."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify

from localcave.server.query_body import posted_json
from localcave.server.service import server_address, service
from localcave.server.states import States

STATE_VERSION = "0.7.2"
STATE_DEPTH = 900
"""About as deep as Python's JSON, with which clients write states, goes."""
routes = Blueprint("nglstate", __name__, url_prefix="/nglstate/api/v1")


@routes.get("/version")
def version() -> Response:
    return jsonify(STATE_VERSION)


@routes.post("/post")
def post_state() -> Response:
    return _post(service().states, "/nglstate/api/v1")


@routes.post("/property/post")
def post_property() -> Response:
    return _post(service().properties, "/nglstate/api/v1/property")


@routes.get("/<int:number>")
@routes.get("/raw/<int:number>")
def state(number: int) -> Response:
    return _get(service().states, number)


@routes.get("/property/<int:number>/info")
@routes.get("/property/<int:number>")
@routes.get("/property/raw/<int:number>")
def segment_properties(number: int) -> Response:
    return _get(service().properties, number)


def _post(states: States, path: str) -> Response:
    address = server_address()
    return jsonify(f"{address}{path}/{states.add(posted_json(STATE_DEPTH), address)}")


def _get(states: States, number: int) -> Response:
    text = states.get(number, server_address())
    if text is None:
        return Response("Internal Server Error", status=500, content_type="text/plain")
    return Response(text, content_type="application/json")
