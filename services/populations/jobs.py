"""Long readings, and counts against chance, as jobs: they go on when nobody waits, tell how far they are, and can be
cancelled. So is the looking up of sets whose tables take many answers of CAVE.

The queue is huey's: in a file beside the cache, in Redis where the cache is there, else in memory. Every process of
the application works on it, on whatever machine; one that is killed loses the chunks it was reading and nothing else,
for the next who asks for the job has it go on. Two who ask the same have the same job. All that is written is JSON.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeVar

from flask import current_app
from huey import MemoryHuey, RedisHuey, SqliteHuey
from huey.api import Huey
from huey.consumer import Consumer
from huey.registry import Message
from huey.serializer import Serializer

from services.cave.client import Cave
from services.cave.context import door
from services.cave.release import Release
from services.core.errors import BadInput, NotFound, TooLarge
from services.core.identity import Identity
from services.core.logs import explain
from services.core.pages import StoppedError, between_pages
from services.core.waiting import waiting_for_others
from services.populations import chance, groupings, population, sets, synapse_reading
from services.populations.chance import Draws
from services.populations.population import Pair
from services.populations.synapse_reading import Progress

MOST_AT_ONCE = 20
"""Requests that a reading takes while somebody waits; one of more is a job."""
OTHERS_S = 5.0
"""How long somebody waits for a table that others, such as another job, are loading."""
SILENT_S = 180.0
"""A job that has not told of itself for so long was killed: a chunk takes CAVE a minute at most, then it fails."""
AT_WORK = 1
"""Jobs that one process reads at once; each asks for eight chunks at a time."""
Of = Literal["chunks", "permutations", "answers"]
State = Literal["waiting", "reading", "done", "failed", "cancelled"]
Place = tuple[str, str, int]
"""The name of a server, a datastack and the number of its version."""
T = TypeVar("T")


class CancelledError(StoppedError):
    """Somebody has cancelled the job."""


class LongError(Exception):
    """What somebody waits for takes too long; `job` goes on with it."""

    def __init__(self, job: Job) -> None:
        super().__init__(job.id)
        self.job = job


@dataclass(frozen=True)
class Job:
    """A reading, or what is counted of what was read. `done` of `total` chunks have been read, with `rows` synapses, or
    permutations counted, or answers of CAVE come that say which cells are in sets (`total` is 0 then), as `of` says, in
    `seconds`; `seconds_left` is how long the rest takes at this pace (None = not known yet), `message` why it failed.
    `at` is when it told so, in seconds since 1970."""

    id: str
    state: State
    done: int = 0
    total: int = 0
    rows: int = 0
    seconds: float = 0.0
    seconds_left: float | None = None
    message: str = ""
    at: float = 0.0
    of: Of = "chunks"

    @property
    def under_way(self) -> bool:
        """Whether it waits or is read, by somebody who is alive."""
        return self.state in ("waiting", "reading") and time.time() - self.at < SILENT_S


def is_long(requests: int) -> bool:
    """Whether nobody should wait for a reading of so many requests."""
    return requests > MOST_AT_ONCE


class Jobs:
    """The jobs of one application over `cave`. The first that is asked for makes this process work."""

    def __init__(self, cave: Cave) -> None:
        self._cave = cave
        self._huey = _queue(cave)
        self._read = self._huey.task(name="read")(self._work)
        self._find_cells = self._huey.task(name="look up")(self._look_up)
        self._lock = threading.Lock()
        self._at_work_in = 0

    def start(self, pair: Pair, draws: Draws | None = None) -> Job:
        """The job that reads what two sets need, and counts `draws` of it, started unless it is under way or done."""
        requests = {"pre": pair.pre.text, "post": pair.post.text, "proofread": pair.proofread, "through": pair.through}
        requests["synapses"] = pair.line
        id, drawn = _id(pair, draws), asdict(draws) if draws else {}
        return self._started(id, partial(self._read, id, *_place(pair.release), requests, drawn))

    def look_up(self, release: Release, texts: Sequence[str], ask: Callable[[], T], by: Sequence[str] = ()) -> T:
        """What `ask` makes of the sets that `texts` name (see :func:`sets.resolve`), grouped `by` columns maybe.

        Raises LongError where that takes more answers of CAVE than somebody waits for, or is under way, as another's
        loading of the same tables may be; from the end of that job on, all of it is kept. Raises what `ask` does."""
        names = sorted({text.strip() for text in texts} - {""})
        id = _digest(_whose(release), release.datastack, release.number, "sets", names, sorted(by))
        known = self._known(id)
        if not (known and known.under_way):
            with suppress(StoppedError), between_pages(_Patience()), waiting_for_others(OTHERS_S):
                return ask()
        raise LongError(self._started(id, partial(self._find_cells, id, *_place(release), names, by)))

    def _started(self, id: str, enqueue: Callable[[], Any]) -> Job:
        job = self._known(id)
        if not (job and job.under_way):
            self._cave.cache.note(_cancel(id), False, most=1)
            job = self._tell(Job(id, "waiting"))
            enqueue()
        self._work_here()
        return job

    def find(self, id: str) -> Job:
        """How far a job is. Raises NotFound."""
        job = self._known(id)
        if job is None:
            raise NotFound(f"There is no job {id[:40]}.", "Ask again for what it was to read.")
        self._work_here()
        if job.state in ("waiting", "reading") and not job.under_way:
            return replace(job, state="failed", message="Its worker has gone. What was read is kept: ask again.")
        return job

    def cancel(self, id: str) -> Job:
        """End a job after the answers of CAVE that are under way; the chunks that were read are kept."""
        job = self.find(id)
        if not job.under_way:
            return job
        self._cave.cache.note(_cancel(id), True, most=1)
        return self._tell(replace(job, state="cancelled"))

    def _work(self, id: str, at: Place, sealed: str, requests: dict[str, Any], draws: dict[str, Any]) -> None:
        def report(progress: Progress, of: Of = "chunks") -> None:
            job = Job(id, "reading", progress.done, progress.total, progress.rows, progress.seconds, of=of)
            self._report(replace(job, seconds_left=progress.seconds_left))

        with self._ending(id):
            release = self._release(at, sealed)
            with between_pages(_Answers(id, self._report)):
                pair = population.choose(release, **requests)
            synapse_reading.read(pair.release, pair.pre.ids, pair.post.ids, pair.synapses, report=report)
            if draws:
                chance.draw(population.read(pair), Draws(**draws), report=partial(report, of="permutations"))

    def _look_up(self, id: str, at: Place, sealed: str, texts: Sequence[str], by: Sequence[str]) -> None:
        with self._ending(id), between_pages(_Answers(id, self._report)):
            release = self._release(at, sealed)
            for text in texts:
                with suppress(BadInput, NotFound, TooLarge):  # who asks for that is told so
                    cells = sets.resolve(release, text)
                    for column in by:
                        groupings.group(release, cells, column)

    def _release(self, at: Place, sealed: str) -> Release:
        server, datastack, number = at
        cave = self._cave.server(server)
        identity = Identity.unsealed(sealed, cave.settings.secret_key, cave.settings.server_address)
        return Release.of(cave.of(*filter(None, [identity])), datastack, number)

    @contextmanager
    def _ending(self, id: str) -> Iterator[None]:
        """Tells that a job begins, and how it ends."""
        try:
            self._report(Job(id, "reading"))
            yield
        except CancelledError:
            self._tell(replace(self.find(id), state="cancelled", seconds_left=None))
        except Exception as error:
            explained = explain(error)
            message = str(explained) if explained is error else f"{explained} Request {explained.request_id}."
            self._tell(replace(self.find(id), state="failed", message=message, seconds_left=None))
        else:
            self._tell(replace(self.find(id), state="done", seconds_left=0.0))

    def _report(self, job: Job) -> None:
        """Tell how far a job is. Raises CancelledError."""
        if True in self._cave.cache.noted(_cancel(job.id)):
            raise CancelledError
        self._tell(job)

    def _known(self, id: str) -> Job | None:
        """What a job has told of itself. One that waits tells nothing: the queue is asked whether it still has it."""
        noted = self._cave.cache.noted(("job", id))
        job = Job(**noted[-1]) if noted else None
        if job and job.state == "waiting" and any(task.args[0] == id for task in self._huey.pending()):
            return replace(job, at=time.time())
        return job

    def _tell(self, job: Job) -> Job:
        stamped = replace(job, at=time.time())
        self._cave.cache.note(("job", job.id), asdict(stamped), most=1)
        return stamped

    def _work_here(self) -> None:
        """Work on the queue in this process, which may be a fork of one that does so already."""
        if not self._cave.settings.reads_jobs:
            return
        with self._lock:
            if self._at_work_in != os.getpid():
                self._at_work_in = os.getpid()
                _Worker(self._huey, workers=AT_WORK, periodic=False, check_worker_health=False, max_delay=1.0).start()

    def work(self) -> None:
        """Work on the queue until a signal ends the process; SIGTERM ends it at once, SIGINT after the job in hand."""
        Consumer(self._huey, workers=AT_WORK, periodic=False, max_delay=1.0).run()


class _Patience:
    """Ends a question that takes more answers than somebody waits for."""

    def __init__(self) -> None:
        self._answers = itertools.count(1)

    def __call__(self, rows: int) -> None:
        if next(self._answers) >= MOST_AT_ONCE:
            raise StoppedError


class _Answers:
    """Tells of the answers of CAVE that a job has, from whatever thread."""

    def __init__(self, id: str, report: Callable[[Job], None]) -> None:
        self._job, self._report, self._begun = Job(id, "reading", of="answers"), report, time.monotonic()
        self._lock = threading.Lock()

    def __call__(self, rows: int) -> None:
        with self._lock:
            self._job = replace(self._job, done=self._job.done + 1, seconds=time.monotonic() - self._begun)
            self._report(self._job)


class _Worker(Consumer):
    """huey's workers as threads of a process that has other things to do, whose signals are its own affair."""

    def _set_signal_handlers(self) -> None:
        pass


class _Json(Serializer):
    """Tasks as JSON; huey would pickle them."""

    def _serialize(self, data: Any) -> bytes:
        return json.dumps(data).encode()

    def _deserialize(self, data: bytes) -> Message:
        return Message(*json.loads(data))


def _queue(cave: Cave) -> Huey:
    """The queue of all applications with the same cache, CAVE and identity."""
    settings = cave.settings
    whose = hashlib.blake2b(f"{settings.server_address} {settings.identity}".encode(), digest_size=8).hexdigest()
    options: dict[str, Any] = {"name": f"karst-{whose}", "results": False, "serializer": _Json()}
    where = settings.cache
    if where.startswith(("redis://", "rediss://", "unix://")):
        return RedisHuey(url=where, **options)
    if not where:
        return MemoryHuey(**options)
    Path(where).mkdir(parents=True, exist_ok=True, mode=0o700)
    return SqliteHuey(filename=str(Path(where) / "jobs.db"), **options)


def _cancel(id: str) -> tuple[str, str]:
    return "cancel job", id


def _place(release: Release) -> tuple[Place, str]:
    """Where a job is read, and with whose token of that server, for the queue, which others may read; "" where all
    share one."""
    settings = release.cave.settings
    own = Identity(settings.token, server=settings.server)
    sealed = own.sealed(settings.secret_key, settings.server_address) if settings.auth == "person" else ""
    return (settings.server, release.datastack, release.number), sealed


def _whose(release: Release) -> str:
    settings = release.cave.settings
    return settings.identity if settings.auth == "person" else ""


def _id(pair: Pair, draws: Draws | None) -> str:
    ends = [synapse_reading.digest(one.ids) for one in (pair.pre, pair.post)]
    drawn, release = asdict(draws) if draws else None, pair.release
    return _digest(_whose(release), release.datastack, release.number, *ends, pair.synapses, drawn)


def _digest(*what: Any) -> str:
    return hashlib.blake2b(json.dumps(what).encode(), digest_size=10).hexdigest()


def current() -> Jobs:
    """The jobs of the running application."""
    extensions = current_app.extensions
    if "karst-jobs" not in extensions:
        with _making:
            extensions.setdefault("karst-jobs", Jobs(door()))
    result: Jobs = extensions["karst-jobs"]
    return result


_making = threading.Lock()
