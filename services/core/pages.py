"""What happens between the answers of CAVE where a question takes several: somebody is told, or it ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar


class StoppedError(Exception):
    """What such a call raises to end a question of its own; others who wait for the same answer ask themselves."""


_calls: ContextVar[tuple[Callable[[int], None], ...]] = ContextVar("between pages", default=())


@contextmanager
def between_pages(call: Callable[[int], None]) -> Iterator[None]:
    """Within the block, `call` gets the number of rows of every answer that is not the last of its question, 0 for one
    that has to be asked for again in parts. It may be called from many threads. What it raises ends the question."""
    token = _calls.set((*_calls.get(), call))
    try:
        yield
    finally:
        _calls.reset(token)


def page_ended(rows: int) -> None:
    """To be called after each such answer."""
    for call in _calls.get():
        call(rows)
