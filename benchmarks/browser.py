"""What a real browser asks of a page of Karst, to be asked again and timed."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import requests
from playwright.sync_api import Page, Request, sync_playwright

from tests.e2e.conftest import CHROMIUM, FLAGS

CALLBACK = "/_dash-update-component"
SHELL = ("/assets/", "/_dash-component-suites/", "/_dash-layout", "/_dash-dependencies", "/_favicon")
"""What is the same for every page, and kept by the browser."""
QUIET_MS = 1_500
JSON = {"Content-Type": "application/json", "Accept-Encoding": "gzip, deflate, br, zstd"}
"""Headers as Chromium sends them."""


@dataclass(frozen=True)
class Call:
    """One callback as the browser sent it; the bodies of request and answer go over the wire in so many bytes."""

    body: dict[str, Any]
    up: int
    down: int

    def sets(self, output: str) -> bool:
        """Whether it fills a component whose id or property has these letters."""
        return output in str(self.body["output"])

    def asking(self, **changes: Any) -> Call:
        """The same with other rows, filters or orders of its grid."""
        inputs = [
            {**one, "value": {**one["value"], **changes}} if isinstance(one.get("value"), dict) else one
            for one in self.body["inputs"]
        ]
        return replace(self, body={**self.body, "inputs": inputs})

    def about(self, old: str, new: str) -> Call:
        """The same about another cell."""
        return replace(self, body=json.loads(json.dumps(self.body).replace(old, new)))


@dataclass
class Visit:
    """Everything that one page asked for after its shell, whose bytes are apart: a browser that was here before does
    not ask for them again."""

    calls: list[Call] = field(default_factory=list)
    up: int = 0
    down: int = 0
    shell: int = 0

    def call(self, output: str) -> Call:
        """The last callback that fills `output`."""
        return next(call for call in reversed(self.calls) if call.sets(output))


@contextmanager
def pages() -> Iterator[Callable[[], Page]]:
    """A function that opens an empty page in a new context of headless Chromium."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield lambda: chromium.new_context(viewport={"width": 1440, "height": 900}).new_page()
        chromium.close()


@contextmanager
def browsing() -> Iterator[Callable[..., Visit]]:
    """A function that opens an address in headless Chromium, waits for a selector and until all is quiet. A grid that
    is to be `scrolled` asks for rows beyond its first."""
    with pages() as new_page:

        def visit(url: str, selector: str, *, scrolled: bool = False) -> Visit:
            page = new_page()
            finished: list[Request] = []
            page.on("requestfinished", lambda request: finished.append(request))  # noqa: PLW0108 - playwright marks it
            page.goto(url)
            page.wait_for_selector(selector, timeout=60_000)
            if scrolled:
                page.locator(".k-grid .ag-body-viewport").evaluate("grid => { grid.scrollTop = 9000; }")
            settle(page)
            seen = _counted(finished)
            page.context.close()
            return seen

        yield visit


def settle(page: Page) -> None:
    """Wait until a page asks for nothing any more."""
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(QUIET_MS)
    page.wait_for_load_state("networkidle")


def _counted(finished: Sequence[Request]) -> Visit:
    seen = Visit()
    for request in finished:
        if request.url.startswith(("data:", "blob:")):
            continue
        sizes = request.sizes()
        if any(part in request.url for part in SHELL):
            seen.shell += sizes["responseBodySize"] + sizes["responseHeadersSize"]
            continue
        up, down = sizes["requestBodySize"], sizes["responseBodySize"]
        seen.up += up + sizes["requestHeadersSize"]
        seen.down += down + sizes["responseHeadersSize"]
        if CALLBACK in request.url:
            seen.calls.append(Call(json.loads(request.post_data or "{}"), up, down))
    return seen


class Server:
    """A served Karst, asked as the browser asks, over one connection that stays open."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._session = requests.Session()

    def ask(self, call: Call) -> float:
        """Milliseconds until the whole answer of a callback is here. Raises for what is not a 200 or 204."""
        content = json.dumps(call.body)
        started = time.perf_counter()
        answer = self._session.post(self.url + CALLBACK, content, headers=JSON, timeout=120)
        took = 1000 * (time.perf_counter() - started)
        answer.raise_for_status()
        return took


def p95(times: Sequence[float]) -> float:
    """The 95th percentile."""
    return statistics.quantiles(times, n=20)[-1]
