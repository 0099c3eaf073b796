"""The annotation and auth services, by caveclient."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest
import requests
from caveclient import CAVEclient

from localcave.folder.writer import example_states
from localcave.server.app import create_server
from tests.servers import ROOT, start_localcave

SERVED = "nucleus_detection_v0"
VOLUME = "/annotation/api/v2/aligned_volume/minnie65_phase3/table"
SIZES = {f"voxel_resolution_{axis}": 4 for axis in "xyz"}
TAG = {"pt": {"position": [1, 2, 3]}, "tag": "t"}


@pytest.fixture(scope="module")
def client(localcave_url: str) -> CAVEclient:
    return CAVEclient("karst_demo", server_address=localcave_url, auth_token="any", write_server_cache=False)


@pytest.fixture
def table(client: CAVEclient) -> Iterator[str]:
    """A table of one's own, gone afterwards."""
    name = "my_tags"
    client.annotation.create_table(name, "bound_tag", "of a test", voxel_resolution=[4, 4, 40])
    yield name
    client.annotation.delete_table(name)


def refusal(call, *args) -> int:
    with pytest.raises(requests.HTTPError) as caught:
        call(*args)
    return int(caught.value.response.status_code)


def test_annotations_are_made_changed_and_deleted(client: CAVEclient, table: str) -> None:
    annotation = client.annotation
    assert table in annotation.get_tables()
    assert annotation.get_table_metadata(table)["voxel_resolution"] == [4, 4, 40]
    assert annotation.post_annotation(table, [TAG, {**TAG, "tag": "u"}]) == [1, 2]
    frame = pd.DataFrame({"pt_position": [[7, 8, 9]], "tag": ["v"]})
    assert annotation.post_annotation_df(table, frame, ["pt_position"]) == [3]
    assert annotation.update_annotation(table, {**TAG, "tag": "w", "id": 1}) == {"1": 4}
    assert annotation.delete_annotation(table, [2]) == [2]
    rows = {row["id"]: row for row in annotation.get_annotation(table, [1, 2, 3, 4, 99])}
    assert {number: row["valid"] for number, row in rows.items()} == {1: False, 2: False, 3: True, 4: True}
    assert rows[1]["superceded_id"] == 4
    assert (rows[3]["pt_position"], rows[4]["tag"]) == ([7, 8, 9], "w")
    assert annotation.get_annotation_count(table) == 2
    assert annotation.update_metadata(table, description="new")["description"] == "new"


def test_staged_annotations_are_uploaded(client: CAVEclient, table: str) -> None:
    stage = client.annotation.stage_annotations(table)
    stage.add(pt_position=[1, 1, 1], tag="a")
    stage.add(pt_position=[2, 2, 2], tag="b")
    assert client.annotation.upload_staged_annotations(stage, progress=False) == [1, 2]


@pytest.mark.parametrize(
    "wrong",
    [
        {"tag": "t"},
        {**TAG, "pt": {"position": [1, 2]}},
        {**TAG, "pt": {"position": [1, 2, "3"]}},
        {**TAG, "pt": {"position": [1, 2, True]}},
        {**TAG, "pt": {"position": [1, 2, float("nan")]}},
        {**TAG, "pt": {"position": [1, 2, float("inf")]}},
        {**TAG, "pt": {"position": [1, 2, 2**31]}},
        {**TAG, "pt": {"position": [1, 2, 3], "supervoxel_id": 2**63}},
        {**TAG, "tag": "\ud800"},
        {**TAG, "tag": 5},
        {**TAG, "nope": 1},
        "text",
    ],
)
def test_what_does_not_fit_the_schema_is_refused_whole(client: CAVEclient, table: str, wrong: object) -> None:
    assert refusal(client.annotation.post_annotation, table, [TAG, wrong]) == 422
    assert client.annotation.get_annotation_count(table) == 0


def test_one_annotation_is_not_changed_twice(client: CAVEclient, table: str) -> None:
    client.annotation.post_annotation(table, TAG)
    client.annotation.delete_annotation(table, [1])
    assert refusal(client.annotation.delete_annotation, table, [1]) == 404
    assert refusal(client.annotation.update_annotation, table, {**TAG, "id": 1}) == 404
    assert refusal(client.annotation.update_annotation, table, {**TAG, "id": "1"}) == 404


def test_served_tables_are_read_and_not_written(client: CAVEclient) -> None:
    rows = client.materialize.query_table(SERVED, limit=2)
    matches = {row["id"]: row for row in client.annotation.get_annotation(SERVED, rows.id.tolist())}
    assert [matches[number]["pt_position"] for number in rows.id] == [list(map(int, at)) for at in rows.pt_position]
    assert client.annotation.get_annotation_count(SERVED) == client.materialize.get_annotation_count(SERVED)
    assert refusal(client.annotation.post_annotation, SERVED, TAG) == 401
    assert refusal(client.annotation.delete_table, SERVED) == 401
    assert refusal(client.annotation.create_table, SERVED, "bound_tag", "", [4, 4, 40]) == 400
    assert refusal(client.annotation.post_annotation, "nothing", TAG) == 404


@pytest.mark.parametrize("name", ["../up", "a b", "", 5])
def test_a_table_needs_a_name_that_can_be_one(localcave_url: str, name: object) -> None:
    body = {"table_name": name, "schema_type": "bound_tag", "metadata": {}}
    assert requests.post(localcave_url + VOLUME, json=body, timeout=9).status_code == 400


def test_a_reset_forgets_what_users_saved_and_is_for_no_page(small_cortex: Path) -> None:
    with start_localcave([small_cortex]) as url:
        client = CAVEclient("karst_demo", server_address=url, auth_token="any", write_server_cache=False)
        client.annotation.create_table("my_tags", "bound_tag", "of a test", voxel_resolution=[4, 4, 40])
        number = client.state.upload_state_json({"layers": []})
        for header in ("Origin", "X-Forwarded-For", "Forwarded"):
            assert requests.post(f"{url}/reset", headers={header: url}, timeout=9).status_code == 403
        assert "my_tags" in client.annotation.get_tables()
        command = [sys.executable, "-m", "localcave", "reset", "--port", url.rsplit(":", 1)[1]]
        subprocess.run(command, check=True, cwd=ROOT)
        assert "my_tags" not in client.annotation.get_tables()
        assert refusal(client.state.get_state_json, number) == 500
        assert client.state.get_state_json(min(example_states(small_cortex)))["layers"]


@pytest.mark.parametrize(
    ("schema", "more"),
    [
        ("no_schema", {}),
        ("reference_tag", {}),
        ("reference_tag", {"table_metadata": {}}),
        ("reference_tag", {"table_metadata": {"reference_table": "nothing"}}),
        ("reference_tag", {"table_metadata": {"reference_table": "refused"}}),
        ("bound_tag", {"table_metadata": {"reference_table": SERVED}}),
        ("bound_tag", {"read_permission": "SOME"}),
        ("bound_tag", {"voxel_resolution_x": float("inf")}),
    ],
)
def test_a_table_that_cave_would_not_make_is_refused(
    client: CAVEclient, localcave_url: str, schema: str, more: dict
) -> None:
    definition = {"table_name": "refused", "schema_type": schema, "metadata": {**SIZES, **more}}
    answer = requests.post(localcave_url + VOLUME, data=json.dumps(definition), timeout=9)
    assert answer.status_code == 400 and answer.json()["message"]
    assert "refused" not in client.annotation.get_tables()


def live(client: CAVEclient, table: str, **query) -> pd.DataFrame:
    return client.materialize.live_live_query(table, timestamp=datetime.now(UTC), **query)


def test_rows_of_ones_own_table_are_queried_live_with_the_roots_of_now(client: CAVEclient, table: str) -> None:
    nuclei = client.materialize.query_table(SERVED).query("pt_supervoxel_id > 0").head(3)
    rows = [
        {"pt": {"position": list(map(int, row.pt_position))}, "tag": f"n{number}"}
        for number, row in enumerate(nuclei.itertuples())
    ]
    client.annotation.post_annotation(table, [*rows, TAG])
    frame = live(client, table).set_index("id")
    assert frame.tag.tolist() == ["n0", "n1", "n2", "t"]
    assert frame.pt_supervoxel_id.tolist() == [*nuclei.pt_supervoxel_id, 0]
    roots = client.chunkedgraph.get_roots(nuclei.pt_supervoxel_id.to_numpy()).tolist()
    assert frame.pt_root_id.tolist() == [*roots, 0]
    assert frame.pt_position.map(list).tolist()[3] == [1, 2, 3]
    assert live(client, table, filter_equal_dict={table: {"pt_root_id": roots[1]}}).id.tolist() == [2]
    assert live(client, table, filter_regex_dict={table: {"tag": "n[01]"}}).id.tolist() == [1, 2]
    assert client.materialize.get_unique_string_values(table) == {"tag": ["n0", "n1", "n2", "t"]}
    client.annotation.delete_annotation(table, [1])
    client.annotation.update_annotation(table, {**TAG, "tag": "new", "id": 4})
    assert live(client, table).tag.tolist() == ["n1", "n2", "new"]
    assert refusal(client.materialize.query_table, table) == 404


def test_the_middle_of_a_nucleus_is_its_own_where_others_overlap_it(client: CAVEclient, table: str) -> None:
    nuclei = client.materialize.query_table(SERVED, filter_greater_dict={"pt_supervoxel_id": 0}, limit=10_000)
    points = [{"pt": {"position": list(map(int, place))}, "tag": "soma"} for place in nuclei.pt_position]
    client.annotation.post_annotation(table, points)
    frame = live(client, table)
    assert frame.pt_supervoxel_id.tolist() == nuclei.pt_supervoxel_id.tolist()


def test_rows_that_refer_to_a_table_are_joined_with_it_live(client: CAVEclient) -> None:
    target = int(client.materialize.query_table(SERVED, limit=1).id[0])
    annotation = client.annotation
    annotation.create_table("my_notes", "reference_tag", "of a test", [4, 4, 40], reference_table=SERVED)
    try:
        assert refusal(annotation.post_annotation, "my_notes", {"target_id": 5, "tag": "nobody's"}) == 404
        annotation.post_annotation("my_notes", {"target_id": target, "tag": "large"})
        (row,) = live(client, "my_notes", joins=[["my_notes", "target_id", SERVED, "id"]]).itertuples()
        assert (row.tag, row.target_id, row.idy) == ("large", target, target)
    finally:
        annotation.delete_table("my_notes")


def test_one_is_told_who_one_is_and_ones_own_token(client: CAVEclient) -> None:
    (message,) = client.auth.get_tokens()
    assert message["token"] == "any"
    (me,) = client.auth.get_user_information([message["user_id"]])
    assert me["id"] == message["user_id"]
    assert client.auth.get_user_information([987]) == []


def test_points_are_bound_to_the_supervoxels_that_they_lie_in(client: CAVEclient, table: str) -> None:
    nucleus = client.materialize.query_table(SERVED).query("pt_supervoxel_id > 0").iloc[0]
    client.annotation.post_annotation(table, {"pt": {"position": list(map(int, nucleus.pt_position))}, "tag": "soma"})
    client.materialize.lookup_supervoxel_ids(table)
    (row,) = client.annotation.get_annotation(table, 1)
    assert row["pt_supervoxel_id"] == nucleus.pt_supervoxel_id
    client.materialize.lookup_supervoxel_ids(SERVED)


def lookup_address(server: str, table: str) -> str:
    return f"{server}/materialize/api/v2/materialize/run/lookup_svid/datastack/karst_demo/{table}"


def test_points_that_lie_in_no_supervoxel_are_not_counted_as_found(
    client: CAVEclient, table: str, localcave_url: str
) -> None:
    nucleus = client.materialize.query_table(SERVED).query("pt_supervoxel_id > 0").iloc[0]
    inside = {"pt": {"position": list(map(int, nucleus.pt_position))}, "tag": "soma"}
    client.annotation.post_annotation(table, [inside, {"pt": {"position": [1, 1, 1]}, "tag": "nowhere"}])
    look_up = lookup_address(localcave_url, table)
    assert requests.post(look_up, timeout=9).json()["looked_up"] == 1
    for body, number in (({"annotation_ids": [1]}, 1), ({"annotation_ids": [2]}, 0), ({}, 1)):
        assert requests.post(look_up, json=body, timeout=9).json() == {"table_name": table, "looked_up": number}


@pytest.mark.parametrize("body", [[1], 5, {"annotation_ids": 5}, {"annotation_ids": "abc"}, {"annotation_ids": [{}]}])
def test_a_lookup_of_what_is_no_list_of_ids_is_refused(table: str, localcave_url: str, body: object) -> None:
    assert requests.post(lookup_address(localcave_url, table), json=body, timeout=9).status_code == 400


def test_points_are_looked_up_while_others_are_posted(client: CAVEclient, table: str, localcave_url: str) -> None:
    client.annotation.post_annotation(table, [TAG] * 200)
    with ThreadPoolExecutor(8) as threads:
        lookups = [threads.submit(requests.post, lookup_address(localcave_url, table), timeout=60) for _ in range(4)]
        posts = [threads.submit(client.annotation.post_annotation, table, [TAG]) for _ in range(100)]
    assert {answer.result().status_code for answer in lookups} == {200}
    assert sorted(number for post in posts for number in post.result()) == list(range(201, 301))


def test_only_the_owner_of_a_table_has_its_points_looked_up(small_cortex: Path, tmp_path: Path) -> None:
    may = {"view": ["karst_demo"], "needs_tos": []}
    tokens = {name: {"token": name, "user_id": number, **may} for number, name in enumerate("ab", 1)}
    users = tmp_path / "users.json"
    users.write_text(json.dumps({"users": tokens, "auth_datasets": {}, "terms_of_service": {}}))
    server = create_server([small_cortex], require_token=True, users=users).test_client()
    definition = {"table_name": "of_a", "schema_type": "bound_tag", "metadata": {**SIZES, "read_permission": "PRIVATE"}}
    answer = server.post(VOLUME, json=definition, headers={"Authorization": "Bearer a"})
    assert answer.status_code == 200, answer.text
    codes = [
        server.post(lookup_address("", "of_a"), headers={"Authorization": f"Bearer {user}"}).status_code
        for user in "ab"
    ]
    assert codes == [200, 401]
    body = {"table": "of_a", "timestamp": datetime.now(UTC).isoformat()}
    answers = [
        server.post(
            "/materialize/api/v3/datastack/karst_demo/query", json=body, headers={"Authorization": f"Bearer {user}"}
        )
        for user in "ab"
    ]
    assert answers[0].status_code == 200, answers[0].text
    assert answers[1].json["message"].startswith("401 Unauthorized: Unauthorized: The table can only be read by")
    counts = [
        server.get(f"{VOLUME}/of_a/count", headers={"Authorization": f"Bearer {user}"}).status_code for user in "ab"
    ]
    assert counts == [200, 401]


def test_a_server_that_is_read_only_looks_no_points_up(small_cortex: Path) -> None:
    server = create_server([small_cortex], read_only=True).test_client()
    assert server.post(lookup_address("", SERVED), json={}).status_code == 403
