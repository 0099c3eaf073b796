"""What the chunkedgraph tells of the inside of a root: leaves, children, level 2, paths.

The graph has three layers that are known: supervoxels, level 2 nodes and roots. Edges are those of skeletons; a cell
without one has no graph here, and the answer says so.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from flask import Response, request

from localcave.segmentation.chunkedgraph import Segmentation
from localcave.segmentation.chunks import POSITION_BITS
from localcave.segmentation.contacts import contacts
from localcave.segmentation.level2 import Level2
from localcave.segmentation.skeletons import Skeleton
from localcave.segmentation.trees import path_between
from localcave.server.graph_requests import (
    failed,
    int64,
    leaves,
    requested_bounds,
    requested_ids,
    requested_layer,
    require_level2,
    segmentation,
    written,
)
from localcave.server.query_body import json_body
from localcave.server.routes_segmentation import LEVEL2, V1, routes
from localcave.server.service import service

SUPERVOXEL = 1
FARTHEST_NM = 5_000.0
"""From the surface of an arbor: a point farther off is of something else."""
CUT_POINTS = ("sources", "sinks")


def _layer(node: int) -> int:
    return node >> POSITION_BITS


def _graph(graph: Segmentation, node: int) -> tuple[Skeleton, Level2]:
    """The skeleton and level 2 graph of a root. Raises a 404 for one without, and for one of which the skeleton is only
    a part, as of roots that were merged with fragments without a skeleton."""
    graph.require(node)
    skeleton = service().skeletons[graph.datastack].get(node)
    if skeleton is None or not len(skeleton.level2_id):
        raise failed(f"The graph inside {node} is not known here: it has no skeleton.", 404)
    level2 = Level2.of(skeleton)
    if not np.array_equal(level2.ids, graph.leaves(node, level2=True)):
        raise failed(f"The graph inside {node} is known only in part here.", 404)
    return skeleton, level2


# ---------------------------------------------------------------------- leaves and children
@routes.get(f"{V1}/node/<int:node>/leaves")
def node_leaves(table: str, node: int) -> Response:
    graph = segmentation(table)
    stop_layer = requested_layer(SUPERVOXEL)
    ids = leaves(graph, int64(node), stop_layer, requested_bounds(graph))
    return written({"leaf_ids": [str(leaf) for leaf in ids] if "int64_as_str" in request.args else ids})


@routes.post(f"{V1}/node/leaves_many")
def leaves_many(table: str) -> Response:
    graph = segmentation(table)
    stop_layer = requested_layer(SUPERVOXEL)
    bounds = requested_bounds(graph)
    return written({str(node): leaves(graph, node, stop_layer, bounds) for node in requested_ids("node_ids")})


@routes.get(f"{V1}/node/<int:node>/children")
def children(table: str, node: int) -> Response:
    """Level 2 ids of a root, supervoxels of a level 2 id, nothing of a supervoxel."""
    graph = segmentation(table)
    require_level2(graph)
    layer = _layer(int64(node))
    below = [] if layer == SUPERVOXEL else leaves(graph, node, SUPERVOXEL if layer == LEVEL2 else LEVEL2)
    return written({"children_ids": below})


@routes.post(f"{V1}/minimal_covering_nodes")
def minimal_covering_nodes(table: str) -> Response:
    """The fewest nodes with the supervoxels of some nodes, as raw uint64."""
    graph = segmentation(table)
    require_level2(graph)
    nodes = np.unique(np.array(requested_ids("node_ids"), np.int64))
    below = [np.array([node]) if _layer(node) == SUPERVOXEL else graph.leaves(node) for node in nodes.tolist()]
    for node, supervoxels in zip(nodes.tolist(), below, strict=True):
        if not len(supervoxels):
            raise failed(f"Cannot find node {node}")
    covered = np.unique(np.concatenate(below)) if below else np.zeros(0, np.int64)
    return Response(graph.covering(covered).astype("<u8").tobytes(), content_type="application/octet-stream")


# ---------------------------------------------------------------------- edges
@routes.get(f"{V1}/node/<int:node>/lvl2_graph")
def level2_graph(table: str, node: int) -> Response:
    """Pairs of level 2 ids that touch; with bounds those that both reach into the box."""
    result, node = segmentation(table), int64(node)
    bounds = requested_bounds(result)
    alone = len(leaves(result, node, LEVEL2)) == 1
    edges = np.zeros((0, 2), np.int64) if alone else _graph(result, node)[1].edges
    if bounds is not None:
        edges = edges[result.chunks.within(edges.ravel(), bounds).reshape(-1, 2).all(axis=1)]
    answer = written({"edge_graph": edges.tolist()})
    answer.headers["Used-Bounds"] = str(bounds is not None).lower()
    return answer


@routes.get(f"{V1}/node/<int:node>/subgraph")
def subgraph(table: str, node: int) -> Response:
    """Pairs of supervoxels that touch, in a box. Affinities are 1: nothing is uncertain. Areas are the cross-sections
    of the arbor there, in voxels of 8 x 8 nm."""
    result, node = segmentation(table), int64(node)
    bounds = requested_bounds(result)
    skeleton, _ = _graph(result, node)
    pairs, radius = skeleton.supervoxel_id[skeleton.edges], skeleton.radius_nm[skeleton.edges].min(axis=1)
    if bounds is not None:
        inside = result.chunks.within(pairs.ravel(), bounds).reshape(-1, 2).all(axis=1)
        pairs, radius = pairs[inside], radius[inside]
    areas = np.maximum(1, np.rint(np.pi * radius.astype(float) ** 2 / 64)).astype(int)
    return written({"nodes": pairs.tolist(), "affinities": [1.0] * len(pairs), "areas": areas.tolist()})


@routes.get(f"{V1}/node/<int:node>/contact_sites")
def contact_sites(table: str, node: int) -> Response:
    """Areas of the contacts of a root by partner; with `partners=False` by the number of the contact, from 1 on."""
    graph, node = segmentation(table), int64(node)
    supervoxels = graph.leaves(node)
    if not len(supervoxels):
        raise failed(f"Cannot find node {node}")
    stack = service().store.datastacks[graph.datastack]
    touching = contacts(service().store, stack, supervoxels, requested_bounds(graph))
    if touching is None:
        raise failed(f"What {node} touches is not known here.", 404)
    by_partner = request.args.get("partners", "true").lower() not in ("false", "0")
    numbers = np.arange(1, len(touching.area) + 1)
    keys = graph.roots_at(touching.supervoxel_id, graph.now()) if by_partner else numbers
    sites: dict[str, list[int]] = {}
    for key, area in zip(keys.tolist(), touching.area.tolist(), strict=True):
        sites.setdefault(str(key), []).append(area)
    return written(sites)


@routes.post(f"{V1}/graph/find_path")
def find_path(table: str) -> Response:
    """The way along the arbor between the two level 2 nodes nearest to two points in nm."""
    result = segmentation(table)
    (root, *start), (other, *end) = _points(json_body(), 2)
    if root != other:
        raise failed("Both points must be of the same root.", 400)
    skeleton, graph = _graph(result, int(root))
    vertices = [_nearest(skeleton, place) for place in (start, end)]
    way = skeleton.level2_id[path_between(skeleton.above, *vertices)]
    way = way[np.r_[True, way[1:] != way[:-1]]]
    centres = graph.place_nm[np.searchsorted(graph.ids, way)]
    return written(
        {"centroids_list": np.rint(centres).astype(int).tolist(), "failed_l2_ids": [], "l2_path": way.tolist()}
    )


@routes.post(f"{V1}/graph/split_preview")
def split_preview(table: str) -> Response:
    """What would part if the root of now of some supervoxels were cut between two sets of them: in the middle of the
    way between the first of each. It is illegal when that does not part the sets. Points are named by their supervoxel,
    or by a node, of now or of the past, that they lie in."""
    graph = segmentation(table)
    body = json_body()
    sides = [_points(body.get(key) if isinstance(body, dict) else None) for key in CUT_POINTS]
    cut = [[(_supervoxel(graph, int(node), place), place) for node, *place in side] for side in sides]
    sources, sinks = ({supervoxel for supervoxel, _ in side} for side in cut)
    if sources & sinks:
        raise failed("Supervoxels exist in both sink and source, try placing the points further apart.", 400)
    roots = set(graph.roots_at(np.array(sorted(sources | sinks)), graph.now()).tolist())
    if len(roots) != 1:
        raise failed("Supervoxels must belong to the same object.", 400)
    skeleton, _ = _graph(graph, roots.pop())
    near_vertices, far_vertices = ([_vertex(skeleton, *point) for point in side] for side in cut)
    way = path_between(skeleton.above, near_vertices[0], far_vertices[0])
    if len(way) < 2:
        raise failed("Mincut could not find any edges to remove.", 400)
    near, far = skeleton.parted(way[len(way) // 2 - 1], way[len(way) // 2])
    illegal = not (near[near_vertices].all() and far[far_vertices].all())
    parts = [skeleton.supervoxel_id[side].tolist() for side in (near, far)]
    return written({"supervoxel_connected_components": parts, "illegal_split": bool(illegal)})


def _points(value: Any, count: int | None = None) -> list[list[float]]:
    """Points as [id, x, y, z], in nm. Raises a 400 for anything else."""
    try:
        points = [[int64(int(node)), *map(float, place)] for node, *place in value]
    except (TypeError, ValueError, OverflowError):
        points = []
    fit = all(len(point) == 4 and np.isfinite(point[1:]).all() for point in points)
    if not points or (count and len(points) != count) or not fit:
        raise failed("Points must be lists of an id and x, y, z.", 400)
    return points


def _supervoxel(graph: Segmentation, node: int, place_nm: list[float]) -> int:
    """A supervoxel itself; of another node the one that a point lies in, or that is nearest to it on the arbor. Raises
    for an unknown node and for points that are not near it."""
    supervoxels = np.array([node]) if _layer(node) == SUPERVOXEL else graph.leaves(node)
    if not graph.newest_roots(supervoxels).all() or not len(supervoxels):
        raise failed(f"Cannot find node {node}", 400)
    if len(supervoxels) == 1:
        return int(supervoxels[0])
    (supervoxel,) = service().watersheds[graph.datastack].supervoxels_at(np.array([place_nm])).tolist()
    if supervoxel in supervoxels:
        return int(supervoxel)
    root = node if _layer(node) > LEVEL2 else int(graph.newest_roots(supervoxels[:1])[0])
    skeleton = service().skeletons[graph.datastack].get(root)
    if skeleton is None or not len(skeleton.supervoxel_id):
        raise failed(f"The graph inside {root} is not known here: it has no skeleton.", 404)
    return int(skeleton.supervoxel_id[_nearest(skeleton, place_nm)])


def _vertex(skeleton: Skeleton, supervoxel: int, place_nm: list[float]) -> int:
    """The vertex of a supervoxel, or where it has none that nearest to a point in it."""
    result = np.flatnonzero(skeleton.supervoxel_id == supervoxel)
    return int(result[0]) if len(result) else _nearest(skeleton, place_nm)


def _nearest(skeleton: Skeleton, place_nm: list[float]) -> int:
    """The vertex nearest to a point. Raises a 400 for a point that is not near the arbor."""
    place, vertices = np.array(place_nm), skeleton.vertices_nm.astype(float)
    distance = np.linalg.norm(vertices - place, axis=1)
    child, parent = skeleton.edges.T
    along = vertices[parent] - vertices[child]
    share = ((place - vertices[child]) * along).sum(axis=1) / np.maximum((along**2).sum(axis=1), 1)
    on_edge = vertices[child] + np.clip(share, 0, 1)[:, None] * along
    away = np.r_[distance - skeleton.radius_nm, np.linalg.norm(on_edge - place, axis=1)]
    if away.min() > FARTHEST_NM:
        coordinates = ", ".join(f"{number:.0f}" for number in place_nm)
        raise failed(f"Could not determine supervoxel ID for coordinates [{coordinates}] nm.", 400)
    return int(np.argmin(distance))
