"""What the routes of a segmentation have in common: how requests are read and answers written."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import numpy as np
from flask import Response, request

from localcave.cave_errors import CaveError
from localcave.segmentation.chunkedgraph import Segmentation
from localcave.segmentation.chunks import Ids
from localcave.server.query_body import json_body
from localcave.server.service import service

LARGEST_VOXEL = 2**40


def segmentation(table: str) -> Segmentation:
    """A segmentation by the name of its table. Raises the chunkedgraph's 404."""
    graph = service().segmentations.get(table)
    if graph is None:
        raise CaveError(404, {"code": 404, "message": f"table {table} does not exist"})
    return graph


def written(value: Any) -> Response:
    """JSON as the chunkedgraph writes it."""
    return Response(json.dumps(value), content_type="application/json; charset=utf-8")


def failed(message: str, status: int = 500) -> CaveError:
    """The chunkedgraph's way to say what went wrong."""
    return CaveError(status, {"code": status, "message": message})


def int64(value: int) -> int:
    """An id, 0 (nobody's) for one beyond 64 bits."""
    return value if 0 <= value < 2**63 else 0


def requested_ids(key: str) -> list[int]:
    """The ids under a key of the body."""
    body = json_body()
    return ids_of(body.get(key) if isinstance(body, dict) else None, key)


def ids_of(values: Any, name: str) -> list[int]:
    """A list of ids. Raises a 400 for anything else."""
    if not isinstance(values, list):
        raise failed(f"{name} must be a list of ids", 400)
    try:
        return [int64(int(value)) for value in values]
    except (TypeError, ValueError, OverflowError) as error:
        raise failed(f"{name} must be a list of ids", 400) from error


def requested_time(key: str, default: datetime | None = None) -> datetime:
    """A time given as unix seconds; now when it is not given."""
    text = request.args.get(key)
    if text is None:
        return default or datetime.now(UTC)
    try:
        return datetime.fromtimestamp(float(text), UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise failed(f"{key} is not a unix time", 400) from error


def requested_bounds(graph: Segmentation) -> Ids | None:
    """The box of the request, `x0-x1_y0-y1_z0-z1` in voxels, as (3, 2); None when there is none. Raises a 400 for one
    that is none, and a 404 where ids hold no chunks, so that nothing could be told from a box."""
    text = request.args.get("bounds")
    if text is None:
        return None
    try:
        box = np.array([[int(float(end)) for end in axis.split("-")] for axis in text.split("_")], dtype=object)
        fits = box.shape == (3, 2) and (box[:, 0] < box[:, 1]).all() and (box < LARGEST_VOXEL).all()
    except (ValueError, OverflowError) as error:
        raise failed("bounds must be x0-x1_y0-y1_z0-z1", 400) from error
    if not fits:
        raise failed("bounds must be x0-x1_y0-y1_z0-z1, each first below its second", 400)
    if not graph.chunks.known:
        raise failed("It is not known here in which chunk an id lies.", 404)
    return box.astype(np.int64)


def requested_layer(default: int) -> int:
    """The `stop_layer` of the request. Raises a 400 for one that is no number."""
    text = request.args.get("stop_layer")
    try:
        return default if text is None else int(text)
    except ValueError as error:
        raise failed("stop_layer must be a whole number", 400) from error


def requested_roots(graph: Segmentation) -> list[int]:
    """The `root_ids` of the body. Raises for one that never was a root."""
    roots = requested_ids("root_ids")
    for node in roots:
        graph.require(node)
    return roots


def require_level2(graph: Segmentation) -> None:
    """Raises a 404 where level 2 ids are no more than numbers, as in snapshots and imports."""
    if not graph.chunks.known:
        raise failed("Level 2 is not known here.", 404)


def leaves(graph: Segmentation, node: int, stop_layer: int, bounds: Ids | None = None) -> list[int]:
    """Supervoxels of a node, or its level 2 ids from layer 2 on, those in a box only. Raises for an unknown node."""
    if stop_layer == 2:  # with higher layers caveclient only compares what roots have in common, which any parts tell
        require_level2(graph)
    ids = graph.leaves(node, level2=stop_layer >= 2)
    if not len(ids):
        raise failed(f"Cannot find node {node}")
    ids_within: list[int] = (ids if bounds is None else ids[graph.chunks.within(ids, bounds)]).tolist()
    return ids_within
