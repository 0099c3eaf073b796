"""Tables whose points are not called `pt`: their rows have a depth, a place in maps and links, and their cells."""

from __future__ import annotations

import csv
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import flask
import numpy as np
import pandas as pd
import pytest
from flask.testing import FlaskClient
from standard_transform import minnie_ds

from api import blueprint
from services.cave.client import Cave
from services.cave.release import Release
from services.core.settings import Settings
from services.tables import plots, tables
from services.tables.tables import TableQuery
from tests.servers import ROOT, start_localcave

COUNT = 40
FIRST, SECOND = 864691135771600000, 864691135888800000
RECIPE = """
[datastack]
name = "points"
resolution_nm = [4, 4, 40]
aligned_volume = "minnie65_phase3"
[version]
number = 1
timestamp = 2025-01-13T10:10:01Z
[files]
rows = "rows.csv"
[tables.contacts]
file = "rows"
schema = "contact"
[tables.contacts.columns]
id = "id"
sidea_pt_position = { from = ["ax", "ay", "az"], unit = "voxels" }
sideb_pt_position = { from = ["bx", "by", "bz"], unit = "voxels" }
sidea_pt_root_id = "a"
sideb_pt_root_id = "b"
size = "size"
[tables.pairs]
file = "rows"
schema = "bound_2tag"
[tables.pairs.columns]
id = "id"
pt_position = { from = ["ax", "ay", "az"], unit = "voxels" }
pt_root_id = "a"
pt2_position = { from = ["bx", "by", "bz"], unit = "voxels" }
pt2_root_id = "b"
tag = "word"
tag2 = "word"
"""
ROWS = [
    {
        "id": n,
        "a": FIRST + n,
        "b": SECOND + n % 5,
        "size": 10 * n,
        "word": "odd" if n % 2 else "even",
        **{f"a{axis}": 100_000 + 10 * n + at for at, axis in enumerate("xyz")},
        **{f"b{axis}": 100_500 + 10 * n + at for at, axis in enumerate("xyz")},
    }
    for n in range(1, COUNT + 1)
]


@pytest.fixture(scope="module")
def cave(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cave]:
    folder = tmp_path_factory.mktemp("points")
    with (folder / "rows.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, ROWS[0])
        writer.writeheader()
        writer.writerows(ROWS)
    (folder / "points.toml").write_text(RECIPE)
    command = [sys.executable, "-m", "localcave", "import", str(folder / "points.toml"), "-o", str(folder / "out")]
    subprocess.run(command, cwd=ROOT, check=True)
    with start_localcave([folder / "out"]) as url:
        yield Cave(Settings(server_address=url, cache=""))


@pytest.fixture(scope="module")
def client(cave: Cave) -> FlaskClient:
    app = flask.Flask("test_bound_points")
    app.extensions["karst"] = cave
    app.register_blueprint(blueprint)
    return app.test_client()


@pytest.mark.parametrize(
    ("table", "relationships"), [("contacts", ["sidea", "sideb"]), ("pairs", ["cell", "pt2"])], ids=str
)
def test_rows_have_points_and_both_cells_in_a_link(client: FlaskClient, table: str, relationships: list[str]) -> None:
    requested = {"table": table, "filter": "size <= 70" if table == "contacts" else "pt_position_x <= 100070"}
    created = client.post("/api/v1/points/1/neuroglancer", json=requested).get_json()
    assert "error" not in created, created
    wanted = ROWS[:7]
    assert created["num_points"] == 7
    assert "no position" not in created["description"]
    roots = {str(row[side]) for row in wanted for side in ("a", "b")}
    layers = {layer["name"]: layer for layer in created["state"]["layers"]}
    assert {text.lstrip("!") for text in layers["segmentation"]["segments"]} == roots
    assert layers[table]["annotationRelationships"] == relationships
    points = {point["id"]: point for point in layers[table]["annotations"]}
    for row in wanted:
        point = points[str(row["id"])]
        assert point["point"] == [row["ax"], row["ay"], row["az"]]
        assert point["segments"] == [[str(row["a"])], [str(row["b"])]]


@pytest.mark.parametrize("table", ["contacts", "pairs"])
def test_rows_are_in_maps_and_have_a_depth(cave: Cave, table: str) -> None:
    opened = tables.open_table(Release.of(cave, "points", 1), table)
    frame = opened.frame.sort_values("id")
    voxels = np.array([[row["ax"], row["ay"], row["az"]] for row in ROWS], dtype=float)
    expected = minnie_ds.transform("nm").apply(voxels * [4, 4, 40])
    points = plots.soma_map(opened, TableQuery(), cave.volume("points"), "side").sort_values("id")
    np.testing.assert_allclose(points[["x", "y"]].to_numpy(), expected[:, :2], atol=0.01)
    np.testing.assert_allclose(frame["depth_um"].to_numpy(float), expected[:, 1], atol=0.01)


def test_the_script_finds_the_same_depths(cave: Cave, client: FlaskClient, tmp_path: Path) -> None:
    script = client.get("/api/v1/points/1/tables/contacts/python?sort=id").get_data(as_text=True)
    file = tmp_path / "frame.parquet"
    code = script + f"\nframe.to_parquet({str(file)!r})\n"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, env={"PATH": "", "HOME": str(tmp_path)})
    shown = tables.open_table(Release.of(cave, "points", 1), "contacts").frame.sort_values("id")["depth_um"]
    np.testing.assert_allclose(pd.read_parquet(file)["depth_um"].to_numpy(float), shown.to_numpy(float), atol=0.001)
