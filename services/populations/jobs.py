"""Jobs: long readings of synapses, null models, and look-ups of sets whose tables take many answers of CAVE. A job
continues when no request waits for it, reports its progress, and can be cancelled.

The queue is huey's, in a file beside the cache, in Redis where the cache is there, else in memory. Every process of the
application works on it, on any machine. A process that is killed loses only the chunks it was reading: the next request
for the job resumes it. Equal requests share one job. The queue and the state of jobs are written as JSON.
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

from flask import current_app, g, has_request_context
from huey import MemoryHuey, RedisHuey, SqliteHuey
from huey.api import Huey
from huey.consumer import Consumer
from huey.registry import Message
from huey.serializer import Serializer

from services.cave.client import Cave
from services.cave.context import cave, door
from services.cave.release import Release
from services.core.errors import BadInput, KarstError, NotFound, TooLarge
from services.core.identity import Identity
from services.core.logs import explain
from services.core.pages import StoppedError, between_pages
from services.core.waiting import waiting_for_others
from services.populations import chance, groupings, population, sets, synapse_reading
from services.populations.chance import Draws
from services.populations.population import Pair
from services.populations.synapse_reading import Progress

MOST_AT_ONCE = 20
"""Requests to CAVE of a reading that a web request waits for; a longer one is a job."""
OTHERS_S = 5.0
"""Time that a web request waits for a table that another request or job is loading."""
SILENT_S = 180.0
"""A job without a report for this long was killed: a chunk takes at most a minute, then the request to CAVE fails."""
AT_WORK = 1
"""Jobs that one process works on at a time; each requests eight chunks at once."""
Of = Literal["chunks", "permutations", "answers"]
State = Literal["waiting", "reading", "done", "failed", "cancelled"]
Place = tuple[str, str, int]
"""The name of a server, a datastack and the number of its version."""
OWNER = 8
"""Digits of an id that tell whose job it is."""
T = TypeVar("T")


class CancelledError(StoppedError):
    """The job was cancelled."""


class LongError(KarstError):
    """The result takes too long for a web request to wait for; `job` continues with it, at a `release`."""

    code = "under_way"
    status = 202

    def __init__(self, job: Job, release: Release) -> None:
        super().__init__("This takes long, so a job continues with it.", "Ask again when it is done.")
        self.job = job
        self.release = release


@dataclass(frozen=True)
class Job:
    """The state of a job.

    `done` of `total` units are finished after `seconds`; `of` is the unit: chunks of synapses (`rows` of them so far),
    permutations, or answers of CAVE about the cells of sets (`total` is 0 then). `seconds_left` is the estimate for the
    rest (None = not known yet), `message` why the job failed, `at` the time of this report in seconds since 1970.
    """

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
        """Whether it waits or runs, and its worker has reported within SILENT_S."""
        return self.state in ("waiting", "reading") and time.time() - self.at < SILENT_S


def is_long(requests: int) -> bool:
    """Whether a reading of this many requests is too long for a web request to wait for."""
    return requests > MOST_AT_ONCE


class Jobs:
    """The jobs of an application over `cave`. The first job that is requested starts the workers of this process."""

    def __init__(self, cave: Cave) -> None:
        self._cave = cave
        self._huey = _queue(cave)
        self._read = self._huey.task(name="read")(self._work)
        self._find_cells = self._huey.task(name="look up")(self._look_up)
        self._lock = threading.Lock()
        self._at_work_in = 0

    def start(self, pair: Pair, draws: Draws | None = None) -> Job:
        """The job that reads the synapses among two sets and makes `draws` of them; started unless it is under way."""
        requests = {"pre": pair.pre.text, "post": pair.post.text, "proofread": pair.proofread, "through": pair.through}
        requests["synapses"] = pair.line
        id, settings = _id(pair, draws), asdict(draws) if draws else {}
        return self._started(id, partial(self._read, id, *_place(pair.release), requests, settings))

    def look_up(self, release: Release, texts: Sequence[str], question: Callable[[], T], by: Sequence[str] = ()) -> T:
        """The result of `question`, which resolves the sets named by `texts` (see :func:`sets.resolve`) and may group
        them `by` columns.

        Raises LongError where this takes more answers of CAVE than a web request waits for, where the job for it is
        under way, and where another request has been loading one of its tables for OTHERS_S. When that job is done, the
        answers are cached, so `question` is quick. Raises what `question` raises."""
        names = sorted({text.strip() for text in texts} - {""})
        id = _id_of(release, "sets", names, sorted(by))
        job = self._reported(id)
        if not (job and job.under_way):
            with suppress(StoppedError), between_pages(_Patience()), waiting_for_others(OTHERS_S):
                return question()
        raise LongError(self._started(id, partial(self._find_cells, id, *_place(release), names, by)), release)

    def _started(self, id: str, enqueue: Callable[[], Any]) -> Job:
        """The job with this id, enqueued unless it is under way."""
        job = self._reported(id)
        if not (job and job.under_way):
            self._cave.cache.note(_cancel(id), False, most=1)
            job = self._store(Job(id, "waiting"))
            enqueue()
        self._work_here()
        return job

    def find(self, id: str) -> Job:
        """The state of a job; "failed" where its worker was killed. Raises NotFound for an unknown id, and for that of
        another person's job."""
        if self._cave.settings.auth == "person" and has_request_context():
            cave()  # which nobody in particular has
            own = [_owner(one.digest(self._cave.settings.secret_key)) for one in g.identities]
            job = self._reported(id) if id[:OWNER] in own else None
        else:
            job = self._reported(id)
        if job is None:
            raise NotFound(f"There is no job {id[:40]}.", "Ask again for what it was to read.")
        self._work_here()
        if job.state in ("waiting", "reading") and not job.under_way:
            return replace(job, state="failed", message="Its worker has gone. What was read is kept: ask again.")
        return job

    def cancel(self, id: str) -> Job:
        """Cancels a job; it ends after its pending requests to CAVE, and the chunks that were read are kept."""
        job = self.find(id)
        if not job.under_way:
            return job
        self._cave.cache.note(_cancel(id), True, most=1)
        return self._store(replace(job, state="cancelled"))

    def _work(self, id: str, at: Place, sealed: str, requests: dict[str, Any], draws: dict[str, Any]) -> None:
        """The task that reads the synapses among two sets and makes draws of them; called by a worker."""

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
        """The task that resolves and groups sets, so that the answers of CAVE are cached; called by a worker."""
        with self._ending(id), between_pages(_Answers(id, self._report)):
            release = self._release(at, sealed)
            for text in texts:
                with suppress(BadInput, NotFound, TooLarge):  # the request for the set gets this error
                    cells = sets.resolve(release, text)
                    for column in by:
                        groupings.group(release, cells, column)

    def _release(self, at: Place, sealed: str) -> Release:
        """The release of a task, read with the token that is sealed in it, if any."""
        server, datastack, number = at
        cave = self._cave.server(server)
        identity = Identity.unsealed(sealed, cave.settings.secret_key, cave.settings.server_address)
        return Release.of(cave.of(*filter(None, [identity])), datastack, number)

    @contextmanager
    def _ending(self, id: str) -> Iterator[None]:
        """Reports the start of a job, and its end: done, cancelled, or failed with a message."""
        try:
            self._report(Job(id, "reading"))
            yield
        except CancelledError:
            self._store(replace(self.find(id), state="cancelled", seconds_left=None))
        except Exception as error:
            explained = explain(error)
            message = str(explained) if explained is error else f"{explained} Request {explained.request_id}."
            self._store(replace(self.find(id), state="failed", message=message, seconds_left=None))
        else:
            self._store(replace(self.find(id), state="done", seconds_left=0.0))

    def _report(self, job: Job) -> None:
        """Records the progress of a job. Raises CancelledError if the job was cancelled."""
        if True in self._cave.cache.noted(_cancel(job.id)):
            raise CancelledError
        self._store(job)

    def _reported(self, id: str) -> Job | None:
        """The last report of a job, None for an unknown id. A waiting job, which reports nothing, is renewed if still
        queued."""
        noted = self._cave.cache.noted(("job", id))
        job = Job(**noted[-1]) if noted else None
        if job and job.state == "waiting" and any(task.args[0] == id for task in self._huey.pending()):
            return replace(job, at=time.time())
        return job

    def _store(self, job: Job) -> Job:
        stamped = replace(job, at=time.time())
        self._cave.cache.note(("job", job.id), asdict(stamped), most=1)
        return stamped

    def _work_here(self) -> None:
        """Starts the workers of this process once; a forked process has to start its own."""
        if not self._cave.settings.reads_jobs:
            return
        with self._lock:
            if self._at_work_in != os.getpid():
                self._at_work_in = os.getpid()
                _Worker(self._huey, workers=AT_WORK, periodic=False, check_worker_health=False, max_delay=1.0).start()

    def work(self) -> None:
        """Works on the queue until a signal ends the process: SIGTERM at once, SIGINT after the current job."""
        Consumer(self._huey, workers=AT_WORK, periodic=False, max_delay=1.0).run()


class _Patience:
    """Stops a look-up that takes more answers than a web request waits for."""

    def __init__(self) -> None:
        self._answers = itertools.count(1)

    def __call__(self, rows: int) -> None:
        if next(self._answers) >= MOST_AT_ONCE:
            raise StoppedError


class _Answers:
    """Counts the answers of CAVE for a job and reports them; safe to call from any thread."""

    def __init__(self, id: str, report: Callable[[Job], None]) -> None:
        self._job, self._report, self._begun = Job(id, "reading", of="answers"), report, time.monotonic()
        self._lock = threading.Lock()

    def __call__(self, rows: int) -> None:
        with self._lock:
            self._job = replace(self._job, done=self._job.done + 1, seconds=time.monotonic() - self._begun)
            self._report(self._job)


class _Worker(Consumer):
    """huey's workers as threads of a web process, whose signal handlers stay as they are."""

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
    """The release of a task and the token with which to read it, sealed, since others may read the queue; "" where
    everybody uses one token."""
    settings = release.cave.settings
    identity = Identity(settings.token, server=settings.server)
    sealed = identity.sealed(settings.secret_key, settings.server_address) if settings.auth == "person" else ""
    return (settings.server, release.datastack, release.number), sealed


def _whose(release: Release) -> str:
    settings = release.cave.settings
    return settings.identity if settings.auth == "person" else ""


def _id(pair: Pair, draws: Draws | None) -> str:
    ends = [synapse_reading.digest(cells.ids) for cells in (pair.pre, pair.post)]
    return _id_of(pair.release, *ends, pair.synapses, asdict(draws) if draws else None)


def _id_of(release: Release, *parts: Any) -> str:
    """The id of the job of whoever reads a release that `parts` describe."""
    whose = _whose(release)
    return _owner(whose) + _digest(whose, release.datastack, release.number, *parts)[OWNER:]


def _owner(whose: str) -> str:
    return _digest(whose)[:OWNER]


def _digest(*parts: Any) -> str:
    return hashlib.blake2b(json.dumps(parts).encode(), digest_size=10).hexdigest()


def current() -> Jobs:
    """The jobs of the running application."""
    extensions = current_app.extensions
    if "karst-jobs" not in extensions:
        with _making:
            extensions.setdefault("karst-jobs", Jobs(door()))
    result: Jobs = extensions["karst-jobs"]
    return result


_making = threading.Lock()
