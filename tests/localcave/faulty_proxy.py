"""A proxy before a real server that does what bad networks do: drops connections, answers 503, cuts bodies short."""

from __future__ import annotations

import http.client
import random
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

FAULTS = ("drop", "unavailable", "cut", "cut_politely")
HOP_BY_HOP = {"connection", "transfer-encoding", "content-length", "keep-alive"}


class FaultyProxy(ThreadingHTTPServer):
    """Forwards to `target`; a share `rate` of requests meets a fault, chosen by `seed`. `met` counts what happened.

    `cut` ends the body before the length that was promised, `cut_politely` promises the shorter length.
    """

    daemon_threads = True

    def __init__(self, target: str, rate: float, seed: int):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.target = urlsplit(target).netloc
        self.rate = rate
        self.met: Counter[str] = Counter()
        self.requests_left: int | None = None
        self._random = random.Random(seed)
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def fate(self) -> str:
        """What happens to the next request."""
        with self._lock:
            if self.requests_left is not None:
                self.requests_left -= 1
                if self.requests_left < 0:
                    return "drop"
            fault = self._random.choice(FAULTS) if self._random.random() < self.rate else "passed"
            self.met[fault] += 1
            return fault


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FaultyProxy

    def handle_request(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fate = self.server.fate()
        if fate == "drop":
            self.close_connection = True
            return
        if fate == "unavailable":
            self.answer(503, [], b"<html>Service Unavailable</html>", cut=0)
            return
        far = http.client.HTTPConnection(self.server.target, timeout=60)
        try:
            # the Host of the request is kept, so that the far server's own address in its answers is the proxy's
            far.request(self.command, self.path, body, dict(self.headers))
            response = far.getresponse()
            content = response.read()
        finally:
            far.close()
        if fate == "cut_politely":
            content = content[: len(content) // 2]
        headers = [(k, v) for k, v in response.getheaders() if k.lower() not in HOP_BY_HOP]
        self.answer(response.status, headers, content, cut=len(content) // 2 if fate == "cut" else 0)

    do_GET = do_POST = handle_request  # noqa: N815  the names that http.server looks for

    def answer(self, status: int, headers: list[tuple[str, str]], body: bytes, *, cut: int) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) - cut])
        self.close_connection = self.close_connection or cut > 0

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def faulty_proxy(target: str, rate: float, seed: int = 1) -> Iterator[FaultyProxy]:
    """A running proxy before the server at `target`."""
    proxy = FaultyProxy(target, rate, seed)
    thread = threading.Thread(target=proxy.serve_forever, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.shutdown()
        proxy.server_close()
        thread.join()
