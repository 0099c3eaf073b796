"""What compose.yaml puts together, as plain processes: a proxy, two applications, a worker, Redis and localcave, each
killed in turn while people read."""

from __future__ import annotations

import getpass
import json
import re
import shutil
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.client import HTTPException

import psutil
import pytest
import redis

from services.core.http_requests import MOST_MB
from tests import tiny
from tests.servers import ROOT, free_port, running, serving

NGINX = """
daemon off;
user {user}; # who may write into the folder
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/default.conf;
}}
"""
ROWS = f"/api/v1/{tiny.DATASTACK}/latest/tables/nuclei/rows?limit=2"
READERS = 4


class Part:
    """A module of Python at an address that does not change, so that it can be killed and brought back."""

    def __init__(self, command: list[str], url: str, environ: dict[str, str]) -> None:
        self.command, self.url, self.environ = command, url, environ
        self.start()

    def start(self) -> None:
        self.stack = ExitStack()
        self.pid = self.stack.enter_context(serving(self.command, self.url, self.environ)).pid

    def kill(self) -> None:
        """Ends it without a word, as a machine does that fails."""
        parent = psutil.Process(self.pid)
        for one in (parent, *parent.children(recursive=True)):
            one.kill()
        parent.wait(10)

    def end(self) -> None:
        self.stack.close()


class Proxy(Part):
    def start(self) -> None:
        self.stack = ExitStack()
        self.pid = self.stack.enter_context(running(self.command, self.url)).pid


class Redis(Part):
    def start(self) -> None:
        self.stack = ExitStack()
        process = subprocess.Popen(self.command, stdout=subprocess.DEVNULL, text=True)
        self.stack.callback(process.wait, 10)
        self.stack.callback(process.terminate)
        self.pid = process.pid
        client = redis.Redis.from_url(self.url)
        for _ in range(100):
            try:
                client.ping()
                return
            except redis.ConnectionError:
                time.sleep(0.05)
        raise RuntimeError("redis-server did not start")


@dataclass
class Site:
    url: str
    parts: dict[str, Part]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    programs = {name: shutil.which(name) for name in ("nginx", "redis-server")}
    if missing := [name for name, path in programs.items() if path is None]:
        pytest.skip(f"{', '.join(missing)} is not installed")
    folder = tmp_path_factory.mktemp("site")
    data = tiny.make(folder / tiny.DATASTACK)
    ports = {name: free_port() for name in ("proxy", "karst-a", "karst-b", "redis", "localcave")}
    url = {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}
    url["redis"] = f"redis://127.0.0.1:{ports['redis']}/0"
    settings = {
        "CAVE_SERVER_ADDRESS": url["localcave"],
        "KARST_DATASTACK": tiny.DATASTACK,
        "KARST_SECRET_KEY": "the same for both",
        "KARST_CACHE": url["redis"],
        "KARST_WORKERS": "elsewhere",
        "KARST_TIMEOUT_S": "5",
        "KARST_PROXIES": "1",
        "KARST_REQUESTS_PER_MINUTE": "1000000",
        "WEB_CONCURRENCY": "1",
    }
    template = (ROOT / "deploy" / "nginx.conf.template").read_text()
    places = {"LISTEN": f"127.0.0.1:{ports['proxy']}", "NGINX_LOCAL_RESOLVERS": "127.0.0.1"}  # which nobody asks
    places |= {key: url[name].removeprefix("http://") for key, name in (("KARST_A", "karst-a"), ("KARST_B", "karst-b"))}
    (folder / "default.conf").write_text(re.sub(r"\$\{(\w+)\}", lambda match: places[match[1]], template))
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, user=getpass.getuser()))
    commands = {
        "redis": ["redis-server", "--port", str(ports["redis"]), "--save", "", "--bind", "127.0.0.1"],
        "localcave": ["localcave", "serve", str(data), "--port", str(ports["localcave"])],
        "karst-a": ["gunicorn", "app:server"],
        "karst-b": ["gunicorn", "app:server"],
        "worker": ["app", "--work"],
        "proxy": ["nginx", "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")],
    }
    with ExitStack() as stack:
        parts: dict[str, Part] = {}
        kinds = {"redis": Redis, "proxy": Proxy}
        for name, command in commands.items():
            environ = settings | {"PORT": str(ports.get(name))}
            parts[name] = kinds.get(name, Part)(command, url.get(name, ""), environ)
            stack.callback(parts[name].end)
        yield Site(url["proxy"], parts)


def ask(url: str) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()
    except (OSError, HTTPException) as error:  # the latter where an answer breaks off
        return 0, str(error).encode()


@contextmanager
def people(url: str) -> Iterator[list[tuple[int, bytes]]]:
    """Some who read rows, one after the other, until the block ends; yields what they are answered."""
    answers: list[tuple[int, bytes]] = []
    enough = threading.Event()

    def read() -> None:
        while not enough.is_set():
            answers.append(ask(url + ROWS))

    threads = [threading.Thread(target=read) for _ in range(READERS)]
    for thread in threads:
        thread.start()
    try:
        yield answers
    finally:
        enough.set()
        for thread in threads:
            thread.join()


def wait_for(answers: list[tuple[int, bytes]], more: int) -> None:
    enough, deadline = len(answers) + more, time.monotonic() + 60
    while len(answers) < enough and time.monotonic() < deadline:
        time.sleep(0.02)
    assert len(answers) >= enough


def rows(body: bytes) -> list[str]:
    return [row["id"] for row in json.loads(body)["rows"]]


@pytest.mark.parametrize("name", ["karst-a", "karst-b", "localcave", "redis"])
def test_whoever_fails_nobody_sees_it_who_reads_what_is_cached(site: Site, name: str) -> None:
    for application in ("karst-a", "karst-b"):  # both hold what is read
        assert ask(site.parts[application].url + ROWS)[0] == 200
    first = rows(ask(site.url + ROWS)[1])
    with people(site.url) as answers:
        wait_for(answers, 8)
        site.parts[name].kill()
        wait_for(answers, 40)
        site.parts[name].start()
        wait_for(answers, 20)
    whole = [body for status, body in answers if status == 200]
    # What an application is sending when it is killed is cut off, and nobody can send it again.
    cut_off = [body for status, body in answers if status == 0] if name in ("karst-a", "karst-b") else []
    assert len(whole) + len(cut_off) == len(answers), Counter(status for status, _ in answers)
    assert len(cut_off) <= READERS
    assert all(rows(body) == first for body in whole)


def test_a_dead_cave_is_a_sentence_and_comes_back(site: Site) -> None:
    uncached = site.url + f"/api/v1/{tiny.DATASTACK}/latest/cells/{tiny.B}/partners"
    site.parts["localcave"].kill()
    status, body = ask(uncached)
    assert status in (502, 503), body
    error = json.loads(body)["error"]
    assert error["code"] == "upstream" and error["request_id"]
    assert ask(site.url + "/healthz")[0] == 200
    site.parts["localcave"].start()
    assert ask(uncached)[0] == 200


def test_a_reading_waits_for_a_worker_that_was_killed(site: Site) -> None:
    edges = f"{site.url}/api/v1/{tiny.DATASTACK}/latest/populations/edges?pre=nuclei:&proofread=off"
    site.parts["worker"].kill()
    with people(site.url) as answers:
        status, body = ask(edges + "&job=on")
        job = json.loads(body)["job"]
        address = f"{site.url}/api/v1/{tiny.DATASTACK}/latest/populations/jobs/{job['id']}"
        wait_for(answers, 20)
        assert (status, job["state"], json.loads(ask(address)[1])["job"]["state"]) == (202, "waiting", "waiting")
        site.parts["worker"].start()
        end = time.monotonic() + 60
        while (state := json.loads(ask(address)[1])["job"]["state"]) != "done":
            assert time.monotonic() < end and state in ("waiting", "reading")
            time.sleep(0.1)
    assert Counter(status for status, _ in answers) == {200: len(answers)}
    assert ask(edges)[0] == 200


def test_the_proxy_comes_back(site: Site) -> None:
    site.parts["proxy"].kill()
    assert ask(site.url + ROWS)[0] == 0
    site.parts["proxy"].start()
    assert ask(site.url + ROWS)[0] == 200


def test_the_proxy_keeps_metrics_and_huge_bodies_out(site: Site) -> None:
    assert ask(site.url + "/metrics")[0] == 403
    path, head = f"/api/v1/{tiny.DATASTACK}/latest/neuroglancer", {"Content-Type": "application/json"}
    bound = MOST_MB * 2**20
    for size, status in ((bound - 1, 400), (bound + 1, 413)):  # Karst reads what is within its bound
        request = urllib.request.Request(site.url + path, data=b"x" * size, headers=head)
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request, timeout=30)
        assert refused.value.code == status
