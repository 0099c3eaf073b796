"""The skeleton service. A cell has a skeleton in the folder, or none: there is nothing to wait for."""

from __future__ import annotations

import gzip
from typing import Any

from flask import Blueprint, Response, jsonify

from localcave.cave_errors import CaveError
from localcave.segmentation.skeletons import PRECOMPUTED_INFO, SKELETON_VERSION, Skeleton, Skeletons
from localcave.server.query_body import json_body
from localcave.server.service import service

SERVICE_VERSION = "0.23.11"
MOST_CACHED = 500
MOST_BULK = 10
MOST_REQUESTED = 1000
routes = Blueprint("skeletoncache", __name__, url_prefix="/skeletoncache/api")
V1 = "/v1/<datastack>"


def skeletons(datastack: str) -> Skeletons:
    result = service().skeletons.get(datastack)
    if result is None:
        raise CaveError(400, {"Error": f"datastack {datastack} does not exist"})
    return result


@routes.get("/version")
def version() -> Response:
    return jsonify(SERVICE_VERSION)


@routes.get("/versions")
def versions() -> Response:
    return jsonify([-1, 0, *range(1, SKELETON_VERSION + 1)])


@routes.get(f"{V1}/precomputed/skeleton/info")
@routes.get(f"{V1}/precomputed/skeleton/<int(signed=True):number>/info")
@routes.get(f"{V1}/bulk/skeleton/info")
def info(datastack: str, number: int = SKELETON_VERSION) -> Response:
    skeletons(datastack)
    return jsonify(PRECOMPUTED_INFO)


@routes.get(f"{V1}/precomputed/skeleton/get_refusal_list")
def refusal_list(datastack: str) -> Response:
    skeletons(datastack)
    return Response(gzip.compress(b"DATASTACK_NAME,ROOT_ID\n"), content_type="application/octet-stream")


@routes.get(f"{V1}/precomputed/skeleton/query_cache/<int(signed=True):number>/<prefixes>/<int:limit>")
def query_cache(datastack: str, number: int, prefixes: str, limit: int) -> Response:
    matches = sorted(root for root in skeletons(datastack).root_ids if str(root).startswith(tuple(prefixes.split(","))))
    files = [f"skeleton__v{SKELETON_VERSION}__rid-{root}__ds-{datastack}.h5.gz" for root in matches]
    return jsonify({"num_found": len(files), "files": files[:limit] if limit else files})


@routes.post(f"{V1}/precomputed/skeleton/exists")
def exist(datastack: str) -> Response:
    root_ids = _requested(MOST_REQUESTED)
    return _existence(datastack, root_ids)


@routes.get(f"{V1}/precomputed/skeleton/exists/<int(signed=True):number>/<root_ids>")
def exist_by_path(datastack: str, number: int, root_ids: str) -> Response:
    return _existence(datastack, _ids(root_ids.split(",")))


def _existence(datastack: str, root_ids: list[int]) -> Response:
    available = skeletons(datastack)
    answers = {str(root): available.has(root) for root in root_ids}
    return jsonify(next(iter(answers.values())) if len(answers) == 1 else answers)


@routes.get(f"{V1}/precomputed/skeleton/<int:root_id>")
@routes.get(f"{V1}/precomputed/skeleton/<int(signed=True):number>/<int:root_id>")
def precomputed(datastack: str, root_id: int, number: int = SKELETON_VERSION) -> Response:
    return Response(_require(datastack, root_id).precomputed(), content_type="application/octet-stream")


@routes.get(f"{V1}/precomputed/skeleton/<int(signed=True):number>/<int:root_id>/<output_format>")
@routes.get(f"{V1}/async/get_skeleton/<int(signed=True):number>/<int:root_id>/<output_format>")
def skeleton_as(datastack: str, number: int, root_id: int, output_format: str) -> Response:
    skeleton = _require(datastack, root_id)
    match output_format:
        case "flatdict" | "jsoncompressed":
            content = skeleton.flat_gzip()
        case "json":
            return jsonify(skeleton.flat())
        case "swccompressed":
            content = gzip.compress(skeleton.swc().encode())
        case "swc":
            return Response(skeleton.swc(), content_type="text/plain")
        case "precomputed" | "none":
            content = skeleton.precomputed()
        case _:
            raise CaveError(400, {"Error": f"Unknown output format: {output_format}"})
    return Response(content, content_type="application/octet-stream")


@routes.post(f"{V1}/bulk/get_cached_skeletons/<int(signed=True):number>/<output_format>")
def cached(datastack: str, number: int, output_format: str) -> Response:
    return _many(datastack, _requested(MOST_CACHED), output_format)


@routes.get(f"{V1}/bulk/get_skeletons/<int(signed=True):number>/<output_format>/<generate>/<root_ids>")
def bulk(datastack: str, number: int, output_format: str, generate: str, root_ids: str) -> Response:
    return _many(datastack, _ids(root_ids.split(","))[:MOST_BULK], output_format)


@routes.post(f"{V1}/bulk/gen_skeletons")
def generate(datastack: str) -> Response:
    skeletons(datastack)
    _requested(MOST_REQUESTED)
    return Response("0.0", content_type="text/plain")


def _many(datastack: str, root_ids: list[int], output_format: str) -> Response:
    """Hex text of each skeleton that there is."""
    if output_format not in ("flatdict", "swccompressed"):
        raise CaveError(400, {"Error": f"Unknown output format: {output_format}"})
    answers = {}
    for root in root_ids:
        skeleton = skeletons(datastack).get(root)
        if skeleton is not None:
            content = skeleton.flat_gzip() if output_format == "flatdict" else skeleton.swc().encode()
            answers[str(root)] = content.hex()
    return jsonify(answers)


def _require(datastack: str, root_id: int) -> Skeleton:
    skeleton = skeletons(datastack).get(root_id)
    if skeleton is None:
        raise CaveError(404, {"Error": f"there is no skeleton of {root_id}"})
    return skeleton


def _requested(most: int) -> list[int]:
    body = json_body()
    values = body.get("root_ids") if isinstance(body, dict) else None
    if not isinstance(values, list):
        raise CaveError(400, {"Error": "root_ids must be a list"})
    if len(values) > most:
        raise CaveError(400, {"Error": f"at most {most} root ids may be asked for at once"})
    return _ids(values)


def _ids(values: list[Any]) -> list[int]:
    try:
        return [int(value) for value in values]
    except (TypeError, ValueError, OverflowError) as error:
        raise CaveError(400, {"Error": "a root id is a whole number"}) from error
