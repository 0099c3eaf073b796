"""Reading the synapses among two sets of cells through CAVE, in chunks that are each paid for once.

A chunk is a rectangle: all synapses that count of some cells onto some others. It is kept under the version, these
cells and the line that says which synapses count, and
noted, so that another pair of sets is cut into what kept rectangles cover and what has to be asked for. A note that is
lost, or a chunk that had to make room, costs requests and nothing else.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from services.cave.client import Cave
from services.cave.queries import Filters
from services.cave.release import Release
from services.cave.rows import SENT_AT_ONCE
from services.cells import cells, synapse_filter
from services.cells.synapse_rows import CENTRE_NM
from services.core.errors import NotFound, TooLarge
from services.core.parallel import MOST_AT_ONCE, gather
from services.populations.edges import Ids, indices_of

IDS_AT_ONCE = 5_000
"""Root ids at each end in one request: 100 kB of JSON."""
SURE_PAIRS_OF_A_ROW = 50
"""Pairs of cells, for each row that CAVE sends at once, that are asked for without counting their synapses first:
proofread cells of a cubic millimetre of cortex have some 2 synapses for each 100 pairs, so those of 3,000 cells still
come in one answer of 200,000 rows."""
USUAL_PAIRS_OF_A_ROW = 100
"""Pairs that have one synapse where nobody has counted yet: fewer among proofread cells, more among all."""
SURELY_CHEAPER = 4
"""How many times fewer requests asking by one end has to take: proofread cells have several times as many synapses as
others, and all of them come."""
FILL = 0.8
"""Share of the server's row limit that a chunk is planned to have: pieces of equal cells are not of equal synapses."""
MOST_SYNAPSES = 20_000_000
"""Rows that are held at once: 0.8 GB."""
MOST_NOTES = 62
"""Kept rectangles that a plan looks at: one bit each in a word of 64."""
COLUMNS = ("id", "pre_root_id", "post_root_id", "size", "x_nm", "y_nm", "z_nm")

Way = Literal["both", "pre", "post"]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Rectangle:
    """All synapses of the cells `pre` onto the cells `post`; None = any."""

    pre: Ids | None
    post: Ids | None

    @property
    def name(self) -> tuple[str, str]:
        """The same texts for the same cells."""
        return digest(self.pre), digest(self.post)

    def holds(self, pre_ids: Ids, post_ids: Ids) -> tuple[Mask, Mask]:
        """Which of some cells it has at either end."""
        return _holds(self.pre, pre_ids), _holds(self.post, post_ids)


@dataclass(frozen=True, eq=False)
class Plan:
    """How the synapses among two sets are come by: the rectangles that are `kept`, and the chunks to `ask` CAVE for.
    `num_requests` is about how many requests these take."""

    kept: tuple[Rectangle, ...]
    ask: tuple[Rectangle, ...]
    num_requests: int


@dataclass(frozen=True)
class Progress:
    """How far a reading is: chunks `done` of `total`, `rows` synapses so far, and the seconds since it began."""

    done: int
    total: int
    rows: int
    seconds: float

    @property
    def seconds_left(self) -> float | None:
        """At the pace so far; None before the first chunk."""
        return self.seconds / self.done * (self.total - self.done) if self.done else None


def plan(release: Release, pre_ids: Ids, post_ids: Ids, where: str = "") -> Plan:
    """What has to be asked to know the synapses among two sets of cells that the line `where` keeps, given what was
    read before. Asks CAVE nothing but how many synapses and somata there are."""
    known = _known(release, where)
    kept, blocks = uncovered(known, pre_ids, post_ids)
    typical = _typical_synapses(release)
    ask, requests = [], 0
    for block in blocks:
        chunks, each = _chunks(*block, typical, release.row_limit)
        ask += chunks
        requests += each
    return Plan(tuple(kept), tuple(ask), requests)


def read(
    release: Release,
    pre_ids: Ids,
    post_ids: Ids,
    where: str = "",
    *,
    report: Callable[[Progress], None] = lambda _: None,
) -> pd.DataFrame:
    """All synapses of the cells `pre_ids` onto the cells `post_ids` that the line `where` keeps (see
    :func:`synapse_filter.among`), sorted by id, each once.

    Columns: id, pre_root_id, post_root_id (int64), size (float32, in voxels; NaN = not known), and x_nm, y_nm, z_nm
    (float32) of its centre. `report` is told after every round of chunks; what it raises ends the reading, and what was
    read is kept. Raises TooLarge for more than can be held, and what CAVE raises.
    """
    begun = time.monotonic()
    planned = plan(release, pre_ids, post_ids, where)
    parts = [_within(_chunk(release, one, where), pre_ids, post_ids) for one in planned.kept]
    pending, done = list(planned.ask), 0
    strips: dict[tuple[str, str], list[Rectangle]] = {}
    report(Progress(0, len(pending), sum(map(len, parts)), 0.0))
    while pending:
        now, pending = pending[:MOST_AT_ONCE], pending[MOST_AT_ONCE:]
        ready = [one for several in gather(*(partial(_fitting, release, one) for one in now)) for one in several]
        for start in range(0, len(ready), MOST_AT_ONCE):
            some = ready[start : start + MOST_AT_ONCE]
            matches = gather(*(partial(_chunk, release, one, where) for one in some))
            _note_strips(release, strips, some, where)
            parts += [_within(part, pre_ids, post_ids) for part in matches]
            _refuse(sum(map(len, parts)))
            done += len(some)
            left = len(ready) - start - len(some) + len(pending)
            report(Progress(done, done + left, sum(map(len, parts)), time.monotonic() - begun))
    return _together(parts)


def uncovered(known: Iterable[Rectangle], pre_ids: Ids, post_ids: Ids) -> tuple[list[Rectangle], list[tuple[Ids, Ids]]]:
    """The `known` rectangles that have pairs of two sets which newer ones do not have, and the pairs that none has, as
    few sets of cells and others.

    Each known one is a bit of a word for each cell that it has; a pair is covered where the words of its two cells
    share a bit. Cells of the same word are treated alike, so the cost does not grow with the pairs.
    """
    used: list[Rectangle] = []
    pre_bits = np.zeros(len(pre_ids), dtype=np.uint64)
    post_bits = np.zeros(len(post_ids), dtype=np.uint64)
    for one in known:
        pre, post = one.holds(pre_ids, post_ids)
        if len(used) == MOST_NOTES or not pre.any() or not post.any():
            continue
        bit = np.uint64(1 << len(used))
        if not _open(pre_bits[pre], post_bits[post]):
            continue
        pre_bits[pre] |= bit
        post_bits[post] |= bit
        used.append(one)
        if not _open(pre_bits, post_bits):
            break
    rests: dict[bytes, list[int]] = {}
    words = np.unique(post_bits)
    pre_words, pre_class = np.unique(pre_bits, return_inverse=True)
    for at, word in enumerate(pre_words):
        rest = (words & word) == 0
        if rest.any():
            rests.setdefault(rest.tobytes(), []).append(at)
    blocks = []
    for rest, classes in rests.items():
        open_words = words[np.frombuffer(rest, dtype=bool)]
        blocks.append((pre_ids[np.isin(pre_class, classes)], post_ids[np.isin(post_bits, open_words)]))
    return used, blocks


def _open(pre_bits: npt.NDArray[np.uint64], post_bits: npt.NDArray[np.uint64]) -> bool:
    """Whether a pair of cells with these words is not covered."""
    return bool(((np.unique(pre_bits)[:, None] & np.unique(post_bits)[None, :]) == 0).any())


def cheapest(num_pre: int, num_post: int, typical: float, row_limit: int = SENT_AT_ONCE) -> tuple[Way, int]:
    """How to ask for the synapses of so many cells onto so many others, and about how many requests that takes: by
    both ends, or by one where cells of it have few enough synapses in all; `typical` is how many a cell has."""
    chunks = math.ceil(num_pre / IDS_AT_ONCE) * math.ceil(num_post / IDS_AT_ONCE)
    pieces = math.ceil(num_pre * num_post / (USUAL_PAIRS_OF_A_ROW * row_limit * FILL))
    ways: dict[Way, int] = {
        "both": max(chunks, pieces),
        "pre": math.ceil(num_pre * typical / (row_limit * FILL)),
        "post": math.ceil(num_post * typical / (row_limit * FILL)),
    }
    one_end: Way = "pre" if ways["pre"] <= ways["post"] else "post"
    way: Way = one_end if SURELY_CHEAPER * ways[one_end] <= ways["both"] else "both"
    return way, ways[way]


def _chunks(pre: Ids, post: Ids, typical: float, row_limit: int) -> tuple[list[Rectangle], int]:
    """All pairs of some cells in chunks, and about how many requests they take."""
    way, requests = cheapest(len(pre), len(post), typical, row_limit)
    if way == "pre":
        return [Rectangle(part, None) for part in _parts(pre, requests)], requests
    if way == "post":
        return [Rectangle(None, part) for part in _parts(post, requests)], requests
    chunks = [
        Rectangle(one, other)
        for one in _parts(pre, math.ceil(len(pre) / IDS_AT_ONCE))
        for other in _parts(post, math.ceil(len(post) / IDS_AT_ONCE))
    ]
    return chunks, requests + sum(_is_unsure(chunk.pre, chunk.post, row_limit) for chunk in chunks)


def _parts(ids: Ids, number: int) -> list[Ids]:
    """Ids in so many parts, if there are as many. Neighbours go to different ones: ids are by place, and cells of a
    place are proofread, and have synapses, as others there."""
    return [ids[start::number] for start in range(min(number, len(ids)))]


def _is_unsure(pre: Ids | None, post: Ids | None, row_limit: int) -> bool:
    """Whether a chunk may have more synapses than fit one answer."""
    return pre is not None and post is not None and len(pre) * len(post) > SURE_PAIRS_OF_A_ROW * row_limit


def _fitting(release: Release, chunk: Rectangle) -> list[Rectangle]:
    """A chunk in as many pieces as fit the server's row limit; where there may be several, its synapses are counted."""
    limit = release.row_limit
    if chunk.pre is None or chunk.post is None or not _is_unsure(chunk.pre, chunk.post, limit):
        return [chunk]
    filters = Filters(isin={"pre_pt_root_id": chunk.pre.tolist(), "post_pt_root_id": chunk.post.tolist()})
    count = release.count(release.synapse_shape().table, filters) or 0
    number = math.ceil(count / (limit * FILL))
    return [Rectangle(part, chunk.post) for part in _parts(chunk.pre, max(number, 1))]


def _chunk(release: Release, one: Rectangle, where: str) -> pd.DataFrame:
    """The synapses of a rectangle that count, from the cache or from CAVE; noted, so that it is found again."""
    with suppress(NotFound):
        if pieces := _pieces_of(release, one, where):
            return _together([_chunk(release, piece, where) for piece in pieces])

    def load() -> pd.DataFrame:
        ends = (None if ids is None else ids.tolist() for ids in (one.pre, one.post))
        return _compact(synapse_filter.among(release, *ends, where=where))

    cache = release.cache_of(release.synapse_shape().table)
    frame = cache.frame(("synapses among", release.datastack, release.number, *one.name, *_line(where)), load)
    _note(release, one, where)
    return frame


def _compact(rows: pd.DataFrame) -> pd.DataFrame:
    ids = {"id": "id", "pre_root_id": "pre_pt_root_id", "post_root_id": "post_pt_root_id"}
    numbers = {"size": "size", **dict(zip(("x_nm", "y_nm", "z_nm"), CENTRE_NM, strict=True))}
    frame = pd.DataFrame({name: rows[own].fillna(0).to_numpy(np.int64) for name, own in ids.items()})
    return frame.assign(**{name: rows[own].to_numpy(np.float32, na_value=np.nan) for name, own in numbers.items()})


def _within(rows: pd.DataFrame, pre_ids: Ids, post_ids: Ids) -> pd.DataFrame:
    pre = indices_of(pre_ids, rows["pre_root_id"].to_numpy(np.int64))[1]
    kept = pre & indices_of(post_ids, rows["post_root_id"].to_numpy(np.int64))[1]
    return rows if kept.all() else rows[kept]


def _together(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    if len(parts) == 1:  # no rectangle has a synapse twice
        return parts[0].sort_values("id", ignore_index=True)
    every = pd.concat(parts, ignore_index=True) if parts else _none()
    return every.drop_duplicates("id").sort_values("id", ignore_index=True)


def _none() -> pd.DataFrame:
    dtypes = [np.int64 if name.endswith("id") else np.float32 for name in COLUMNS]
    return pd.DataFrame({name: np.empty(0, dtype) for name, dtype in zip(COLUMNS, dtypes, strict=True)})


def _refuse(rows: int) -> None:
    if rows > MOST_SYNAPSES:
        raise TooLarge(
            f"There are more than {MOST_SYNAPSES:,} synapses among these cells, the most that are held at once.",
            "Take smaller sets; what was read is kept and not asked for again.",
        )


def _typical_synapses(release: Release) -> float:
    """Synapses of a cell, one direction: those of the whole table by the number of cells with a nucleus."""
    table = release.synapse_shape().table
    somata = cells.somas(release)["root_id"].nunique()
    return release.row_count(table) / max(somata, 1)


# ---- what was read before


def _known(release: Release, where: str) -> Iterator[Rectangle]:
    """The rectangles that are noted, newest first; one whose cells are not kept any more is left out."""
    for name in reversed(release.cave.cache.noted(_notes(release, where))):
        with suppress(NotFound):
            yield _named(release, name)


def _named(release: Release, name: Sequence[str]) -> Rectangle:
    """The rectangle of a name. Raises NotFound where its cells are not kept any more."""
    pre, post = (_ids(release.cave, release.datastack, digest) for digest in name)
    return Rectangle(pre, post)


def _note_strips(
    release: Release, strips: dict[tuple[str, str], list[Rectangle]], pieces: Sequence[Rectangle], where: str
) -> None:
    """Note, with `pieces` that were just read, what those of the same cells at one end have together: a plan looks at
    few rectangles, and very many pieces may have been read when a reading ends."""
    for piece in pieces:
        pre, post = piece.name
        strips.setdefault(("pre", pre) if piece.pre is None else ("post", post), []).append(piece)
    for (side, _), together in strips.items():
        if len(together) < 2 or together[-1] not in pieces:
            continue
        ends = (one.post if side == "pre" else one.pre for one in together)
        ids = np.unique(np.concatenate([ids for ids in ends if ids is not None]))
        strip = Rectangle(None, ids) if side == "pre" else Rectangle(ids, together[0].post)
        release.cave.cache.note(_notes_of(release, strip, where), [list(one.name) for one in together], most=1)
        _note(release, strip, where)


def _pieces_of(release: Release, strip: Rectangle, where: str) -> list[Rectangle]:
    """The pieces in which a rectangle was read; none where it was read at once. Raises NotFound as :func:`_named`."""
    names = release.cave.cache.noted(_notes_of(release, strip, where))
    return [_named(release, name) for name in names[-1]] if names else []


def _note(release: Release, one: Rectangle, where: str) -> None:
    for ids in (one.pre, one.post):
        _ids(release.cave, release.datastack, digest(ids), ids)
    if list(one.name) not in release.cave.cache.noted(_notes(release, where)):
        release.cave.cache.note(_notes(release, where), list(one.name))


def _notes(release: Release, where: str) -> tuple[str | int, ...]:
    return ("rectangles", release.datastack, release.number, *_line(where))


def _notes_of(release: Release, strip: Rectangle, where: str) -> tuple[str | int, ...]:
    return ("pieces", release.datastack, release.number, *strip.name, *_line(where))


def _line(where: str) -> tuple[str, ...]:
    """What the line that synapses pass adds to the names of what is kept."""
    return (where,) if where else ()


def _ids(cave: Cave, datastack: str, digest: str, ids: Ids | None = None) -> Ids | None:
    """The ids of a digest; `ids` are kept for it where they are given. Raises NotFound where nobody knows them."""

    def load() -> pd.DataFrame:
        if ids is None:
            raise NotFound("These cells are not kept any more.")
        return pd.DataFrame({"id": ids})

    if digest == ANY:
        return None
    result: Ids = cave.at(datastack).cache.frame(("ids", datastack, digest), load)["id"].to_numpy(np.int64)
    return result


ANY = "any"


def digest(ids: Ids | None) -> str:
    if ids is None:
        return ANY
    return hashlib.blake2b(np.ascontiguousarray(ids, dtype="<i8").tobytes(), digest_size=16).hexdigest()


def _holds(own: Ids | None, ids: Ids) -> Mask:
    return np.ones(len(ids), dtype=bool) if own is None else indices_of(own, ids)[1]
