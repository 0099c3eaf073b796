"""A progress bar on a terminal, for a making of known steps."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TextIO

Progress = Callable[[str, int, int], None]
"""Called with what comes next, the number of finished steps, and the number of all."""
WIDTH = 30


def progress_bar(stream: TextIO | None = None) -> Progress:
    """A bar that is redrawn in place on a terminal and written line by line elsewhere."""
    out = stream or sys.stderr
    began = time.monotonic()

    def show(label: str, done: int, total: int) -> None:
        filled = WIDTH * done // total
        line = f"[{'#' * filled}{'.' * (WIDTH - filled)}] {done}/{total} {time.monotonic() - began:4.0f} s  {label:<40}"
        out.write(f"\r{line}" + ("\n" if done == total else "") if out.isatty() else f"{line.rstrip()}\n")
        out.flush()

    return show
