"""What the engine (5.26.4) and the chunkedgraph (2.21.1) do where no recorded case shows it, after their sources."""

from __future__ import annotations

import gzip
import json
import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
import requests
from caveclient import CAVEclient

PACK = Path(__file__).parent / "golden" / "dataset"
LINEAGE = json.loads((PACK / "lineage.json").read_text())
NUCLEI, TYPES, POINTS = "nucleus_detection_v0", "aibs_metamodel_celltypes_v661", "points_of_interest"
MERGED, SPLIT = 130, 120
ENGINE = "/materialize/api/v3/datastack/golden"
ARROW = {"return_pyarrow": "True", "arrow_format": "True", "split_positions": "True"}
SPLIT_TIME = "2025-03-10T00:00:00.000001+00:00"
"""After the version that is not merged, before the next."""


@pytest.fixture(scope="module")
def server(golden_servers: dict[str, str]) -> str:
    return golden_servers["default"]


@pytest.fixture(scope="module")
def client(server: str) -> CAVEclient:
    logging.getLogger("caveclient").setLevel(logging.ERROR)
    return CAVEclient("golden", server_address=server, auth_token="x", write_server_cache=False)


def rows_of(table: str, version: int = MERGED) -> pd.DataFrame:
    return pd.read_parquet(PACK / "tables" / str(version) / f"{table}.parquet")


def posted(server: str, path: str, body: dict[str, Any]) -> requests.Response:
    return requests.post(f"{server}{ENGINE}{path}", params=ARROW, json=body, timeout=30)


def frame(answer: requests.Response) -> pd.DataFrame:
    assert answer.status_code == 200, answer.text
    return pa.ipc.open_stream(answer.content).read_all().to_pandas()


def message_of(answer: requests.Response) -> str:
    """The engine's error."""
    assert answer.status_code == 500, answer.status_code
    return str(answer.json()["message"])


# ---------------------------------------------------------------------- times of roots
@pytest.mark.parametrize("operation", LINEAGE["operations"], ids=lambda operation: operation["name"])
def test_the_latest_time_of_a_replaced_root_is_just_before_its_successor(client: CAVEclient, operation: dict) -> None:
    replaced = datetime.fromisoformat(operation["timestamp"])
    result = client.chunkedgraph.get_root_timestamps(operation["before_root_ids"], latest=True)
    assert list(result) == [replaced - timedelta(milliseconds=1)] * len(operation["before_root_ids"])
    before = replaced - timedelta(hours=1)
    result = client.chunkedgraph.get_root_timestamps(operation["before_root_ids"], latest=True, timestamp=before)
    assert list(result) == [before - timedelta(milliseconds=1)] * len(operation["before_root_ids"])


def test_the_latest_time_of_a_current_root_is_when_it_was_asked(client: CAVEclient) -> None:
    current = [root for root, life in LINEAGE["edited_roots"].items() if not life["expired"]]
    start = datetime.now(UTC)
    result = client.chunkedgraph.get_root_timestamps([int(root) for root in current], latest=True)
    assert all(start - timedelta(seconds=1) < time <= datetime.now(UTC) for time in result)


def test_the_first_time_of_a_root_is_when_it_was_made(client: CAVEclient) -> None:
    roots = LINEAGE["edited_roots"]
    result = client.chunkedgraph.get_root_timestamps([int(root) for root in roots], latest=False)
    assert list(result) == [datetime.fromisoformat(life["created"]) for life in roots.values()]


def test_a_root_that_is_not_made_yet_has_no_latest_time(client: CAVEclient) -> None:
    operation = LINEAGE["operations"][-1]
    early = datetime.fromisoformat(operation["timestamp"]) - timedelta(days=1)
    with pytest.raises(requests.HTTPError):
        client.chunkedgraph.get_root_timestamps(operation["after_root_ids"], latest=True, timestamp=early)
    with pytest.raises(requests.HTTPError):
        client.chunkedgraph.get_root_timestamps([5], latest=True)


def test_lineage_names_an_operation_only_where_there_was_one(client: CAVEclient) -> None:
    created = {root: o["operation_id"] for o in LINEAGE["operations"] for root in o["after_root_ids"]}
    graph = client.chunkedgraph.get_lineage_graph(LINEAGE["operations"][4]["after_root_ids"][0])
    assert len(graph["nodes"]) == 5
    assert {node["id"]: node.get("operation_id") for node in graph["nodes"]} == {
        node["id"]: created.get(node["id"]) for node in graph["nodes"]
    }
    unedited = int(rows_of(NUCLEI)["pt_root_id"].loc[lambda ids: ~ids.astype(str).isin(LINEAGE["edited_roots"])].max())
    (node,) = client.chunkedgraph.get_lineage_graph(unedited)["nodes"]
    assert set(node) == {"id", "timestamp"}


def test_users_of_a_change_log_are_unknown_where_no_directory_knows_them(client: CAVEclient) -> None:
    operation = LINEAGE["operations"][1]
    (root,) = operation["after_root_ids"]
    log = client.chunkedgraph.get_tabular_change_log([root])[root]
    assert list(log["user_id"]) == [operation["user_id"]]
    assert list(log["user_name"]) == list(log["user_affiliation"]) == ["unknown"]


# ---------------------------------------------------------------------- joins
def test_a_third_table_of_a_join_multiplies_its_rows(server: str) -> None:
    tables = [[TYPES, "target_id"], [NUCLEI, "id"], [POINTS, "id"]]
    body = {
        "tables": tables,
        "suffix_map": {TYPES: "", NUCLEI: "_n"},
        "filter_in_dict": {TYPES: {"id": [1, 2, 3]}},
    }
    two = frame(posted(server, f"/version/{MERGED}/query", {**body, "tables": tables[:2]}))
    three = frame(posted(server, f"/version/{MERGED}/query", body))
    assert list(three.columns) == list(two.columns)
    assert len(three) == len(two) * len(rows_of(POINTS))
    assert set(three["id"]) == set(two["id"])


def test_a_version_that_is_not_merged_knows_joined_tables_only(server: str) -> None:
    two = [[TYPES, "target_id"], [NUCLEI, "id"]]
    other = {"filter_equal_dict": {POINTS: {"id": 1}}}
    join, simple = f"/version/{SPLIT}/query", f"/version/{SPLIT}/table/{NUCLEI}/query"
    suffixes = {"suffix_map": {TYPES: "", NUCLEI: "_n"}}
    assert message_of(posted(server, join, {"tables": [*two, [POINTS, "id"]], **suffixes})) == f"'{POINTS}'"
    assert message_of(posted(server, join, {"tables": two, **suffixes, **other})) == f"'{POINTS}'"
    assert message_of(posted(server, simple, other)) == f"'{POINTS}'"
    selected = {"select_column_map": {TYPES: ["id"], POINTS: ["tag"]}}
    assert message_of(posted(server, join, {"tables": two, **suffixes, **selected})) == f"'{POINTS}'"


# ---------------------------------------------------------------------- columns and patterns
@pytest.mark.parametrize(
    ("path", "name"),
    [
        (f"/version/{MERGED}/table/{NUCLEI}/query", NUCLEI),
        (f"/version/{SPLIT}/table/{NUCLEI}/query", NUCLEI),
        (f"/version/{MERGED}/views/nucleus_with_types/query", "nucleus_with_types"),
    ],
)
@pytest.mark.parametrize("column", ["nope", "pt_position_x", "", "../id"])
def test_an_unknown_selected_column_is_named_with_its_table(server: str, path: str, name: str, column: str) -> None:
    answer = posted(server, path, {"select_columns": ["id", column]})
    assert message_of(answer) == f"{column} not in model or models for {name}"


@pytest.mark.parametrize("value", [5, False])
def test_selected_columns_of_a_table_that_are_no_list_are_named_by_their_type(server: str, value: object) -> None:
    message = f"'{type(value).__name__}' object is not iterable"
    join = {"tables": [[TYPES, "target_id"], [NUCLEI, "id"]], "select_column_map": {TYPES: value}}
    assert message_of(posted(server, f"/version/{MERGED}/query", join)) == message
    assert message_of(live(server, {"select_columns": {TYPES: value}})) == message


def test_voxels_of_no_size_cannot_be_divided_by(server: str) -> None:
    body = {"desired_resolution": [4, 0, 40], "limit": 5}
    for path in (f"/version/{MERGED}/table/{NUCLEI}/query", f"/version/{MERGED}/views/nucleus_with_types/query"):
        assert message_of(posted(server, path, body)) == "float division by zero"


def test_positions_are_joined_with_positions_only(server: str) -> None:
    body: dict[str, Any] = {"suffix_map": {NUCLEI: "", POINTS: "_p"}, "limit": 5}
    body["tables"] = [[POINTS, "pt_position"], [NUCLEI, "id"]]
    assert "operator does not exist" in message_of(posted(server, f"/version/{MERGED}/query", body))
    body["tables"] = [[POINTS, "pt_position"], [NUCLEI, "pt_position"]]
    axes = [f"pt_position_{axis}" for axis in "xyz"]
    same = rows_of(POINTS).merge(rows_of(NUCLEI), on=axes)
    assert len(frame(posted(server, f"/version/{MERGED}/query", body))) == min(len(same), 5)


def test_an_unknown_selected_column_of_a_live_query_is_named(client: CAVEclient) -> None:
    with pytest.raises(requests.HTTPError, match="nope not in model or models for"):
        client.materialize.live_live_query(NUCLEI, datetime.now(UTC), select_columns={NUCLEI: ["id", "nope"]})


@pytest.mark.parametrize("version", [MERGED, SPLIT])
@pytest.mark.parametrize("column", ["id", "volume", "valid", "pt_root_id", "pt_position"])
@pytest.mark.parametrize("pattern", ["1", "(", None, 5])
def test_only_text_has_regular_expressions(server: str, version: int, column: str, pattern: object) -> None:
    body = {"filter_regex_dict": {NUCLEI: {column: pattern}}}
    answer = posted(server, f"/version/{version}/table/{NUCLEI}/query", body)
    assert message_of(answer) == "Regex filter is only supported on string columns"


# ---------------------------------------------------------------------- bookkeeping of live tables
def live(server: str, body: dict[str, Any], time: str = SPLIT_TIME) -> requests.Response:
    return posted(server, "/query", {"table": TYPES, "timestamp": time, **body})


def test_a_live_query_from_a_split_version_shows_when_rows_were_created_and_deleted(server: str) -> None:
    ids = [1, 2, 3]
    own = [name for name in rows_of(TYPES, SPLIT) if name not in ("created", "superceded_id", "valid")]
    for body in ({}, {"filter_in_dict": {TYPES: {"id": ids}}}, {"filter_equal_dict": {TYPES: {"id": -1}}}):
        assert set(frame(live(server, body)).columns) == {*own, "created", "deleted"}
    assert set(frame(live(server, {"filter_in_dict": {TYPES: {"id": ids}}}))["id"]) == set(ids)


def test_times_of_rows_can_be_filtered_from_a_split_version(server: str) -> None:
    stored = rows_of(TYPES, SPLIT)
    late = live(server, {"filter_greater_dict": {TYPES: {"created": "2024-01-01"}}})
    assert set(frame(late)["id"]) == set(stored["id"][stored["created"] > pd.Timestamp("2024-01-01", tz="UTC")])
    # null equals nothing once pandas has compared as well
    assert len(frame(live(server, {"filter_equal_dict": {TYPES: {"deleted": None}}}))) == 0


@pytest.mark.parametrize("column", ["valid", "superceded_id"])
def test_what_a_live_query_leaves_out_is_not_filtered(server: str, column: str) -> None:
    body = {"filter_equal_dict": {TYPES: {column: None}}}
    assert message_of(live(server, body)) == f"'{column}'"
    chosen = {"select_columns": {TYPES: ["id", "cell_type", column]}}
    assert set(frame(live(server, chosen)).columns) == {"id", "cell_type", column}
    assert frame(live(server, {**chosen, **body})).empty


@pytest.mark.parametrize("column", ["created", "deleted", "superceded_id"])
@pytest.mark.parametrize("time", ["2025-08-01T00:00:00.000001+00:00", "2024-12-10T00:00:00.000001+00:00"])
def test_a_merged_version_has_no_bookkeeping(server: str, column: str, time: str) -> None:
    assert message_of(live(server, {"filter_equal_dict": {TYPES: {column: None}}}, time)) == f"'{column}'"
    chosen = {"select_columns": {TYPES: ["id", column]}}
    assert message_of(live(server, chosen, time)) == f"{column} not in model or models for {TYPES}"


def test_a_live_filter_needs_its_column_selected(server: str) -> None:
    body = {"filter_equal_dict": {TYPES: {"cell_type": "BC"}}, "select_columns": {TYPES: ["id", "target_id"]}}
    assert message_of(live(server, body)) == "'cell_type'"


# ---------------------------------------------------------------------- methods, gzip, schemas
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", f"{ENGINE}/version/130/query"),
        ("GET", f"{ENGINE}/version/130/table/{NUCLEI}/query"),
        ("GET", f"{ENGINE}/query"),
        ("PUT", f"{ENGINE}/version/130/views/nucleus_with_types/query"),
        ("POST", f"{ENGINE}/versions"),
        ("DELETE", "/materialize/api/v2/datastack/golden/version/130/tables"),
    ],
)
def test_the_engine_wraps_a_method_that_a_route_does_not_take(server: str, method: str, path: str) -> None:
    answer = requests.request(method, f"{server}{path}", timeout=9)
    assert message_of(answer) == "405 Method Not Allowed: The method is not allowed for the requested URL."


@pytest.mark.parametrize(
    ("method", "path", "kind"),
    [
        ("POST", "/info/api/v2/datastacks", "application/json"),
        ("DELETE", "/info/api/v2/datastack/full/golden", "application/json"),
        ("POST", "/materialize/version", "text/html"),
        ("GET", "/segmentation/api/v1/table/golden_pcg/is_latest_roots", "text/html"),
        ("POST", "/schema/api/v2/type", "text/html"),
        ("GET", "/nglstate/api/v1/post", "text/html"),
    ],
)
def test_other_services_refuse_a_method_with_405(server: str, method: str, path: str, kind: str) -> None:
    answer = requests.request(method, f"{server}{path}", timeout=9)
    assert answer.status_code == 405
    assert answer.headers["Content-Type"].startswith(kind)
    assert answer.headers["Allow"]


@pytest.mark.parametrize("accepted", ["gzip", "zstd, gzip;q=0.5", "GZIP"])
@pytest.mark.parametrize("form", ["True", "False"])
def test_rows_are_gzipped_for_a_client_that_takes_it(server: str, accepted: str, form: str) -> None:
    def content(encoding: str) -> tuple[bytes, str | None, str | None]:
        answer = requests.post(
            f"{server}{ENGINE}/version/130/table/{NUCLEI}/query",
            params={**ARROW, "return_pyarrow": form},
            json={"limit": 50, "filter_less_dict": {NUCLEI: {"id": 100_100}}},
            headers={"Accept-Encoding": encoding},
            timeout=9,
            stream=True,
        )
        return answer.raw.read(), answer.headers.get("Content-Encoding"), answer.headers.get("Vary")

    plain, *marks = content("identity")
    assert marks == [None, None]
    packed, *marks = content(accepted)
    assert marks == ["gzip", "Accept-Encoding"]
    assert gzip.decompress(packed) == plain


def test_errors_are_not_gzipped(server: str) -> None:
    answer = requests.post(
        f"{server}{ENGINE}/version/130/query", json={}, headers={"Accept-Encoding": "gzip"}, timeout=9
    )
    assert answer.status_code == 500
    assert "Content-Encoding" not in answer.headers


def test_several_schemas_come_in_one_call(client: CAVEclient) -> None:
    names = ["synapse", "cell_type_reference"]
    assert client.schema.schema_definition_multi(names) == {
        name: client.schema.schema_definition(name) for name in names
    }
    assert client.schema.schema_definition_multi(["synapse", "nope"]) is None


# ---------------------------------------------------------------------- deep JSON
@pytest.mark.parametrize("depth", [950, 5_000, 200_000])
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/nglstate/api/v1/post", "{}"),
        ("/nglstate/api/v1/property/post", '{{"inline": {}}}'),
        (f"{ENGINE}/version/130/table/{NUCLEI}/query", '{{"filter_equal_dict": {}}}'),
        (f"{ENGINE}/query", '{{"table": {}}}'),
        ("/segmentation/api/v1/table/golden_pcg/is_latest_roots", '{{"node_ids": {}}}'),
        ("/skeletoncache/api/v1/golden/bulk/get_cached_skeletons/4/flatdict", '{{"root_ids": {}}}'),
    ],
)
def test_deep_json_is_a_bad_request(server: str, path: str, body: str, depth: int) -> None:
    for opened, closed in ("[]", ('{"a":', "}")):
        text = body.format(f"{opened * depth}1{closed * depth}")
        answer = requests.post(f"{server}{path}", data=text, headers={"Content-Type": "application/json"}, timeout=30)
        assert answer.status_code == 400
        assert "nested" in answer.json()["message"]


def test_brackets_in_text_are_not_depth(server: str) -> None:
    state = {"note": '[{"' * 2_000, "layers": [{"a": []}] * 2_000}
    answer = requests.post(f"{server}/nglstate/api/v1/post", json=state, timeout=9)
    assert answer.status_code == 200
    assert requests.get(answer.json(), timeout=9).json() == state


# ---------------------------------------------------------------------- names
BAD_NAMES = ["é", "..", ".", "%2e%2e", "..%2f..%2fnglstate", ".hidden", "-x", "a b", "a%00", "a" * 129, "<b>", "a'"]


@pytest.mark.parametrize("name", BAD_NAMES)
def test_what_is_no_name_is_not_found(server: str, name: str) -> None:
    for path in (
        f"{ENGINE}/version/130/table/{name}/metadata",
        f"{ENGINE}/version/130/table/{name}/count",
        f"{ENGINE}/version/130/views/{name}/schema",
        f"{ENGINE}/table/{name}/unique_string_values",
        f"{ENGINE}/table/{name}/precomputed/info",
        f"/materialize/api/v3/datastack/{name}/versions",
        f"/materialize/api/v3/datastack/golden/version/{name}/tables",
        f"/info/api/v2/datastack/full/{name}",
        f"/info/api/v2/aligned_volume/{name}",
        f"/segmentation/table/{name}/info",
        f"/segmentation/api/v1/table/{name}/oldest_timestamp",
        f"/schema/api/v2/type/{name}",
        f"/skeletoncache/api/v1/{name}/precomputed/skeleton/info",
        f"/precomputed/{name}/segmentation/info",
    ):
        # prepared by hand: requests would resolve the dots itself
        request = requests.Request("GET", server).prepare()
        request.url = f"{server}{path}"
        with requests.Session() as session:
            answer = session.send(request, timeout=9)
        assert answer.status_code == 404, path
