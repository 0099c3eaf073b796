"""docs/snapshot-format.md is enough to write a datastack: its own manifest, and rows written with plain pyarrow."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from caveclient import CAVEclient

from tests.servers import ROOT, start_localcave

ROOTS = [864691135000000001, 864691135000000003, 0]
SUPERVOXELS = [72057594037927937, 72057594037927938, 0]
I64, I32 = pa.int64(), pa.int32()


def position(name: str, points: list[list[int]]) -> dict[str, pa.Array]:
    return {f"{name}_{axis}": pa.array([p[i] for p in points], I32) for i, axis in enumerate("xyz")}


def bound(name: str, which: list[int]) -> dict[str, pa.Array]:
    return {
        **position(f"{name}_position", [[100 + i, 200, 30] for i in which]),
        f"{name}_supervoxel_id": pa.array([SUPERVOXELS[i] for i in which], I64),
        f"{name}_root_id": pa.array([ROOTS[i] for i in which], I64),
    }


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CAVEclient]:
    folder = tmp_path_factory.mktemp("by_hand") / "tiny"
    write_by_hand(folder)
    with start_localcave([folder]) as url:
        yield CAVEclient("tiny", server_address=url, auth_token="any", write_server_cache=False, version=1)


def write_by_hand(folder: Path) -> None:
    page = (ROOT / "docs" / "snapshot-format.md").read_text()
    (manifest,) = re.findall(r"```json\n(.*?)```", page, flags=re.DOTALL)
    valid = {"valid": pa.array([True, True])}
    files = {
        "tables/1/nuclei.parquet": {
            "id": pa.array([1, 2, 3], I64),
            "valid": pa.array([True, True, True]),
            "volume": pa.array([300.0, None, 80.0], pa.float32()),
            **bound("pt", [0, 1, 2]),
            **position("bb_start_position", [[0, 0, 0]] * 3),
            **position("bb_end_position", [[9, 9, 9]] * 3),
        },
        "tables/1/synapses.parquet": {
            "id": pa.array([20, 10], I64),
            **valid,
            **bound("pre_pt", [1, 0]),
            **bound("post_pt", [0, 1]),
            **position("ctr_pt_position", [[1, 2, 3], [4, 5, 6]]),
            "size": pa.array([500.0, 700.0], pa.float32()),
        },
        "tables/1/types.parquet": {
            "id": pa.array([7, 8], I64),
            **valid,
            "target_id": pa.array([1, 2], I64),
            "classification_system": pa.array(["by_hand"] * 2),
            "cell_type": pa.array(["23P", "BC"]),
        },
        "views/1/counts.parquet": {"cell_type": pa.array(["23P", "BC"]), "n": pa.array([1, 1], I64)},
        "segmentation/supervoxels.parquet": {
            "supervoxel_id": pa.array(SUPERVOXELS[:2], I64),
            "level2_id": pa.array([144115188075855873, 144115188075855874], I64),
            "root_id": pa.array(ROOTS[:2], I64),
        },
        "segmentation/history.parquet": {
            **{name: pa.array([], I64) for name in ("supervoxel_id", "root_id")},
            **{name: pa.array([], pa.timestamp("us", "UTC")) for name in ("created", "expired")},
        },
    }
    for name, columns in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.table(columns), folder / name)
    (folder / "segmentation" / "operations.json").write_text("[]")
    (folder / "datastack.json").write_text(manifest)


def test_tables_and_views_are_served(client: CAVEclient) -> None:
    assert sorted(client.materialize.get_tables()) == ["nuclei", "synapses", "types"]
    nuclei = client.materialize.query_table("nuclei", split_positions=True).sort_values("id")
    assert nuclei["pt_root_id"].tolist() == ROOTS
    assert nuclei["pt_position_x"].tolist() == [100, 101, 102]
    types = client.materialize.query_table("types").sort_values("id")
    assert types["cell_type"].tolist() == ["23P", "BC"]
    assert types["pt_root_id"].tolist() == ROOTS[:2]
    assert client.materialize.synapse_query(post_ids=ROOTS[0])["id"].tolist() == [20]
    assert client.materialize.synapse_query(pre_ids=ROOTS[0])["id"].tolist() == [10]
    view = client.materialize.query_view("counts")
    assert dict(zip(view.cell_type, view.n, strict=True)) == {"23P": 1, "BC": 1}


def test_versions_and_info_are_served(client: CAVEclient) -> None:
    assert client.materialize.get_versions() == [1]
    assert client.materialize.get_timestamp(1).isoformat() == "2025-01-13T10:10:01.286229+00:00"
    assert client.info.get_datastack_info()["soma_table"] == "nuclei"
    assert client.materialize.get_annotation_count("nuclei") == 3


def test_the_segmentation_is_served(client: CAVEclient) -> None:
    assert client.chunkedgraph.is_latest_roots(ROOTS[:2]).all()
    assert client.chunkedgraph.get_root_id(SUPERVOXELS[1]) == ROOTS[1]
    assert client.chunkedgraph.suggest_latest_roots(ROOTS[0]) == ROOTS[0]
