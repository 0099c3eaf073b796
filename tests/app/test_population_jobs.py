"""Long readings as jobs: in memory and in a folder; shared, cancelled, taken over from a worker that is gone."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import flask
import pytest
from flask.testing import FlaskClient

from api import blueprint
from services.cave.client import Cave
from services.core.errors import NotFound
from services.core.settings import Settings
from services.populations import jobs, population
from services.populations.population import Pair
from tests import six_cells
from tests.servers import start_localcave

SIX, VERSION = six_cells.DATASTACK, six_cells.VERSION


@pytest.fixture(scope="module")
def six_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with start_localcave([six_cells.make(tmp_path_factory.mktemp("six") / SIX)]) as url:
        yield url


@pytest.fixture
def folder(six_url: str, tmp_path: Path) -> Cave:
    return Cave(Settings(server_address=six_url, cache=str(tmp_path / "cache")))


@pytest.fixture
def asked(folder: Cave) -> FlaskClient:
    app = flask.Flask("test_population_jobs")
    app.extensions["karst"] = folder
    app.register_blueprint(blueprint)
    return app.test_client()


def pair_of(cave: Cave, text: str = "nuclei:") -> Pair:
    return population.choose(cave.release(SIX, VERSION), text, proofread="off")


def ended(found: jobs.Jobs, id: str) -> jobs.Job:
    end = time.monotonic() + 60
    while (job := found.find(id)).under_way and time.monotonic() < end:
        time.sleep(0.1)
    return job


def test_a_job_by_its_address(asked: FlaskClient) -> None:
    address = f"/api/v1/{SIX}/{VERSION}/populations/edges"
    query = {"pre": "nuclei:", "proofread": "off", "job": "on"}
    first = asked.get(address, query_string=query)
    assert first.status_code == 202 and first.json["job"]["state"] in ("waiting", "reading", "done")
    end = time.monotonic() + 60
    while asked.get(first.headers["Location"]).json["job"]["state"] != "done":
        assert time.monotonic() < end
        time.sleep(0.1)
    told = asked.get(first.headers["Location"]).json["job"]
    assert told["done"] == told["total"] == 1 and told["rows"] == 14  # with one autapse
    ready = asked.get(address, query_string=query)
    assert ready.status_code == 200 and ready.json["total"] == 9
    missing = asked.get(f"/api/v1/{SIX}/{VERSION}/populations/jobs/nothing")
    assert missing.status_code == 404


def test_who_asks_the_same_has_the_same_job_and_the_other_process_reads_it(folder: Cave) -> None:
    one, other = jobs.Jobs(folder), jobs.Jobs(Cave(folder.settings))
    job = one.start(pair_of(folder))
    assert other.start(pair_of(folder)).id == job.id
    assert ended(other, job.id).state == "done"
    assert population.cost(pair_of(Cave(folder.settings))) == 0


def test_without_a_folder_jobs_are_in_memory(six_url: str) -> None:
    cave = Cave(Settings(server_address=six_url, cache=""))
    found = jobs.Jobs(cave)
    assert ended(found, found.start(pair_of(cave)).id).state == "done"


def test_a_cancelled_job_ends_and_can_be_asked_again(folder: Cave, monkeypatch: pytest.MonkeyPatch) -> None:
    found, pair = jobs.Jobs(folder), pair_of(folder)
    monkeypatch.setattr(jobs, "AT_WORK", 0)  # nobody works on it yet
    job = found.start(pair)
    assert found.cancel(job.id).state == "cancelled"
    assert found.start(pair).state == "waiting"
    with pytest.raises(NotFound):
        found.cancel("nothing")


def test_a_job_of_a_worker_that_is_gone_goes_on_when_it_is_asked_for(folder: Cave) -> None:
    found, pair = jobs.Jobs(folder), pair_of(folder)
    job = ended(found, found.start(pair).id)
    silent = replace(job, state="reading", at=time.time() - 1_000)
    folder.cache.note(("job", job.id), asdict(silent), most=1)
    assert found.find(job.id).state == "failed" and "ask again" in found.find(job.id).message
    assert ended(found, found.start(pair).id).state == "done"


def test_a_job_that_cannot_be_read_says_why(folder: Cave) -> None:
    found, pair = jobs.Jobs(folder), pair_of(folder)
    lost = replace(pair, pre=replace(pair.pre, text="nowhere:"))
    job = ended(found, found.start(lost).id)
    assert job.state == "failed" and "nowhere" in job.message
