"""A weighted edge list, types by root id and a view, without positions or nuclei: read through localcave and Karst."""

from __future__ import annotations

import pandas as pd
import pytest
from caveclient import CAVEclient

from app import create_app
from localcave.importer.importing import import_datastack
from services.core.settings import Settings
from tests.servers import start_localcave

BASE = 720575940600000000
PRE, POST = [BASE + 1, BASE + 1, BASE + 3, BASE + 5], [BASE + 3, BASE + 7, BASE + 1, BASE + 3]
WEIGHT = [4, 1, 7, 0]
TYPES = {BASE + 1: "DA1", BASE + 3: "LC4", BASE + 7: "LC4"}
TOML = """
[datastack]
name = "edges"
resolution_nm = [4, 4, 40]
[version]
number = 783
timestamp = 2023-09-30T05:10:00Z
[files]
edges = "connections.csv"
types = { file = "types.tsv", columns = ["root", "type"] }
[tables.synapses]
file = "edges"
schema = "synapse"
repeat = "syn_count"
[tables.synapses.columns]
pre_pt_root_id = "pre_root_id"
post_pt_root_id = "post_root_id"
pre_pt_position = { unknown = true }
post_pt_position = { unknown = true }
ctr_pt_position = { unknown = true }
[tables.cell_types]
file = "types"
schema = "cell_type_local"
[tables.cell_types.columns]
pt_root_id = "root"
pt_position = { unknown = true }
cell_type = "type"
classification_system = { value = "by_hand" }
[views.weights]
file = "edges"
description = "Synapses of each pair"
where = { syn_count = { above = 0 } }
[views.weights.columns]
pre_root_id = "pre_root_id"
post_root_id = "post_root_id"
n_syn = { from = "syn_count", type = "integer" }
mean_size = { from = "mean", type = "float" }
region = "neuropil"
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("edges")
    edges = pd.DataFrame({"pre_root_id": PRE, "post_root_id": POST, "neuropil": ["AL_R", "ME_L", "AL_R", "FB"]})
    edges.assign(syn_count=[f"{n}.0" for n in WEIGHT], mean=[1.5, "", 0.25, 2]).to_csv(
        folder / "connections.csv", index=False
    )
    pd.Series(TYPES).to_csv(folder / "types.tsv", sep="\t", header=False)
    (folder / "edges.toml").write_text(TOML)
    import_datastack(folder / "edges.toml", folder / "out")
    with start_localcave([folder / "out"]) as url:
        yield url


@pytest.fixture(scope="module")
def client(server):
    return create_app(Settings(server_address=server, cache="")).server.test_client()


def test_each_synapse_of_an_edge_is_a_row(server):
    client = CAVEclient("edges", server_address=server, auth_token="", write_server_cache=False)
    result = client.materialize.query_table("synapses")
    assert sorted(result["id"]) == list(range(1, sum(WEIGHT) + 1))
    pairs = result.groupby(["pre_pt_root_id", "post_pt_root_id"]).size().to_dict()
    assert pairs == {(pre, post): n for pre, post, n in zip(PRE, POST, WEIGHT, strict=True) if n}


def test_a_view_has_the_columns_and_types_it_was_given(server):
    client = CAVEclient("edges", server_address=server, auth_token="", write_server_cache=False)
    assert list(client.materialize.get_views()) == ["weights"]
    result = client.materialize.query_view("weights")
    assert result["pre_root_id"].tolist() == PRE[:3] and result["pre_root_id"].dtype.kind in "iI"
    assert result["n_syn"].tolist() == WEIGHT[:3]
    assert result["mean_size"].fillna(-1).tolist() == [1.5, -1, 0.25]
    assert result["region"].tolist() == ["AL_R", "ME_L", "AL_R"]


def test_partners_have_the_weights_and_types_of_the_files(client):
    message = client.get(f"/api/v1/edges/latest/cells/{BASE + 1}/partners?types=cell_types").get_json()
    rows = {(row["direction"], row["root_id"]): (row["num_syn"], row["cell_type"]) for row in message["rows"]}
    assert rows == {
        ("out", str(BASE + 3)): (4, "LC4"),
        ("out", str(BASE + 7)): (1, "LC4"),
        ("in", str(BASE + 3)): (7, "LC4"),
    }
    assert message["cell"]["soma_position_nm"] is None and "soma_depth_um" not in message["cell"]


def test_the_view_is_a_table_to_karst(client):
    answer = client.get("/api/v1/edges/latest/tables/weights/rows?filter=n_syn > 1&sort=-n_syn").get_json()
    assert [(row["pre_root_id"], row["n_syn"]) for row in answer["rows"]] == [(str(BASE + 3), 7), (str(BASE + 1), 4)]


def test_what_has_no_position_is_written_without_one(client):
    for what in (f"cells/{BASE + 1}/synapses?", "tables/cell_types/rows?"):
        answer = client.get(f"/api/v1/edges/latest/{what}&format=csv")
        assert answer.status_code == 200, answer.text
    body = {"cell": str(BASE + 1), "direction": "out"}
    link = client.post("/api/v1/edges/latest/neuroglancer", json=body)
    assert link.status_code == 200, link.text
