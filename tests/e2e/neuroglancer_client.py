"""The real Neuroglancer client in a headless browser, asked what it made of a link."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import flask
from werkzeug.serving import make_server

from services.neuroglancer.bundled_viewer import create_blueprint

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from services.cave.client import Cave

PROBE = (Path(__file__).parent / "neuroglancer_probe.js").read_text()


@contextmanager
def viewer_site(cave: Cave | None = None) -> Iterator[str]:
    """A web server with the bundled viewer, which gets states from `cave`, and nothing else; its address."""
    app = flask.Flask(__name__)
    app.extensions["karst"] = cave
    app.register_blueprint(create_blueprint())
    app.add_url_rule("/favicon.ico", "favicon", lambda: ("", 204))
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()


@dataclass
class Client:
    """A page of a browser at the viewer of `site`, with what went wrong on it and the hosts that it asked."""

    page: Page
    site: str
    faults: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("console", lambda message: self.faults.append(message.text) if message.type == "error" else None)
        self.page.on("request", lambda request: self.hosts.add(urlsplit(request.url).netloc))

    def open(self, url: str) -> dict[str, Any]:
        """Load a link as a person would, in a page that showed nothing before, and ask what became of it."""
        self.page.goto("about:blank")
        self.page.goto(self.site + url)
        return self.settled()

    def settled(self, seconds: float = 45) -> dict[str, Any]:
        """What the client says once it is at rest, twice the same."""
        deadline = time.monotonic() + seconds
        quiet = 0
        while quiet < 2:
            verdict: dict[str, Any] = json.loads(self.page.evaluate(PROBE))
            quiet = quiet + 1 if verdict["done"] else 0
            assert time.monotonic() < deadline, f"the viewer is not at rest: {verdict}"
            self.page.wait_for_timeout(300)
        return verdict


@contextmanager
def client(browser: Browser, site: str) -> Iterator[Client]:
    """A page at the viewer of `site`."""
    page = browser.new_page(viewport={"width": 700, "height": 500})
    try:
        yield Client(page, site)
    finally:
        page.close()
