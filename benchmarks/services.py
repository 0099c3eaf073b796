"""What a page waits for: the service layer over a warm and a cold cache."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from statistics import median

from caveclient import CAVEclient

from benchmarks.measure import Row, median_ms
from services import connectivity, tables
from services.cave import Cave, Filters
from services.settings import Settings

DATASTACK = "karst_demo"
TYPES = "aibs_metamodel_celltypes_v661"


def rows(server: str) -> Iterator[Row]:
    """The table page, the connectivity page and their links, on the demo datastack served at `server`."""
    with tempfile.TemporaryDirectory() as cache:
        cave = Cave(Settings.from_env({"CAVE_SERVER_ADDRESS": server, "KARST_CACHE": cache}))
        version = next(version.number for version in cave.versions(DATASTACK) if version.valid)
        yield from _table(cave, version)
        yield from _cell(cave, server, version)


def _table(cave: Cave, version: int) -> Iterator[Row]:
    table = tables.open_table(cave, DATASTACK, version, TYPES)

    def first_rows() -> list[dict[str, object]]:
        frame, _ = tables.page(table, tables.TableQuery(), 50_000, 100)
        return tables.to_records(frame, table.columns)

    def filtered() -> int:
        query = tables.TableQuery(boxes={"cell_type": "in 23P, BC"}, sort=(("volume", "desc"), ("id", "asc")))
        return len(tables.rows_of(table.frame, table.columns, query))

    yield Row(f"a block of 100 of {len(table.frame):,} rows", f"{median_ms(first_rows):.1f} ms")
    yield Row(f"filter, sort and count {len(table.frame):,} rows", f"{median_ms(filtered):.1f} ms")


def _cell(cave: Cave, server: str, version: int) -> Iterator[Row]:
    busy = Filters(greater={"n_input": 100, "n_output": 10})
    degree = cave.query(DATASTACK, version, "synapses_pni_2_in_out_degree", busy)
    degree = degree[degree["root_id"] != 0].sort_values("n_output", ignore_index=True)
    largest = int(degree[["n_input", "n_output"]].min(axis=1).argmax())
    root, small = str(int(degree["root_id"].iloc[largest])), str(int(degree["root_id"].iloc[len(degree) // 2]))
    connectivity.read(cave, DATASTACK, version, root, type_table=TYPES)
    cached = median_ms(lambda: connectivity.read(cave, DATASTACK, version, root, type_table=TYPES))
    size = f"{degree['n_input'].iloc[largest]:,} inputs and {degree['n_output'].iloc[largest]:,} outputs"
    yield Row(f"a cached cell with {size}", f"{cached:.1f} ms")

    client = CAVEclient(DATASTACK, server_address=server, auth_token="any", write_server_cache=False)

    def raw() -> None:
        for end in ("post_ids", "pre_ids"):
            client.materialize.synapse_query(
                **{end: int(root)}, materialization_version=version, desired_resolution=[1, 1, 1], split_positions=True
            )

    took = median(_uncached(server, version, root, small) for _ in range(3))
    both = median_ms(raw)
    against = f"its two synapse queries through caveclient, one after the other: {both:.0f} ms"
    yield Row(f"a cell never asked for, {size}", f"{took:.0f} ms", against, took / both)


def _uncached(server: str, version: int, root: str, other: str) -> float:
    """Milliseconds for a cell that is not cached, once the soma and type tables are held."""
    with tempfile.TemporaryDirectory() as folder:
        cave = Cave(Settings.from_env({"CAVE_SERVER_ADDRESS": server, "KARST_CACHE": folder}))
        connectivity.read(cave, DATASTACK, version, other, type_table=TYPES)
        started = time.perf_counter()
        connectivity.read(cave, DATASTACK, version, root, type_table=TYPES)
        return 1000 * (time.perf_counter() - started)
