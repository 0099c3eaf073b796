"""The level 2 cache, enough for clients that look whether there is one: it knows its tables and no attributes."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify

from localcave.server.query_body import json_body
from localcave.server.service import service

routes = Blueprint("l2cache", __name__, url_prefix="/l2cache/api/v1")


@routes.get("/table_mapping")
def table_mapping() -> Response:
    """The segmentations of datastacks that have skeletons."""
    found = service()
    tables = [
        found.segmentation_of(stack).name
        for name, stack in found.store.datastacks.items()
        if found.skeletons[name].root_ids
    ]
    return jsonify({table: {"l2cache_id": table} for table in tables})


@routes.get("/attribute_metadata")
def attribute_metadata() -> Response:
    return jsonify({})


@routes.post("/table/<table>/attributes")
def attributes(table: str) -> Response:
    body = json_body()
    ids = body.get("l2_ids") if isinstance(body, dict) else None
    return jsonify({str(identity): {} for identity in ids or ()})
