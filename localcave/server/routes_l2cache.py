"""The level 2 cache: where the level 2 nodes of cells with skeletons are, and how large."""

from __future__ import annotations

import numpy as np
from flask import Blueprint, Response, jsonify, request

from localcave.segmentation.level2 import ATTRIBUTES, Level2
from localcave.server.graph_requests import failed, requested_ids, segmentation
from localcave.server.service import service

routes = Blueprint("l2cache", __name__, url_prefix="/l2cache/api/v1")


@routes.get("/table_mapping")
def table_mapping() -> Response:
    """The segmentations of datastacks with skeletons: without a level 2 cache caveclient asks for none."""
    result = service()
    tables = [
        segmentation.name
        for segmentation in result.segmentations.values()
        if result.skeletons[segmentation.datastack].root_ids
    ]
    return jsonify({table: {"l2cache_id": table, "cv_path": f"graphene://{table}"} for table in tables})


@routes.get("/attribute_metadata")
def attribute_metadata() -> Response:
    return jsonify(ATTRIBUTES)


@routes.post("/table/<table>/attributes")
def attributes(table: str) -> Response:
    """Attributes by level 2 id; none of an id that is of no skeleton, as of one that CAVE has not computed yet."""
    graph = segmentation(table)
    names = {name for name in request.args.get("attribute_names", "").split(",") if name} or set(ATTRIBUTES)
    if unknown := names - ATTRIBUTES.keys() - NOT_TOLD:
        raise failed(f"Unknown attribute {min(unknown)}", 400)
    requests = requested_ids("l2_ids")
    attributes_of: dict[int, dict[str, object]] = {}
    skeletons = service().skeletons[graph.datastack]
    if not skeletons.knows_level2:
        raise failed("Level 2 is not known here.", 404)
    for skeleton in skeletons.with_level2(np.array(requests, np.int64)):
        attributes_of |= Level2.of(skeleton).attributes(names)
    return jsonify({str(identity): attributes_of.get(identity, {}) for identity in requests})


NOT_TOLD = {"chunk_intersect_count", "pca", "pca_val"}
"""Attributes that CAVE has and a skeleton does not tell: asked for, they are absent."""
