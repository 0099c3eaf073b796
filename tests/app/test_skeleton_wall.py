"""A wall of skeletons, against the folder that localcave serves them from."""

from __future__ import annotations

import base64
import re

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from callbacks import views
from components import partner_panel, populations_page, several_cells
from components.figures.profiles import profile
from components.figures.skeleton_wall import wall as drawing
from services.cells import arbor, morphology, skeleton_wall
from services.populations import population, sets
from services.tables import live
from services.views.addresses import CellAddress, PopulationAddress, parse_wall
from services.views.cell_view import CellView


@pytest.fixture(scope="module")
def release(cave):
    return live.resolve(cave, "karst_demo", "latest")


@pytest.fixture(scope="module")
def stored(small_cortex):
    """Root id to points in um, edges and compartments."""
    rows = pq.read_table(small_cortex / "skeletons" / "skeletons.parquet").to_pylist()
    return {
        row["root_id"]: (
            np.array(row["vertices_nm"]).reshape(-1, 3) / 1000,
            np.array(row["edges"]).reshape(-1, 2),
            np.array(row["compartment"]),
        )
        for row in rows
    }


@pytest.fixture(scope="module")
def wall(release):
    cells = sets.resolve(release, "proofreading_status_and_strategy:")
    return skeleton_wall.read(release, cells.ids.tolist()), cells


def test_cells_come_by_depth_and_at_most_forty(wall, release):
    drawn, cells = wall
    depths = [cell.soma_um[1] for cell in drawn.cells]
    assert depths == sorted(depths)
    assert len(drawn.cells) + len(drawn.without) == min(40, len(cells))
    assert drawn.left == max(0, len(cells) - 40)
    somata = release.cave.skeleton("karst_demo", drawn.cells[0].root_id)
    assert len(somata["vertices"])


def test_a_large_set_shows_those_that_have_a_skeleton(release, stored):
    cells = sets.resolve(release, "aibs_metamodel_celltypes_v661:cell_type = 23P").ids.tolist()
    wall = skeleton_wall.read(release, cells)
    exist = release.cave.with_skeletons("karst_demo", cells[:1000])
    assert set(cells[:1000]) & set(stored) <= exist
    assert {cell.root_id for cell in wall.cells} == set([root for root in cells if root in exist][:40])
    assert len(wall.cells) + len(wall.without) + wall.left == len(cells) > 40
    assert not exist & set(wall.without)


def test_axon_and_dendrite_are_apart_and_whole(wall, stored):
    drawn, _ = wall
    known = [cell for cell in drawn.cells if cell.root_id in stored]
    assert known
    for cell in known[:5]:
        points, edges, kinds = stored[cell.root_id]
        across = np.hypot(*np.diff(points[edges], axis=1)[:, 0, :2].T)  # um is a um, whatever the axes are turned by
        of_axon = kinds[edges].max(axis=1) == 2
        for part, whole in (("axon", across[of_axon].sum()), ("dendrite", across[~of_axon].sum())):
            steps = np.diff(getattr(cell, part).to_numpy(), axis=0)
            steps = steps[np.isfinite(steps).all(axis=1)]
            assert np.hypot(*steps.T).sum() == pytest.approx(whole, rel=0.1)


def test_cells_stand_side_by_side_at_their_own_depth(wall):
    cells = wall[0].cells[:6]
    axon, dendrite, somata = drawing(cells, ["x (µm)", "depth (µm)"])["data"]
    assert (axon["name"], dendrite["name"]) == ("axon", "dendrite")
    assert axon["line"]["color"] != dendrite["line"]["color"]
    assert somata["text"] == [str(cell.root_id) for cell in cells]
    assert somata["y"] == [cell.soma_um[1] for cell in cells]
    assert somata["x"] == sorted(somata["x"])
    x, y = (np.frombuffer(base64.b64decode(axon[axis]["bdata"]), "<f4") for axis in "xy")
    first = len(cells[0].axon)
    assert np.nanmax(x[:first]) < np.nanmin(x[first:])
    np.testing.assert_allclose(y[:first], cells[0].axon.iloc[:, 1], rtol=1e-5)


def test_the_wall_by_the_api_has_the_same_lines(client, wall):
    drawn = wall[0]
    ids = ",".join(str(cell.root_id) for cell in reversed(drawn.cells[:3]))
    answer = client.get(f"/api/v1/karst_demo/latest/skeletons?cells={ids},17")
    assert [cell["root_id"] for cell in answer.json["cells"]] == [str(cell.root_id) for cell in drawn.cells[:3]]
    assert [tuple(cell["soma_um"]) for cell in answer.json["cells"]] == [cell.soma_um for cell in drawn.cells[:3]]
    frame = pd.DataFrame(answer.json["rows"])[[column["name"] for column in answer.json["columns"]]]
    assert list(frame.columns) == ["root_id", "part", "line", "x_um", "depth_um"]
    assert {column["unit"] for column in answer.json["columns"][3:]} == {"um"}
    assert len(frame) == answer.json["total"]
    for cell in drawn.cells[:3]:
        for part in ("axon", "dendrite"):
            own = frame[(frame["root_id"] == str(cell.root_id)) & (frame["part"] == part)]
            lines = [line.iloc[:, -2:].to_numpy() for _, line in own.groupby("line")]
            known = getattr(cell, part).to_numpy()
            known = np.split(known, np.flatnonzero(np.isnan(known[:, 0])))
            known = [line[~np.isnan(line[:, 0])] for line in known if not np.isnan(line).all()]
            assert len(lines) == len(known)
            assert all(np.allclose(one, other) for one, other in zip(lines, known, strict=True))
    csv = client.get(f"/api/v1/karst_demo/latest/skeletons?cells={ids}&format=csv&limit=5").text.splitlines()
    assert csv[0] == ",".join(frame.columns) and len(csv) == 6
    assert client.get("/api/v1/karst_demo/latest/skeletons?cells=17").status_code == 404
    assert client.get("/api/v1/karst_demo/latest/skeletons").status_code == 400


def test_what_has_no_skeleton_is_named(release, wall):
    without = skeleton_wall.read(release, [17, wall[0].cells[0].root_id])
    assert without.without == (17,)
    assert len(without.cells) == 1


def test_partners_populations_and_several_cells_lead_to_their_walls(cave):
    types = "aibs_metamodel_celltypes_v661"
    several = sets.resolve(live.resolve(cave, "karst_demo", "latest"), f"{types}:cell_type = BC").ids[:3].tolist()
    requested = CellAddress("karst_demo", "latest", ", ".join(map(str, several)))
    view = CellView.of(cave, requested)
    frame, _, _ = view.partners("in")
    partners = frame["root_id"].head(5).tolist()
    parts = [
        (partner_panel.downloads(view.answerable[0], view.root_ids, "in", "", partners), partners),
        (several_cells.cells(view.address, view.cells, view.own_types(), pd.DataFrame(), {}), several),
    ]
    for component, cells in parts:
        address = parse_wall(views.query_of(re.search(r"/skeletons\?[^'\"]+", str(component))[0]))[0]
        assert sets.resolve(live.resolve(cave, "karst_demo", address.version), address.cells).ids.tolist() == sorted(
            cells
        )

    questions = PopulationAddress("karst_demo", "latest", types, "cell_type = BC", types, "cell_type = 23P")
    pair = population.choose(live.resolve(cave, "karst_demo", "latest"), questions.pre_set, questions.post_set)
    links = re.findall(r"/skeletons\?[^'\"]+", str(populations_page.sets(questions, pair, read=True)))
    assert [parse_wall(views.query_of(link))[0].cells for link in links] == [
        f"{types}:cell_type = {kind}" for kind in ("BC", "23P")
    ]


def test_profiles_are_drawn_as_they_are(cave, wall):
    skeleton = morphology.placed(cave, "karst_demo", wall[0].cells[0].root_id)
    for measures, x in ((arbor.sholl(skeleton), "radius_um"), (arbor.depth_profile(skeleton), "depth_um")):
        lines = profile(measures, x, "", "")["data"]
        assert {line["name"] for line in lines} == set(measures.columns) - {x, "soma"}
        assert all(line["y"] == measures[line["name"]].tolist() and line["x"] == measures[x].tolist() for line in lines)
