"""What a person waits for: the time until the first partner id is in the page, in a real Chromium."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from caveclient import CAVEclient
from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks import peer
from benchmarks.measure import Row
from services.views.addresses import CellAddress
from tests.e2e.conftest import CHROMIUM, FLAGS, SHIFT, karst
from tests.servers import start_localcave

DATASTACK = "karst_demo"
TYPES = "aibs_metamodel_celltypes_v661"
DELAY_MS = 100
CELLS = 5
SHARE, SHARE_OF_CLICK = 1 / 4, 1 / 8
"""Of the peer's time: for a page that is opened, and for a cell that is clicked in Karst."""
KARST_ROW = '[role="tabpanel"]:not([hidden]) .k-rows .k-id a'
SEEN = """window.await_row = (row, root) => {
    const isThere = () => document.querySelector(row) &&
        (!root || document.getElementById("cell-status")?.innerText.includes(root));
    window.row_at = new Promise((done, fail) => {
        setTimeout(() => fail(new Error(`no ${row} within a minute`)), 60_000);
        new MutationObserver((_, observer) => {
            if (!isThere()) return;
            observer.disconnect();
            done(performance.now());
        }).observe(document, {attributes: true, childList: true, subtree: true, characterData: true});
    });
};"""
"""The moment at which a row (of a cell) is in the page, told by the page itself: a page that is busy answers late."""
MAIN_MS, FIRST_KB, MOST_SHIFT = 800, 1_200, 0.02
WITHOUT_WEBGL = [flag for flag in FLAGS if "swiftshader" not in flag] + ["--disable-gpu", "--disable-3d-apis"]
OFFLINE = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
"""The peer asks other hosts for style sheets; it is not to wait for them."""
BROWSERS = {"WebGL by software": FLAGS, "no WebGL": WITHOUT_WEBGL}


@dataclass(frozen=True)
class Opened:
    """One opening of a page, until its first row was there; the shift until it was quiet."""

    row_ms: float
    main_ms: float
    """Of the processor, in the main thread."""
    kb: float
    """Compressed, as it came over the wire."""
    requests: int
    shift: float


@contextmanager
def launched(flags: Sequence[str]) -> Iterator[Browser]:
    """Headless Chromium."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=str(CHROMIUM), args=[*flags, OFFLINE])
        yield chromium
        chromium.close()


class Watched:
    """A page of Chromium with the eyes of its developer tools on it. Its times begin with the navigation or click."""

    QUIET_MS = 1_500

    def __init__(self, browser: Browser, row: str) -> None:
        self.page: Page = browser.new_context(viewport={"width": 1280, "height": 720}).new_page()
        self.page.add_init_script(SHIFT)
        self.page.add_init_script(f"{SEEN} await_row({json.dumps(row)})")
        self._tools: Any = self.page.context.new_cdp_session(self.page)
        self._tools.send("Performance.enable", {"timeDomain": "threadTicks"})
        self._tools.send("Network.enable")
        self._bytes, self._requests = 0.0, 0
        self._tools.on("Network.loadingFinished", self._came)

    def _came(self, event: dict[str, Any]) -> None:
        if event["encodedDataLength"]:  # else it was in the browser's cache
            self._bytes, self._requests = self._bytes + event["encodedDataLength"], self._requests + 1

    def _main_ms(self) -> float:
        measured = self._tools.send("Performance.getMetrics")["metrics"]
        return 1000 * next(float(one["value"]) for one in measured if one["name"] == "TaskDuration")

    def _until_row(self, before: float, started: float = 0.0) -> Opened:
        row_ms = float(self.page.evaluate("row_at")) - started
        main_ms, kb, requests = self._main_ms(), self._bytes / 1000, self._requests
        took = main_ms - before if main_ms > before else main_ms  # a page that a new process draws counts anew
        self.page.wait_for_load_state("networkidle")
        self.page.wait_for_timeout(self.QUIET_MS)
        return Opened(row_ms, took, kb, requests, float(self.page.evaluate("window.shifted || 0")))

    def open(self, url: str) -> Opened:
        """Load `url` until its first row is there, and wait until all is quiet."""
        self._bytes, self._requests = 0.0, 0
        before = self._main_ms()
        self.page.goto(url, wait_until="commit")
        return self._until_row(before)

    def click(self) -> Opened:
        """Follow the first link to a cell, until the first rows of that cell are there."""
        self._bytes, self._requests = 0.0, 0
        link = self.page.locator(KARST_ROW).first
        self.page.evaluate("([row, root]) => { await_row(row, root); }", [KARST_ROW, link.inner_text()])
        self.page.evaluate("window.shifted = 0")
        before = self._main_ms()
        started = float(link.evaluate("link => { const now = performance.now(); link.click(); return now; }"))
        return self._until_row(before, started)

    def back(self) -> None:
        """Go back to where a link was followed, and wait for its rows."""
        self.page.go_back()
        self.page.wait_for_selector(KARST_ROW, state="attached")
        self.page.wait_for_load_state("networkidle")
        self.page.wait_for_timeout(self.QUIET_MS)

    def close(self) -> None:
        """Forget the page with all that its browser kept for it."""
        self.page.context.close()


Times = dict[str, list[Opened]]


def rows(demo: Path, *, peers: bool = False) -> Iterator[Row]:
    """The page of five cells over a CAVE in `demo` whose every answer is late: opened for the first time and again in a
    browser that kept nothing, and reached by a click; with `peers` beside the peer, which shows no types."""
    with tempfile.TemporaryDirectory() as cache, start_localcave([demo], "--delay-ms", str(DELAY_MS)) as late:
        version, cells = _cells(late)
        with karst(late, Path(cache)) as url, peer.served(late, DATASTACK) if peers else nullcontext("") as other:
            for place, (name, flags) in enumerate(BROWSERS.items()):
                some = cells[place :: len(BROWSERS)]
                with launched(flags) as browser:
                    theirs = _opened(browser, partial(_peers, other, version), peer.ROW, some) if peers else {}
                    yield from _table_rows(name, _opened(browser, partial(_own, url, version), KARST_ROW, some), theirs)


def _opened(browser: Browser, href: Callable[[int], str], row: str, cells: Sequence[int]) -> Times:
    """The first of the cells lets the server read its tables and is not counted."""
    times_of: Times = {"cold": [], "warm": [], "click": [], "click again": []}
    for root in cells:
        watched = Watched(browser, row)
        times_of["cold"].append(watched.open(href(root)))
        times_of["warm"].append(watched.open(href(root)))
        if row == KARST_ROW:
            times_of["click"].append(watched.click())
            watched.back()
            times_of["click again"].append(watched.click())
        watched.close()
    return {visit: times[1:] for visit, times in times_of.items()}


def _table_rows(name: str, own: Times, theirs: Times) -> Iterator[Row]:
    """Rows of the table: the time, then what it costs."""
    for visit, times in own.items():
        beside = theirs.get("warm" if "click" in visit else visit, [])
        took, against = _median("row_ms", times), _median("row_ms", beside) if beside else None
        share = SHARE_OF_CLICK if "click" in visit else SHARE
        what = f"first partner id in the page of a cell, {visit}, {name}, {DELAY_MS} ms added to every request to CAVE"
        target = f"{share:.2f}x of the peer's, main thread {MAIN_MS} ms, {FIRST_KB:,} kB, layout shift {MOST_SHIFT}"
        peer_times = f"{peer.PEER}: {_figures(beside)}" if beside else ""
        yield Row(what, _figures(times), peer_times, took / against if against else None, target)


def _figures(times: Sequence[Opened]) -> str:
    took, main, kb, count, shift = (_median(part, times) for part in ("row_ms", "main_ms", "kb", "requests", "shift"))
    return f"{took:,.0f} ms, main thread {main:,.0f} ms, {kb:,.0f} kB in {count:.0f} requests, layout shift {shift:.3f}"


def _median(part: str, times: Sequence[Opened]) -> float:
    return median(getattr(one, part) for one in times)


def _own(url: str, version: int, root: int) -> str:
    return url + CellAddress(datastack=DATASTACK, version=str(version), cell=str(root), type_table=TYPES).href()


def _peers(url: str, version: int, root: int) -> str:
    return url + peer.href(root, version, DATASTACK)


def _cells(server: str) -> tuple[int, list[int]]:
    """The version, and cells of ordinary size: enough for every kind of browser."""
    client = CAVEclient(DATASTACK, server_address=server, auth_token="any", write_server_cache=False)
    version = max(client.materialize.get_versions())
    degree = client.materialize.query_view(
        "synapses_pni_2_in_out_degree",
        filter_greater_dict={"n_input": 800, "n_output": 50, "root_id": 0},
        filter_less_dict={"n_input": 1_500},
        materialization_version=version,
    )
    return version, sorted(degree["root_id"])[: len(BROWSERS) * (CELLS + 1)]
