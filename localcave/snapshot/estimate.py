"""How large a snapshot will be and how long it will take, said before it starts."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pyarrow as pa

from localcave.folder.writer import write_parquet
from localcave.snapshot.parts import Piece
from localcave.snapshot.run import Run
from localcave.snapshot.skeletons import skeleton_rows

T = TypeVar("T")

SAMPLE_ROWS = 1000
SAMPLED_TABLES = 4
"""The largest tables; the rest is taken to be like them."""
SAMPLED_SKELETONS = 3


@dataclass(frozen=True)
class Estimate:
    """What is to be brought, and about how large it will be on disk and how long it will take."""

    rows: int
    skeletons: int
    bytes: int
    seconds: float

    def __str__(self) -> str:
        what = f"{self.rows:,} rows" + (f" and {self.skeletons:,} skeletons" if self.skeletons else "")
        size = f"{self.bytes / 1e6:,.0f} MB" if self.bytes >= 1e6 else "less than 1 MB"
        minutes = self.seconds / 60
        took = f"{minutes:,.0f} min" if minutes >= 1.5 else f"{max(1, round(self.seconds)):,} s"
        return f"{what}: about {size} and {took}"


@dataclass(frozen=True)
class _Sample:
    """Of one row: bytes on disk, and seconds beyond those of a request."""

    bytes: float
    seconds: float


def estimate(runs: Sequence[Run], folder: Path) -> Estimate:
    """Ask the server of the newest version for a few rows of the largest tables, and for a few skeletons."""
    run, request = runs[-1], runs[-1].request
    rows: Counter[str] = Counter()
    for one in runs:
        rows.update(one.expected)
    names = [name for name, count in rows.most_common(SAMPLED_TABLES) if count and name in run.expected]
    pieces = {**run.whole, **({run.synapse_table: run.synapses[0]} if run.synapses else {})}
    request_s = _timed(lambda: run.remote.columns(next(iter(pieces.values()))))[1] if pieces else 0.0
    samples = {
        name: sample for name in names if name in pieces and (sample := _of_rows(run, name, pieces, folder, request_s))
    }
    usual = _Sample(*(_mean([getattr(s, what) for s in samples.values()]) for what in ("bytes", "seconds")))
    requests = sum(1 + math.ceil(count / request.rows_per_request) for count in rows.values())
    size, seconds = 0.0, requests * request_s
    for name, count in rows.items():
        sample = samples.get(name, usual)
        size += sample.bytes * count * (2 if name == run.synapse_table else 1)  # it is kept in two orders
        seconds += sample.seconds * count
    cells = sorted({root for one in runs for root in one.cells}) if request.skeletons else []
    if cells:
        run.remote.skeleton(cells[0])  # the first takes longer: caveclient asks what the service can do
        some = cells[-SAMPLED_SKELETONS:]
        skeletons, took = _timed(lambda: skeleton_rows(run.remote, some))
        size += _bytes(skeletons, folder) / len(some) * len(cells)
        seconds += took / len(some) * len(cells)
    return Estimate(rows.total(), len(cells), round(size), seconds / request.workers)


def _of_rows(run: Run, name: str, pieces: dict[str, Piece], folder: Path, request_s: float) -> _Sample | None:
    sample, took = _timed(lambda: run.remote.sample(pieces[name], SAMPLE_ROWS))
    number = sample.num_rows
    return _Sample(_bytes(sample, folder) / number, max(0.0, took - request_s) / number) if number else None


def _bytes(rows: pa.Table, folder: Path) -> int:
    path = folder / "sample.parquet"
    write_parquet(rows, path)
    return path.stat().st_size


def _timed(call: Callable[[], T]) -> tuple[T, float]:
    started = time.perf_counter()
    return call(), time.perf_counter() - started


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0
