"""The picture of a cell's skeleton, against the folder that localcave serves it from."""

from __future__ import annotations

import itertools

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from plotly.io.json import to_json_plotly

from components.figures.morphology import skeleton
from services.cave.release import Release
from services.cells import connectivity, morphology
from services.core.errors import NotFound

DS = "karst_demo"


@pytest.fixture(scope="module")
def stored(small_cortex):
    rows = pq.read_table(small_cortex / "skeletons" / "skeletons.parquet").to_pylist()
    return {row["root_id"]: row for row in rows}


def newest(cave):
    return max(version.number for version in cave.versions(DS) if version.valid)


def cable_um(row):
    points = np.array(row["vertices_nm"]).reshape(-1, 3) / 1000
    edges = np.array(row["edges"]).reshape(-1, 2)
    return np.linalg.norm(points[edges[:, 0]] - points[edges[:, 1]], axis=1).sum()


def test_the_lines_are_the_skeleton_and_say_how_much_of_it(cave, stored):
    somas = set(Release.of(cave, DS, newest(cave)).table("nucleus_detection_v0")["pt_root_id"])
    roots = [root for root in stored if root in somas][:5]
    for root in roots:
        connections = connectivity.read(Release.of(cave, DS, newest(cave)), int(root))
        drawn = morphology.read(cave, connections)
        # volumes are turned and moved, which keeps lengths
        assert drawn.cable_um == pytest.approx(cable_um(stored[root]), rel=1e-3)
        vertices = sum(points["x_um"].notna().sum() for points in drawn.lines.values())
        assert vertices <= morphology.MOST_VERTICES
        assert 0 < drawn.drawn_um <= drawn.cable_um * (1 + 1e-9)
        if len(stored[root]["radius_nm"]) < morphology.MOST_VERTICES / 3:
            assert drawn.drawn_um == pytest.approx(drawn.cable_um)
        assert {"axon", "dendrite"} & set(drawn.lines)
        for way in ("in", "out"):
            every = sum(connections.totals[way][name] for name in ("num_syn", "autapses", "root_zero"))
            assert drawn.num_synapses[way] == every
            assert len(drawn.synapses[way]) == min(every, morphology.MOST_SYNAPSES)
        assert len(to_json_plotly(skeleton(drawn.lines, drawn.synapses))) < 250_000


def test_a_cell_without_a_skeleton_is_told_and_asked_for_again(cave, stored):
    other = next(
        root
        for root in Release.of(cave, DS, newest(cave)).table("nucleus_detection_v0")["pt_root_id"]
        if root and root not in stored
    )
    before = cave.counts["requests"]
    for _ in range(2):
        with pytest.raises(NotFound, match=f"no skeleton of {other}"):
            cave.skeleton(DS, int(other))
    assert cave.counts["requests"] >= before + 2


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=60), st.data())
def test_pieces_of_a_tree_have_each_of_its_edges_once(parents, data):
    edges = [(child, above % child) for child, above in enumerate(parents, start=1)]
    kinds = data.draw(st.lists(st.sampled_from([2, 3]), min_size=len(edges) + 1, max_size=len(edges) + 1))
    pieces = morphology.chains(edges, kinds)
    walked = [frozenset(pair) for _, path in pieces for pair in itertools.pairwise(path)]
    assert sorted(map(sorted, walked)) == sorted(map(sorted, edges))
    vertices = np.random.default_rng(1).normal(size=(len(edges) + 1, 3))
    few = morphology.longest(pieces, vertices, 10)
    assert sum(len(path) for _, path in few) <= 10
    ends = {frozenset((path[0], path[-1])) for _, path in pieces}
    assert all(frozenset((path[0], path[-1])) in ends for _, path in few)
