"""localcave over HTTP through caveclient, beside the engine and the files it stands on."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import requests
from caveclient import CAVEclient

from benchmarks.measure import Row, compare, median_ms, resident_mb
from localcave.folder.writer import DatastackWriter, read_manifest, table_path
from tests.servers import start_localcave

SIZES = (10, 1_000, 20_000)
CLIENTS = 8
QUERIES = 1_000
SYNAPSES, TYPES, NUCLEI = "synapses_pni_2", "aibs_metamodel_celltypes_v661", "nucleus_detection_v0"


def rows(demo: Path, server: str) -> Iterator[Row]:
    """Synapse, reference-table and metadata queries of the demo datastack in `demo`, served at `server`."""
    logging.getLogger("caveclient").setLevel(logging.ERROR)  # owners' notices
    version = max(row["version"] for row in read_manifest(demo)["versions"] if row["valid"])
    client = _client(server, version)
    file = table_path(demo, version, SYNAPSES)
    cells = [_cell(file, size) for size in SIZES]
    with duckdb.connect() as engine:
        for root, synapses in cells:
            yield _synapses(client, engine, file, root, synapses)
    yield _reference(demo, client, version)
    yield from _metadata(server, version)
    yield _memory(server, client, [root for root, _ in cells])
    yield _four_times(demo, client, version, cells[1][0])


def _client(server: str, version: int) -> CAVEclient:
    client = CAVEclient("karst_demo", server_address=server, auth_token="any", write_server_cache=False)
    client.version = version
    return client


def _cell(file: Path, synapses: int) -> tuple[int, int]:
    """The root id whose number of input synapses is nearest to the one wanted, and that number."""
    counts = "select post_pt_root_id, count(*) n from read_parquet(?) where post_pt_root_id <> 0 group by all"
    with duckdb.connect() as engine:
        nearest = engine.sql(f"select * from ({counts}) order by abs(n - ?) limit 1", params=[str(file), synapses])
        root, n = nearest.fetchall()[0]
    return root, n


def _synapses(client: CAVEclient, engine: duckdb.DuckDBPyConnection, file: Path, root: int, synapses: int) -> Row:
    sql = "select * from read_parquet(?) where post_pt_root_id = ?"
    mine = median_ms(lambda: client.materialize.synapse_query(post_ids=root, split_positions=True))
    others = median_ms(lambda: engine.sql(sql, params=[str(file), root]).to_arrow_table())
    limit = 10 + 1.5 * others
    return Row(
        f"input synapses of a cell through caveclient, {synapses:,}",
        f"{mine:.1f} ms",
        f"10 ms + 1.5 times DuckDB in process, the same SQL, {others:.1f} ms: {limit:.1f} ms",
        mine / limit,
        "1x",
    )


def _reference(demo: Path, client: CAVEclient, version: int) -> Row:
    types = pq.read_table(table_path(demo, version, TYPES))
    nuclei = pq.read_table(table_path(demo, version, NUCLEI))
    joined = types.join(nuclei, "target_id", "id", right_suffix="_ref")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "joined.parquet"
        pq.write_table(joined, file)
        row = compare(
            f"reference table of {len(types):,} rows through caveclient",
            lambda: client.materialize.query_table(TYPES, split_positions=True),
            "pyarrow, the same joined columns from one file",
            lambda: pq.read_table(file).to_pandas(),
        )
    return replace(row, target="2.5x")


def _metadata(server: str, version: int) -> Iterator[Row]:
    session = requests.Session()
    url = f"{server}/materialize/api/v3/datastack/karst_demo/version/{version}/table/{NUCLEI}/metadata"
    took = median_ms(lambda: session.get(url).raise_for_status(), 100)
    yield Row("metadata request", f"{took:.1f} ms median", target="5 ms")

    def hundred(_: int) -> None:
        with requests.Session() as own:
            for _ in range(100):
                own.get(url).raise_for_status()

    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(hundred, range(CLIENTS)))
    yield Row(f"{CLIENTS} clients at once, 100 metadata requests each", "no error", target="no error")


def _memory(server: str, client: CAVEclient, roots: list[int]) -> Row:
    """Resident memory of the server after all queries above once more by several clients, then after 1,000 more."""

    def ask(i: int) -> None:
        if i % 20 == 0:
            client.materialize.query_table(TYPES, split_positions=True)
        else:
            client.materialize.synapse_query(post_ids=roots[i % len(roots)], split_positions=True)

    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(ask, range(QUERIES // 2)))
        before = resident_mb(server)
        list(pool.map(ask, range(QUERIES)))
    after = resident_mb(server)
    return Row(
        f"memory of localcave after {QUERIES:,} more queries by {CLIENTS} clients",
        f"{after:.0f} MB",
        f"before them: {before:.0f} MB",
        after / before,
        "600 MB, no growth",
    )


def _four_times(demo: Path, client: CAVEclient, version: int, root: int) -> Row:
    """The same cell in a table with each synapse four times, three of them of cells that do not exist."""
    with tempfile.TemporaryDirectory() as folder:
        larger = Path(folder) / "karst_demo"
        _write_four_times(demo, larger, version)
        with start_localcave([larger]) as server:
            other = _client(server, version)
            row = compare(
                "input synapses of a cell, of four times as many synapses",
                lambda: other.materialize.synapse_query(post_ids=root, split_positions=True),
                "of the synapses as they are",
                lambda: client.materialize.synapse_query(post_ids=root, split_positions=True),
                21,
            )
    return replace(row, target="1.3x")


def _write_four_times(demo: Path, target: Path, version: int) -> None:
    manifest = read_manifest(demo)
    entry = manifest["tables"][str(version)][SYNAPSES]
    rows = pq.read_table(table_path(demo, version, SYNAPSES))
    place = rows.schema.get_field_index("post_pt_root_id")
    parts = [rows.set_column(place, "post_pt_root_id", pc.add(rows["post_pt_root_id"], more)) for more in range(4)]
    writer = DatastackWriter(target, "karst_demo", manifest["info"])
    writer.manifest["versions"] = [row for row in manifest["versions"] if row["version"] == version]
    writer.add_table(version, SYNAPSES, pa.concat_tables(parts), entry["metadata"], sorted_by=["post_pt_root_id"])
    writer.finish()
