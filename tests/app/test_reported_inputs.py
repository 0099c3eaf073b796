"""Inputs that people reported, each with the answer that is right."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import flask
import pandas as pd
import pyarrow.parquet as pq
import pytest
from caveclient import CAVEclient
from flask.testing import FlaskClient

from api import blueprint
from localcave.cortex import make
from localcave.errors import InputError
from localcave.folder.writer import table_path
from localcave.importer.importing import import_datastack
from services.cave.client import Cave
from services.cells.pasted import read_ids
from services.cells.pasted_links import own_sources
from services.core.settings import Settings
from services.filters.values import quote
from tests.servers import ROOT, start_localcave

DEMO = "karst_demo"
CELL = "864691135376822635"
READ = ("a", "b", "c", "d", "d2", "e", "h", "j", "l", "m", "q", "r", "s")
REFUSED = {
    "f": "lost digits; save the column as integers or text",
    "g": "lost digits; save the column as integers or text",
    "i": "if its first line is a row and not names, name its columns",
    "k": "the id 1 is there twice; leave id out of the columns",
    "n": "lost digits; save the column as integers or text",
    "o": "a coordinate is missing",
}


@pytest.fixture(scope="module")
def localcave(cases: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serves the demo cortex in its full size, and the reported datastacks."""
    created, demo = tmp_path_factory.mktemp("reported"), ROOT / ".data" / DEMO
    if not (demo / "datastack.json").exists():
        demo = created / DEMO
        make(demo, size="full")
    inputs = {"fly": "reports/01_fly.toml", "odd": "odd/odd.toml"}
    inputs |= {"mini": "files/min/mini.toml", "mini2": "files/min/mini2_with_size.toml"}
    for name, file in inputs.items():
        import_datastack(cases / file, created / name)
    with start_localcave([demo, *(created / name for name in inputs)]) as url:
        yield url


@pytest.fixture(scope="module")
def cave(localcave: str) -> Cave:
    return Cave(Settings(server_address=localcave, cache=""))


@pytest.fixture(scope="module")
def client(cave: Cave) -> FlaskClient:
    app = flask.Flask("test_reported_inputs")
    app.extensions["karst"] = cave
    app.register_blueprint(blueprint)
    return app.test_client()


def report(cases: Path, name: str) -> Any:
    return json.loads((cases / "reports" / f"{name}.json").read_text())


def get(client: FlaskClient, path: str, **query: Any) -> Any:
    return client.get(f"/api/v1/{path}", query_string=query).json


@pytest.mark.parametrize("name", READ)
def test_files_are_read(cases: Path, tmp_path: Path, name: str) -> None:
    import_datastack(cases / "files" / f"{name}.toml", tmp_path / name)
    table = pq.read_table(table_path(tmp_path / name, 1, "t")).to_pandas()
    import_datastack(cases / "files" / "a.toml", tmp_path / "plain")
    plain = pq.read_table(table_path(tmp_path / "plain", 1, "t")).to_pandas()
    unnamed = (table["pt_root_id"] == 0) & (name == "m")
    for column in ("pt_root_id", *(f"pt_position_{axis}" for axis in "xyz")):
        pd.testing.assert_series_equal(table.loc[~unnamed, column], plain.loc[~unnamed, column])


@pytest.mark.parametrize(("name", "why"), REFUSED.items())
def test_files_are_refused_with_a_remedy(cases: Path, tmp_path: Path, name: str, why: str) -> None:
    with pytest.raises(InputError) as refused:
        import_datastack(cases / "files" / f"{name}.toml", tmp_path / name)
    assert why in str(refused.value)


def test_the_importer_reads_what_karst_wrote(cases: Path, tmp_path: Path) -> None:
    for folder in ("files", "files/min"):
        created = import_datastack(cases / folder / "karst_export.toml", tmp_path / folder)
        assert created.rows == {"t": 5}


def test_synapses_without_a_size(client: FlaskClient) -> None:
    answer = get(client, "fly_small/1/cells/864691135000001009/partners", direction="in")
    partners = {row["root_id"]: row["num_syn"] for row in answer["rows"]}
    assert partners == {"864691135000002018": 2, "864691135000003027": 1}
    assert answer["totals"]["in"]["autapses"] == 1
    assert not [column for column in answer["columns"] if "size" in column["name"]]


def test_a_cell_of_which_little_is_known(client: FlaskClient) -> None:
    answer = get(client, "mini/latest/cells/864691130000000999/partners", direction="in", types="partner_types")
    partners = pd.DataFrame(answer["rows"]).set_index("root_id")
    assert partners["num_syn"].sum() == 4 and len(partners) == 3
    assert partners["cell_type"]["864691130000000101"] == "BC"
    for column in ("net_size", "mean_size", "num_soma"):
        assert column not in partners or partners[column].isna().all()
    assert not [name for name in partners if "depth" in name]
    linked = client.post("/api/v1/mini/latest/neuroglancer", json={"cell": "864691130000000999", "direction": "in"})
    assert linked.status_code == 200, linked.text


def test_a_cell_of_which_sizes_are_known(cases: Path, client: FlaskClient) -> None:
    cell = "864691130000000999"
    linked = client.post("/api/v1/mini2/latest/neuroglancer", json={"cell": cell, "direction": "in"})
    assert linked.status_code == 200, linked.text
    rows = get(client, f"mini2/latest/cells/{cell}/partners", direction="in")["rows"]
    source = pd.read_csv(cases / "files" / "min" / "synapses2.csv", dtype={"pre_root_id": str})
    assert {row["root_id"]: row["net_size"] for row in rows} == source.groupby("pre_root_id")["size"].sum().to_dict()


def odd_cells(cases: Path) -> pd.DataFrame:
    cells = pd.read_csv(cases / "odd" / "cells.csv", dtype=str, keep_default_na=False)
    return cells[cells["cell_type"] != ""]


def test_odd_texts_come_back_from_a_csv_as_they_are(cases: Path, client: FlaskClient) -> None:
    rows = "/api/v1/odd_stack/latest/tables/odd_types/rows?format=csv&guard=off&sort=target_id&columns="
    text = client.get(f"{rows}target_id,cell_type").text
    back = pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False)
    source = odd_cells(cases).sort_values("nucleus_id", key=lambda ids: ids.astype(int))
    assert back["cell_type"].tolist() == source["cell_type"].tolist()
    assert back["target_id"].tolist() == source["nucleus_id"].tolist()


def test_odd_texts_are_found_by_what_they_are(cases: Path, client: FlaskClient) -> None:
    for text, count in odd_cells(cases)["cell_type"].value_counts().items():
        line = f"cell_type = {quote(str(text))}"
        answer = get(client, "odd_stack/latest/tables/odd_types/rows", filter=line, limit=0)
        assert answer.get("total") == count, (line, answer)


@pytest.mark.parametrize("number", [0, 1])
def test_links(cases: Path, cave: Cave, number: int) -> None:
    case = report(cases, "03_pasted_links")["cases"][number]
    text = json.dumps(case["state"]).replace("http://127.0.0.1:9100", cave.settings.server_address)
    pasted = read_ids(text, sources=own_sources(cave, DEMO))
    assert [str(one) for one in pasted.ids] == [CELL, "864691135943245347"]
    if number:
        assert "nuclei" in " ".join(pasted.sentences())


def test_one_id_however_it_is_pasted(cases: Path, client: FlaskClient) -> None:
    for case in report(cases, "05_pasted_single_ids")["cases"]:
        answer = client.get(f"/api/v1/{DEMO}/latest/cells/{case['text']}")
        assert answer.json["cell"]["root_id"] == CELL, answer.text


def test_a_position_is_the_segment_there(cases: Path, client: FlaskClient) -> None:
    for case in report(cases, "07_position")["cases"]:
        answer = get(client, f"{DEMO}/latest/cells/{case['text']}")
        doubt = answer["error"]["message"] if "error" in answer else ""
        assert doubt or answer["cell"]["root_id"] == case["root_there"], case


def test_the_latest_timestamps_of_roots(localcave: str) -> None:
    client = CAVEclient(DEMO, server_address=localcave, auth_token="none", write_server_cache=False)
    old, new = client.chunkedgraph.get_root_timestamps([864691136992864887, int(CELL)], latest=True)
    assert old.replace(microsecond=982000) == datetime(2025, 9, 13, 8, 10, 2, 982000, tzinfo=UTC)
    assert abs(new - datetime.now(UTC)) < timedelta(minutes=5)


def test_the_owner_s_notice(client: FlaskClient) -> None:
    answer = get(client, f"{DEMO}/latest/tables/allen_soma_coarse_cell_class_model_v1/rows", limit=1)
    assert "Superseded by aibs_metamodel_celltypes_v661." in " ".join(answer["messages"])


def test_a_large_table_narrowed(cases: Path, client: FlaskClient) -> None:
    answer = get(
        client,
        f"{DEMO}/latest/tables/synapses_pni_2/rows",
        filter=f"pre_pt_root_id = {CELL} and size > 5000",
        sort="-size",
        limit=3,
        columns="id,size",
    )
    expected = report(cases, "13_large_table_narrowed")["expected"]
    assert [[row["id"], row["size"]] for row in answer["rows"]] == expected
    assert answer["total"] == 28


def test_a_column_against_a_column(cases: Path, client: FlaskClient) -> None:
    rows = f"{DEMO}/latest/tables/proofreading_status_and_strategy/rows"
    answer = get(client, rows, filter="pt_root_id != valid_id", limit=0)
    assert answer["total"] == report(cases, "15_compare_columns")["expected"]


@pytest.mark.parametrize("direction", ["in", "out"])
def test_synapses_above_a_size(cases: Path, client: FlaskClient, direction: str) -> None:
    answer = get(client, f"{DEMO}/latest/cells/{CELL}/partners", direction=direction, synapses="size > 5000")
    totals = answer["totals"][direction]
    expected = report(cases, "16_synapse_filter")["expected"][direction]
    assert [totals["num_syn"], totals["num_partners"]] == expected


def test_a_cell_at_an_expired_version(client: FlaskClient) -> None:
    answer = get(client, f"{DEMO}/1412/cells/{CELL}/partners", direction="in")
    assert "totals" in answer, answer
    assert answer["totals"]["in"]["num_partners"] == len(answer["rows"]) > 100


def test_points_of_other_bound_points(client: FlaskClient) -> None:
    answer = client.post("/api/v1/odd_stack/latest/neuroglancer", json={"table": "contacts"}).json
    assert answer["num_points"] > 0 and answer["num_segments"] > 0


def test_rounded_ids(cases: Path, client: FlaskClient) -> None:
    for text in report(cases, "20_rounded_ids")["cases"]:
        error = get(client, f"{DEMO}/latest/cells/{text}")["error"]
        assert "rounded" in f"{error['message']} {error['hint']}"
