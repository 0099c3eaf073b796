"""Long readings, and counts against chance, as jobs: they go on when nobody waits, tell how far they are, and can be
cancelled.

The queue is huey's: in a file beside the cache, in Redis where the cache is there, else in memory. Every process of
the application works on it, on whatever machine; one that is killed loses the chunks it was reading and nothing else,
for the next who asks for the job has it go on. Two who ask the same have the same job. All that is written is JSON.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
import time
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

from flask import current_app
from huey import MemoryHuey, RedisHuey, SqliteHuey
from huey.api import Huey
from huey.consumer import Consumer
from huey.registry import Message
from huey.serializer import Serializer

from services.cave.client import Cave
from services.cave.context import door
from services.core.errors import NotFound
from services.core.identity import Identity
from services.core.logs import explain
from services.core.pages import StoppedError
from services.populations import chance, population, reading
from services.populations.chance import Draws
from services.populations.population import Pair
from services.populations.reading import Progress

MOST_AT_ONCE = 20
"""Requests that a reading takes while somebody waits; one of more is a job."""
SILENT_S = 180.0
"""A job that has not told of itself for so long was killed: a chunk takes CAVE a minute at most, then it fails."""
AT_WORK = 1
"""Jobs that one process reads at once; each asks for eight chunks at a time."""
State = Literal["waiting", "reading", "done", "failed", "cancelled"]


class CancelledError(StoppedError):
    """Somebody has cancelled the job."""


@dataclass(frozen=True)
class Job:
    """A reading, or what is counted of what was read. `done` of `total` chunks have been read, with `rows` synapses, or
    permutations counted, as `of` says, in `seconds`; `seconds_left` is how long the rest takes at this pace (None = not
    known yet), `message` why it failed. `at` is when it told so, in seconds since 1970."""

    id: str
    state: State
    done: int = 0
    total: int = 0
    rows: int = 0
    seconds: float = 0.0
    seconds_left: float | None = None
    message: str = ""
    at: float = 0.0
    of: Literal["chunks", "permutations"] = "chunks"

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
        self._lock = threading.Lock()
        self._at_work_in = 0

    def start(self, pair: Pair, draws: Draws | None = None) -> Job:
        """The job that reads what two sets need, and counts `draws` of it, started unless it is under way or done."""
        id = _id(pair, draws)
        known = self._known(id)
        if known and known.under_way:
            self._work_here()
            return known
        self._cave.cache.note(_cancel(id), False, most=1)
        job = self._tell(Job(id, "waiting"))
        requests = {"pre": pair.pre.text, "post": pair.post.text, "proofread": pair.proofread, "through": pair.through}
        requests["synapses"] = pair.line
        release, drawn = pair.release, asdict(draws) if draws else {}
        self._read(id, (release.datastack, release.number), requests, drawn, _sealed(release.cave))
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

    def _work(self, id: str, at: tuple[str, int], requests: dict[str, Any], draws: dict[str, Any], sealed: str) -> None:
        def report(progress: Progress, of: Literal["chunks", "permutations"] = "chunks") -> None:
            if True in self._cave.cache.noted(_cancel(id)):
                raise CancelledError
            message = Job(id, "reading", progress.done, progress.total, progress.rows, progress.seconds, of=of)
            self._tell(replace(message, seconds_left=progress.seconds_left))

        try:
            report(Progress(0, 0, 0, 0.0))
            cave = self._cave.of(Identity.unsealed(sealed, self._cave.settings.secret_key))
            pair = population.choose(cave.release(*at), **requests)
            reading.read(pair.release, pair.pre.ids, pair.post.ids, pair.synapses, report=report)
            if draws:
                chance.draw(population.read(pair), Draws(**draws), report=partial(report, of="permutations"))
        except CancelledError:
            self._tell(replace(self.find(id), state="cancelled"))
        except Exception as error:
            explained = explain(error)
            message = str(explained) if explained is error else f"{explained} Request {explained.request_id}."
            self._tell(replace(self.find(id), state="failed", message=message))
        else:
            self._tell(replace(self.find(id), state="done", seconds_left=0.0))

    def _known(self, id: str) -> Job | None:
        """What a job has told of itself. One that waits tells nothing: the queue is asked whether it still has it."""
        messages = self._cave.cache.noted(("job", id))
        job = Job(**messages[-1]) if messages else None
        if job and job.state == "waiting" and any(task.args[0] == id for task in self._huey.pending()):
            return replace(job, at=time.time())
        return job

    def _tell(self, job: Job) -> Job:
        message = replace(job, at=time.time())
        self._cave.cache.note(("job", job.id), asdict(message), most=1)
        return message

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


def _sealed(cave: Cave) -> str:
    """Whoever has asked for a job, for the queue, which others may read; "" where all share one token."""
    settings = cave.settings
    return Identity(settings.token).sealed(settings.secret_key) if settings.auth == "person" else ""


def _id(pair: Pair, draws: Draws | None) -> str:
    settings = pair.release.cave.settings
    whose = settings.identity if settings.auth == "person" else ""
    sets = [reading.digest(one.ids) for one in (pair.pre, pair.post)]
    what = [whose, pair.release.datastack, pair.release.number, *sets, pair.synapses, asdict(draws) if draws else None]
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
