"""What an operator sees of the application as it is served: its log and its metrics, with gunicorn's real settings."""

from __future__ import annotations

import json
import re
import shlex
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from tests.servers import karst

TYPED = "zq7typed"
TOKEN = "tk9secret"
STAGES = ("cave_ms", "cache_ms", "compute_ms", "render_ms")
WAYS = ("show", "left_to_load", "unless_typed", "no_rows", "problem")
"""How callbacks show an error: those of `broken_app`."""
ROWS = "/api/v1/karst_demo/latest/tables/nucleus_detection_v0/rows"
ROWS_ROUTE = "/api/v1/<datastack>/<version>/tables/<table>/rows"


class Served:
    """Karst under gunicorn, and the lines that it has logged."""

    def __init__(self, url: str, log: Path) -> None:
        self.url, self.log = url, log

    def lines(self) -> list[dict[str, Any]]:
        """The log, read as the JSON that it is, all of it."""
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def lines_of(self, request_id: str) -> list[dict[str, Any]]:
        """What was logged of a request, whose own line is written when its answer has gone."""
        return wait_for(lambda: [one for one in self.lines() if one.get("request_id") == request_id], has_request_line)


def has_request_line(lines: list[dict[str, Any]]) -> bool:
    return any(line["event"] == "request" for line in lines)


def wait_for(read: Callable[[], Any], fits: Callable[[Any], bool], patience_s: float = 10.0) -> Any:
    """What `read` gives once it fits."""
    end = time.monotonic() + patience_s
    while not fits(value := read()):
        assert time.monotonic() < end, f"never came: {value}"
        time.sleep(0.05)
    return value


def send_callback(url: str, output: str, value: Any) -> requests.Response:
    """A callback's request, as Dash's renderer sends it."""
    name, prop = output.split(".")
    body = {
        "output": output,
        "outputs": {"id": name, "property": prop},
        "inputs": [{"id": "broken", "property": "data", "value": value}],
        "changedPropIds": ["broken.data"],
    }
    return requests.post(f"{url}/_dash-update-component", json=body, timeout=60)


@pytest.fixture(scope="module")
def served(localcave_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("operator")
    log = folder / "log"
    options: Any = {"app": "tests.app.broken_app:server", "KARST_LOG": "json", "CAVE_TOKEN": TOKEN}
    with karst(localcave_url, folder / "cache", log=log, **options) as url:
        yield Served(url, log)


class TestLog:
    def test_a_request_is_one_line_with_its_time_by_stage(self, served: Served) -> None:
        answer = requests.get(served.url + ROWS, params={"limit": 5}, timeout=60)
        assert answer.status_code == 200
        own = served.lines_of(answer.headers["X-Request-Id"])
        (line,) = [one for one in own if one["event"] == "request"]
        assert (line["method"], line["route"], line["status"]) == ("GET", ROWS_ROUTE, 200)
        assert line["cave_ms"] > 0
        assert abs(sum(line[stage] for stage in STAGES) - line["ms"]) <= len(STAGES)  # each is rounded

    def test_a_question_to_cave_is_one_line_with_the_id_of_its_request(self, served: Served) -> None:
        answer = requests.get(
            f"{served.url}/api/v1/karst_demo/latest/tables/proofreading_status_and_strategy/rows", timeout=60
        )
        questions = [one for one in served.lines_of(answer.headers["X-Request-Id"]) if one["event"] == "question"]
        assert {one["outcome"] for one in questions} == {"ok"}
        (rows,) = [one for one in questions if one["question"] == "rows"]
        assert re.fullmatch(r"table proofreading_status_and_strategy at version \d+ of karst_demo", rows["about"])
        assert rows["rows"] == answer.json()["total"]
        assert rows["requests"] >= 1
        assert rows["bytes"] > 0

    @pytest.mark.parametrize("way", WAYS)
    def test_an_unforeseen_error_is_logged_and_shown_with_the_same_id(self, served: Served, way: str) -> None:
        answer = send_callback(served.url, f"broken-{way}.children", {"startRow": 0, "text": TYPED})
        assert answer.status_code == 200
        assert "Something went wrong in Karst." in answer.text
        request_id = answer.headers["X-Request-Id"]
        assert f"Request {request_id}" in answer.text
        own = served.lines_of(request_id)
        (error,) = [one for one in own if one["level"] == "error"]
        assert error["event"] == "unforeseen"
        assert error["exception"].endswith("RuntimeError")
        assert "broken_app.py" in error["exception"]
        (line,) = [one for one in own if one["event"] == "request"]
        assert line["route"] == "tests.app.broken_app.fail"

    def test_one_outside_of_callbacks_is_too(self, served: Served) -> None:
        answer = requests.get(f"{served.url}/api/v1/reference", params={"q": TYPED}, timeout=60)
        assert answer.status_code == 500
        assert answer.json()["error"]["message"] == "Something went wrong in Karst."
        assert [one for one in served.lines_of(answer.headers["X-Request-Id"]) if one["level"] == "error"]

    def test_neither_a_token_nor_what_was_typed_is_in_any_line(self, served: Served) -> None:
        typed = {"filter": f"cell_type = {TYPED}"}
        for path in (ROWS, f"/api/v1/karst_demo/latest/cells/{TYPED}", f"/{TYPED}", f"/table-viewer?where={TYPED}"):
            answer = requests.get(served.url + path, params=typed, headers={"Cookie": f"a={TYPED}"}, timeout=60)
            served.lines_of(answer.headers["X-Request-Id"])
        parts = urlsplit(served.url)
        with socket.create_connection((parts.hostname, parts.port), timeout=60) as raw:  # what is no HTTP
            raw.sendall(f"GET / HTTP/1.1\r\nHost: x\r\nAuthorization Bearer {TOKEN}\r\n\r\n".encode())
            assert raw.recv(100).startswith(b"HTTP/1.1 400")
        written = wait_for(served.log.read_text, lambda text: "Invalid request" in text)
        assert TYPED not in written
        assert TOKEN not in written


class TestMetrics:
    def sums(self, served: Served, name: str) -> dict[str, float]:
        """Samples by their labels."""
        text = requests.get(f"{served.url}/metrics", timeout=60).text
        return {labels: float(value) for labels, value in re.findall(rf"^{name}{{(.*)}} (\S+)$", text, re.MULTILINE)}

    def test_latency_by_route_of_all_processes(self, served: Served) -> None:
        count = "karst_request_seconds_count"
        labels = f'route="{ROWS_ROUTE}",status="400"'
        before = self.sums(served, count).get(labels, 0.0)
        for _ in range(40):  # each by a connection of its own, so that both processes answer some
            assert requests.get(served.url + ROWS, params={"limit": "x"}, timeout=60).status_code == 400
        wait_for(lambda: self.sums(served, count)[labels], lambda value: value == before + 40)
        assert self.sums(served, "karst_request_seconds_bucket")[f'le="+Inf",{labels}'] == before + 40

    def test_latency_by_question(self, served: Served) -> None:
        assert requests.get(f"{served.url}/api/v1/karst_demo/versions", timeout=60).status_code == 200
        counted = self.sums(served, "karst_cave_question_seconds_count")
        requested = [one for one in served.lines() if one["event"] == "question"]
        for question in {one["question"] for one in requested}:
            assert counted[f'outcome="ok",question="{question}"'] > 0

    def test_no_label_is_what_was_typed(self, served: Served) -> None:
        requests.get(f"{served.url}/{TYPED}/{TYPED}", timeout=60)
        requests.get(f"{served.url}/api/v1/{TYPED}/{TYPED}/tables", timeout=60)
        assert TYPED not in requests.get(f"{served.url}/metrics", timeout=60).text


def test_the_log_is_text_by_default_and_metrics_leave_no_files(localcave_url: str, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with karst(localcave_url, "", log=log) as url:
        request_id = requests.get(f"{url}/healthz", timeout=60).headers["X-Request-Id"]
        line = wait_for(lambda: [one for one in log.read_text().splitlines() if request_id in one], bool)[0]
        fields = dict(part.split("=", 1) for part in shlex.split(line))
        assert fields["event"] == "request"
        assert (fields["route"], fields["status"], fields["level"]) == ("/healthz", "200", "info")
        assert set(STAGES) < set(fields)
        master = re.search(r"Listening at: \S+ \((\d+)\)", log.read_text())
        assert master
        metrics = Path(f"/dev/shm/karst-metrics-{master[1]}")
        assert list(metrics.iterdir())
    assert not metrics.exists()
