"""A slow CAVE, a huge body or a stop of the server harms nobody who does not need what it holds up."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess
from urllib.parse import urlsplit

import psutil
import pytest
import requests

from tests import tiny
from tests.servers import ROOT, free_port, serving, start_localcave

MOST_WAITING, DELAY_S = 4, 0.8
CELLS = f"/api/v1/{tiny.DATASTACK}/latest/cells"
TABLES = f"/api/v1/{tiny.DATASTACK}/latest/tables"
QUICK_S = 1.0
"""On a busy machine; an answer that waits for CAVE takes `DELAY_S` at least."""
STOP_S = 15.0
"""On a busy machine: gunicorn gives what is under way 7 seconds."""
MB = 2**20
GUNICORN = ".venv/bin/gunicorn"


@dataclass
class Site:
    """One process of Karst, over a CAVE that takes its time."""

    url: str
    process: ForkServerProcess

    def stop(self, how: signal.Signals) -> int | None:
        """Send a signal and wait for the end; the exit status."""
        os.kill(self.process.pid, how)
        self.process.join(STOP_S)
        return self.process.exitcode

    def get(self, path: str) -> requests.Response:
        return requests.get(self.url + path, timeout=60)

    def ask_cave(self, pool: ThreadPoolExecutor, count: int, first: int = 0) -> list[Future[requests.Response]]:
        """Ask for cells that nobody has asked for, and for partners of others; there are none, which only CAVE can
        say."""
        paths = [f"{CELLS}/{864691139000000000 + first + i}{'/partners' * (i % 2)}" for i in range(count)]
        return [pool.submit(self.get, path) for path in paths]


@pytest.fixture(scope="module")
def slow_cave(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tiny.make(tmp_path_factory.mktemp("slow") / tiny.DATASTACK)
    with start_localcave([folder], "--delay-ms", str(int(DELAY_S * 1000))) as url:
        yield url


@contextmanager
def start(cave: str) -> Iterator[Site]:
    """A site that has read the list of tables."""
    port = str(free_port())
    url = f"http://127.0.0.1:{port}"
    own = {"CAVE_SERVER_ADDRESS": cave, "KARST_DATASTACK": tiny.DATASTACK, "KARST_CACHE": "", "PORT": port}
    limits = {"WEB_CONCURRENCY": "1", "KARST_MAX_WAITING": str(MOST_WAITING)}
    with serving(["gunicorn", "app:server"], url, own | limits) as process:
        site = Site(url, process)
        assert site.get(TABLES).status_code == 200
        yield site


@pytest.fixture(scope="module")
def site(slow_cave: str) -> Iterator[Site]:
    with start(slow_cave) as started:
        yield started


def test_waiting_for_cave_holds_up_nothing_else(site: Site) -> None:
    sheet = re.findall(r'href="(/assets/[^"]+\.css[^"]*)"', site.get("/").text)[0]
    with ThreadPoolExecutor(40) as pool:
        requested = site.ask_cave(pool, 40)
        time.sleep(DELAY_S / 4)
        for path in ("/healthz", sheet, "/", TABLES):
            start_s = time.monotonic()
            assert site.get(path).status_code == 200
            assert time.monotonic() - start_s < QUICK_S
        assert not all(one.done() for one in requested)
        answers = [one.result() for one in requested]
    refused = [one for one in answers if one.status_code == 503]
    assert len(refused) >= 40 - 3 * MOST_WAITING
    assert all(one.headers["Retry-After"] == "5" and one.json()["error"]["code"] == "busy" for one in refused)
    assert {one.status_code for one in answers if one not in refused} == {404}
    with ThreadPoolExecutor(MOST_WAITING) as pool:  # and who comes later is answered
        assert [one.result().status_code for one in site.ask_cave(pool, MOST_WAITING, 100)] == [404] * MOST_WAITING


def test_a_huge_body_is_refused_unread(site: Site) -> None:
    (worker,) = psutil.Process(site.process.pid).children()
    before = worker.memory_info().rss
    for path in (f"/api/v1/{tiny.DATASTACK}/latest/neuroglancer", "/_dash-update-component"):
        head = {"Content-Type": "application/json"}
        answer = requests.post(site.url + path, data=b" " * (200 * MB), headers=head, timeout=60)
        assert answer.status_code == 413
        assert answer.json()["error"]["message"] == "This request has more than 8 MB."
        no_json = requests.post(site.url + path, data={"x": "x" * (9 * MB)}, timeout=60)
        assert (no_json.status_code, no_json.json()["error"]["code"]) == (413, answer.json()["error"]["code"])
        pieces = requests.post(site.url + path, data=(b" " * MB for _ in range(9)), headers=head, timeout=60)
        assert pieces.status_code == 413, pieces.text  # which comes without its length
    assert worker.memory_info().rss - before < 50 * MB
    largest = requests.post(site.url + path, data=b" " * (8 * MB - 3) + b"[ ]", headers=head, timeout=60)
    assert largest.status_code == 400, "of exactly 8 MB, so that it is read"


HEAD = "POST /_dash-update-component HTTP/1.1\r\nHost: here\r\nContent-Type: application/json\r\n"
SLOW = {
    "says nothing": "",
    "half a head": "GET / HTTP/1.1\r\nHost: here\r\nX: a",
    "half a body": HEAD + "Content-Length: 9999\r\n\r\n{",
    "a chunk of many": HEAD + "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n",
    "never hangs up": "GET /healthz HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n",
    "too large": HEAD + "Content-Length: 99999999\r\n\r\n{",
    "too long": "GET /" + "x" * 9_000,
    "a head without end": "GET / HTTP/1.1\r\n" + f"X: {'x' * 8000}\r\n" * 9,
    "a length of many digits": HEAD + f"Content-Length: {10**18}\r\n\r\n{{",
    "a chunk whose size has many digits": HEAD + f"Transfer-Encoding: chunked\r\n\r\n{5:020d}\r\n\r\n",
    "a chunk with a long name": HEAD + f"Transfer-Encoding: chunked\r\n\r\n5;{'x' * 200}",
}


@pytest.mark.parametrize("text", SLOW.values(), ids=SLOW)
def test_who_sends_slowly_holds_up_nobody(site: Site, text: str) -> None:
    """A hundred of them held every thread of a process, and its health, until they hung up."""
    address = urlsplit(site.url)
    with ExitStack() as stack:
        for _ in range(100):
            client = stack.enter_context(socket.create_connection((address.hostname, address.port)))
            client.sendall(text.encode())
        assert site.get("/healthz").status_code == 200


def test_a_request_may_come_in_pieces(site: Site) -> None:
    address = urlsplit(site.url)
    text = f"{HEAD}Content-Length: 3\r\n\r\n[ ]GET /healthz HTTP/1.1\r\nHost: here\r\n\r\n"
    with socket.create_connection((address.hostname, address.port)) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for character in text:
            client.sendall(character.encode())
        answers = b""
        while b'"status"' not in answers:
            answers += client.recv(2**16)
    assert re.findall(rb"HTTP/1.1 \d+", answers) == [b"HTTP/1.1 400", b"HTTP/1.1 200"]


def test_who_waits_to_be_told_to_go_on_with_a_body_is_told(site: Site) -> None:
    address = urlsplit(site.url)
    with socket.create_connection((address.hostname, address.port), timeout=STOP_S) as client:
        client.sendall(f"{HEAD}Content-Length: 3\r\nExpect: 100-continue\r\n\r\n".encode())
        assert client.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(b"[ ]")
        answers = b""
        while b" 400 " not in answers:
            answers += client.recv(2**16)


@pytest.mark.parametrize("body", ["3 x\r\n[ ]\r\n0\r\n\r\n", "3\r\n[ ]\r\n0\r\nHost: x\r\n\r\n", "3\r\n[ ]xx0\r\n\r\n"])
def test_chunks_that_cannot_be_read_are_told_so(site: Site, body: str) -> None:
    """They were answered with 500."""
    address = urlsplit(site.url)
    with socket.create_connection((address.hostname, address.port), timeout=STOP_S) as client:
        client.sendall(f"{HEAD}Transfer-Encoding: chunked\r\n\r\n{body}".encode())
        answer = b"".join(iter(lambda: client.recv(2**16), b""))
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"The body of this request cannot be read." in answer


def test_a_body_of_many_small_chunks_costs_what_others_do(site: Site) -> None:
    """What was left of it was copied after each chunk: a megabyte took a minute of a processor."""
    (worker,) = psutil.Process(site.process.pid).children()
    before_s = worker.cpu_times().user
    body = b"1\r\n \r\n" * 100_000 + b"0\r\n\r\n"
    address = urlsplit(site.url)
    with socket.create_connection((address.hostname, address.port), timeout=60) as client:
        client.sendall(f"{HEAD}Transfer-Encoding: chunked\r\n\r\n".encode() + body)
        assert client.recv(100).startswith(b"HTTP/1.1 400")
    assert worker.cpu_times().user - before_s < 5


def test_deep_json_is_refused(site: Site) -> None:
    for path in (f"/api/v1/{tiny.DATASTACK}/latest/neuroglancer", "/_dash-update-component"):
        head = {"Content-Type": "application/json"}
        answer = requests.post(site.url + path, data=b'{"a":' * 100_000, headers=head, timeout=60)
        assert answer.status_code == 400
        assert "nested" in answer.json()["error"]["message"]


def test_a_process_is_replaced_when_nothing_is_under_way(site: Site) -> None:
    (worker,) = psutil.Process(site.process.pid).children()
    address = urlsplit(site.url)
    with socket.create_connection((address.hostname, address.port)) as slow, requests.Session() as session:
        head = "Host: here", "Content-Type: application/json", "Content-Length: 3"
        slow.sendall("\r\n".join(("POST /_dash-update-component HTTP/1.1", *head, "", "[")).encode())
        for _ in range(2_300):  # more than any process answers once it has a quiet moment
            assert session.get(f"{site.url}/healthz").status_code == 200
        assert worker.is_running()
        slow.sendall(b" ]")
        assert slow.recv(100).startswith(b"HTTP/1.1 400")
    worker.wait(STOP_S)
    assert site.get("/healthz").status_code == 200


def test_a_stop_answers_what_was_asked(site: Site) -> None:
    with ThreadPoolExecutor(MOST_WAITING) as pool:
        requested = site.ask_cave(pool, MOST_WAITING, 200)
        time.sleep(DELAY_S / 4)
        assert site.stop(signal.SIGTERM) == 0
        assert [one.result().status_code for one in requested] == [404] * MOST_WAITING


def test_an_interrupt_waits_for_nobody(slow_cave: str) -> None:
    with start(slow_cave) as site, ThreadPoolExecutor(2) as pool:
        requested = site.ask_cave(pool, 2)
        time.sleep(DELAY_S / 4)
        assert site.stop(signal.SIGINT) == 0
        assert all(isinstance(one.exception(), requests.ConnectionError) for one in requested)


def test_an_interrupt_while_it_starts_leaves_nothing_running(slow_cave: str) -> None:
    environ = {"CAVE_SERVER_ADDRESS": slow_cave, "HOST": "127.0.0.1", "PORT": str(free_port())}
    script = subprocess.Popen(["sh", "bin/run"], cwd=ROOT, env=os.environ | environ, stdout=subprocess.DEVNULL)
    servers: list[psutil.Process] = []
    try:
        while not servers:
            servers = servers_of(psutil.Process(script.pid))
        script.send_signal(signal.SIGINT)
        assert script.wait(STOP_S) == 130
        assert not psutil.wait_procs(servers, STOP_S)[1]
    finally:
        for process in filter(psutil.Process.is_running, servers):
            process.kill()
        script.kill()
        script.wait()


def servers_of(script: psutil.Process) -> list[psutil.Process]:
    with suppress(psutil.NoSuchProcess):  # a step of the script has ended meanwhile
        return [child for child in script.children() if child.cmdline()[1:] == [GUNICORN, "app:server"]]
    return []
