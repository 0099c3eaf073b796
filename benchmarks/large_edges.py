"""What the edges among all 94,000 cells of a cubic millimetre take: 100 million synthetic ones in Parquet, by DuckDB.

`python -m benchmarks.large_edges [FOLDER] [EDGES]` writes them, sums them up by type, and prints times and sizes.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from pathlib import Path

import duckdb

CELLS, TYPES, EDGES = 94_000, 20, 100_000_000
FIRST_ID = 864_691_135_000_000_000
MEMORY = "1GB"


def measure(folder: Path, edges: int = EDGES) -> list[tuple[str, str]]:
    """What was measured, with its number."""
    file, rows = folder / "edges.parquet", []
    connection = duckdb.connect()
    connection.execute(f"SET memory_limit = '{MEMORY}'; SET threads = 2; SET temp_directory = '{folder}'")
    cell = f"{FIRST_ID} + 1000 * (hash({{}}) % {CELLS})"
    pre, post = cell.format("i"), cell.format("-i - 1")

    def timed(what: str, sql: str) -> int:
        start = time.perf_counter()
        result = connection.execute(sql).fetchall()
        rows.append((what, f"{time.perf_counter() - start:.1f} s"))
        return len(result)

    timed(
        f"write {edges:,} edges",
        f"COPY (SELECT {pre} AS pre_root_id, {post} AS post_root_id, 1 + (hash(i, 3) % 4)::INTEGER AS num_syn,"
        f" (hash(i, 4) % 60000)::FLOAT AS net_size FROM range({edges}) AS r(i))"
        f" TO '{file}' (FORMAT parquet, COMPRESSION zstd)",
    )
    rows.append(("file", f"{file.stat().st_size / 1e9:.2f} GB"))
    connection.execute(
        f"CREATE TABLE types AS SELECT {FIRST_ID} + 1000 * i AS root_id, i % {TYPES} AS type"
        f" FROM range({CELLS}) AS r(i)"
    )
    by_type = (
        "SELECT p.type, q.type, sum(num_syn), count(*), sum(net_size)"
        f" FROM '{file}' JOIN types p ON pre_root_id = p.root_id JOIN types q ON post_root_id = q.root_id GROUP BY ALL"
    )
    groups = timed("type x type: synapses, connections, sizes", by_type)
    assert groups == TYPES * TYPES, groups
    degrees = f"SELECT pre_root_id, count(*), sum(num_syn) FROM '{file}' GROUP BY ALL"
    assert timed("degrees of every cell", degrees) <= CELLS
    some = f"SELECT * FROM '{file}' WHERE pre_root_id = {FIRST_ID + 1000 * 77}"
    timed("the targets of one cell", some)
    rows.append(("memory", f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB"))
    return rows


if __name__ == "__main__":
    edges = int(sys.argv[2]) if len(sys.argv) > 2 else EDGES
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else None) as folder:
        for what, number in measure(Path(folder), edges):
            print(f"{what}: {number}")
