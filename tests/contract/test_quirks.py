"""What the engine does that no recorded case shows: judged by what PostgreSQL does."""

from __future__ import annotations

import logging
from itertools import pairwise

import pytest
import requests
from caveclient import CAVEclient

NUCLEI, TYPES, SYNAPSES = "nucleus_detection_v0", "aibs_metamodel_celltypes_v661", "synapses_gold"
SPLIT = 120
"""The version that is not merged into flat tables."""


@pytest.fixture(scope="module")
def client(golden_servers: dict[str, str]) -> CAVEclient:
    logging.getLogger("caveclient").setLevel(logging.ERROR)
    return CAVEclient("golden", server_address=golden_servers["default"], auth_token="x", write_server_cache=False)


def refusal(client: CAVEclient, call: str, *args: object, **kwargs: object) -> str:
    with pytest.raises(requests.HTTPError) as error:
        getattr(client.materialize, call)(*args, **kwargs)
    assert error.value.response.status_code == 500
    return str(error.value.response.json()["message"])


def test_a_split_version_is_sampled_by_pages(client: CAVEclient) -> None:
    def sample(size: int) -> list[int]:
        rows = client.materialize.query_table(NUCLEI, materialization_version=SPLIT, random_sample=size)
        return sorted(rows["id"])

    sizes = [len(sample(600)) for _ in range(12)]
    assert len(set(sizes)) > 1, "as many rows every time"
    assert 300 < sum(sizes) / len(sizes) < 900
    assert len(sample(3000)) == 3000
    ids = sample(600)
    neighbours = sum(second - first == 3 for first, second in pairwise(ids))
    assert neighbours > len(ids) / 2, "rows are not taken page by page"
    assert refusal(client, "query_table", NUCLEI, materialization_version=SPLIT, random_sample=-1)


def test_a_column_that_is_taken_out_can_be_filtered(client: CAVEclient) -> None:
    query = client.materialize.query_table
    assert len(query(NUCLEI, materialization_version=SPLIT, filter_equal_dict={"deleted": None})) == 3000
    assert len(query(NUCLEI, materialization_version=SPLIT, filter_greater_dict={"deleted": "2020-01-01"})) == 0


@pytest.mark.parametrize("column", ["cell_type", "valid"])
def test_columns_of_different_types_do_not_join(client: CAVEclient, column: str) -> None:
    assert "operator does not exist" in refusal(client, "join_query", [[TYPES, column], [NUCLEI, "id"]], limit=5)


def test_filters_of_all_kinds_hold_at_once(client: CAVEclient) -> None:
    """On both tables of a join, beside a page and other voxels, against the same rows chosen with pandas."""
    box = [[0, 0, 0], [250_000, 250_000, 25_000]]
    rows = client.materialize.join_query(
        [[TYPES, "target_id"], [NUCLEI, "id"]],
        suffixes={TYPES: "", NUCLEI: "_n"},
        filter_in_dict={TYPES: {"cell_type": ["23P", "4P", "BC"]}},
        filter_regex_dict={TYPES: {"classification_system": "^exc"}},
        filter_greater_dict={NUCLEI: {"volume": "250"}},
        filter_less_equal_dict={NUCLEI: {"volume": 600}},
        filter_spatial_dict={NUCLEI: {"pt_position": box}},
        filter_out_dict={TYPES: {"cell_type": ["23P"]}},
        select_columns={TYPES: ["id", "cell_type"], NUCLEI: ["id", "pt_root_id", "pt_position"]},
        desired_resolution=[8, 8, 40],
        split_positions=True,
    )
    whole = client.materialize.query_table(TYPES, split_positions=True)
    wanted = whole[
        whole["cell_type"].isin(["23P", "4P", "BC"])
        & whole["classification_system"].str.startswith("exc")
        & (whole["volume"] > 250)
        & (whole["volume"] <= 600)
        & (whole["pt_position_x"] <= 250_000)
        & (whole["pt_position_y"] <= 250_000)
        & (whole["pt_position_z"] <= 25_000)
    ]
    assert len(wanted) > 20
    assert sorted(rows["id"]) == sorted(wanted["id"])
    assert set(rows.columns) == {"id", "cell_type", "id_n", "pt_supervoxel_id", "pt_root_id"} | {
        f"pt_position_{axis}" for axis in "xyz"
    }
    places = rows.sort_values("id")["pt_position_x"].to_numpy()
    assert (places == wanted.sort_values("id")["pt_position_x"].to_numpy() // 2).all()


@pytest.mark.parametrize("values", [[], [None], [2**63, -(2**63) - 1], [0.5]])
def test_nothing_is_found_by_no_id(client: CAVEclient, values: list) -> None:
    assert len(client.materialize.query_table(SYNAPSES, filter_in_dict={"post_pt_root_id": values})) == 0


def test_ids_may_be_text(client: CAVEclient) -> None:
    cell = int(client.materialize.query_table(SYNAPSES, limit=1)["post_pt_root_id"].iloc[0])
    rows = client.materialize.query_table(SYNAPSES, filter_in_dict={"post_pt_root_id": [str(cell), cell]})
    assert set(rows["post_pt_root_id"]) == {cell}


def test_where_level_2_is_not_known_it_is_not_made_up(client: CAVEclient) -> None:
    graph = client.chunkedgraph
    root = int(client.materialize.query_table(NUCLEI, limit=1, filter_greater_dict={"pt_root_id": 0}).pt_root_id[0])
    supervoxels = graph.get_leaves(root)
    assert len(supervoxels)
    for call in (
        lambda: graph.get_leaves(root, stop_layer=2),
        lambda: graph.get_children(root),
        lambda: graph.get_roots(supervoxels, stop_layer=2),
        lambda: graph.level2_chunk_graph(root),
    ):
        with pytest.raises(requests.HTTPError, match=r"404[\s\S]*Level 2 is not known here"):
            call()
    assert not client.l2cache.has_cache()
    for path, body in (
        ("segmentation/api/v1/table/golden_pcg/minimal_covering_nodes", {"node_ids": supervoxels.tolist()}),
        ("l2cache/api/v1/table/golden_pcg/attributes", {"l2_ids": [5]}),
    ):
        answer = requests.post(f"{client.info.server_address}/{path}", json=body, timeout=9)
        assert (answer.status_code, answer.json()["message"]) == (404, "Level 2 is not known here.")
