"""For whoever watches the application: is it alive, can it work, what has it done."""

from __future__ import annotations

from ipaddress import ip_address

from flask import Blueprint, Response, jsonify, request
from prometheus_client import CONTENT_TYPE_LATEST

from services.cave.context import door
from services.core.errors import KarstError, NotAllowed, Upstream
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
        door().check()
    except KarstError as error:
        return _unready(error)
    problem = door().cache.problem()
    return _unready(Upstream(problem)) if problem else (jsonify({"status": "ok"}), 200)


def _unready(error: KarstError) -> tuple[Response, int]:
    return jsonify({"status": "unready", "error": error.to_dict()}), 503


@blueprint.get("/metrics")
def metrics() -> Response | tuple[Response, int]:
    """Prometheus text: what all processes have counted since the application started.

    Only for who asks from this machine or its private network, and not through a proxy: 403 for others."""
    is_direct = request.remote_addr and "X-Forwarded-For" not in request.headers
    if not is_direct or not ip_address(request.remote_addr or "").is_private:
        refused = NotAllowed("Metrics are only told within the private network.")
        return jsonify({"error": refused.to_dict()}), 403
    return Response(text(), content_type=CONTENT_TYPE_LATEST)
