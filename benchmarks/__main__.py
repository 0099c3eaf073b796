"""`python -m benchmarks`: print the speed table, measured on the demo cortex; with `PEERS=1` beside the peers, which it
installs into an environment of their own."""

from __future__ import annotations

import os
import tempfile
import time
from itertools import chain
from pathlib import Path

from benchmarks import classroom, first_rows, localcave, neuroglancer, pages, plots, populations
from benchmarks.measure import HEAD, Row
from localcave.cortex import make
from tests.servers import start_localcave


def main() -> None:
    """Make the demo cortex, serve it and measure everything."""
    with tempfile.TemporaryDirectory() as folder:
        demo = Path(folder) / "karst_demo"
        print(HEAD)
        print(_making(demo))
        with start_localcave([demo]) as server:
            parts = (
                first_rows.rows(demo, peers=bool(os.environ.get("PEERS"))),
                localcave.rows(demo, server),
                classroom.rows(server),
                pages.rows(demo, server),
                plots.rows(server),
                populations.rows(server),
                neuroglancer.rows(server),
            )
            for row in chain(*parts):
                print(row, flush=True)


def _making(demo: Path) -> Row:
    started = time.perf_counter()
    make(demo, size="full")
    took = time.perf_counter() - started
    size_mb = sum(file.stat().st_size for file in demo.rglob("*") if file.is_file()) / 1e6
    return Row("making the demo cortex", f"{took:.0f} s, {size_mb:.0f} MB")


if __name__ == "__main__":
    main()
