"""A proxy before a real server, that counts requests and breaks some of them."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pyarrow as pa

Fault = Callable[["Handler", http.client.HTTPResponse, bytes], None]
HOP = ("connection", "transfer-encoding", "content-length", "keep-alive", "server", "date")


@dataclass
class Proxy:
    """`url` is where it listens, `heard` all that it was told. `fault` breaks the next `times` requests whose path
    holds `where`."""

    url: str
    behind: str
    requests: list[str] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)
    fault: Fault | None = None
    where: str = ""
    times: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def break_next(self, fault: Fault, where: str = "", times: int = 1) -> None:
        """Break the next `times` requests whose path holds `where`."""
        self.fault, self.where, self.times = fault, where, times

    def fault_for(self, path: str) -> Fault | None:
        """The fault to use for a request, which is then used up once."""
        with self.lock:
            if self.fault is None or self.where not in path or self.times == 0:
                return None
            self.times -= 1
            return self.fault

    @contextmanager
    def counting(self) -> Iterator[list[str]]:
        """The requests of a block, as "METHOD /path"."""
        start = len(self.requests)
        seen: list[str] = []
        yield seen
        seen.extend(self.requests[start:])


class Handler(BaseHTTPRequestHandler):
    """Forwards one request and its answer."""

    protocol_version = "HTTP/1.1"
    proxy: Proxy

    def do_GET(self) -> None:
        """Forward a request of any method."""
        path = self.path.split("?")[0]
        with self.proxy.lock:
            self.proxy.requests.append(f"{self.command} {path}")
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.proxy.heard.append(f"{self.path}\n{self.headers}\n{body!r}")
        upstream = http.client.HTTPConnection(urlsplit(self.proxy.behind).netloc, timeout=60)
        upstream.request(self.command, self.path, body, dict(self.headers))
        answer = upstream.getresponse()
        content = answer.read()
        (self.proxy.fault_for(path) or send)(self, answer, content)

    do_POST = do_HEAD = do_GET  # noqa: N815 - the names that http.server calls

    def log_message(self, *_args: object) -> None:
        """Say nothing."""


def send(handler: Handler, answer: http.client.HTTPResponse, content: bytes, length: int | None = None) -> None:
    """The answer as it came; `length` lies about how long it is."""
    handler.send_response(answer.status)
    for name, value in answer.getheaders():
        if name.lower() not in HOP:
            handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(content) if length is None else length))
    handler.end_headers()
    handler.wfile.write(content)


def cut(handler: Handler, answer: http.client.HTTPResponse, content: bytes) -> None:
    """Half of the answer, and then nothing."""
    send(handler, answer, content[: len(content) // 2], len(content))
    handler.close_connection = True


def cut_quietly(handler: Handler, answer: http.client.HTTPResponse, content: bytes) -> None:
    """Half of the answer, as if it were all of it."""
    send(handler, answer, content[: len(content) // 2])


def drip(handler: Handler, _answer: http.client.HTTPResponse, content: bytes) -> None:
    """The answer a byte at a time, each in time, all of it far too late."""
    head = f"HTTP/1.1 200 OK\r\nContent-Type: data.arrow\r\nContent-Length: {len(content)}\r\n\r\n".encode()
    handler.close_connection = True
    for byte in (head + content)[:80]:
        handler.wfile.write(bytes([byte]))
        time.sleep(0.05)


def drip_body(handler: Handler, answer: http.client.HTTPResponse, content: bytes) -> None:
    """The header at once, and then the body a byte at a time."""
    send(handler, answer, b"", len(content))
    handler.close_connection = True
    for byte in content[:80]:
        handler.wfile.write(bytes([byte]))
        time.sleep(0.05)


def without_end(handler: Handler, answer: http.client.HTTPResponse, content: bytes) -> None:
    """An Arrow stream of its schema alone, as if it were all of it: whole messages, no rows, no end marker."""
    with pa.ipc.open_stream(content) as stream:
        schema = stream.schema
    send(handler, answer, schema.serialize().to_pybytes())


def drop(handler: Handler, _answer: http.client.HTTPResponse, _content: bytes) -> None:
    """No answer: the connection is closed."""
    handler.close_connection = True


def hang(handler: Handler, _answer: http.client.HTTPResponse, _content: bytes) -> None:
    """No answer, and the connection stays open for a while."""
    time.sleep(3)
    handler.close_connection = True


def status(code: int, body: bytes = b"{}", content_type: str = "application/json", **headers: str) -> Fault:
    """Another answer, with this status and body."""

    def fault(handler: Handler, _answer: http.client.HTTPResponse, _content: bytes) -> None:
        handler.send_response(code)
        for name, value in {"Content-Type": content_type, "Content-Length": str(len(body)), **headers}.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return fault


@contextmanager
def proxied(behind: str) -> Iterator[Proxy]:
    """A proxy before the server at `behind`, until the block ends."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    proxy = Proxy(f"http://127.0.0.1:{server.server_address[1]}", behind)
    server.RequestHandlerClass = type("BoundHandler", (Handler,), {"proxy": proxy})
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
