"""A CAVE that has failed several times in a row is left alone for some seconds, and tried again by one request."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app import create_app
from services.cave import circuit
from services.cave.client import Cave
from services.cave.release import Release
from services.core.errors import KarstError, Unavailable
from services.core.settings import Settings
from tests import tiny
from tests.faults.proxy import Proxy, hang, status
from tests.servers import free_port, start_localcave

DS = tiny.DATASTACK
ROWS = f"/api/v1/{DS}/latest/tables/nuclei/rows?limit=2"
CALLERS = 8


@pytest.fixture
def cave(proxy: Proxy) -> Cave:
    cave = Cave(Settings(server_address=proxy.url, cache="", timeout_s=1.0))
    Release.of(cave, DS, tiny.NEWEST).tables()
    return cave


def outcome(cave: Cave, table: str = "types") -> str:
    try:
        Release.of(cave, DS, tiny.NEWEST).table(table)
    except Unavailable:
        return "at once"
    except KarstError as error:
        return error.code
    return "ok"


def test_a_dead_cave_is_answered_for_at_once_and_comes_back_by_itself(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("client.VERSIONS", "client.INFO", "release.METADATA"):  # lists and descriptions are old at once
        monkeypatch.setattr(f"services.cave.{name}_TTL_S", 0)
    port = free_port()
    settings = Settings(server_address=f"http://127.0.0.1:{port}", datastack=DS, cache=str(tmp_path))
    server = create_app(settings).server
    client, counts = server.test_client(), server.extensions["karst"].counts
    with start_localcave([folder], port=port):
        kept = client.get(ROWS)
        assert kept.status_code == 200
    cells = [f"/api/v1/{DS}/latest/cells/{864691139000000000 + n}" for n in range(30)]
    first = [client.get(path).status_code for path in cells[:10]]
    assert first[0] == 502 and set(first) == {502, 503}
    sent = counts["requests"]
    for path in cells[10:]:
        answer = client.get(path)
        assert answer.status_code == 503 and answer.json is not None
        error = answer.json["error"]
        assert 1 <= int(answer.headers["Retry-After"]) <= circuit.REST_S
        assert error["message"] == f"CAVE at 127.0.0.1:{port} is not responding."
        assert f"again in {answer.headers['Retry-After']} seconds" in error["hint"]
    assert counts["requests"] - sent <= 1  # the trial, on a machine so busy that these took seconds
    assert client.get(ROWS).json == kept.json
    assert create_app(settings).server.test_client().get(ROWS).json == kept.json  # from the folder
    metrics = client.get("/metrics").text
    assert 'karst_cave_circuit_opened_total{service="' in metrics
    assert 'karst_cave_circuit_refused_total{service="' in metrics
    with start_localcave([folder], port=port):
        end_s = time.monotonic() + 6 * circuit.REST_S
        while client.get(cells[0]).status_code == 503 and time.monotonic() < end_s:
            time.sleep(0.1)
        assert [client.get(path).status_code for path in cells] == [404] * len(cells)


def test_one_request_tries_again_and_all_others_go_on_when_it_is_answered(
    cave: Cave, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(circuit, "REST_S", 0.2)
    proxy.break_next(status(503), "/query", times=999)
    outcomes = [outcome(cave) for _ in range(circuit.MOST_FAILURES + 1)]
    assert outcomes == ["upstream"] * circuit.MOST_FAILURES + ["at once"]
    proxy.break_next(hang, "/query", times=999)
    monkeypatch.setattr(circuit, "REST_S", 60.0)
    time.sleep(0.25)
    with ThreadPoolExecutor(CALLERS) as pool, proxy.counting() as requests:
        tables = ["types", "nuclei", "empty", "synapses"]
        outcomes = list(pool.map(outcome, [cave] * len(tables), tables))
    assert sorted(outcomes) == ["at once"] * (len(tables) - 1) + ["upstream"]
    assert len([one for one in requests if "/query" in one]) == 1
    monkeypatch.setattr(circuit, "REST_S", 0.0)
    cave.asker.circuits.of(f"{proxy.url}/materialize/x").fail()
    proxy.break_next(hang, times=0)
    assert outcome(cave) == "ok" and outcome(cave, "nuclei") == "ok"


def test_one_service_fails_alone(cave: Cave, proxy: Proxy) -> None:
    proxy.break_next(status(503), "/skeletoncache", times=999)
    for _ in range(circuit.MOST_FAILURES + 1):
        with pytest.raises(KarstError) as failure:
            cave.skeleton(DS, tiny.B)
    assert isinstance(failure.value, Unavailable)
    assert outcome(cave) == "ok"


def test_a_refusal_is_an_answer(cave: Cave, proxy: Proxy) -> None:
    for code in (500, 429, 404):
        proxy.break_next(status(code), "/query", times=2 * circuit.MOST_FAILURES)
        assert "at once" not in [outcome(cave) for _ in range(2 * circuit.MOST_FAILURES)]
