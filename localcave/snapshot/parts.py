"""A remote table in pieces small enough for one answer each, fetched by several workers and kept on disk.

The server is asked how many rows a piece has. A piece that is too large is cut in two; one that is not is fetched,
and must have as many rows as were counted. Every finished piece is a file named by what it is, so a run that was
interrupted goes on where it stopped.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from localcave.errors import InputError
from localcave.folder.writer import write_parquet

HIGHEST = 2**63 - 1
"""Above every id."""


Where = tuple[tuple[str, tuple[str | int | float | bool, ...]], ...]
"""Columns, and the values that each may have."""


@dataclass(frozen=True)
class Piece:
    """Rows of a table or view whose integer column `key` is in [low, high), if `column` is given, whose `column` is
    one of `ids`, and which are as `where` says. Without a `key` the piece cannot be cut along it."""

    name: str
    is_view: bool = False
    key: str = "id"
    low: int = 0
    high: int = HIGHEST
    column: str = ""
    ids: tuple[int, ...] = ()
    where: Where = ()

    @property
    def label(self) -> str:
        """A file name that says exactly which rows these are."""
        return hashlib.sha256(json.dumps(asdict(self)).encode()).hexdigest()[:32]

    def cut(self) -> tuple[Piece, Piece] | None:
        """Two pieces that together are this one, or None when it cannot be cut further.

        First by ids; then along the key, by size as long as the range spans more than a factor of four (ids are
        dense somewhere in a huge range), then in the middle.
        """
        if len(self.ids) > 1:
            half = len(self.ids) // 2
            return replace(self, ids=self.ids[:half]), replace(self, ids=self.ids[half:])
        if not self.key or self.high - self.low < 2:
            return None
        wide = self.high > 4 * max(self.low, 1)
        middle = math.isqrt(max(self.low, 1) * self.high) if wide else (self.low + self.high) // 2
        return replace(self, high=middle), replace(self, low=middle)


class Source(Protocol):
    """Where pieces come from."""

    def count(self, piece: Piece) -> int:
        """Number of rows that the source has."""

    def rows(self, piece: Piece) -> pa.Table:
        """The rows, perhaps cut by a row limit of the source."""


@dataclass
class Baker:
    """Brings pieces from a source into `folder` with `workers` requests at a time.

    `most_rows` of one request; lowered by itself when the source turns out to give fewer. `progress` is told the
    number of rows whenever a piece is finished.
    """

    source: Source
    folder: Path
    most_rows: int
    workers: int
    progress: Callable[[int], None] = field(default=lambda _rows: None)

    def counts(self, pieces: Sequence[Piece]) -> list[int]:
        """Number of rows of each piece."""
        with ThreadPoolExecutor(self.workers) as pool:
            return list(pool.map(self._count, pieces))

    def bake(self, pieces: Sequence[Piece]) -> list[list[Path]]:
        """Bring all pieces; returns for each piece the files that hold its rows.

        Raises InputError when the source fails for good or its rows are not those it counted.
        """
        pool = ThreadPoolExecutor(self.workers)
        paths: dict[tuple[int, ...], Path] = {}
        waiting: dict[Future[Path | tuple[Piece, Piece]], tuple[int, ...]] = {}
        try:
            for number, piece in enumerate(pieces):
                waiting[pool.submit(self._bring, piece)] = (number,)
            while waiting:
                finished, _ = wait(waiting, return_when=FIRST_COMPLETED)
                for future in finished:
                    place = waiting.pop(future)
                    result = future.result()
                    if isinstance(result, Path):
                        paths[place] = result
                    else:
                        for side, part in enumerate(result):
                            waiting[pool.submit(self._bring, part)] = (*place, side)
        finally:
            pool.shutdown(cancel_futures=True)
        files: list[list[Path]] = [[] for _ in pieces]
        for place in sorted(paths):
            files[place[0]].append(paths[place])
        return files

    def _bring(self, piece: Piece) -> Path | tuple[Piece, Piece]:
        """The file of a piece, or the two pieces it had to be cut into."""
        path = self.folder / piece.name / f"{piece.label}.parquet"
        num_rows = _rows_of(path)
        if num_rows is not None:
            self.progress(num_rows)
            return path
        expected = self._count(piece)
        if expected > self.most_rows:
            return self._cut(piece, expected)
        for _ in range(2):
            rows = self.source.rows(piece)
            if rows.num_rows == expected:
                write_parquet(rows, path)
                self.progress(expected)
                return path
        if not 0 < rows.num_rows < expected:
            raise InputError(
                f"the server counts {expected:,} rows in a piece of {piece.name} but gives {rows.num_rows:,}"
            )
        # twice the same: its row limit is lower than ours
        self.most_rows = min(self.most_rows, rows.num_rows)
        return self._cut(piece, expected)

    def _cut(self, piece: Piece, expected: int) -> tuple[Piece, Piece]:
        parts = piece.cut()
        if parts is None:
            raise InputError(
                f"{piece.name} has {expected:,} rows that differ in nothing to ask by, more than one answer of "
                f"{self.most_rows:,} rows"
            )
        return parts

    def _count(self, piece: Piece) -> int:
        """Counts are kept too: cutting a large table takes many."""
        path = self.folder / piece.name / f"{piece.label}.count"
        if path.exists():
            return int(path.read_text())
        count = self.source.count(piece)
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".counting")
        part.write_text(str(count))
        part.replace(path)
        return count


def _rows_of(path: Path) -> int | None:
    """Rows of a finished piece, None for one that is absent or broken."""
    try:
        return int(pq.read_metadata(path).num_rows)
    except (OSError, pa.ArrowException):
        return None
