"""How large a snapshot will be and how long it will take, said before it starts."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TypeVar

import pyarrow as pa

from localcave.folder.writer import write_parquet
from localcave.snapshot.parts import Piece
from localcave.snapshot.run import Run
from localcave.snapshot.skeletons import skeleton_rows

A = TypeVar("A")
T = TypeVar("T")

SAMPLE_ROWS = 5000
"""Of one request; as many are made at a time as later."""
SAMPLED_TABLES = 4
"""The largest tables; the rest is taken to be like them."""
SAMPLED_SKELETONS = 2
"""Of each worker, from cells far apart in the list: those of neighbours are alike."""
WRITES, SYNAPSE_WRITES = 2, 8
"""How often a row is written, or what takes as long: as it is brought and in the table; of synapses that is sorted
twice, and their points go into the segmentation."""
POINT_BYTES = 8
"""Of a supervoxel in the segmentation, which is kept in two orders; several points lie in one."""


@dataclass(frozen=True)
class Estimate:
    """What is to be brought, and about how large it will be on disk and how long it will take."""

    rows: int
    skeletons: int
    bytes: int
    seconds: float

    def __str__(self) -> str:
        contents = f"{self.rows:,} rows" + (f" and {self.skeletons:,} skeletons" if self.skeletons else "")
        size = f"{self.bytes / 1e6:,.0f} MB" if self.bytes >= 1e6 else "less than 1 MB"
        minutes = self.seconds / 60
        took = f"{minutes:,.0f} min" if minutes >= 1.5 else f"{max(1, round(self.seconds)):,} s"
        return f"{contents}: about {size} and {took}"


@dataclass(frozen=True)
class _Sample:
    """Of one row: bytes on disk, points with a supervoxel, and seconds to fetch it and to write it once; and seconds of
    a request, whatever it brings. Seconds to fetch and of requests are those of all workers together."""

    bytes: float
    points: float
    fetching_s: float
    writing_s: float
    request_s: float


def estimate(runs: Sequence[Run], folder: Path) -> Estimate:
    """Ask the server of the newest version for some rows of the largest tables, and for some skeletons."""
    run, request = runs[-1], runs[-1].request
    rows: Counter[str] = Counter()
    brought: Counter[str] = Counter()
    for each in runs:
        rows.update(each.expected)
        brought.update({name: table.num_rows for name, table in each.rows.items()})
    pieces = {**run.whole, **({run.synapse_table: run.synapses[0]} if run.synapses else {})}
    names = [name for name, count in rows.most_common() if count and name in pieces][:SAMPLED_TABLES]
    samples = {name: sample for name in names if (sample := _of_rows(run, pieces[name], folder))}
    usual = _Sample(
        *(_mean([getattr(s, sample_field.name) for s in samples.values()]) for sample_field in fields(_Sample))
    )
    size, seconds = 0.0, 0.0
    for name, count in rows.items():
        sample = samples.get(name, usual)
        is_synapses = name == run.synapse_table
        points = sample.points if name in run.tables else 0
        size += (sample.bytes * (2 if is_synapses else 1) + POINT_BYTES * points) * count  # synapses: in two orders
        missing = max(0, count - brought[name])
        parts = sum(len(run.synapses) for run in runs) if is_synapses else len(runs)
        requests = 2 * max(parts, math.ceil(missing / request.rows_per_request)) if missing else 0  # each is counted
        writing_s = (SYNAPSE_WRITES if is_synapses else WRITES) * sample.writing_s
        seconds += (sample.fetching_s + writing_s) * missing + sample.request_s * requests
    cells = sorted({root for run in runs for root in run.cells}) if request.skeletons else []
    if cells:
        run.remote.skeleton(cells[0])  # the first takes longer: caveclient asks what the service can do
        some = cells[:: math.ceil(len(cells) / (SAMPLED_SKELETONS * request.workers))]
        skeletons, took = _timed(
            lambda: _together(lambda root: skeleton_rows(run.remote, [root]), some, request.workers)
        )
        size += _bytes(pa.concat_tables(skeletons), folder) / len(some) * len(cells)
        seconds += took / len(some) * len(cells)
    return Estimate(rows.total(), len(cells), round(size), seconds)


def _of_rows(run: Run, piece: Piece, folder: Path) -> _Sample | None:
    workers = run.request.workers
    parts = range(workers)
    _, request_s = _timed(lambda: _together(lambda _: run.remote.count(piece), parts, workers))
    brought, took = _timed(
        lambda: _together(lambda part: run.remote.sample(piece, SAMPLE_ROWS, part * SAMPLE_ROWS), parts, workers)
    )
    if not any(part.num_rows for part in brought):
        return None
    rows = pa.concat_tables([part for part in brought if part.num_rows], promote_options="permissive")
    size, writing_s = _timed(lambda: _bytes(rows, folder))
    points = sum(name.endswith("supervoxel_id") for name in rows.column_names)
    fetching_s = max(0.0, took - request_s)
    number = rows.num_rows
    return _Sample(size / number, points, fetching_s / number, writing_s / number, request_s / workers)


def _together(call: Callable[[A], T], arguments: Iterable[A], workers: int) -> list[T]:
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(call, arguments))


def _bytes(rows: pa.Table, folder: Path) -> int:
    path = folder / "sample.parquet"
    write_parquet(rows, path)
    return path.stat().st_size


def _timed(call: Callable[[], T]) -> tuple[T, float]:
    started = time.perf_counter()
    return call(), time.perf_counter() - started


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0
