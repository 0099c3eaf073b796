"""Long readings as jobs: in memory and in a folder; shared, cancelled, taken over from a worker that is gone."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import flask
import pytest
from flask.testing import FlaskClient

from api import blueprint
from services.cache import stores
from services.cave.client import Cave
from services.cave.release import Release
from services.core.errors import NotFound
from services.core.settings import Settings
from services.populations import chance, groupings, jobs, population, synapse_reading
from services.populations.chance import Draws
from services.populations.population import Pair
from services.views.addresses import PopulationAddress
from services.views.population_view import PopulationView
from tests import six_cells
from tests.faults.proxy import proxied
from tests.servers import ROOT, start_localcave

SIX, VERSION = six_cells.DATASTACK, six_cells.VERSION


@pytest.fixture(autouse=True)
def workers_end(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Those that a test has started end with it: one whose Redis is gone writes tracebacks, which Python 3.11 does not
    do safely while another thread compiles."""
    started: list[jobs._Worker] = []
    start = jobs._Worker.start

    def noted(worker: jobs._Worker) -> None:
        started.append(worker)
        start(worker)

    monkeypatch.setattr(jobs._Worker, "start", noted)
    yield
    for worker in started:
        worker.stop()


@pytest.fixture
def folder(six_url: str, tmp_path: Path) -> Cave:
    return Cave(Settings(server_address=six_url, cache=str(tmp_path / "cache")))


@pytest.fixture
def api_client(folder: Cave) -> FlaskClient:
    return client_of(folder)


def client_of(cave: Cave) -> FlaskClient:
    app = flask.Flask("test_population_jobs")
    app.extensions["karst"] = cave
    app.register_blueprint(blueprint)
    return app.test_client()


def last_of(client: FlaskClient, href: str) -> dict[str, Any]:
    """What a job tells when it has ended."""
    end = time.monotonic() + 60
    while (job := client.get(href).json["job"])["state"] in ("waiting", "reading"):
        assert time.monotonic() < end
        time.sleep(0.1)
    return dict(job)


def pair_of(cave: Cave, text: str = "nuclei:") -> Pair:
    return population.choose(Release.of(cave, SIX, VERSION), text, proofread="off")


def ended(result: jobs.Jobs, id: str) -> jobs.Job:
    end = time.monotonic() + 60
    while (job := result.find(id)).under_way and time.monotonic() < end:
        time.sleep(0.1)
    return job


def test_a_job_by_its_address(api_client: FlaskClient) -> None:
    address = f"/api/v1/{SIX}/{VERSION}/populations/edges"
    query = {"pre": "nuclei:", "proofread": "off", "job": "on"}
    first = api_client.get(address, query_string=query)
    assert first.status_code == 202 and first.json["job"]["state"] in ("waiting", "reading", "done")
    end = time.monotonic() + 60
    while api_client.get(first.headers["Location"]).json["job"]["state"] != "done":
        assert time.monotonic() < end
        time.sleep(0.1)
    message = api_client.get(first.headers["Location"]).json["job"]
    assert message["done"] == message["total"] == 1 and message["rows"] == 14  # with one autapse
    ready = api_client.get(address, query_string=query)
    assert ready.status_code == 200 and ready.json["total"] == 9
    missing = api_client.get(f"/api/v1/{SIX}/{VERSION}/populations/jobs/nothing")
    assert missing.status_code == 404


def test_who_asks_the_same_has_the_same_job_and_the_other_process_reads_it(folder: Cave) -> None:
    one, other = jobs.Jobs(folder), jobs.Jobs(Cave(folder.settings))
    job = one.start(pair_of(folder))
    assert other.start(pair_of(folder)).id == job.id
    assert ended(other, job.id).state == "done"
    assert population.cost(pair_of(Cave(folder.settings))) == 0


def test_without_a_folder_jobs_are_in_memory(six_url: str) -> None:
    cave = Cave(Settings(server_address=six_url, cache=""))
    result = jobs.Jobs(cave)
    assert ended(result, result.start(pair_of(cave)).id).state == "done"


def test_a_cancelled_job_ends_and_can_be_asked_again(folder: Cave, monkeypatch: pytest.MonkeyPatch) -> None:
    result, pair = jobs.Jobs(folder), pair_of(folder)
    monkeypatch.setattr(jobs, "AT_WORK", 0)  # nobody works on it yet
    job = result.start(pair)
    assert result.cancel(job.id).state == "cancelled"
    assert result.start(pair).state == "waiting"
    with pytest.raises(NotFound):
        result.cancel("nothing")


def test_a_job_of_a_worker_that_is_gone_goes_on_when_it_is_asked_for(folder: Cave) -> None:
    result, pair = jobs.Jobs(folder), pair_of(folder)
    job = ended(result, result.start(pair).id)
    silent = replace(job, state="reading", at=time.time() - 1_000)
    folder.cache.note(("job", job.id), asdict(silent), most=1)
    assert result.find(job.id).state == "failed" and "ask again" in result.find(job.id).message
    assert ended(result, result.start(pair).id).state == "done"


def test_a_job_that_waits_long_for_its_turn_is_not_taken_for_lost(
    folder: Cave, monkeypatch: pytest.MonkeyPatch
) -> None:
    result, pair = jobs.Jobs(folder), pair_of(folder)
    monkeypatch.setattr(jobs, "AT_WORK", 0)  # all others are busy with another one
    job = result.start(pair)
    folder.cache.note(("job", job.id), asdict(replace(job, at=time.time() - 1_000)), most=1)
    assert result.find(job.id).state == "waiting" and result.find(job.id).under_way
    assert result.start(pair).under_way and len(result._huey.pending()) == 1
    result._huey.dequeue()  # by a worker that was killed before it said anything
    assert result.find(job.id).state == "failed"


@pytest.mark.parametrize(
    ("what", "model"), [("null", "degrees"), ("null", "depth"), ("null", "distance"), ("motifs", "motifs")]
)
def test_what_takes_long_to_draw_is_a_job(
    api_client: FlaskClient, folder: Cave, what: str, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    address, query = f"/api/v1/{SIX}/{VERSION}/populations/{what}", {"pre": "nuclei:", "proofread": "off"}
    query |= {"model": model} if what == "null" else {}
    now = api_client.get(address, query_string=query)
    assert now.status_code == 200
    monkeypatch.setattr(chance, "WAITED_FOR", {model: 0})
    monkeypatch.setattr(chance, "REPORT_EVERY_S", 0.0)
    assert api_client.get(address, query_string=query).status_code == 200  # it is kept
    first = api_client.get(address, query_string=query | {"seed": "7", "permutations": "20"})
    assert first.status_code == 202
    end = time.monotonic() + 60
    while (job := api_client.get(first.headers["Location"]).json["job"])["state"] != "done":
        assert time.monotonic() < end
        time.sleep(0.1)
    assert job["of"] == "permutations" and job["done"] == job["total"] == 20
    ready = api_client.get(address, query_string=query | {"seed": "7", "permutations": "20"})
    assert ready.status_code == 200 and ready.json["seed"] == 7
    monkeypatch.setattr(chance, "WAITED_FOR", {model: 10**9})
    other = population.read(pair_of(Cave(replace(folder.settings, cache=""))))
    draws = Draws(model, 20, 7)
    groups = groupings.group(other.pair.release, other.pair.pre), groupings.group(other.pair.release, other.pair.post)
    anew = chance.count_motifs(other, draws) if what == "motifs" else chance.compare(other, groups, draws).frame()
    expected = json.loads(anew.to_json(orient="records"))
    assert len(expected) == len(ready.json["rows"])
    for row, own in zip(ready.json["rows"], expected, strict=True):
        assert {name: row[name] for name in own} == pytest.approx(own)


def test_the_page_and_the_api_share_what_is_drawn(folder: Cave) -> None:
    sets: Any = {"pre_table": "nuclei", "proofread": "off"}
    pair, view = pair_of(folder), PopulationAddress(SIX, str(VERSION), **sets, pre_by="types.cell_type")
    by = [groupings.group(pair.release, side, of).by for side, of in ((pair.pre, view.pre_by), (pair.post, ""))]
    own = PopulationView.of(folder, view).draws("degrees")
    assert jobs._id(pair, own) == jobs._id(pair, Draws("degrees", 1_000, 1, "connections", by))
    some = PopulationView.of(folder, replace(view, row="P", column="I")).draws("motifs")
    result, groups = population.read(pair), [groupings.group(pair.release, pair.pre, one) for one in by]
    chance.draw(result, some, report=lambda _: None)
    assert chance.is_kept(population.entry(result, (groups[0], groups[1]), "P", "I"), some)
    assert not chance.is_kept(result, some)


def test_a_job_that_cannot_be_read_says_why(folder: Cave) -> None:
    result, pair = jobs.Jobs(folder), pair_of(folder)
    lost = replace(pair, pre=replace(pair.pre, text="nowhere:"))
    job = ended(result, result.start(lost).id)
    assert job.state == "failed" and "nowhere" in job.message


def test_a_mistake_in_a_job_has_an_id_that_finds_it_in_the_log(
    folder: Cave, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("nobody foresaw it")

    monkeypatch.setattr(synapse_reading, "read", fail)
    result = jobs.Jobs(folder)
    message = ended(result, result.start(pair_of(folder)).id).message
    (record,) = [one for one in caplog.records if one.message == "unforeseen"]
    assert message.endswith(f" Request {record.__dict__['request_id']}.") and "foresaw" not in message


def test_two_jobs_at_once_are_read_one_after_the_other(folder: Cave) -> None:
    result = jobs.Jobs(folder)
    ids = [result.start(pair).id for pair in (pair_of(folder), pair_of(folder, "types:cell_type = P"))]
    assert len(set(ids)) == 2 and {ended(result, id).state for id in ids} == {"done"}


def test_a_job_whose_server_goes_away_says_so(tmp_path: Path) -> None:
    with start_localcave([six_cells.make(tmp_path / SIX)]) as url:
        cave = Cave(Settings(server_address=url, cache=str(tmp_path / "cache")))
        kept = pair_of(cave, "types:cell_type = P")
        population.read(kept)
        pair = pair_of(cave)
        population.cost(pair)
    result = jobs.Jobs(cave)
    job = ended(result, result.start(pair).id)
    assert job.state == "failed" and job.message.endswith(".") and "went wrong in Karst" not in job.message
    assert population.cost(kept) == 0


def test_sets_whose_tables_take_many_answers_are_looked_up_by_a_job(
    six_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Through a server of two rows an answer; what is waited for is bounded, and what comes of it is whole."""
    monkeypatch.setattr(jobs, "MOST_AT_ONCE", 3)
    with start_localcave([six_folder], "--row-limit", "2") as url, proxied(url) as proxy:
        cave = Cave(Settings(server_address=proxy.url, cache=str(tmp_path / "cache")))
        client = client_of(cave)
        address = f"/api/v1/{SIX}/{VERSION}/populations/edges"
        query = {"pre": "types:cell_type = P", "post": "nuclei:", "proofread": "off"}
        Release.of(cave, SIX, VERSION).tables()
        with proxy.counting() as waited:
            first = client.get(address, query_string=query)
        assert first.status_code == 202 and first.json["job"]["of"] in ("chunks", "answers")
        assert sum("/query" in one for one in waited) < 20
        job = last_of(client, first.headers["Location"])
        assert job["state"] == "done" and job["of"] == "answers" and job["done"] > 3 and job["total"] == 0
        while (answer := client.get(address, query_string=query)).status_code == 202:
            assert last_of(client, answer.headers["Location"])["state"] == "done"
        assert answer.json["sets"]["pre"]["cells"] == 3 and answer.json["sets"]["post"]["cells"] == 6
        assert answer.json["total"] == 4 and sum(row["num_syn"] for row in answer.json["rows"]) == 7
        monkeypatch.setattr(jobs, "AT_WORK", 0)  # the next is cancelled before anybody works on it
        other = Cave(replace(cave.settings, cache=str(tmp_path / "other")))
        waiting = client_of(other).get(address, query_string=query)
        assert waiting.status_code == 202
        cancelled = client_of(other).delete(waiting.headers["Location"])
        assert cancelled.json["job"]["state"] == "cancelled"


def test_a_table_that_another_job_is_loading_holds_up_nobody(folder: Cave, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who needs it as well has a job, which goes on when it is there."""
    monkeypatch.setattr(jobs, "OTHERS_S", 0.05)
    release, result = Release.of(folder, SIX, VERSION), jobs.Jobs(folder)
    loading, loaded = threading.Event(), threading.Event()

    def load() -> int:
        loading.set()
        assert loaded.wait(60)
        return 6

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(folder.cache.value, ("slow",), load)
        assert loading.wait(60)
        with pytest.raises(jobs.LongError) as error:
            result.look_up(release, ["types:"], lambda: folder.cache.value(("slow",), load))
        assert not first.done() and result.find(error.value.job.id).state in ("waiting", "reading", "done")
        loaded.set()
        assert first.result() == 6
    assert ended(result, error.value.job.id).state == "done"
    assert result.look_up(release, ["types:"], lambda: folder.cache.value(("slow",), load)) == 6


WORKER = """
import sys, time
from services.cache import stores
from services.cave.client import Cave
from services.cave.release import Release
from services.core.settings import Settings
from services.populations import jobs, population, synapse_reading
stores.LEASE_S = 2.0
synapse_reading.IDS_AT_ONCE, synapse_reading.FILL, synapse_reading.MOST_AT_ONCE = 2, 1e-5, 1
cave = Cave(Settings(server_address=sys.argv[1], cache=sys.argv[2]))
print(jobs.Jobs(cave).start(population.choose(Release.of(cave, "six", 1), "nuclei:", proofread="off")).id, flush=True)
time.sleep(60)
"""


def test_a_killed_worker_loses_one_chunk(tmp_path: Path, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks of two cells onto two by a worker on Redis, which is killed; another goes on with what it has not read.
    The chunk that was under way is free again when its lock in Redis has run out."""
    monkeypatch.setattr(synapse_reading, "IDS_AT_ONCE", 2)
    monkeypatch.setattr(synapse_reading, "FILL", 1e-5)
    monkeypatch.setattr(stores, "LEASE_S", 2.0)
    with start_localcave([six_cells.make(tmp_path / SIX)], "--delay-ms", "300") as url:
        command = [sys.executable, "-c", WORKER, url, redis_url]
        cave = Cave(Settings(server_address=url, cache=redis_url))
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as worker:
            id = worker.stdout.readline().strip()
            end = time.monotonic() + 60
            while not (sentence := cave.cache.noted(("job", id))) or sentence[-1]["done"] < 2:
                assert time.monotonic() < end
                time.sleep(0.05)
            worker.kill()
        done, pair = sentence[-1]["done"], pair_of(cave)
        left = population.cost(pair)
        assert sentence[-1]["state"] == "reading" and 0 < left <= sentence[-1]["total"] - done
        monkeypatch.setattr(jobs, "SILENT_S", 0.0)
        result = jobs.Jobs(cave)
        assert result.find(id).state == "failed" and "worker has gone" in result.find(id).message
        assert result.start(pair).id == id
        monkeypatch.setattr(jobs, "SILENT_S", 180.0)
        assert ended(result, id).state == "done" and population.cost(pair) == 0
        assert len(population.read(pair).synapses) == 14
