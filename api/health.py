"""For whoever watches the application: is it alive, can it work, what has it done."""

from __future__ import annotations

from ipaddress import ip_address
from threading import Lock

from cachetools import TTLCache, cached
from flask import Blueprint, Response, jsonify, request
from prometheus_client import CONTENT_TYPE_LATEST

from services.cave.client import Cave
from services.cave.context import door
from services.core.errors import KarstError, NotAllowed, Upstream
from services.core.metrics import text

blueprint = Blueprint("health", __name__)

READY_S = 2.0
"""So long an answer of `/readyz` holds: anybody may ask, as often as they like, and CAVE is not asked each time."""


@blueprint.get("/healthz")
def alive() -> Response:
    """The process answers."""
    return jsonify({"status": "ok"})


@blueprint.get("/readyz")
def ready() -> tuple[Response, int]:
    """CAVE and the cache answer; 503 with a sentence when one does not."""
    error = problem(door())
    if error:
        return jsonify({"status": "unready", "error": error.to_dict()}), 503
    return jsonify({"status": "ok"}), 200


@cached(TTLCache[Cave, KarstError | None](maxsize=4, ttl=READY_S), lock=Lock())
def problem(cave: Cave) -> KarstError | None:
    """Why CAVE or the cache does not work; None while both do."""
    try:
        cave.check()
    except KarstError as error:
        return error
    message = cave.cache.problem()
    return Upstream(message) if message else None


@blueprint.get("/metrics")
def metrics() -> Response | tuple[Response, int]:
    """Prometheus text: what all processes have counted since the application started.

    Only for who asks from this machine or its private network, and not through a proxy: 403 for others."""
    is_direct = request.remote_addr and "X-Forwarded-For" not in request.headers
    if not is_direct or not ip_address(request.remote_addr or "").is_private:
        refused = NotAllowed("Metrics are served to the private network only.")
        return jsonify({"error": refused.to_dict()}), 403
    return Response(text(), content_type=CONTENT_TYPE_LATEST)
