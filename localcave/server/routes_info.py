"""The info service: which datastacks there are and where their parts live."""

from __future__ import annotations

import difflib
import re
from typing import Any

from flask import Blueprint, Response, jsonify, request

from localcave.cave_errors import NOT_FOUND_TEXT, CaveError
from localcave.server.service import service, with_address

INFO_VERSION = "4.3.3"
RULES = (
    "/info/api/v2/datastacks",
    "/info/api/v2/datastack/<string:datastack>",
    "/info/api/v2/datastack/full/<string:datastack>",
    "/info/api/v2/datastack/<string:datastack>/image_sources",
    "/info/api/v2/aligned_volume",
    "/info/api/v2/aligned_volume/<string:aligned_volume>",
    "/info/api/v2/aligned_volume/id/<int:id>",
    "/info/api/v2/aligned_volume/<string:aligned_volume_name>/datastacks",
)
"""The routes of the real info service, which its 404 proposes."""
routes = Blueprint("info", __name__, url_prefix="/info")


@routes.get("/version")
def version() -> Response:
    return jsonify(INFO_VERSION)


@routes.get("/api/versions")
def api_versions() -> Response:
    return jsonify([2])


@routes.get("/api/v2/datastacks")
def datastacks() -> Response:
    result = service()
    return jsonify([name for name in result.store.datastacks if result.gate.may_list(name)])


@routes.get("/api/v2/datastack/full/<datastack>")
@routes.get("/api/v2/datastack/<datastack>")
def datastack_full(datastack: str) -> Response:
    return jsonify(with_address(_record(datastack)))


@routes.get("/api/v2/datastack/<datastack>/image_sources")
def image_sources(datastack: str) -> Response:
    _record(datastack)
    return jsonify([])


@routes.get("/api/v2/aligned_volumes")
@routes.get("/api/v2/aligned_volume")
def aligned_volumes() -> Response:
    return jsonify(list(_volumes()))


@routes.get("/api/v2/aligned_volume/id/<int:number>")
def aligned_volume_by_id(number: int) -> Response:
    record = next((record for record in _volumes().values() if record["id"] == number), None)
    if record is None:
        raise not_found()
    return jsonify(record)


@routes.get("/api/v2/aligned_volume/<name>")
def aligned_volume(name: str) -> Response:
    return jsonify(_volume(name))


@routes.get("/api/v2/aligned_volume/<name>/datastacks")
def datastacks_of_volume(name: str) -> Response:
    _volume(name)
    stacks = service().store.datastacks
    return jsonify([stack.name for stack in stacks.values() if stack.info["aligned_volume"]["name"] == name])


def _record(datastack: str) -> dict[str, Any]:
    stack = service().store.datastacks.get(datastack)
    if stack is None:
        raise not_found()
    return stack.info


def _volumes() -> dict[str, dict[str, Any]]:
    stacks = service().store.datastacks.values()
    volumes = (with_address(stack.info["aligned_volume"]) for stack in stacks)
    return {volume["name"]: volume for volume in volumes}


def _volume(name: str) -> dict[str, Any]:
    volume = _volumes().get(name)
    if volume is None:
        raise not_found()
    return volume


def not_found() -> CaveError:
    """The info service's 404, with the routes that look like the one asked for."""
    routes_by_stem = {re.sub("<.*>", "", rule): rule for rule in RULES}
    close = difflib.get_close_matches(request.path, routes_by_stem)
    hint = f" You have requested this URI [{request.path}] but did you mean " if close else ""
    suggestion = " or ".join(routes_by_stem[stem] for stem in close) + " ?" if close else ""
    return CaveError(404, {"message": f"{NOT_FOUND_TEXT}{hint}{suggestion}"})
