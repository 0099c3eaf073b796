"""The meshing service: which pieces make up the mesh of a root. The pieces are with the voxels, see `data_dir`."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, request

from localcave.server.auth import no_edits
from localcave.server.graph_requests import int64, leaves, requested_bounds, segmentation
from localcave.server.query_body import json_body
from localcave.server.routes_precomputed import graph_skeleton

routes = Blueprint("meshing", __name__, url_prefix="/meshing/api/v1/table/<table>")
LEVEL2 = 2


@routes.get("/manifest/<int:node>:<int:lod>")
def manifest(table: str, node: int, lod: int) -> Response:
    """One piece for the whole of a root; with bounds, or a `start_layer` of 2, one for each level 2 node."""
    result, node = segmentation(table), int64(node)
    bounds = requested_bounds(result)
    body = json_body() if request.get_data() else {}
    start_layer = body.get("start_layer") if isinstance(body, dict) else None
    if bounds is not None or start_layer == LEVEL2:
        fragments = leaves(result, node, LEVEL2, bounds)
    else:
        result.require(node)
        fragments = [node] if len(graph_skeleton(result.datastack, node).vertices_nm) else []
    names = [f"{piece}:{lod}:0" for piece in fragments]
    if "prepend_seg_ids" in request.args:
        names = [f"~{piece}:{name}" for piece, name in zip(fragments, names, strict=True)]
    seg_ids = {"seg_ids": fragments} if "return_seg_ids" in request.args else {}
    return jsonify({"fragments": names, **seg_ids})


@routes.post("/remeshing")
def remesh(table: str) -> Response:
    segmentation(table)
    return no_edits(table)
