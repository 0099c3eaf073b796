"""Timing a call, and a table of what was found."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import psutil


@dataclass(frozen=True)
class Row:
    """One line of the table: what was measured, the figure, what it is compared with, and what it should be."""

    what: str
    figure: str
    against: str = ""
    ratio: float | None = None
    target: str = ""

    def __str__(self) -> str:
        ratio = "" if self.ratio is None else f"{self.ratio:.2f}x"
        return f"| {self.what} | {self.figure} | {self.against} | {ratio} | {self.target} |"


HEAD = "| what | measured | against | ratio | target |\n|---|---|---|---|---|"


def seconds(call: Callable[[], object], repeats: int = 7) -> list[float]:
    """Wall times of `repeats` calls, after one that warms up."""
    call()
    taken = []
    for _ in range(repeats):
        started = time.perf_counter()
        call()
        taken.append(time.perf_counter() - started)
    return taken


def median_ms(call: Callable[[], object], repeats: int = 7) -> float:
    """Median wall time of a call in milliseconds."""
    return 1000 * statistics.median(seconds(call, repeats))


def compare(what: str, call: Callable[[], object], against: str, other: Callable[[], object], repeats: int = 7) -> Row:
    """A call's median beside another's. The two take turns, so that a busy machine slows down both."""
    turns = [[seconds(call, 1)[0], seconds(other, 1)[0]] for _ in range(repeats)]
    mine, others = (1000 * statistics.median(taken) for taken in zip(*turns, strict=True))
    return Row(what, f"{mine:.1f} ms", f"{against}: {others:.1f} ms", mine / others)


def resident_mb(url: str) -> float:
    """Memory of the processes that listen at an address, with what they share counted once."""
    return sum(float(process.memory_full_info().pss) for process in _processes(url)) / 1e6


def cpu_s(url: str) -> float:
    """Processor time that they, and those of theirs that have ended, have used so far."""
    return sum(sum(process.cpu_times()[:4]) for process in _processes(url))


def _processes(url: str) -> list[psutil.Process]:
    port = int(url.rsplit(":", 1)[1])
    return [process for process in psutil.process_iter() if _listens(process, port)]


def _listens(process: psutil.Process, port: int) -> bool:
    try:
        connections = process.net_connections("tcp")
    except psutil.Error:  # ended meanwhile, or somebody else's
        return False
    return any(one.status == psutil.CONN_LISTEN and one.laddr.port == port for one in connections)
