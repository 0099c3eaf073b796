"""Several servers of CAVE as one: each datastack is asked for at its own, with that server's token and cache."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from werkzeug.utils import cached_property

from services.cave.client import Cave
from services.cave.failures import not_signed_in
from services.core.errors import BadInput, KarstError, NotFound, SignIn
from services.core.identity import Identity
from services.core.parallel import gather
from services.core.records import Version
from services.core.settings import Settings

ASKED_AGAIN_S = 30.0
"""A server that does not answer is not waited for again within it, so that the others are there meanwhile."""


def open_cave(settings: Settings) -> Cave:
    """CAVE as the settings have it, of one server or of several."""
    return Servers(settings) if len(settings.servers) > 1 else Cave(settings)


class Servers(Cave):
    """The servers of `settings`, as one :class:`Cave`; what is not about a datastack is of the first.

    A datastack is called by its name, or `server:datastack` where several servers have one of that name, or may have,
    for one of them does not answer. Nothing of a server, neither token nor answer, gets to another: each has a `Cave`
    of its own, and :meth:`at` chooses. Of a person, `caves` are of the servers where they are signed in, each
    with their token of it; the others do not answer them.
    """

    def __init__(self, settings: Settings, caves: Mapping[str, Cave] | None = None) -> None:
        each = replace(settings, memory_bytes=settings.memory_bytes // len(settings.servers))
        self._caves = caves or {server.name: Cave(each.at(server)) for server in settings.servers}
        self._closed = tuple(server.name for server in settings.servers if server.name not in self._caves)
        self._failures: dict[str, tuple[float, KarstError]] = {}
        super().__init__(settings, next(iter(self._caves.values())).cache)

    @cached_property
    def whose(self) -> tuple[str, ...]:
        return tuple(part for cave in self._caves.values() for part in cave.whose)

    def _seen_by(self, identities: Sequence[Identity]) -> Cave:
        caves = {
            identity.server: self._caves[identity.server].of(identity)
            for identity in identities
            if identity.server in self._caves
        }
        if not caves:
            raise not_signed_in(tuple(self._caves))
        return Servers(self.settings, caves)

    def server(self, name: str) -> Cave:
        """Raises SignIn for a server where this person is not signed in."""
        if name in self._closed:
            raise not_signed_in([name])
        if name not in self._caves:
            names = ", ".join(server.name for server in self.settings.servers)
            raise NotFound(f"There is no server {name[:40]!r} of CAVE here.", f"Servers are {names}.")
        return self._caves[name]

    def at(self, datastack: str) -> Cave:
        server, colon, name = datastack.rpartition(":")
        if colon:
            return self.server(server)
        listed, failure = self._listed()
        matches = [server for server, names in listed.items() if name in names]
        if len(matches) > 1:
            choices = " or ".join(f"{server}:{name}" for server in matches)
            raise BadInput(f"Several servers have a datastack {name}.", f"Name it {choices}.")
        if not matches and isinstance(failure, SignIn):
            message = f"{failure.message} Datastack {name[:40]} may be there."
            raise SignIn(message, failure.hint, servers=failure.servers)
        if not matches and failure is not None:
            raise failure
        return self._caves[matches[0]] if matches else next(iter(self._caves.values()))

    def full_name(self, datastack: str) -> str:
        """With the server's name where another one that does not answer may have a datastack of this name as well."""
        if ":" in datastack or self._listed()[1] is None:
            return datastack
        cave = self.at(datastack)
        return f"{next(name for name, one in self._caves.items() if one is cave)}:{datastack}"

    def datastacks(self) -> list[str]:
        listed, failure = self._listed()
        if not listed and failure is not None:
            raise failure
        often = Counter(name for names in listed.values() for name in names)
        return sorted(
            name if often[name] == 1 and failure is None else f"{server}:{name}"
            for server, names in listed.items()
            for name in names
        )

    def check(self) -> None:
        """Ask the servers something; raises only when none of them answers."""
        answers = gather(*(partial(_answer, cave.check) for cave in self._caves.values()))
        if all(isinstance(answer, KarstError) for answer in answers):
            raise answers[0]

    def _listed(self) -> tuple[dict[str, list[str]], KarstError | None]:
        """The datastacks of each server that answers, and a failure of one that does not: first of one that a sign-in
        helps."""
        now = time.monotonic()
        waiting = [name for name in self._caves if self._failures.get(name, (0.0, None))[0] <= now]
        answers = gather(*(partial(_answer, self._caves[name].datastacks) for name in waiting))
        for name, answer in zip(waiting, answers, strict=True):
            if isinstance(answer, KarstError):
                self._failures[name] = (time.monotonic() + ASKED_AGAIN_S, answer)
        listed = {name: names for name, names in zip(waiting, answers, strict=True) if isinstance(names, list)}
        failures = [self._failures[name][1] for name in self._caves if name not in listed]
        if self._closed:
            failures.append(not_signed_in(self._closed))
        return listed, min(failures, key=lambda failure: not isinstance(failure, SignIn), default=None)

    def info(self, datastack: str) -> dict[str, Any]:
        return self.at(datastack).info(datastack)

    def versions(self, datastack: str) -> list[Version]:
        return self.at(datastack).versions(datastack)

    def upload_state(self, datastack: str, state: dict[str, Any]) -> int:
        return self.at(datastack).upload_state(datastack, state)

    def keeps_state(self, datastack: str, state_id: int) -> bool:
        return self.at(datastack).keeps_state(datastack, state_id)

    def state_url(self, datastack: str, state_id: int) -> str:
        return self.at(datastack).state_url(datastack, state_id)

    def state(self, datastack: str, state_id: int) -> dict[str, Any]:
        return self.at(datastack).state(datastack, state_id)

    def mesh(self, datastack: str, root_id: int) -> Any:
        return self.at(datastack).mesh(datastack, root_id)

    def skeleton(self, datastack: str, root_id: int) -> dict[str, Any]:
        return self.at(datastack).skeleton(datastack, root_id)


def _answer(question: Callable[[], Any]) -> Any:
    """What is answered, or the error instead."""
    try:
        return question()
    except KarstError as error:
        return error
