"""For whoever watches the application: is it alive, can it work."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify

from services.context import cave
from services.errors import KarstError, Upstream

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def alive() -> Response:
    """The process answers."""
    return jsonify({"status": "ok"})


@blueprint.get("/readyz")
def ready() -> tuple[Response, int]:
    """CAVE and the cache answer; 503 with a sentence when one does not."""
    try:
        cave().datastacks()
    except KarstError as error:
        return _unready(error)
    problem = cave().cache.problem()
    return _unready(Upstream(problem)) if problem else (jsonify({"status": "ok"}), 200)


def _unready(error: KarstError) -> tuple[Response, int]:
    return jsonify({"status": "unready", "error": error.to_dict()}), 503
