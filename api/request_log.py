"""One line in the log, and one observation, for every request."""

from __future__ import annotations

import logging

from flask import Flask, Response, g, request

from services.core import stages
from services.core.errors import request_id
from services.core.metrics import REQUEST_SECONDS

log = logging.getLogger("karst.request")


def observe(server: Flask) -> None:
    """Log and time every request that `server` answers, until the last byte of its answer is sent."""

    @server.before_request
    def start() -> None:
        stages.start()

    @server.after_request
    def finish(answer: Response) -> Response:
        clock, route, status = stages.start(), _route(), answer.status_code
        facts = {"request_id": request_id(), "method": request.method, "route": route, "status": status}
        stages.begin_render()  # compression comes after this

        @answer.call_on_close
        def write() -> None:
            seconds = clock.seconds()
            total_s = sum(seconds.values())
            REQUEST_SECONDS.labels(route, status).observe(total_s)
            parts_ms = {f"{stage}_ms": round(spent * 1000) for stage, spent in seconds.items()}
            log.info("request", extra={**facts, "ms": round(total_s * 1000), **parts_ms})

        return answer


def _route() -> str:
    """The rule that matched, without what stands in its place, or the callback that answered."""
    rule = request.url_rule.rule if request.url_rule else "none"
    route: str = g.get("route", rule)
    return route
