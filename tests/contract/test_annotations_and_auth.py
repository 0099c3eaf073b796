"""The annotation and auth services, by caveclient."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
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
    made = {"table_name": "of_a", "schema_type": "bound_tag", "metadata": SIZES}
    answer = server.post(VOLUME, json=made, headers={"Authorization": "Bearer a"})
    assert answer.status_code == 200, answer.text
    codes = [
        server.post(lookup_address("", "of_a"), headers={"Authorization": f"Bearer {user}"}).status_code
        for user in "ab"
    ]
    assert codes == [200, 401]


def test_a_server_that_is_read_only_looks_no_points_up(small_cortex: Path) -> None:
    server = create_server([small_cortex], read_only=True).test_client()
    assert server.post(lookup_address("", SERVED), json={}).status_code == 403
