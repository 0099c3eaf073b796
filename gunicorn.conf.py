"""How the application is served, on a laptop as in a container: `gunicorn app:server`."""

import gc
import io
import itertools
import json
import os
import resource
import secrets
import selectors
import shutil
import socket
import struct
import sys
import tempfile
import time
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from gunicorn import util
from gunicorn.http import get_parser
from gunicorn.http.errors import LimitRequestHeaders
from gunicorn.http.unreader import SocketUnreader
from gunicorn.workers.gthread import ThreadWorker
from prometheus_client import values

sys.path.insert(0, str(Path(__file__).parent))  # which gunicorn itself does only after it has read this file
from services.core import logs
from services.core.http_requests import MOST_HEAD, Incoming
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

MOST_OPEN = 4096
"""Files and connections of a process, of which 1,000 are with clients."""
REQUEST_S = 30.0
"""In which a request has to have come."""
SEND_S = 30
"""How long a part of an answer may wait for a client that does not read."""
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
MOST_HELD, SMALL = 2**26, 2**16
"""Bytes of requests that have not come whole, in a process; and of one that is not counted."""
MOST_REFUSED = 8
"""How many clients of a process may be told at once that what they still send is too large."""

QUIET_REQUESTS = 2000
"""After so many, and up to a tenth more, a process ends as soon as it is answering nothing, lest what takes longer than
`graceful_timeout` is lost. Where it never has a quiet moment, it ends after `max_requests`."""


class Arrived(SocketUnreader):
    """What a connection has sent: as much as has come is all there is, so that no thread waits for more.

    gunicorn takes it in pieces, as it takes what it reads itself: it copies what is left of one after each chunk.
    """

    def __init__(self, client: Any) -> None:
        super().__init__(client)
        self.arrived = io.BytesIO()
        self.is_short = False

    def chunk(self, size_hint: int | None = None) -> bytes:
        """The next piece; empty at the end."""
        piece = self.arrived.read(min(max(size_hint or 0, self.mxchunk), self.max_body_chunk))
        self.is_short = self.is_short or not piece
        return piece

    def take_buffered(self) -> bytes:
        """All that nobody has read."""
        rest: bytes = super().take_buffered() + self.arrived.read()
        return rest


class Worker(ThreadWorker):
    """Threads for requests that have come whole, so that who sends slowly holds none.

    They say so when an address is too long, and let the browser end it before they hang up.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.quiet_requests = QUIET_REQUESTS + secrets.randbelow(QUIET_REQUESTS // 10)
        self.refused_now = 0

    def enqueue_req(self, conn: Any) -> None:
        """Wait for the next request of a connection, of which a part may have come with the one before."""
        conn.is_refused, conn.incoming = False, Incoming()
        if self.cfg.is_ssl:
            super().enqueue_req(conn)
            return
        if conn.parser is None:
            conn.parser = get_parser(self.cfg, conn.sock, conn.client)
            conn.parser.unreader = Arrived(conn.sock)
            conn.initialized = conn.data_ready = True
            conn.close = lambda graceful=False: util.close(conn.sock)
            conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", SEND_S, 0))
        conn.timeout = time.monotonic() + REQUEST_S
        conn.sock.setblocking(False)
        self.pending_conns.append(conn)
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self.on_pending_socket_readable, conn))
        if came := conn.parser.unreader.take_buffered():
            self._take(conn, came)

    def on_pending_socket_readable(self, conn: Any, client: socket.socket) -> None:
        """Read what has come, and hand the request over once it is whole, or has ended."""
        if self.cfg.is_ssl:
            super().on_pending_socket_readable(conn, client)
            return
        try:
            self._take(conn, client.recv(2**16))
        except BlockingIOError:
            return
        except OSError:
            self._take(conn, b"")

    def _take(self, conn: Any, piece: bytes) -> None:
        """Give a request a thread if nothing is to come of it after `piece`, or if it will be refused."""
        incoming = conn.incoming
        incoming.take(piece)
        if piece and not (incoming.is_whole or incoming.is_refused):
            if incoming.is_waited_for:
                with suppress(OSError):
                    conn.sock.send(CONTINUE)
            self._make_room(conn)
            return
        conn.is_refused = incoming.is_refused or _is_too_long(incoming.data)
        if conn.is_refused and self.refused_now >= MOST_REFUSED:
            self._drop(conn)
            return
        self.refused_now += conn.is_refused
        self._forget(conn)
        super().enqueue_req(conn)

    def _make_room(self, grown: Any) -> None:
        """Hang up on whoever holds most, while requests that have not come whole hold more than there is room for."""
        if len(grown.incoming.data) <= SMALL:
            return
        held = {conn: len(conn.incoming.data) for conn in self.pending_conns}
        while sum(held.values()) > MOST_HELD:
            largest = max(held, key=held.__getitem__)
            del held[largest]
            self._drop(largest)

    def _drop(self, conn: Any) -> None:
        self._forget(conn)
        self.nr_conns -= 1
        conn.close()

    def _forget(self, conn: Any) -> None:
        self.poller.unregister(conn.sock)
        self.pending_conns.remove(conn)

    def finish_request(self, conn: Any, fs: Any) -> None:
        """Count who is being refused, and go on with what has come of the next request."""
        self.refused_now -= conn.is_refused
        if not self.cfg.is_ssl:
            conn.parser.unreader.unread(conn.parser.unreader.take_buffered())
        super().finish_request(conn, fs)

    def notify(self) -> None:
        """Tell the parent to be alive, between any two events: the time to end, and to have another in its place."""
        super().notify()
        if self.nr >= self.quiet_requests:
            idle = len(self.keepalived_conns) + sum(not conn.incoming.data for conn in self.pending_conns)
            if self.nr_conns == idle:
                self.alive = False

    def handle_quit(self, sig: int, frame: Any) -> None:
        """End at once. gunicorn would shut the pool of threads down first, whose lock this very thread may hold."""
        os._exit(0)

    def handle(self, conn: Any) -> Any:
        """Answer a request, in a thread."""
        if self.cfg.is_ssl:
            return super().handle(conn)
        conn.sock.setblocking(True)
        unreader = conn.parser.unreader
        unreader.arrived, unreader.is_short = io.BytesIO(conn.incoming.data), False
        is_kept = False
        if _is_too_long(conn.incoming.data):
            self._refuse_address(conn)
        elif conn.is_refused and not conn.incoming.has_head and len(conn.incoming.data) >= MOST_HEAD:
            self.handle_error(None, conn.sock, conn.client, LimitRequestHeaders("too large"))
        else:
            conn.incoming.data.clear()
            is_kept = super().handle(conn)
        if conn.is_refused:
            with suppress(OSError):
                _linger(conn.sock)
        return is_kept and not conn.is_refused and not unreader.is_short

    def handle_request(self, req: Any, conn: Any) -> Any:
        """Say that a connection ends with a request that is refused."""
        if conn.is_refused:
            req.force_close()
        return super().handle_request(req, conn)

    def _refuse_address(self, conn: Any) -> None:
        request_id = secrets.token_hex(6)
        self.log.info("request %s: an address of more than %d characters", request_id, limit_request_line)
        kind, body = _too_long(conn.incoming.data, request_id)
        head = (
            f"HTTP/1.1 414 URI Too Long\r\nConnection: close\r\nContent-Type: {kind}\r\n"
            "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'\r\n"
            f"Cache-Control: no-store\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        try:
            conn.sock.settimeout(LINGER_S)
            conn.sock.sendall(head.encode() + body)
        except OSError:
            self.log.debug("request %s: the other side hung up", request_id)


def _is_too_long(request: bytearray) -> bool:
    """Whether the first line of a request has more bytes than are read."""
    return len(request) > limit_request_line + 2 and request.find(b"\r\n", 0, limit_request_line + 2) < 0


def _too_long(request: bytearray, request_id: str) -> tuple[str, bytes]:
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


open_files, most_files = resource.getrlimit(resource.RLIMIT_NOFILE)
if 0 <= open_files < MOST_OPEN:  # most systems give 1,024 unless asked, which connections alone would use up
    resource.setrlimit(
        resource.RLIMIT_NOFILE, (MOST_OPEN if most_files < 0 else min(MOST_OPEN, most_files), most_files)
    )
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
