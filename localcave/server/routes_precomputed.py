"""Neuroglancer sources over HTTP: segmentation with meshes, skeletons and properties, image."""

from __future__ import annotations

import gzip
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from flask import Blueprint, Response, jsonify, request

from localcave.cave_errors import CaveError
from localcave.engine.query import Query, Table
from localcave.engine.store import Datastack, voxel_size_nm
from localcave.precomputed.meshes import FLAT_INFO, GRAPHENE_INFO, LevelledMesh, draco, tubes
from localcave.precomputed.synapse_points import synapse_points
from localcave.precomputed.volumes import SOMA_RADIUS_NM, Volume
from localcave.precomputed.watershed import POINT_RADIUS_NM
from localcave.segmentation.chunks import POSITION_BITS
from localcave.segmentation.skeletons import PRECOMPUTED_INFO, SOMA, Skeleton
from localcave.server.service import Release, release, service

routes = Blueprint("precomputed", __name__, url_prefix="/precomputed/<datastack>")
KINDS = ("image", "segmentation")
SUPERVOXELS = "supervoxels"
LEVEL2 = 2
FEWEST_TYPES = 5
TYPE_SCHEMAS = ("cell_type_reference", "cell_type_local")


def _volume(datastack: str, kind: str) -> Volume:
    graph = (service().watersheds if kind == SUPERVOXELS else service().volumes).get(datastack)
    if graph is None or kind not in (*KINDS, SUPERVOXELS):
        raise _missing()
    return graph


@routes.get("/<kind>/info")
def volume_info(datastack: str, kind: str) -> Response:
    return jsonify(_volume(datastack, kind).info(kind))


@routes.get("/<kind>/<key>/<name>")
def volume_chunk(datastack: str, kind: str, key: str, name: str) -> Response:
    content = _volume(datastack, kind).chunk(kind, key, name)
    if content is None:
        raise _missing()
    return _binary(gzip.compress(content, compresslevel=1), gzipped=True)


# ---------------------------------------------------------------------- skeletons and meshes
@routes.get("/segmentation/skeletons/info")
def skeleton_info(datastack: str) -> Response:
    return jsonify(PRECOMPUTED_INFO)


@routes.get("/segmentation/skeletons/<int:root_id>")
def skeleton(datastack: str, root_id: int) -> Response:
    return _binary(cell_skeleton(datastack, root_id).precomputed())


@routes.get("/segmentation/mesh/info")
def mesh_info(datastack: str) -> Response:
    return jsonify(FLAT_INFO)


@routes.get("/segmentation/mesh/<int:root_id>.index")
def mesh_index(datastack: str, root_id: int) -> Response:
    return _binary(_levelled_mesh(datastack, root_id).index)


@routes.get("/segmentation/mesh/<int:root_id>")
def mesh_fragments(datastack: str, root_id: int) -> Response:
    return _binary(_levelled_mesh(datastack, root_id).fragments)


@routes.get(f"/{SUPERVOXELS}/mesh/info")
def graphene_mesh_info(datastack: str) -> Response:
    return jsonify(GRAPHENE_INFO)


@routes.get(f"/{SUPERVOXELS}/mesh/dynamic/<int:node>:<rest>")
def graphene_fragment(datastack: str, node: int, rest: str) -> Response:
    """The mesh of a root or of a level 2 node; `rest` is what some clients tell of its place."""
    if node >> POSITION_BITS != LEVEL2:
        return _binary(draco(*tubes(graph_skeleton(datastack, node))))
    result = service().skeletons.get(datastack)
    whole = result.with_level2(np.array([node])) if result else []
    mesh = tubes(whole[0], level2=node) if whole else tubes(graph_skeleton(datastack, node))
    return _binary(draco(*mesh))


def _levelled_mesh(datastack: str, root_id: int) -> LevelledMesh:
    meshes = service().meshes
    key = (datastack, root_id)
    if key not in meshes:
        meshes[key] = LevelledMesh.of(cell_skeleton(datastack, root_id))
    return meshes[key]


def cell_skeleton(datastack: str, root_id: int) -> Skeleton:
    """The cell's skeleton; of a cell that has none its somata, which may be none too: a viewer asks for every
    segment that is shown, and takes a missing one for a failure."""
    result = service().skeletons.get(datastack)
    skeleton = result.get(root_id) if result else None
    if skeleton is not None:
        return skeleton
    somata = _volume(datastack, "segmentation").somata
    return _balls(root_id, somata.centres_nm[somata.root_ids == root_id], SOMA_RADIUS_NM, SOMA)


def graph_skeleton(datastack: str, node: int) -> Skeleton:
    """The skeleton of a root of now or of the past; of one without, and of a level 2 node, nuclei or else synapses,
    as points. Raises a 404 for what is not in the chunkedgraph."""
    of_datastack = service().skeletons.get(datastack)
    skeleton = of_datastack.get(node) if of_datastack else None
    if skeleton is not None:
        return skeleton
    stack = service().store.datastacks.get(datastack)
    if stack is None:
        raise _missing()
    graph = service().segmentation_of(stack)
    supervoxels = graph.leaves(node)
    if not len(supervoxels):
        raise _missing()
    somata = service().volumes[datastack].somata
    centres_nm = somata.centres_nm[np.isin(somata.supervoxel_ids, supervoxels) | (somata.root_ids == node)]
    if len(centres_nm):
        return _balls(node, centres_nm, SOMA_RADIUS_NM, SOMA)
    return _balls(node, synapse_points(service().store, stack, graph, supervoxels), POINT_RADIUS_NM, 0)


def _balls(node: int, centres_nm: npt.NDArray[Any], radius_nm: float, compartment: int) -> Skeleton:
    count = len(centres_nm)
    return Skeleton(
        node,
        centres_nm.astype(np.float32),
        np.zeros((0, 2), np.int32),
        np.full(count, radius_nm, np.float32),
        np.full(count, compartment, np.int8),
    )


# ---------------------------------------------------------------------- segment properties
@routes.get("/segmentation/segment_properties/info")
def properties_info(datastack: str) -> Response:
    """Cells of the newest version with their type as label and tags, from its largest table of several cell types."""
    stack = service().store.datastacks.get(datastack)
    if stack is None:
        raise _missing()
    return jsonify({"@type": "neuroglancer_segment_properties", "inline": _typed_cells(stack)})


def _typed_cells(stack: Datastack) -> dict[str, Any]:
    if not stack.versions:
        return {"ids": [], "properties": []}
    version = release(stack.name, stack.newest_version())
    name = _type_table(version)
    if name is None:
        return {"ids": [], "properties": []}
    rows = _types(version, name)
    cells: dict[int, tuple[str, str]] = {}
    for root_id, cell_type, system in zip(*(column.to_pylist() for column in rows.columns), strict=True):
        cells.setdefault(root_id, (cell_type or "", system or ""))
    tags = sorted({tag.replace(" ", "_") for pair in cells.values() for tag in pair if tag})
    place = {tag: i for i, tag in enumerate(tags)}
    values = [sorted({place[tag.replace(" ", "_")] for tag in pair if tag}) for pair in cells.values()]
    return {
        "ids": [str(root_id) for root_id in cells],
        "properties": [
            {"id": "label", "type": "label", "values": [cell_type for cell_type, _ in cells.values()]},
            {"id": "tags", "type": "tags", "tags": tags, "values": values},
        ],
    }


def _type_table(version: Release) -> str | None:
    """The table of cell types with most rows, of those that tell more than a few types apart."""
    counts = {
        name: entry["row_count"]
        for name, entry in version.tables().items()
        if entry["metadata"].get("schema_type") in TYPE_SCHEMAS
    }
    for name in sorted(counts, key=lambda name: -counts[name]):
        source = version.holder.table(version.holder_version, name)
        if source is not None:
            kinds = service().store.rows(f"SELECT count(DISTINCT cell_type) FROM {source.sql()}")[0][0]  # noqa: S608
            if kinds >= FEWEST_TYPES:
                return name
    return None


def _types(version: Release, name: str) -> pa.Table:
    """root id, cell type, classification system of a table of cell types; root 0 is no cell."""

    def lookup(table: str) -> Table:
        source = version.holder.table(version.holder_version, table)
        if source is None:
            raise _missing()
        return Table(source, voxel_size_nm(version.tables()[table]["metadata"]))

    query = Query(service().store, lookup)
    target = version.tables()[name]["metadata"].get("reference_table")
    if target:
        query.join_tables((name, "target_id"), (target, "id"))
    query.select(name, "cell_type")
    query.select(name, "classification_system")
    query.select(target or name, "pt_root_id")
    query.filter({"filter_greater_dict": {target or name: {"pt_root_id": 0}}})
    rows = query.run({}, None, 2**31, 0)
    return rows.select(["pt_root_id", "cell_type", "classification_system"])


def _binary(content: bytes, *, gzipped: bool = False) -> Response:
    response = Response(content, content_type="application/octet-stream")
    if gzipped:
        response.headers["Content-Encoding"] = "gzip"
    else:
        response.make_conditional(request.environ, accept_ranges=True, complete_length=len(content))
        response.headers["Access-Control-Expose-Headers"] = "Content-Range"
    response.headers["Cache-Control"] = "public, max-age=3600"
    return response


def _missing() -> CaveError:
    return CaveError(404, {"message": "Not Found"})
