"""For whoever watches the application: is it alive, can it work, what has it done."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify
from prometheus_client import CONTENT_TYPE_LATEST

from services.cave.context import cave
from services.core.errors import KarstError, Upstream
from services.core.metrics import text

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def alive() -> Response:
    """The process answers."""
    return jsonify({"status": "ok"})


@blueprint.get("/readyz")
def ready() -> tuple[Response, int]:
    """CAVE and the cache answer; 503 with a sentence when one does not."""
    try:
        cave().check()
    except KarstError as error:
        return _unready(error)
    problem = cave().cache.problem()
    return _unready(Upstream(problem)) if problem else (jsonify({"status": "ok"}), 200)


def _unready(error: KarstError) -> tuple[Response, int]:
    return jsonify({"status": "unready", "error": error.to_dict()}), 503


@blueprint.get("/metrics")
def metrics() -> Response:
    """Prometheus text: what all processes have counted since the application started."""
    return Response(text(), content_type=CONTENT_TYPE_LATEST)
