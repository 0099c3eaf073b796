"""What the chunkedgraph tells of edits, and what it says to whoever wants to make one."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from flask import Response, request

from localcave.segmentation.chunkedgraph import EditEdge, Operation
from localcave.server.auth import no_edits
from localcave.server.graph_requests import failed, ids_of, requested_roots, requested_time, segmentation, written
from localcave.server.routes_segmentation import V1, routes

UNKNOWN_USER = "unknown"
"""What the chunkedgraph says of a user of whom the directory says nothing."""


@routes.get(f"{V1}/root/<int:node>/change_log")
def change_log(table: str, node: int) -> Response:
    graph = segmentation(table)
    graph.require(node)
    operations = graph.operations_of(node)
    return written(
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
    graph = segmentation(table)
    return written({str(node): json.dumps(_change_table(graph.operations_of(node))) for node in requested_roots(graph)})


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


@routes.get(f"{V1}/root/<int:node>/merge_log")
def merge_log(table: str, node: int) -> Response:
    """Pairs of supervoxels that were joined on the way to a root, and where."""
    graph = segmentation(table)
    graph.require(node)
    merges = [operation for operation in graph.operations_of(node) if operation.kind == "merge"]
    edges = [edge for operation in merges for edge in _edges(operation)]
    return written(
        {"merge_edges": [edge.supervoxels for edge in edges], "merge_edge_coords": [edge.places_vx for edge in edges]}
    )


@routes.get(f"{V1}/operation_details")
def operation_details(table: str) -> Response:
    """Operations by id: the kept side is the source, the other the sink. A 404 for one whose edges are not known."""
    graph = segmentation(table)
    try:
        requests = ids_of(json.loads(request.args.get("operation_ids", "")), "operation_ids")
    except ValueError as error:
        raise failed("operation_ids must be a list of ids", 400) from error
    operations = {operation.id: operation for operation in graph.operations}
    if missing := set(requests) - operations.keys():
        raise failed(f"Operation {min(missing)} does not exist", 404)
    return written({str(number): _details(operations[number]) for number in requests})


def _details(operation: Operation) -> dict[str, Any]:
    edges = _edges(operation)
    return {
        "added_edges" if operation.kind == "merge" else "removed_edges": [edge.supervoxels for edge in edges],
        "roots": list(operation.after),
        "source_coords": [edge.places_vx[0] for edge in edges],
        "sink_coords": [edge.places_vx[1] for edge in edges],
        "timestamp": f"{operation.time:%Y-%m-%d %H:%M:%S.%f+00:00}",
        "user": operation.user_id,
        "operation_status": 0,
    }


def _edges(operation: Operation) -> tuple[EditEdge, ...]:
    if operation.edges is None:
        raise failed(f"Between which supervoxels operation {operation.id} was is not known here.", 404)
    return operation.edges


@routes.get(f"{V1}/user_operations")
def user_operations(table: str) -> Response:
    """Operations of a user (all users without `user_id`) between two times, oldest first."""
    graph = segmentation(table)
    start, end = requested_time("start_time", graph.oldest), requested_time("end_time")
    user = request.args.get("user_id")
    chosen = [o for o in graph.operations if start <= o.time <= end and user in (None, o.user_id)]
    columns: dict[str, Iterable[Any]] = {
        "operation_id": (o.id for o in chosen),
        "timestamp": (round(o.time.timestamp() * 1000) for o in chosen),
        "user_id": (o.user_id for o in chosen),
    }
    return written({name: {str(i): value for i, value in enumerate(values)} for name, values in columns.items()})


@routes.post(f"{V1}/merge")
@routes.post(f"{V1}/split")
@routes.post(f"{V1}/undo")
@routes.post(f"{V1}/redo")
def edit(table: str) -> Response:
    segmentation(table)
    return no_edits(table)
