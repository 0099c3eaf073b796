"""Reading the synapses among two sets of cells from CAVE in chunks, each of which is requested only once.

A chunk is a rectangle of the matrix of cells: all counted synapses from some cells onto some others. It is cached by
the version, its cells and the filter line for synapses, and a note of it is kept, so that for another pair of sets only
the part that no cached rectangle covers has to be requested. A lost note or an evicted chunk costs requests and nothing
else."""

from __future__ import annotations

import hashlib
import math
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import numpy.typing as npt
import pandas as pd
from werkzeug.utils import cached_property

from services.cave.client import Cave
from services.cave.queries import Filters
from services.cave.release import Release
from services.cells import synapse_filter
from services.cells.synapse_rows import CENTRE_NM
from services.core.errors import NotFound, TooLarge
from services.core.pages import between_pages
from services.core.parallel import MOST_AT_ONCE, gather
from services.populations.edges import Ids, indices_of

IDS_AT_ONCE = 5_000
"""Most root ids at each end in one request: 100 kB of JSON."""
SPARSER = 1.3
"""Up to row_limit ** SPARSER pairs of cells, their synapses are taken to fit into one answer of CAVE (row_limit rows)
and are not counted first. The more cells, the fewer synapses for each pair: 3,200 pairs have at most 500, and the 7.8
million pairs of 2,800 proofread cells in a cubic millimetre of cortex, with about 2 for each 100 pairs, 200,000."""
SAMPLED = 500
"""Cells sampled to estimate the number of synapses of all cells with any partner, to about a tenth."""
SPREAD = 3.0
"""How far above the mean a cell's number of synapses is assumed to be, in means: 1.5 standard deviations, where one is
twice the mean, since few cells are proofread."""
FILL = 0.9
"""Share of the server's row limit that a chunk is planned for, since numbers of synapses are known to about a tenth."""
MOST_SYNAPSES = 20_000_000
"""Most rows that are held in memory at once: 0.8 GB."""
MOST_NOTES = 62
"""Most cached rectangles that a plan uses: one bit each in a word of 64."""
COLUMNS = ("id", "pre_root_id", "post_root_id", "size", "x_nm", "y_nm", "z_nm")

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Rectangle:
    """All synapses of the cells `pre` onto the cells `post`; None = any."""

    pre: Ids | None
    post: Ids | None

    @cached_property
    def name(self) -> tuple[str, str]:
        """A digest of the cells at each end; equal for equal cells."""
        return digest(self.pre), digest(self.post)

    def holds(self, pre_ids: Ids, post_ids: Ids) -> tuple[Mask, Mask]:
        """Which of `pre_ids` are among its presynaptic cells, and which of `post_ids` among its postsynaptic ones."""
        return _holds(self.pre, pre_ids), _holds(self.post, post_ids)


@dataclass(frozen=True, eq=False)
class Plan:
    """How to read the synapses among two sets: the rectangles that are cached (`cached`), and those to request
    (`missing`)."""

    cached: tuple[Rectangle, ...]
    missing: tuple[Rectangle, ...]

    @property
    def num_requests(self) -> int:
        """The approximate number of requests: a chunk is planned to be one answer."""
        return len(self.missing)


@dataclass(frozen=True)
class Progress:
    """The progress of a reading: `done` of `total` chunks, `rows` synapses so far, and the seconds since it started."""

    done: int
    total: int
    rows: int
    seconds: float

    @property
    def seconds_left(self) -> float | None:
        """The estimated time for the rest, at the pace so far; None before the first chunk."""
        return self.seconds / self.done * (self.total - self.done) if self.done else None


class _Counted:
    """Reports the rows of some chunks as they arrive; safe to call from any thread."""

    def __init__(self, before: Progress, begun: float, report: Callable[[Progress], None]) -> None:
        self._now, self._begun, self._report = before, begun, report
        self._lock = threading.Lock()

    def __call__(self, rows: int) -> None:
        with self._lock:
            self._now = replace(self._now, rows=self._now.rows + rows, seconds=time.monotonic() - self._begun)
            self._report(self._now)


def plan(release: Release, pre_ids: Ids, post_ids: Ids, where: str = "") -> Plan:
    """How to read the synapses among two sets of cells that the filter line `where` keeps, given what is cached. The
    only requests are counts of synapses, for large sets."""
    cached, blocks = uncovered(_noted_rectangles(release, where), pre_ids, post_ids)
    return Plan(tuple(cached), tuple(chunk for block in blocks for chunk in _chunks(release, *block)))


def read(
    release: Release,
    pre_ids: Ids,
    post_ids: Ids,
    where: str = "",
    *,
    report: Callable[[Progress], None] = lambda _: None,
) -> pd.DataFrame:
    """All synapses from the cells `pre_ids` onto the cells `post_ids` that the filter line `where` keeps (see
    :func:`synapse_filter.among`), sorted by id, each once.

    Columns: id, pre_root_id, post_root_id (int64), size (float32, voxels; NaN = not known), and x_nm, y_nm, z_nm of the
    centre (float32). `report` gets the progress after each round of chunks, and between the answers of a chunk that
    takes several; an exception that it raises ends the reading, and chunks read so far stay cached. Raises TooLarge for
    more than MOST_SYNAPSES, and the errors of CAVE."""
    started = time.monotonic()
    planned = plan(release, pre_ids, post_ids, where)
    parts = [_within(_chunk(release, rectangle, where), pre_ids, post_ids) for rectangle in planned.cached]
    strips, total = _Strips(release, where, planned.missing), len(planned.missing)
    report(Progress(0, total, sum(map(len, parts)), 0.0))
    for done in range(0, total, MOST_AT_ONCE):
        batch = planned.missing[done : done + MOST_AT_ONCE]
        before = Progress(done, total, sum(map(len, parts)), 0.0)
        with between_pages(_Counted(before, started, report)):
            frames = gather(*(partial(_chunk, release, rectangle, where) for rectangle in batch))
        strips.note(batch)
        parts += [_within(part, pre_ids, post_ids) for part in frames]
        _refuse(rows := sum(map(len, parts)))
        report(Progress(done + len(batch), total, rows, time.monotonic() - started))
    return _together(parts)


def uncovered(noted: Iterable[Rectangle], pre_ids: Ids, post_ids: Ids) -> tuple[list[Rectangle], list[tuple[Ids, Ids]]]:
    """The rectangles of `noted` (newest first) that cover pairs of two sets not covered by newer ones, and the
    uncovered pairs as a small number of blocks, each of presynaptic and postsynaptic cells.

    Each rectangle used is one bit in a word for each cell that it contains; a pair is covered if the words of its two
    cells share a bit. Cells with equal words are treated together, so the cost does not grow with the number of pairs.
    """
    used: list[Rectangle] = []
    pre_bits = np.zeros(len(pre_ids), dtype=np.uint64)
    post_bits = np.zeros(len(post_ids), dtype=np.uint64)
    for rectangle in noted:
        pre, post = rectangle.holds(pre_ids, post_ids)
        if len(used) == MOST_NOTES or not pre.any() or not post.any():
            continue
        bit = np.uint64(1 << len(used))
        if not _open(pre_bits[pre], post_bits[post]):
            continue
        pre_bits[pre] |= bit
        post_bits[post] |= bit
        used.append(rectangle)
        if not _open(pre_bits, post_bits):
            break
    classes_by_rest: dict[bytes, list[int]] = {}
    words = np.unique(post_bits)
    pre_words, pre_class = np.unique(pre_bits, return_inverse=True)
    for at, word in enumerate(pre_words):
        uncovered_words = (words & word) == 0
        if uncovered_words.any():
            classes_by_rest.setdefault(uncovered_words.tobytes(), []).append(at)
    blocks = []
    for packed, classes in classes_by_rest.items():
        open_words = words[np.frombuffer(packed, dtype=bool)]
        blocks.append((pre_ids[np.isin(pre_class, classes)], post_ids[np.isin(post_bits, open_words)]))
    return used, blocks


def _open(pre_bits: npt.NDArray[np.uint64], post_bits: npt.NDArray[np.uint64]) -> bool:
    """Whether any pair of cells with these words is not covered."""
    return bool(((np.unique(pre_bits)[:, None] & np.unique(post_bits)[None, :]) == 0).any())


def num_pieces(num_synapses: float, num_cells: int, row_limit: int) -> int:
    """The number of equal parts into which to divide some cells so that few parts have more synapses than the server
    sends at once (`row_limit`). Parts of few cells are planned with a margin; see SPREAD."""
    room = max(row_limit * FILL, 1)
    if num_synapses <= room:
        return 1
    # the square of the root n of: a mean part, num_synapses / n, times 1 + SPREAD / sqrt(num_cells / n) fills the room
    above = SPREAD * num_synapses / math.sqrt(num_cells)
    root = (above + math.sqrt(above**2 + 4 * room * num_synapses)) / (2 * room)
    return math.ceil(root**2)


def _chunks(release: Release, pre: Ids, post: Ids) -> list[Rectangle]:
    """All pairs of some cells in chunks of about one answer each. They are requested by the cells at one end only where
    that takes at most half as many requests as by the cells at both ends."""
    least = math.ceil(len(pre) / IDS_AT_ONCE) * math.ceil(len(post) / IDS_AT_ONCE)
    if least > 1:
        few = min(post, pre, key=len)
        ends = (few, None) if few is pre else (None, few)
        number = num_pieces(_num_synapses(release, *ends), len(few), release.row_limit)
        number = max(number, math.ceil(len(few) / IDS_AT_ONCE))
        if 2 * number <= min(least, len(few)):
            return [Rectangle(*(part if end is few else None for end in ends)) for part in _parts(few, number)]
    return _by_both_ends(release, pre, post, least)


def _by_both_ends(release: Release, pre: Ids, post: Ids, least: int) -> list[Rectangle]:
    """All pairs of some cells in at least `least` chunks; if these have too many synapses, they are divided at the end
    with more cells."""
    of_pre, of_post = (math.ceil(len(ids) / IDS_AT_ONCE) for ids in (pre, post))
    number = 1
    if len(pre) * len(post) > least * release.row_limit**SPARSER:
        cells = max(len(pre) // of_pre, len(post) // of_post)
        number = num_pieces(_num_synapses(release, pre, post) / least, cells, release.row_limit)
    if len(pre) > len(post):
        return [Rectangle(rows, columns) for columns in _parts(post, of_post) for rows in _parts(pre, of_pre * number)]
    return [Rectangle(rows, columns) for rows in _parts(pre, of_pre) for columns in _parts(post, of_post * number)]


def _num_synapses(release: Release, pre: Ids | None, post: Ids | None) -> float:
    """An estimate of the number of synapses from some cells onto others (None = any), from what CAVE counts for a
    sample."""
    shape, share, filters = release.synapse_shape(), 1.0, {}
    most = SAMPLED if pre is None or post is None else IDS_AT_ONCE
    for name, ids in ((shape.pre, pre), (shape.post, post)):
        if ids is not None:
            sample = ids[:: math.ceil(len(ids) / most)]  # ids are ordered by position, so the sample is from everywhere
            filters[f"{name}_root_id"] = sample.tolist()
            share *= len(sample) / len(ids)
    return (release.count(shape.table, Filters(isin=filters)) or 0) / share


def _parts(ids: Ids, number: int) -> list[Ids]:
    """Ids in `number` parts, or one for each id if there are fewer. Neighbouring ids go to different parts: ids are
    ordered by position, and cells near each other have similar numbers of synapses and proofreading."""
    return [ids[start::number] for start in range(min(number, len(ids)))]


def _chunk(release: Release, rectangle: Rectangle, where: str) -> pd.DataFrame:
    """The counted synapses of a rectangle, from the cache or from CAVE; a note of it is kept for later plans."""
    with suppress(NotFound):
        if pieces := _pieces_of(release, rectangle, where):
            return _together([_chunk(release, piece, where) for piece in pieces])

    def load() -> pd.DataFrame:
        ends = (None if ids is None else ids.tolist() for ids in (rectangle.pre, rectangle.post))
        return _compact(synapse_filter.among(release, *ends, where=where))

    cache = release.cache_of(release.synapse_shape().table)
    frame = cache.frame(("synapses among", release.datastack, release.number, *rectangle.name, *_line(where)), load)
    _note(release, rectangle, where)
    return frame


def _compact(rows: pd.DataFrame) -> pd.DataFrame:
    """Synapses with the columns and dtypes of :func:`read`."""
    ids = {"id": "id", "pre_root_id": "pre_pt_root_id", "post_root_id": "post_pt_root_id"}
    numbers = {"size": "size", **dict(zip(("x_nm", "y_nm", "z_nm"), CENTRE_NM, strict=True))}
    frame = pd.DataFrame({name: rows[raw].fillna(0).to_numpy(np.int64) for name, raw in ids.items()})
    return frame.assign(**{name: rows[raw].to_numpy(np.float32, na_value=np.nan) for name, raw in numbers.items()})


def _within(rows: pd.DataFrame, pre_ids: Ids, post_ids: Ids) -> pd.DataFrame:
    pre = indices_of(pre_ids, rows["pre_root_id"].to_numpy(np.int64))[1]
    within = pre & indices_of(post_ids, rows["post_root_id"].to_numpy(np.int64))[1]
    return rows if within.all() else rows[within]


def _together(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    if len(parts) == 1:  # a single rectangle has no synapse twice
        return parts[0].sort_values("id", ignore_index=True)
    synapses = pd.concat(parts, ignore_index=True) if parts else _none()
    return synapses.drop_duplicates("id").sort_values("id", ignore_index=True)


def _none() -> pd.DataFrame:
    dtypes = [np.int64 if name.endswith("id") else np.float32 for name in COLUMNS]
    return pd.DataFrame({name: np.empty(0, dtype) for name, dtype in zip(COLUMNS, dtypes, strict=True)})


def _refuse(rows: int) -> None:
    if rows > MOST_SYNAPSES:
        raise TooLarge(
            f"There are more than {MOST_SYNAPSES:,} synapses among these cells, the most that are held at once.",
            "Choose smaller sets; what was read is kept and not asked for again.",
        )


# ---- notes of what is cached


def _noted_rectangles(release: Release, where: str) -> Iterator[Rectangle]:
    """The rectangles that are noted, newest first, without those whose cells are no longer cached."""
    for name in reversed(release.cave.cache.noted(_notes(release, where))):
        with suppress(NotFound):
            yield _named(release, name)


def _named(release: Release, name: Sequence[str]) -> Rectangle:
    """The rectangle with this :attr:`Rectangle.name`. Raises NotFound where its cells are no longer cached."""
    pre, post = (_ids(release.cave, release.datastack, digest) for digest in name)
    return Rectangle(pre, post)


class _Strips:
    """Merges the notes of chunks as they are read: chunks with the same cells at the end that is divided less make one
    strip. A plan uses few rectangles, and a reading may end after very many chunks."""

    def __init__(self, release: Release, where: str, chunks: Sequence[Rectangle]) -> None:
        self._release, self._where = release, where
        pre, post = ({chunk.name[end] for chunk in chunks} for end in (0, 1))
        self._end = 0 if len(pre) < len(post) else 1
        self._strips: dict[str, list[Rectangle]] = {}

    def note(self, chunks: Sequence[Rectangle]) -> None:
        """Notes the strips that `chunks`, which were just read, form with those read before."""
        for chunk in chunks:
            self._strips.setdefault(chunk.name[self._end], []).append(chunk)
        for shared in dict.fromkeys(chunk.name[self._end] for chunk in chunks):
            parts = self._strips[shared]
            if len(parts) < 2:
                continue
            ends = (part.pre if self._end else part.post for part in parts)
            ids = np.unique(np.concatenate([ids for ids in ends if ids is not None]))
            strip = Rectangle(ids, parts[0].post) if self._end else Rectangle(parts[0].pre, ids)
            names = [list(part.name) for part in parts]
            self._release.cave.cache.note(_notes_of(self._release, strip, self._where), names, most=1)
            _note(self._release, strip, self._where)


def _pieces_of(release: Release, strip: Rectangle, where: str) -> list[Rectangle]:
    """The chunks in which a strip was read; [] for a rectangle read at once. Raises NotFound as :func:`_named`."""
    names = release.cave.cache.noted(_notes_of(release, strip, where))
    return [_named(release, name) for name in names[-1]] if names else []


def _note(release: Release, rectangle: Rectangle, where: str) -> None:
    """Keeps a note of a cached rectangle, and its cells."""
    for ids in (rectangle.pre, rectangle.post):
        _ids(release.cave, release.datastack, digest(ids), ids)
    if list(rectangle.name) not in release.cave.cache.noted(_notes(release, where)):
        release.cave.cache.note(_notes(release, where), list(rectangle.name))


def _notes(release: Release, where: str) -> tuple[str | int, ...]:
    return ("rectangles", release.datastack, release.number, *_line(where))


def _notes_of(release: Release, strip: Rectangle, where: str) -> tuple[str | int, ...]:
    return ("pieces", release.datastack, release.number, *strip.name, *_line(where))


def _line(where: str) -> tuple[str, ...]:
    """The part of cache keys for the filter line; () without one."""
    return (where,) if where else ()


def _ids(cave: Cave, datastack: str, digest: str, ids: Ids | None = None) -> Ids | None:
    """The ids of a digest from the cache, where `ids` are stored if given. Raises NotFound where they are not
    cached."""

    def load() -> pd.DataFrame:
        if ids is None:
            raise NotFound("These cells are not kept any more.")
        return pd.DataFrame({"id": ids})

    if digest == ANY:
        return None
    result: Ids = cave.at(datastack).cache.frame(("ids", datastack, digest), load)["id"].to_numpy(np.int64)
    return result


ANY = "any"
"""The digest of an end without given cells."""


def digest(ids: Ids | None) -> str:
    """A hash of sorted root ids as 32 hexadecimal digits; ANY for None."""
    if ids is None:
        return ANY
    return hashlib.blake2b(np.ascontiguousarray(ids, dtype="<i8").tobytes(), digest_size=16).hexdigest()


def _holds(members: Ids | None, ids: Ids) -> Mask:
    return np.ones(len(ids), dtype=bool) if members is None else indices_of(members, ids)[1]
