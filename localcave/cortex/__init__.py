"""The demo cortex: a synthetic datastack, `karst_demo`, in the likeness of minnie65_public.

Same tables, schemas, quirks and proportions, but no real cell. Arbors are drawn first and synapses lie on them; the
segmentation has a history, so that root ids change between the versions as they do in the original. What it is made
from is in `recipe`. Equal seeds give equal files.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from localcave.cortex.model import draw
from localcave.cortex.recipe import SIZES, SizeName
from localcave.cortex.writing import N_STEPS, write

__all__ = ["make"]

DRAW_STEPS = 5
Progress = Callable[[str, int, int], None]
"""Called with what comes next, the number of finished steps, and the number of all."""


def make(folder: Path, size: SizeName = "full", seed: int = 1, progress: Progress | None = None) -> None:
    """Make the demo cortex in `folder`, replacing the datastack that was there.

    `full` has as many nuclei as the original (144,120) and 2.5 million synapses, `small` a thirtieth. `progress` is
    told of every step. Raises OSError when the folder cannot be written.
    """
    done = 0

    def step(label: str) -> None:
        nonlocal done
        if progress:
            progress(label, done, DRAW_STEPS + N_STEPS)
        done += 1

    cortex = draw(seed, SIZES[size], step)
    write(cortex, folder, step)
    if progress:
        progress("done", DRAW_STEPS + N_STEPS, DRAW_STEPS + N_STEPS)
