"""localcave over HTTP through caveclient, beside the engine and the files it stands on."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import requests
from caveclient import CAVEclient

from benchmarks.measure import Row, compare, median_ms
from localcave.layout import read_manifest, table_path

SIZES = (10, 1_000, 20_000)
CLIENTS = 8


def rows(demo: Path, server: str) -> Iterator[Row]:
    """Synapse, reference-table and metadata queries of the demo datastack in `demo`, served at `server`."""
    logging.getLogger("caveclient").setLevel(logging.ERROR)  # owners' notices
    client = CAVEclient("karst_demo", server_address=server, auth_token="any", write_server_cache=False)
    version = max(row["version"] for row in read_manifest(demo)["versions"] if row["valid"])
    client.version = version
    yield from _synapses(demo, client, version)
    yield _reference(demo, client, version)
    yield from _metadata(server, version)


def _synapses(demo: Path, client: CAVEclient, version: int) -> Iterator[Row]:
    file = str(table_path(demo, version, "synapses_pni_2"))
    with duckdb.connect() as engine:
        counts = "select post_pt_root_id, count(*) n from read_parquet(?) where post_pt_root_id <> 0 group by all"
        for size in SIZES:
            root, n = engine.sql(
                f"select * from ({counts}) order by abs(n - ?) limit 1", params=[file, size]
            ).fetchall()[0]
            yield _cell(client, engine, file, root, n)


def _cell(client: CAVEclient, engine: duckdb.DuckDBPyConnection, file: str, root: int, synapses: int) -> Row:
    sql = "select * from read_parquet(?) where post_pt_root_id = ?"
    return compare(
        f"input synapses of a cell through caveclient, {synapses:,}",
        lambda: client.materialize.synapse_query(post_ids=root, split_positions=True),
        "DuckDB in process, the same SQL",
        lambda: engine.sql(sql, params=[file, root]).to_arrow_table(),
    )


def _reference(demo: Path, client: CAVEclient, version: int) -> Row:
    types = pq.read_table(table_path(demo, version, "aibs_metamodel_celltypes_v661"))
    nuclei = pq.read_table(table_path(demo, version, "nucleus_detection_v0"))
    joined = types.join(nuclei, "target_id", "id", right_suffix="_ref")
    file = demo.parent / "bench_joined.parquet"
    pq.write_table(joined, file)
    row = compare(
        f"reference table of {len(types):,} rows through caveclient",
        lambda: client.materialize.query_table("aibs_metamodel_celltypes_v661", split_positions=True),
        "pyarrow, the same joined columns from one file",
        lambda: pq.read_table(file).to_pandas(),
    )
    file.unlink()
    return row


def _metadata(server: str, version: int) -> Iterator[Row]:
    session = requests.Session()
    url = f"{server}/materialize/api/v3/datastack/karst_demo/version/{version}/table/nucleus_detection_v0/metadata"
    yield Row("metadata request", f"{median_ms(lambda: session.get(url).raise_for_status(), 100):.1f} ms median")

    def hundred(_: int) -> None:
        with requests.Session() as own:
            for _ in range(100):
                own.get(url).raise_for_status()

    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(hundred, range(CLIENTS)))
    yield Row(f"{CLIENTS} clients at once, 100 metadata requests each", "no error")
