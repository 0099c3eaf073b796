"""Populations: reading beside raw caveclient, matrices, null models, growth with the edges, and the page."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import numpy as np
from caveclient import CAVEclient

from benchmarks.browser import browsing, pages
from benchmarks.measure import Row, compare, median_ms
from services.cave.client import Cave
from services.cave.release import Release
from services.core.settings import Settings
from services.populations import groupings, matrices, nulls, population, synapse_reading
from services.populations.edges import Edges
from services.populations.groupings import Grouping
from services.views.addresses import PopulationAddress
from tests.e2e.conftest import karst

DATASTACK, PROOFREAD = "karst_demo", "proofreading_status_and_strategy"
SYNAPSES, TYPES = "synapses_pni_2", "aibs_metamodel_mtypes_v661_v2"
CELLS, EDGES = 20_000, 2_000_000
NULL_EDGES, PERMUTATIONS = 75_000, 1_000


def rows(server: str) -> Iterator[Row]:
    """Over the demo that localcave serves at `server`."""
    yield from _reading(server)
    types = Grouping("type", tuple("abcdefghijklmnopqrst"), np.random.default_rng(0).integers(0, 20, CELLS))
    edges = _edges(CELLS, EDGES)
    one = median_ms(lambda: matrices.matrix(edges, types, types, "connected_fraction"), 5)
    yield Row(f"populations: type x type of {len(edges):,} edges", f"{one:.0f} ms", target="500 ms")
    few = _edges(CELLS, EDGES // 4)
    other = median_ms(lambda: matrices.matrix(few, types, types, "connected_fraction"), 5)
    against = f"a quarter of the edges: {other:.0f} ms"
    yield Row("populations: the same, growth with the edges", f"{one:.0f} ms", against, one / other, "5x")
    yield _null()
    yield from _page(server)


def _reading(server: str) -> Iterator[Row]:
    client = CAVEclient(DATASTACK, server_address=server, auth_token="none", write_server_cache=False)
    client.version = max(client.materialize.get_versions())
    ids = np.unique(client.materialize.query_table(PROOFREAD)["pt_root_id"].to_numpy(np.int64))
    ids = ids[ids != 0]
    listed = ids.tolist()

    def karst_read() -> None:
        release = Release.of(Cave(Settings(server_address=server, cache="")), DATASTACK, client.version)
        release.tables(), release.synapse_shape()
        synapse_reading.read(release, ids, ids)

    def raw() -> None:
        ends = {"pre_pt_root_id": listed, "post_pt_root_id": listed}
        client.materialize.query_table(SYNAPSES, filter_in_dict=ends, desired_resolution=[1, 1, 1])

    what = f"populations: all synapses among {len(ids):,} proofread cells, nothing kept"
    yield compare(what, karst_read, "the same query by caveclient", raw, 5)
    cave = Cave(Settings(server_address=server, cache=""))
    release = Release.of(cave, DATASTACK, client.version)
    pair = population.choose(release, f"{PROOFREAD}:", proofread="off")
    population.read(pair)
    requests = cave.counts["requests"]
    again = median_ms(lambda: population.read(population.choose(release, f"{PROOFREAD}:", proofread="off")), 5)
    num_requests = cave.counts["requests"] - requests
    yield Row("populations: the same again", f"{again:.0f} ms, {num_requests} requests", target="300 ms, 0 requests")
    groupings.group(release, pair.pre, f"{TYPES}.classification_system")
    requests, start = cave.counts["requests"], time.perf_counter()
    groupings.group(release, pair.post, f"{TYPES}.cell_type")
    took, num_requests = 1000 * (time.perf_counter() - start), cave.counts["requests"] - requests
    yield Row("populations: by another type column", f"{took:.0f} ms, {num_requests} requests", target="0 requests")


def _null() -> Row:
    cells = 2_200
    edges = _edges(cells, NULL_EDGES)
    types = Grouping("type", tuple("abcdefghijklmnopqrst"), np.random.default_rng(1).integers(0, 20, cells))
    start = time.perf_counter()
    nulls.keep_degrees(edges, types, types, "connections", permutations=PERMUTATIONS, seed=1)
    took = time.perf_counter() - start
    what = f"populations: {PERMUTATIONS:,} permutations that keep degrees, {len(edges):,} edges"
    return Row(what, f"{took:.1f} s", target="5 s")


def _page(server: str) -> Iterator[Row]:
    address = PopulationAddress(pre_table=PROOFREAD, read="on").href()
    ready = "#pop-table a"
    with tempfile.TemporaryDirectory() as cache, karst(server, Path(cache)) as url:
        with browsing() as visit:
            seen = visit(url + address, ready)
        taken = []
        with pages() as new_page:
            for _ in range(5):
                page, start = new_page(), time.perf_counter()
                page.goto(url + address)
                page.wait_for_selector(ready)
                taken.append(time.perf_counter() - start)
    what = "populations: the first view of a cached population in an empty browser, to its matrix"
    yield Row(what, f"{1000 * median(taken):,.0f} ms", target="1,500 ms")
    sent, again = (f"{count / 1000:.0f} kB" for count in (seen.shell + seen.down, seen.down))
    yield Row("populations: sent to the browser for it", sent, f"one that was here before: {again}", target="500 kB")


def _edges(cells: int, count: int) -> Edges:
    rng = np.random.default_rng(0)
    ids = np.arange(cells, dtype=np.int64)
    keys = np.unique(rng.integers(0, cells * cells, count))
    keys = keys[keys // cells != keys % cells]
    return Edges(ids, ids, keys // cells, keys % cells, rng.integers(1, 9, len(keys)), rng.random(len(keys)))
