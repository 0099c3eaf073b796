"""Several questions to CAVE at once."""

from __future__ import annotations

import contextvars
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

MOST_AT_ONCE = 8


def gather(*calls: Callable[[], Any]) -> list[Any]:
    """Run `calls` in threads, at most eight at a time; their results in order.

    Each sees the web request it belongs to. Raises the first error, after all have ended. The threads
    are this call's own: calls may gather again without waiting for each other's threads.
    """
    if len(calls) < 2:
        return [call() for call in calls]
    with ThreadPoolExecutor(min(MOST_AT_ONCE, len(calls)), thread_name_prefix="gather") as pool:
        futures = [pool.submit(contextvars.copy_context().run, call) for call in calls]
    return [future.result() for future in futures]
