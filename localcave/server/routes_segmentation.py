"""The chunkedgraph's HTTP API over a segmentation."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
from flask import Blueprint, Response, jsonify, request

from localcave.cave_errors import CaveError
from localcave.engine.wire import gzipped
from localcave.segmentation.chunkedgraph import Operation, Segmentation
from localcave.server.query_body import json_body
from localcave.server.service import server_address, service

SEGMENTATION_VERSION = "2.21.1"
routes = Blueprint("segmentation", __name__, url_prefix="/segmentation")
routes.after_request(gzipped)
V1 = "/api/v1/table/<table>"
UNKNOWN_USER = "unknown"
"""What the chunkedgraph says of a user of whom the directory says nothing."""


def segmentation(table: str) -> Segmentation:
    found = service().segmentations.get(table)
    if found is None:
        raise CaveError(404, {"code": 404, "message": f"table {table} does not exist"})
    return found


@routes.get("/api/version")
def version() -> Response:
    return jsonify(SEGMENTATION_VERSION)


@routes.get("/api/versions")
def api_versions() -> Response:
    return jsonify([0, 1])


@routes.get("/table/<table>/info")
@routes.get(f"{V1}/info")
def info(table: str) -> Response:
    return jsonify(segmentation(table).info(server_address()))


# ---------------------------------------------------------------------- roots
@routes.get(f"{V1}/node/<int:node>/root")
def root(table: str, node: int) -> Response:
    found = segmentation(table).roots_at(np.array([_int64(node)], np.int64), _time("timestamp"))
    if node and not found[0]:
        raise _failed(f"Supervoxel {node} has no root")
    return _json({"root_id": int(found[0])})


@routes.post(f"{V1}/roots_binary")
def roots_binary(table: str) -> Response:
    raw = request.get_data()
    if len(raw) % 8:
        raise _failed("buffer size must be a multiple of element size")
    roots = segmentation(table).roots_at(np.frombuffer(raw, "<u8").astype(np.int64), _time("timestamp"))
    return Response(roots.astype("<u8").tobytes(), content_type="application/octet-stream")


@routes.post(f"{V1}/is_latest_roots")
def is_latest_roots(table: str) -> Response:
    return _json({"is_latest": segmentation(table).is_latest(_ids("node_ids"), _time("timestamp"))})


@routes.post(f"{V1}/root_timestamps")
def root_timestamps(table: str) -> Response:
    """When roots were made; with `latest` when they were replaced, the time asked for where they are still valid."""
    found, asked = segmentation(table), _time("timestamp")
    if request.args.get("latest", "").lower() in ("true", "1"):
        moments = [found.last_valid(node, asked) for node in _ids("node_ids")]
    else:
        moments = [found.require(node).created for node in _ids("node_ids")]
    return _json({"timestamp": [moment.timestamp() for moment in moments]})


@routes.get(f"{V1}/valid_nodes")
@routes.post(f"{V1}/valid_nodes")
def valid_nodes(table: str) -> Response:
    known = segmentation(table).known(_ids("node_ids"))
    return _json({"valid_roots": sorted(known)})


@routes.get(f"{V1}/oldest_timestamp")
def oldest_timestamp(table: str) -> Response:
    return _json({"iso": segmentation(table).oldest.isoformat()})


# ---------------------------------------------------------------------- leaves
@routes.get(f"{V1}/node/<int:node>/leaves")
def leaves(table: str, node: int) -> Response:
    stop_layer = request.args.get("stop_layer", type=int) or 1
    return _json({"leaf_ids": _leaves(segmentation(table), _int64(node), stop_layer)})


@routes.post(f"{V1}/node/leaves_many")
def leaves_many(table: str) -> Response:
    found = segmentation(table)
    return _json({str(node): _leaves(found, node, 1) for node in _ids("node_ids")})


def _leaves(found: Segmentation, node: int, stop_layer: int) -> list[int]:
    ids: list[int] = found.leaves(node, level2=stop_layer >= 2).tolist()
    if not ids:
        raise _failed(f"Cannot find node {node}")
    return ids


# ---------------------------------------------------------------------- lineage
@routes.post(f"{V1}/lineage_graph_multiple")
def lineage_graph_multiple(table: str) -> Response:
    found = segmentation(table)
    past = _time("timestamp_past", found.oldest)
    return _json(found.lineage_graph(_ids("root_ids"), past, _time("timestamp_future")))


@routes.get(f"{V1}/past_id_mapping")
@routes.post(f"{V1}/past_id_mapping")
def past_id_mapping(table: str) -> Response:
    found = segmentation(table)
    past = _time("timestamp_past", found.oldest)
    return _json({"past_id_map": {str(r): found.past_ids(r, past) for r in _ids("root_ids")}, "future_id_map": {}})


@routes.get(f"{V1}/delta_roots")
def delta_roots(table: str) -> Response:
    found = segmentation(table)
    old, new = found.delta_roots(_time("timestamp_past", found.oldest), _time("timestamp_future"))
    return _json({"old_roots": old, "new_roots": new})


@routes.get(f"{V1}/root/<int:node>/change_log")
def change_log(table: str, node: int) -> Response:
    found = segmentation(table)
    found.require(node)
    operations = found.operations_of(node)
    return _json(
        {
            "n_merges": sum(operation.kind == "merge" for operation in operations),
            "n_splits": sum(operation.kind == "split" for operation in operations),
            "operations_ids": [operation.id for operation in operations],
            "past_ids": sorted({r for operation in operations for r in operation.before}),
            "user_info": {},
        }
    )


@routes.get(f"{V1}/tabular_change_log_many")
@routes.post(f"{V1}/tabular_change_log_many")
def tabular_change_log_many(table: str) -> Response:
    found = segmentation(table)
    return _json({str(node): json.dumps(_change_table(found.operations_of(node))) for node in _ids("root_ids")})


def _change_table(operations: Sequence[Operation]) -> dict[str, dict[str, Any]]:
    """Columns of a change log by row number, as pandas writes a frame as JSON."""
    columns: dict[str, list[Any]] = {
        "operation_id": [o.id for o in operations],
        "timestamp": [round(o.time.timestamp() * 1000) for o in operations],
        "user_id": [o.user_id for o in operations],
        "before_root_ids": [list(o.before) for o in operations],
        "after_root_ids": [list(o.after) for o in operations],
        "is_merge": [o.kind == "merge" for o in operations],
        "user_name": [UNKNOWN_USER for _ in operations],
        "user_affiliation": [UNKNOWN_USER for _ in operations],
    }
    return {name: {str(i): value for i, value in enumerate(values)} for name, values in columns.items()}


@routes.get(f"{V1}/node/<int:node>/lvl2_graph")
def level2_graph(table: str, node: int) -> Response:
    """Level 2 ids in a chain: the store knows which chunks a root has, not which touch."""
    ids = segmentation(table).leaves(_int64(node), level2=True).tolist()
    if not ids:
        raise _failed(f"Cannot find node {node}")
    return _json({"edge_graph": [list(pair) for pair in itertools.pairwise(ids)]})


# ---------------------------------------------------------------------- requests
def _json(value: Any) -> Response:
    return Response(json.dumps(value), content_type="application/json; charset=utf-8")


def _failed(message: str) -> CaveError:
    return CaveError(500, {"code": 500, "message": message})


def _int64(value: int) -> int:
    """An id, 0 (nobody's) for one beyond 64 bits."""
    return value if 0 <= value < 2**63 else 0


def _ids(key: str) -> list[int]:
    body = json_body()
    values = body.get(key) if isinstance(body, dict) else None
    if not isinstance(values, list):
        raise CaveError(400, {"code": 400, "message": f"{key} must be a list of ids"})
    try:
        return [_int64(int(value)) for value in values]
    except (TypeError, ValueError, OverflowError) as error:
        raise CaveError(400, {"code": 400, "message": f"{key} must be a list of ids"}) from error


def _time(key: str, default: datetime | None = None) -> datetime:
    """A time given as unix seconds; now when it is not given."""
    text = request.args.get(key)
    if text is None:
        return default or datetime.now(UTC)
    try:
        return datetime.fromtimestamp(float(text), UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise CaveError(400, {"code": 400, "message": f"{key} is not a unix time"}) from error
