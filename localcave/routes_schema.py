"""The schema service: JSON schemas of annotation types."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify

from localcave.cave_errors import CaveError
from localcave.schemas import schemas

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


@routes.get("/api/v2/type/<name>")
@routes.get("/api/v1/type/<name>")
def type_definition(name: str) -> Response:
    definition = schemas()["definitions"].get(name)
    if definition is None:
        raise CaveError(404, {"message": "Not Found"})
    return jsonify(definition)
