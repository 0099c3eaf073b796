"""For whoever watches the application: is it alive, can it work, what has it done."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping

from flask import Blueprint, Response, jsonify
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from services.cave.context import cave
from services.core.errors import KarstError, Upstream

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
    """Prometheus text: what the process that answers has asked of CAVE and of its cache since it started."""
    registry = CollectorRegistry()
    registry.register(_Counts("karst_cave", "Requests to CAVE, bytes of their answers, and outcomes.", cave().counts))
    registry.register(_Counts("karst_cache", "Where answers came from.", cave().cache.counts))
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


class _Counts(Collector):
    """Counters of one process, by `what` was counted. Processes count apart, so each names itself."""

    def __init__(self, name: str, text: str, counts: Mapping[str, int]) -> None:
        self.name, self.text, self.counts = name, text, counts

    def collect(self) -> Iterator[CounterMetricFamily]:
        """The counters now."""
        family = CounterMetricFamily(self.name, self.text, labels=["process", "what"])
        for what, count in dict(self.counts).items():
            family.add_metric([str(os.getpid()), what], count)
        yield family
