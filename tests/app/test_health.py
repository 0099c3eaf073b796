"""What monitoring asks: `/readyz` looks at CAVE, `/metrics` counts what was asked of it."""

from __future__ import annotations

import re
from pathlib import Path

from flask.testing import FlaskClient

from api import health
from app import create_app
from services.core.settings import Settings
from tests.servers import free_port, start_localcave


def _requests(client: FlaskClient) -> float:
    """How many requests CAVE has had."""
    total = re.search(r"^karst_cave_requests_total (\S+)$", client.get("/metrics").text, re.MULTILINE)
    return float(total[1]) if total else 0.0


def test_ready_only_while_cave_answers(small_cortex: Path) -> None:
    port = free_port()
    client = create_app(Settings(server_address=f"http://127.0.0.1:{port}", cache="")).server.test_client()
    with start_localcave([small_cortex], port=port):
        requests = [_requests(client)]
        for _ in range(50):
            assert client.get("/readyz").json == {"status": "ok"}
            requests.append(_requests(client))
        assert requests[1] > requests[0] and len(set(requests[1:])) < 10
    health.problem.cache_clear()
    gone = client.get("/readyz")
    assert gone.status_code == 503
    assert gone.json["error"]["message"].startswith("CAVE")


def test_metrics_count_requests_to_cave(localcave_url: str) -> None:
    client = create_app(Settings(server_address=localcave_url, cache="")).server.test_client()
    before = _requests(client)
    assert client.get("/api/v1/karst_demo/versions").status_code == 200
    requested = _requests(client)
    assert requested > before
    assert client.get("/api/v1/karst_demo/versions").status_code == 200
    assert _requests(client) == requested
