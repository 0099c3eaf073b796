"""What monitoring asks: `/readyz` looks at CAVE each time, `/metrics` counts what was asked of it."""

from __future__ import annotations

import re
from pathlib import Path

from app import create_app
from services.core.settings import Settings
from tests.servers import free_port, start_localcave


def test_ready_only_while_cave_answers(small_cortex: Path) -> None:
    port = free_port()
    client = create_app(Settings(server_address=f"http://127.0.0.1:{port}", cache="")).server.test_client()
    with start_localcave([small_cortex], port=port):
        assert client.get("/readyz").json == {"status": "ok"}
    gone = client.get("/readyz")
    assert gone.status_code == 503
    assert gone.json["error"]["message"].startswith("CAVE")


def test_metrics_count_requests_to_cave(localcave_url: str) -> None:
    client = create_app(Settings(server_address=localcave_url, cache="")).server.test_client()

    def requests() -> float:
        found = re.search(r"^karst_cave_requests_total (\S+)$", client.get("/metrics").text, re.MULTILINE)
        return float(found[1]) if found else 0.0

    before = requests()
    assert client.get("/api/v1/karst_demo/versions").status_code == 200
    asked = requests()
    assert asked > before
    assert client.get("/api/v1/karst_demo/versions").status_code == 200
    assert requests() == asked
