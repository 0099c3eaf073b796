"""How the application is served, on a laptop as in a container: `gunicorn app:server`."""

import gc
import itertools
import json
import os
import secrets
import shutil
import socket
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import Any

from gunicorn.http.errors import LimitRequestLine
from gunicorn.workers.gthread import ThreadWorker
from prometheus_client import values

sys.path.insert(0, str(Path(__file__).parent))  # which gunicorn itself does only after it has read this file
from services.core import logs
from services.core.settings import Settings

TOO_LONG = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Address too long - Karst</title>
<style>:root {{ color-scheme: light dark; font-family: system-ui, sans-serif }}
main {{ max-width: 36rem; margin: 15vh auto; padding: 0 1rem; line-height: 1.5 }}</style></head>
<body><main><h1>This address is too long</h1>
<p>{why}</p>
<p>Open the <a href="/table-viewer">table viewer</a> and paste the ids into <strong>Find ids</strong> instead: a list
of any length is kept there, and its address stays short.</p>
<p><small>Request {request_id}</small></p></main></body></html>
"""
WHY = "It has more than {most:,} characters, which is more than is read. Nothing was looked up."
HINT = "A long list of ids belongs on the table viewer's Find ids: it is kept there, and has a short name in filters."
LINGER_BYTES, LINGER_S = 4_000_000, 5.0


QUIET_REQUESTS = 2000
"""After so many, and up to a tenth more, a process ends as soon as it is answering nothing, lest what takes longer than
`graceful_timeout` is lost. Where it never has a quiet moment, it ends after `max_requests`."""


class Worker(ThreadWorker):
    """Threads that say so when an address is too long, and let the browser end it before they hang up."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.quiet_requests = QUIET_REQUESTS + secrets.randbelow(QUIET_REQUESTS // 10)

    def notify(self) -> None:
        """Tell the parent to be alive, between any two events: the time to end, and to have another in its place."""
        super().notify()
        if self.nr >= self.quiet_requests and self.nr_conns == len(self.keepalived_conns) + len(self.pending_conns):
            self.alive = False

    def handle_quit(self, sig: int, frame: Any) -> None:
        """End at once. gunicorn would shut the pool of threads down first, whose lock this very thread may hold."""
        os._exit(0)

    def handle_error(self, req: Any, client: socket.socket, addr: Any, exc: BaseException) -> None:
        if not isinstance(exc, LimitRequestLine):
            super().handle_error(req, client, addr, exc)
            return
        request_id = secrets.token_hex(6)
        self.log.info("request %s: an address of more than %d characters", request_id, limit_request_line)
        kind, body = _too_long(_read_so_far(exc), request_id)
        head = (
            f"HTTP/1.1 414 URI Too Long\r\nConnection: close\r\nContent-Type: {kind}\r\n"
            "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'\r\n"
            f"Cache-Control: no-store\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        try:
            client.settimeout(LINGER_S)
            client.sendall(head.encode() + body)
            _linger(client)
        except OSError:
            self.log.debug("request %s: the other side hung up", request_id)


def _read_so_far(exc: BaseException) -> bytes:
    """The start of the request, of which gunicorn keeps nothing but what it held when it gave up."""
    *_, (frame, _line) = traceback.walk_tb(exc.__traceback__)
    return bytes(frame.f_locals.get("data", b""))


def _too_long(request: bytes, request_id: str) -> tuple[str, bytes]:
    """A content type and what to say: to programs as errors of the API are, to browsers as a page."""
    why = WHY.format(most=limit_request_line)
    if b" /api/" not in request[:16]:
        return "text/html; charset=utf-8", TOO_LONG.format(why=why, request_id=request_id).encode()
    message = f"This address is too long. {why}"
    body = {"code": "bad_input", "message": message, "hint": HINT, "request_id": request_id}
    return "application/json", json.dumps({"error": body}).encode()


def _linger(client: socket.socket) -> None:
    """Drops what still comes, within bounds: closing before would reset the connection, and the page would be lost."""
    client.shutdown(socket.SHUT_WR)
    left, end = LINGER_BYTES, time.monotonic() + LINGER_S
    while left > 0 and (patience := end - time.monotonic()) > 0:
        client.settimeout(patience)
        came = len(client.recv(65_536))
        if not came:
            return
        left -= came


bind = f"{os.environ.get('HOST', '127.0.0.1')}:{os.environ.get('PORT', '8050')}"
worker_class = Worker  # threads: a request mostly waits for CAVE
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
threads = Settings.from_env().max_waiting + 16  # these never wait for CAVE
preload_app = True  # memory is shared, and no worker answers before the app is whole
control_socket_disable = True
timeout = 120
keepalive = 75  # longer than nginx keeps its end, 60 s: whoever hangs up first must not be asked just then
graceful_timeout = 7  # whoever stops a container waits for 10 seconds
limit_request_line = 8190  # an address holds a whole view
max_requests = 10 * QUIET_REQUESTS
max_requests_jitter = QUIET_REQUESTS
logconfig_dict = logs.config()
fast_folder = "/dev/shm" if os.path.isdir("/dev/shm") else None
worker_tmp_dir = fast_folder  # a heartbeat file on a slow disk looks like a dead worker

# Prometheus adds up all processes: each counts into files of its own, with which the worker in its place then goes on.
metrics_folder = Path(fast_folder or tempfile.gettempdir(), f"karst-metrics-{os.getpid()}")
if os.environ.get("PROMETHEUS_MULTIPROC_DIR") != str(metrics_folder):  # else this is a reload
    shutil.rmtree(metrics_folder, ignore_errors=True)
    metrics_folder.mkdir(mode=0o700)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(metrics_folder)
process = {"place": 0}
values.ValueClass = values.MultiProcessValue(lambda: process["place"])


def when_ready(_server: Any) -> None:
    """Let workers share what is loaded: a collection would write into all of it. An end without one is quicker, too."""
    gc.freeze()


def pre_fork(server: Any, worker: Any) -> None:
    """Give a new worker the first place that no other has."""
    taken = {other.place for other in server.WORKERS.values()}
    worker.place = next(number for number in itertools.count(1) if number not in taken)


def post_fork(_server: Any, worker: Any) -> None:
    """Count in the worker's own place."""
    process["place"] = worker.place


def worker_exit(_server: Any, worker: Any) -> None:
    """End now that all is answered, or had its time: Python would wait for threads that still wait for CAVE."""
    if worker.booted:
        os._exit(0)


def on_exit(_server: Any) -> None:
    """Leave no metrics behind."""
    shutil.rmtree(metrics_folder, ignore_errors=True)
