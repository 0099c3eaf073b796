"""The chunkedgraph's HTTP API over a segmentation."""

from __future__ import annotations

import numpy as np
from flask import Blueprint, Response, jsonify, request

from localcave.engine.wire import gzipped
from localcave.segmentation.chunkedgraph import Segmentation
from localcave.segmentation.chunks import LAYERS, POSITION_BITS, Ids
from localcave.server.graph_requests import (
    failed,
    int64,
    requested_ids,
    requested_layer,
    requested_roots,
    requested_time,
    require_level2,
    segmentation,
    written,
)
from localcave.server.service import server_address, service

SEGMENTATION_VERSION = "2.21.1"
routes = Blueprint("segmentation", __name__, url_prefix="/segmentation")
routes.after_request(gzipped)
V1 = "/api/v1/table/<table>"
LEVEL2, ROOT = 2, LAYERS


@routes.get("/api/version")
def version() -> Response:
    return jsonify(SEGMENTATION_VERSION)


@routes.get("/api/versions")
def api_versions() -> Response:
    return jsonify([0, 1])


@routes.get("/table/<table>/info")
@routes.get(f"{V1}/info")
def info(table: str) -> Response:
    graph = segmentation(table)
    return jsonify(graph.info(server_address(), service().watersheds[graph.datastack].info("segmentation")["scales"]))


# ---------------------------------------------------------------------- roots
@routes.get(f"{V1}/node/<int:node>/root")
def root(table: str, node: int) -> Response:
    result = _above(segmentation(table), np.array([int64(node)], np.int64))
    if node and not result[0]:
        raise failed(f"Supervoxel {node} has no root")
    return written({"root_id": int(result[0])})


@routes.post(f"{V1}/roots_binary")
def roots_binary(table: str) -> Response:
    raw = request.get_data()
    if len(raw) % 8:
        raise failed("buffer size must be a multiple of element size")
    roots = _above(segmentation(table), np.frombuffer(raw, "<u8").astype(np.int64))
    return Response(roots.astype("<u8").tobytes(), content_type="application/octet-stream")


def _above(graph: Segmentation, nodes: Ids) -> Ids:
    """The root of each node at the time of the request, or with a `stop_layer` of 2 its level 2 id; a node that is one
    already is its own."""
    time = requested_time("timestamp")
    if requested_layer(ROOT) == LEVEL2:
        require_level2(graph)
        result = graph.level2_of(nodes)
        is_level2 = nodes >> POSITION_BITS == LEVEL2
        result[is_level2] = np.where(graph.roots_at(nodes[is_level2], time) > 0, nodes[is_level2], 0)
    else:
        result = graph.roots_at(nodes, time)
    missing = nodes[result == 0]
    result[result == 0] = np.where(np.isin(missing, list(graph.known(missing.tolist()))), missing, 0)
    return result


@routes.post(f"{V1}/is_latest_roots")
def is_latest_roots(table: str) -> Response:
    return written({"is_latest": segmentation(table).is_latest(requested_ids("node_ids"), requested_time("timestamp"))})


@routes.post(f"{V1}/root_timestamps")
def root_timestamps(table: str) -> Response:
    """When roots were made; with `latest` when they were replaced, the time asked for where they are still valid."""
    result, requested = segmentation(table), requested_time("timestamp")
    if request.args.get("latest", "").lower() in ("true", "1"):
        moments = [result.last_valid(node, requested) for node in requested_ids("node_ids")]
    else:
        moments = [result.require(node).created for node in requested_ids("node_ids")]
    return written({"timestamp": [moment.timestamp() for moment in moments]})


@routes.get(f"{V1}/valid_nodes")
@routes.post(f"{V1}/valid_nodes")
def valid_nodes(table: str) -> Response:
    valid = segmentation(table).known(requested_ids("node_ids"))
    return written({"valid_roots": sorted(valid)})


@routes.get(f"{V1}/oldest_timestamp")
def oldest_timestamp(table: str) -> Response:
    return written({"iso": segmentation(table).oldest.isoformat()})


# ---------------------------------------------------------------------- lineage
@routes.post(f"{V1}/lineage_graph_multiple")
def lineage_graph_multiple(table: str) -> Response:
    graph = segmentation(table)
    past = requested_time("timestamp_past", graph.oldest)
    return written(graph.lineage_graph(requested_roots(graph), past, requested_time("timestamp_future")))


@routes.get(f"{V1}/past_id_mapping")
@routes.post(f"{V1}/past_id_mapping")
def past_id_mapping(table: str) -> Response:
    graph = segmentation(table)
    past = requested_time("timestamp_past", graph.oldest)
    return written(
        {"past_id_map": {str(r): graph.past_ids(r, past) for r in requested_roots(graph)}, "future_id_map": {}}
    )


@routes.get(f"{V1}/delta_roots")
def delta_roots(table: str) -> Response:
    graph = segmentation(table)
    old, new = graph.delta_roots(requested_time("timestamp_past", graph.oldest), requested_time("timestamp_future"))
    return written({"old_roots": old, "new_roots": new})
