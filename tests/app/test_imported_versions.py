"""Several versions from files: each has its rows, and an old root leads to what became of it."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest
from caveclient import CAVEclient

from app import create_app
from localcave.errors import InputError
from localcave.folder.writer import read_manifest
from localcave.importer.importing import import_datastack
from services.core.settings import Settings
from tests.servers import start_localcave

BASE = 864691135000000101
KEPT, SPLIT, PART_1, PART_2, MERGED_1, MERGED_2, MERGED, NEW = range(BASE, BASE + 8)
OLD_TIME, NEW_TIME = datetime(2024, 1, 1, 10, tzinfo=UTC), datetime(2025, 1, 1, 10, tzinfo=UTC)
BEFORE = [KEPT, SPLIT, SPLIT, MERGED_1, MERGED_2]
AFTER = [KEPT, PART_1, PART_2, MERGED, MERGED, NEW]
TOML = """
[datastack]
name = "moving"
resolution_nm = [4, 4, 40]
[[version]]
number = 4
timestamp = 2025-01-01T10:00:00Z
files = { points = "v4.csv", notes = "notes.csv" }
[[version]]
number = 2
timestamp = 2024-01-01T10:00:00Z
files = { points = "v2.csv" }
[tables.nuclei]
file = "points"
schema = "nucleus_detection"
[tables.nuclei.columns]
id = "id"
pt_position = { from = ["x", "x", "x"], unit = "voxels" }
pt_root_id = "root"
SUPERVOXELS
[tables.notes]
file = "notes"
schema = "reference_tag"
reference_table = "nuclei"
[tables.notes.columns]
target_id = "id"
tag = "tag"
"""


def write(folder, toml=TOML, **changes):
    for name, roots in (("v2", BEFORE), ("v4", AFTER)):
        ids = np.arange(1, len(roots) + 1)
        points = {"id": ids, "x": 10 * ids, "root": roots, "sv": 85000000000000000 + ids}
        pd.DataFrame(points | changes.get(name, {})).to_csv(folder / f"{name}.csv", index=False)
    pd.DataFrame({"id": [1, 6], "tag": ["a", "b"]}).to_csv(folder / "notes.csv", index=False)
    (folder / "moving.toml").write_text(toml)
    return import_datastack(folder / "moving.toml", folder / "out")


@pytest.fixture(scope="module", params=["", 'pt_supervoxel_id = "sv"'], ids=["by_point", "by_supervoxel"])
def server(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("versions")
    report = write(folder, TOML.replace("SUPERVOXELS", request.param))
    assert report.rows == {"nuclei of version 2": 5, "nuclei of version 4": 6, "notes of version 4": 2}
    with start_localcave([folder / "out"]) as url:
        yield url


@pytest.fixture(scope="module")
def client(server):
    return CAVEclient("moving", server_address=server, auth_token="", write_server_cache=False)


def test_each_version_has_its_rows_and_tables(client):
    assert sorted(client.materialize.get_versions()) == [2, 4]
    for version, roots in ((2, BEFORE), (4, AFTER)):
        result = client.materialize.query_table("nuclei", materialization_version=version).sort_values("id")
        assert result["pt_root_id"].tolist() == roots
    assert client.materialize.get_tables(version=2) == ["nuclei"]
    assert sorted(client.materialize.get_tables(version=4)) == ["notes", "nuclei"]
    assert client.materialize.get_timestamp(2) == OLD_TIME


def test_roots_are_valid_as_long_as_their_versions_say(client):
    roots = [KEPT, SPLIT, PART_1, PART_2, MERGED_1, MERGED_2, MERGED, NEW]
    valid = client.chunkedgraph.is_latest_roots
    assert [bool(one) for one in valid(roots, timestamp=OLD_TIME)] == [
        True,
        True,
        False,
        False,
        True,
        True,
        False,
        True,
    ]
    assert [bool(one) for one in valid(roots, timestamp=NEW_TIME)] == [
        True,
        False,
        True,
        True,
        False,
        False,
        True,
        True,
    ]


def test_points_have_the_root_of_each_time(client):
    supervoxels = (
        client.materialize.query_table("nuclei", materialization_version=4)
        .sort_values("id")["pt_supervoxel_id"]
        .to_numpy()
    )
    assert client.chunkedgraph.get_roots(supervoxels[:5], timestamp=OLD_TIME).tolist() == BEFORE
    assert client.chunkedgraph.get_roots(supervoxels, timestamp=NEW_TIME).tolist() == AFTER


def test_old_roots_lead_to_new_ones(client):
    latest = client.chunkedgraph.get_latest_roots
    assert set(latest(SPLIT)) == {PART_1, PART_2}
    assert set(latest(MERGED_1)) == set(latest(MERGED_2)) == {MERGED}
    assert set(latest(KEPT)) == {KEPT}


def test_karst_repairs_an_old_root(server):
    page = create_app(Settings(server_address=server, cache="")).server.test_client()
    answer = page.get(f"/api/v1/moving/latest/cells/{MERGED_1}").get_json()["cell"]
    assert answer["root_id"] == str(MERGED) and answer["repaired_from"] == str(MERGED_1)
    assert page.get(f"/api/v1/moving/2/cells/{MERGED_1}").get_json()["cell"]["root_id"] == str(MERGED_1)


def test_points_of_other_places_do_not_follow_each_other(tmp_path):
    write(tmp_path, TOML.replace("SUPERVOXELS", ""), v4={"x": range(1001, 1007)})
    with start_localcave([tmp_path / "out"]) as url:
        client = CAVEclient("moving", server_address=url, auth_token="", write_server_cache=False)
        assert all(client.chunkedgraph.is_latest_roots([SPLIT, MERGED], timestamp=NEW_TIME))


def test_the_files_of_each_version_are_kept_in_mind(tmp_path):
    write(tmp_path, TOML.replace("SUPERVOXELS", ""))
    files = read_manifest(tmp_path / "out")["source"]["files"]
    assert {entry["name"] for entry in files.values()} == {"v2.csv", "v4.csv", "notes.csv"}


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("number = 4", "number = 2", "version 2 is there twice"),
        ("number = 4", "number = 1", "version 2 is not later than version 1; number the versions in the order"),
        ("number = 4", "number = 0", "needs number, a whole number of at least 1, not 0"),
        ('{ points = "v4.csv", notes', "{ notes", "version 4 has notes but not its reference_table nuclei"),
        ('file = "points"', 'file = "poinst"', "'poinst' is not one of the"),
        ('files = { points = "v2.csv" }', 'flies = { points = "v2.csv" }', "'flies' that means nothing here"),
    ],
)
def test_what_is_wrong_in_versions_is_said(tmp_path, old, new, sentence):
    assert old in TOML
    with pytest.raises(InputError, match=sentence):
        write(tmp_path, TOML.replace("SUPERVOXELS", "").replace(old, new))


def test_one_supervoxel_of_two_roots_in_a_version_is_refused(tmp_path):
    with pytest.raises(InputError, match="belongs to the roots"):
        write(tmp_path, TOML.replace("SUPERVOXELS", 'pt_supervoxel_id = "sv"'), v4={"sv": [7] * 6})
