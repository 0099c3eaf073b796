"""A wall of skeletons, against the folder that localcave serves them from."""

from __future__ import annotations

import base64

import numpy as np
import pyarrow.parquet as pq
import pytest

from components.figures.wall import wall as drawing
from services.cells import skeleton_wall
from services.populations import sets
from services.tables import live


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


def test_what_has_no_skeleton_is_named(release, wall):
    without = skeleton_wall.read(release, [17, wall[0].cells[0].root_id])
    assert without.without == (17,)
    assert len(without.cells) == 1
