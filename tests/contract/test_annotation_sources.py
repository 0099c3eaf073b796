"""Tables as Neuroglancer annotation sources, byte for byte as neuroglancer's own writer makes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import requests
from caveclient import CAVEclient
from neuroglancer import AnnotationPropertySpec, CoordinateSpace
from neuroglancer.write_annotations import AnnotationWriter

SYNAPSES = "synapses_pni_2"
TYPES = "aibs_metamodel_celltypes_v661"
ENDS = ["pre_pt_root_id", "post_pt_root_id"]


@pytest.fixture(scope="module")
def client(localcave_url: str) -> CAVEclient:
    return CAVEclient("karst_demo", server_address=localcave_url, auth_token="x", write_server_cache=False)


def source(client: CAVEclient, table: str) -> str:
    """The address that caveclient tells of a table's annotations."""
    path: str = client.materialize.neuroglancer_annotation_path(table)
    assert path.startswith("precomputed://middleauth+http://")
    return path.removeprefix("precomputed://middleauth+")


def read(url: str) -> bytes:
    answer = requests.get(url, timeout=20)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    return answer.content


def info(client: CAVEclient, table: str) -> dict[str, Any]:
    answer: dict[str, Any] = requests.get(f"{source(client, table)}/info", timeout=20).json()
    return answer


def ids_in(content: bytes) -> list[int]:
    """Ids at the end of a list of annotations."""
    (count,) = np.frombuffer(content[:8], "<u8")
    return np.frombuffer(content[len(content) - 8 * int(count) :], "<u8").tolist() if count else []


def written(folder: Path, message: dict[str, Any], rows: pd.DataFrame, point: str, columns: dict[str, Any]) -> Path:
    """The rows as the neuroglancer package writes them."""
    writer = AnnotationWriter(
        CoordinateSpace(names=["x", "y", "z"], scales=[4, 4, 40], units="nm"),
        "point",
        relationships=[relation["id"] for relation in message["relationships"]],
        properties=[AnnotationPropertySpec(entry) for entry in message["properties"]],
    )
    for row in rows.to_dict("records"):
        given = {name: encode(row) for name, encode in columns.items()}
        given |= {relation["id"]: int(row[relation["id"]]) or None for relation in message["relationships"]}
        writer.add_point([row[f"{point}_{axis}"] for axis in "xyz"], id=int(row["id"]), **given)
    writer.write(folder)
    return folder


def test_synapses_of_a_cell_are_written_as_neuroglancer_writes_them(client: CAVEclient, tmp_path: Path) -> None:
    rows = client.materialize.query_table(SYNAPSES, limit=500, split_positions=True)
    cell = int(rows["post_pt_root_id"][rows["post_pt_root_id"] != 0].iloc[0])
    rows = client.materialize.query_table(SYNAPSES, filter_equal_dict={"post_pt_root_id": cell}, split_positions=True)
    message = info(client, SYNAPSES)
    assert [relation["id"] for relation in message["relationships"]] == ENDS
    columns = {"size": lambda row: row["size"], "valid": lambda row: 0}
    assert message["properties"][0]["enum_labels"] == ["true"]
    folder = written(tmp_path, message, rows, "ctr_pt_position", columns)
    for number in rows["id"].head(20):
        assert read(f"{source(client, SYNAPSES)}/by_id/{number}") == (folder / "by_id" / str(number)).read_bytes()
    mine = read(f"{source(client, SYNAPSES)}/post_pt_root_id/{cell}")
    theirs = (folder / "rel_post_pt_root_id" / str(cell)).read_bytes()
    assert len(mine) == len(theirs)
    assert sorted(ids_in(mine)) == sorted(ids_in(theirs)) == sorted(rows["id"])


def test_a_reference_table_is_shown_at_its_targets_places(client: CAVEclient, tmp_path: Path) -> None:
    rows = client.materialize.query_table(TYPES, limit=50, split_positions=True)
    message = info(client, TYPES)
    labels = {entry["id"]: entry["enum_labels"] for entry in message["properties"]}
    columns = {name: lambda row, name=name: labels[name].index(row[name]) for name in labels if name != "valid"}
    folder = written(tmp_path, message, rows, "pt_position", columns)
    for number in rows["id"]:
        assert read(f"{source(client, TYPES)}/by_id/{number}") == (folder / "by_id" / str(number)).read_bytes()


@pytest.mark.parametrize("table", ["nucleus_detection_v0", TYPES, SYNAPSES])
def test_every_row_is_in_one_cell_of_the_spatial_index(client: CAVEclient, table: str) -> None:
    message = info(client, table)
    matches: list[int] = []
    for level in message["spatial"]:
        cells = np.ndindex(*level["grid_shape"])
        matches += [
            i
            for cell in cells
            for i in ids_in(read("/".join([source(client, table), level["key"], "_".join(map(str, cell))])))
        ]
    assert len(message["spatial"]) == {TYPES: 1, "nucleus_detection_v0": 2}.get(table, 3)
    assert len(matches) == client.materialize.get_annotation_count(table)
    assert len(set(matches)) == len(matches)


def test_bounds_hold_every_point(client: CAVEclient) -> None:
    rows = client.materialize.query_table("nucleus_detection_v0", split_positions=True)
    message = info(client, "nucleus_detection_v0")
    for i, axis in enumerate("xyz"):
        assert message["lower_bound"][i] == rows[f"pt_position_{axis}"].min()
        assert message["upper_bound"][i] == rows[f"pt_position_{axis}"].max() + 1
    size = np.array(message["upper_bound"]) - message["lower_bound"]
    for level in message["spatial"]:
        assert (np.array(level["chunk_size"]) * level["grid_shape"] >= size).all()


@pytest.mark.parametrize(
    "path", ["by_id/5", "by_id/x", "nope/1", "spatial0/1", "spatial99/0_0_0", "pt_root_id/-1", "by_id/" + "9" * 40]
)
def test_what_is_not_there_is_not_found(client: CAVEclient, path: str) -> None:
    assert requests.get(f"{source(client, 'nucleus_detection_v0')}/{path}", timeout=20).status_code == 404


def test_a_table_of_another_kind_is_an_error(client: CAVEclient) -> None:
    assert requests.get(f"{source(client, 'nope')}/info", timeout=20).status_code == 500


def test_a_private_table_shows_nobody_elses_rows(golden_servers: dict[str, str]) -> None:
    base = f"{golden_servers['default']}/materialize/api/v3/datastack/golden/table"
    assert requests.get(f"{base}/private_table/precomputed/info", timeout=20).status_code == 500
    for table in ("coregistration_manual_v4", "functional_properties_v3", "synapse_target_structure"):
        assert requests.get(f"{base}/{table}/precomputed/info", timeout=20).status_code == 200


def test_deleted_rows_are_gone(golden_servers: dict[str, str]) -> None:
    """The live table of the points of interest has rows that were deleted."""
    client = CAVEclient("golden", server_address=golden_servers["default"], auth_token="x", write_server_cache=False)
    live = client.materialize.live_live_query("points_of_interest", timestamp=pd.Timestamp.now("UTC"))
    table = source(client, "points_of_interest")
    result = ids_in(read(f"{table}/spatial0/0_0_0"))
    assert sorted(result) == sorted(live["id"])
