"""The pages as they are served: what a browser asked of the real application is asked again, and timed."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median

import requests
from caveclient import CAVEclient

from benchmarks.browser import Call, Server, Visit, browsing, p95
from benchmarks.measure import Row, resident_mb
from services.cave.client import Cave
from services.cave.queries import Filters
from services.cave.release import Release
from services.core.settings import Settings
from services.views.addresses import CellAddress, TableAddress
from tests.e2e.conftest import karst
from tests.faults.proxy import proxied
from tests.servers import start_localcave

DATASTACK = "karst_demo"
TYPES = "aibs_metamodel_celltypes_v661"
JOINED = "aibs_metamodel_mtypes_v661_v2"
DELAY_MS = 100
READY = {"table": "#table-link a", "cell": "#cell-figures .js-plotly-plot"}
COLD = "cell-results", "cell-figures"
"""What makes the page of a cell complete: the cell with its partners, joins and counts, and all plots."""

Open = Callable[..., Visit]


def rows(demo: Path, server: str) -> Iterator[Row]:
    """Both pages over the demo in `demo`, which localcave serves at `server`."""
    with browsing() as visit:
        yield from _table(server, visit)
        yield from _cell(demo, server, visit)


def _table(server: str, visit: Open) -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as cache:
        with karst(server, Path(cache)) as url:
            page = visit(url + TableAddress(table=TYPES).href(), READY["table"], scrolled=True)
            facets = visit(url + TableAddress(table=TYPES, panel="facets").href(), ".k-facet").call("table-facets")
        load, block = page.call("table-results"), page.call("getRowsResponse")  # the first rows came with the table
        with karst(server, Path(cache)) as url:  # which has CAVE's answer, yet nothing in memory
            app = Server(url)
            first = app.ask(load)
            yield Row(
                "table page: first rows of 94,014, CAVE's answer in the shared cache",
                f"{first:.0f} ms",
                target="300 ms",
            )
            again = median(app.ask(load) for _ in range(20))
            yield Row("table page: the same with the answer in memory", f"{again:.0f} ms", target="300 ms")
            yield Row("table page: all sent to the browser for it", f"{page.down / 1000:.1f} kB", target="100 kB")
            yield _times("table page: a block of 100 rows", _blocks(app, block), median, "median", "10 ms")
            samples = _filtered(app, block)
            yield _times("table page: filter, sort by two columns and count", samples, p95, "p95", "60 ms")
            samples = _faceted(app, facets)
            yield _times("table page: facets of all categorical columns, filtered anew", samples, p95, "p95", "150 ms")
            yield from _download(url)


def _times(what: str, times: Sequence[float], take: Callable[[Sequence[float]], float], word: str, target: str) -> Row:
    return Row(f"{what}, {len(times)} times", f"{take(times):.0f} ms {word}", target=target)


def _blocks(app: Server, block: Call) -> list[float]:
    def at(start: int) -> Call:
        return block.asking(startRow=start, endRow=start + 100)

    app.ask(at(0))
    return [app.ask(at(start)) for start in range(1_000, 91_000, 1_800)]


def _filtered(app: Server, block: Call) -> list[float]:
    """Each filter is another, so that none has been answered before."""
    sort = [{"colId": "cell_type", "sort": "asc"}, {"colId": "volume", "sort": "desc"}]

    def above(volume: int) -> Call:
        return block.asking(
            filterModel={"volume": {"filterType": "text", "type": "contains", "filter": f">{volume}"}}, sortModel=sort
        )

    [app.ask(above(number)) for number in range(90, 96)]
    return [app.ask(above(number)) for number in range(100, 140)]


def _faceted(app: Server, facets: Call) -> list[float]:
    def above(volume: int) -> Call:
        return facets.asking(filterModel={"volume": {"filterType": "text", "type": "contains", "filter": f">{volume}"}})

    [app.ask(above(number)) for number in range(190, 196)]
    return [app.ask(above(number)) for number in range(200, 240)]


def _download(url: str) -> Iterator[Row]:
    address = f"{url}/api/v1/{DATASTACK}/latest/tables/{TYPES}/rows?format=csv"
    for _ in range(60):  # each thread of each process has held the table and written it
        _lines(address)
    before = resident_mb(url)
    speeds = []
    for _ in range(20):
        started = time.perf_counter()
        lines = _lines(address)
        speeds.append(lines / (time.perf_counter() - started))
    yield Row("CSV of 94,014 rows", f"{median(speeds):,.0f} rows/s", target="50,000 rows/s or more")
    growth_mb = resident_mb(url) - before
    yield Row(
        "memory of the application after 20 such files more", f"{before:.0f} MB {growth_mb:+.0f} MB", target="flat"
    )


def _lines(address: str) -> int:
    with requests.get(address, stream=True, timeout=120) as answer:
        answer.raise_for_status()
        return sum(part.count(b"\n") for part in answer.iter_content(1 << 16))


def _cell(demo: Path, server: str, visit: Open) -> Iterator[Row]:
    version, root, others, size = _cells(server)
    view = CellAddress(datastack=DATASTACK, version=str(version), cell=str(root), type_table=TYPES, more=(JOINED,))
    with tempfile.TemporaryDirectory() as cache:
        with karst(server, Path(cache)) as url:
            page = visit(url + view.href(), READY["cell"])
            app = Server(url)
            load = page.call("cell-results")
            [app.ask(load) for _ in range(10)]
            yield _times(f"a cached cell, {size}", [app.ask(load) for _ in range(40)], p95, "p95", "150 ms")
            yield Row(f"sent to the browser for its page, {size}", f"{page.down / 1000:.0f} kB", target="1,000 kB")
            yield Row("sent by the browser for its page", f"{page.up / 1000:.1f} kB", target="50 kB")
        complete = [call for output in COLD for call in page.calls if call.sets(output)]
        yield _uncached(server, version, (root, others[0]), complete, size)
        yield from _delayed(demo, version, complete, root, others)


def _uncached(server: str, version: int, roots: tuple[int, int], complete: Sequence[Call], size: str) -> Row:
    """All that the page asks for, one after the other, beside the two queries; in turns, each with an empty cache."""
    root, small = roots
    query = _queries(server, version)

    def raw() -> float:
        return sum(query(root).values())

    raw()
    turns = [(_whole_page(server, complete, root, small), raw()) for _ in range(3)]
    mine, others = (median(taken) for taken in zip(*turns, strict=True))
    what = f"a cell never asked for, {size}: partners, a joined table and all plots"
    against = f"its two synapse queries with caveclient's defaults, in turn: {others:.0f} ms"
    return Row(what, f"{mine:.0f} ms", against, mine / others, "1.5x")


def _whole_page(server: str, complete: Sequence[Call], root: int, small: int) -> float:
    with tempfile.TemporaryDirectory() as cache, karst(server, Path(cache)) as url:
        app = Server(url)
        for _ in range(6):  # both processes hold the tables of somata and types
            [app.ask(call.about(str(root), str(small))) for call in complete]
        return sum(app.ask(call) for call in complete)


def _queries(server: str, version: int) -> Callable[[int], dict[str, float]]:
    """A function that asks for the synapses onto and of a cell with caveclient, and tells the milliseconds of each."""
    client = CAVEclient(DATASTACK, server_address=server, auth_token="any", write_server_cache=False)
    client.version = version

    def query(root: int) -> dict[str, float]:
        taken = {}
        for side in ("post_ids", "pre_ids"):
            started = time.perf_counter()
            client.materialize.synapse_query(**{side: root})
            taken[side] = 1000 * (time.perf_counter() - started)
        return taken

    return query


def _delayed(demo: Path, version: int, complete: Sequence[Call], root: int, others: Sequence[int]) -> Iterator[Row]:
    """Cells of ordinary size with every answer of CAVE late, beside one query to that CAVE: the longer of a cell's."""
    with (
        tempfile.TemporaryDirectory() as cache,
        start_localcave([demo], "--delay-ms", str(DELAY_MS)) as late,
        proxied(late) as proxy,
        karst(proxy.url, Path(cache)) as url,
    ):
        app = Server(url)

        def ask(cell: int) -> tuple[float, int]:
            with proxy.counting() as seen:
                took = sum(app.ask(call.about(str(root), str(cell))) for call in complete)
            return took, len(seen)

        query = _queries(proxy.url, version)
        for _ in range(4):
            ask(others[0])
            query(others[0])
        turns = [(*ask(cell), max(query(cell).values())) for cell in others[1:6]]
        took, trip = median(one[0] for one in turns), median(one[2] for one in turns)
        what = f"an ordinary cell never asked for, {DELAY_MS} ms added to every request to CAVE"
        against = f"one round trip, a synapse query of it with caveclient: {trip:.0f} ms"
        figure = f"{took:.0f} ms, {max(one[1] for one in turns)} requests"
        yield Row(what, figure, against, took / trip, "2.5x")
        yield _again(ask, others[1])


def _again(ask: Callable[[int], tuple[float, int]], cell: int) -> Row:
    took, count = ask(cell)
    return Row("the same cell again", f"{took:.0f} ms, {count} requests", target="0 requests")


def _cells(server: str) -> tuple[int, int, list[int], str]:
    """The version, the cell with about 20,000 inputs and outputs, ordinary cells, and the size of the large one."""
    with tempfile.TemporaryDirectory() as cache:
        cave = Cave(Settings.from_env({"CAVE_SERVER_ADDRESS": server, "KARST_CACHE": cache}))
        version = next(version.number for version in cave.versions(DATASTACK) if version.valid)
        busy = Filters(greater={"n_input": 100, "n_output": 10})
        degree = Release.of(cave, DATASTACK, version).query("synapses_pni_2_in_out_degree", busy)
        degree = degree[degree["root_id"] != 0].sort_values("n_output", ignore_index=True)
        at = int(degree[["n_input", "n_output"]].min(axis=1).argmax())
        largest = {name: int(degree[name].iloc[at]) for name in ("root_id", "n_input", "n_output")}
        held = set(Release.of(cave, DATASTACK, version).table(TYPES)["pt_root_id"])
        ordinary = [int(root) for root in degree["root_id"] if root in held]
        middle = len(ordinary) // 2
        size = f"{largest['n_input']:,} inputs and {largest['n_output']:,} outputs"
        return version, largest["root_id"], ordinary[middle : middle + 6], size
