"""The schema service: JSON schemas of annotation types."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, request

from localcave.cave_errors import CaveError
from localcave.folder.schemas import schemas

routes = Blueprint("schema", __name__, url_prefix="/schema")


@routes.get("/versions")
@routes.get("/api/versions")
def versions() -> Response:
    return jsonify([1, 2])


@routes.get("/api/v2/type")
@routes.get("/api/v1/type")
def types() -> Response:
    return jsonify(schemas()["all_types"])


@routes.get("/api/v2/types_all")
def types_all() -> Response:
    return jsonify(schemas()["definitions"])


@routes.post("/api/v2/types")
def types_together() -> Response:
    """The schemas of several types in one call, by name."""
    names = request.args.get("schema_names", "").split(",")
    return jsonify({name: _definition(name) for name in names if name})


@routes.get("/api/v2/type/<name>")
@routes.get("/api/v1/type/<name>")
def type_definition(name: str) -> Response:
    return jsonify(_definition(name))


def _definition(name: str) -> Any:
    definition = schemas()["definitions"].get(name)
    if definition is None:
        raise CaveError(404, {"message": "Not Found"})
    return definition
