"""Many people at once: what browsers and programs ask of Karst, over a CAVE that takes 100 ms for each answer.

`python -m benchmarks.load [FOLDER] [--people 50] [--think-s 10] [--minutes 3]` over a folder of the demo (default:
.data/karst_demo). Pages are opened once in a real browser, and what it sent is sent again for each person, about other
cells. Ends with status 1 when anything was refused or lost.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import requests
from caveclient import CAVEclient

from benchmarks.browser import CALLBACK, JSON, Call, browsing, p95
from benchmarks.measure import HEAD, Row, cpu_s, resident_mb
from services.views.addresses import CellAddress, TableAddress
from tests.servers import karst, start_localcave

DATASTACK = "karst_demo"
API = f"/api/v1/{DATASTACK}/latest"
TYPES, PROOFREADING = "aibs_metamodel_celltypes_v661", "proofreading_status_and_strategy"
CELLS = 200
DELAY_MS = 100
PATIENCE_S = 120
SAMPLE_S = 5.0


@dataclass(frozen=True)
class Pages:
    """What a browser sent for the page of a table, and for that of the cell `root`."""

    table: Sequence[Call]
    cell: Sequence[Call]
    root: int


@dataclass
class Results:
    """Seconds of each request, of each page of a cell that nobody had asked for, and what went wrong."""

    cached: list[float] = field(default_factory=list)
    api: list[float] = field(default_factory=list)
    cold: list[float] = field(default_factory=list)
    problems: Counter[str] = field(default_factory=Counter)
    journeys: int = 0
    requested: set[int] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def is_first(self, root: int) -> bool:
        """Whether nobody has asked for a cell yet; somebody has, after this."""
        with self.lock:
            known = root in self.requested
            self.requested.add(root)
            return not known


class Person:
    """Opens a table, a cell and its numbers, again and again, from an address of their own."""

    def __init__(self, number: int, url: str, pages: Pages, roots: Sequence[int], results: Results) -> None:
        self._url, self._pages, self._roots, self._results = url, pages, roots, results
        self._random = random.Random(number)
        self._session = requests.Session()
        self._session.headers["X-Forwarded-For"] = f"10.0.{number // 250}.{number % 250 + 1}"

    def live(self, until: float, think_s: float) -> None:
        """Journeys until it is `until`, with about `think_s` to look at each page. Nobody hurries to end the last."""
        while True:
            root = self._random.choice(self._roots)
            for step in (self._table, self._cell, self._numbers):
                self._think(until, think_s)
                if time.monotonic() >= until:
                    return
                step(root)
            self._results.journeys += 1

    def _think(self, until: float, think_s: float) -> None:
        time.sleep(max(0.0, min(self._random.uniform(0, 2 * think_s), until - time.monotonic())))

    def _table(self, _root: int) -> None:
        self._results.cached += [self._get("/table-viewer"), *(self._post(call) for call in self._pages.table)]

    def _cell(self, root: int) -> None:
        is_first = self._results.is_first(root)
        document = self._get(f"/connectivity-viewer?cell={root}")
        taken = [self._post(call.about(str(self._pages.root), str(root))) for call in self._pages.cell]
        if is_first:
            self._results.cold.append(document + sum(taken))
        else:
            self._results.cached += [document, *taken]

    def _numbers(self, root: int) -> None:
        for path in (
            f"/cells/{root}/partners?direction=out&types={TYPES}",
            f"/cells/{root}/synapses?direction=out&format=csv",
            f"/tables/{TYPES}/rows?filter=cell_type+%3D+BC&limit=100",
        ):
            self._results.api.append(self._get(API + path))

    def _get(self, path: str) -> float:
        name = re.sub(r"\d{6,}|\?.*", "", path)
        return self._take(name, lambda: self._session.get(self._url + path, timeout=PATIENCE_S))

    def _post(self, call: Call) -> float:
        content, address = json.dumps(call.body), self._url + CALLBACK
        return self._take(
            str(call.body["output"])[:60],
            lambda: self._session.post(address, content, headers=JSON, timeout=PATIENCE_S),
        )

    def _take(self, name: str, send: Callable[[], requests.Response]) -> float:
        started = time.perf_counter()
        try:
            status = str(send().status_code)
        except requests.RequestException as error:
            status = type(error).__name__
        if status not in ("200", "204"):
            with self._results.lock:
                self._results.problems[f"{status} {name}"] += 1
        return time.perf_counter() - started


def rows(folder: Path, people: int, think_s: float, minutes: float) -> Iterator[Row | str]:
    """The table, and then what went wrong."""
    with (
        tempfile.TemporaryDirectory() as cache,
        start_localcave([folder], "--delay-ms", str(DELAY_MS)) as server,
        karst(server, cache, KARST_PROXIES="1") as url,
    ):
        roots = _roots(server)
        pages, results = _pages(url, roots[0]), Results()
        until, before_s = time.monotonic() + 60 * minutes, cpu_s(url)
        memory: list[float] = []
        with ThreadPoolExecutor(people) as pool:
            everybody = [Person(number, url, pages, roots[1:], results) for number in range(people)]
            living = [pool.submit(person.live, until, think_s) for person in everybody]
            while time.monotonic() < until:
                time.sleep(SAMPLE_S)
                memory.append(resident_mb(url))
            for one in living:
                one.result()
        used_s = cpu_s(url) - before_s
    requests_ = len(results.cached) + len(results.api) + len(results.cold) * (1 + len(pages.cell))
    yield Row(
        f"{people} people, {think_s:g} s at a page, {minutes:g} min: errors",
        f"{results.problems.total()} of {requests_:,} requests",
        target="0",
    )
    yield _p95("a request for what is cached", results.cached, "800 ms")
    yield _p95("the page of a cell that nobody has asked for", results.cold, "2500 ms")
    yield _p95("a request of the API", results.api, "")
    each = int(60 / SAMPLE_S)
    by_minute = [*memory[each - 1 : -1 : each], memory[-1]]
    yield Row("memory of all processes at the end of each minute", ", ".join(f"{mb:.0f}" for mb in by_minute) + " MB")
    yield Row("CPU for a journey: a table, a cell, three files", f"{used_s / max(1, results.journeys):.2f} s")
    yield from (f"{count} x {problem}" for problem, count in results.problems.most_common(20))


def _p95(what: str, seconds: Sequence[float], target: str) -> Row:
    figure = f"{1000 * p95(seconds):.0f} ms of {len(seconds):,}" if len(seconds) > 1 else "too few"
    return Row(f"{what}, p95", figure, target=target and f"< {target}")


def _roots(server: str) -> list[int]:
    client = CAVEclient(DATASTACK, server_address=server, auth_token="any", write_server_cache=False)
    cells: list[int] = client.materialize.query_table(PROOFREADING, limit=CELLS)["pt_root_id"].unique().tolist()
    return cells


def _pages(url: str, root: int) -> Pages:
    with browsing() as visit:
        table = visit(url + TableAddress(table=TYPES).href(), "#table-link a", scrolled=True)
        cell = visit(url + CellAddress(datastack=DATASTACK, cell=str(root)).href(), "#cell-figures .js-plotly-plot")
        return Pages(table.calls, cell.calls, root)


def main(words: Sequence[str]) -> int:
    """Print the table; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load")
    parser.add_argument("folder", nargs="?", type=Path, default=Path(".data/karst_demo"))
    parser.add_argument("--people", type=int, default=50)
    parser.add_argument("--think-s", type=float, default=10.0, help="mean time that a person looks at a page")
    parser.add_argument("--minutes", type=float, default=3.0)
    options = parser.parse_args(words)
    print(HEAD)
    failed = False
    for row in rows(options.folder, options.people, options.think_s, options.minutes):
        print(row, flush=True)
        failed = failed or isinstance(row, str)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
