"""What the start page offers, against caveclient and pandas alone."""

from __future__ import annotations

import re
from urllib.parse import unquote

import pandas as pd
import pytest

from components.figures.thumbnail import HEIGHT_PX, WIDTH_PX, thumbnail
from services.cave.client import Cave
from services.cave.release import Release
from services.core.directions import Direction
from services.views import start
from services.views.addresses import TableAddress
from services.views.resolving import release_of
from tests.e2e.truth import TYPES, Truth


@pytest.fixture(scope="module")
def release(cave: Cave) -> Release:
    return release_of(cave, TableAddress())


def test_the_most_frequent_types_come_with_their_rows(release: Release, localcave_url: str) -> None:
    counts = Truth(localcave_url).types()["cell_type"].value_counts()
    result = start.types(release, 5)
    assert [one.rows for one in result] == counts.iloc[:5].tolist()
    assert {one.name: one.rows for one in result} == counts[[one.name for one in result]].to_dict()
    assert [one.address.boxes for one in result] == [{"cell_type": one.name} for one in result]
    assert next(one.layer for one in result if one.name == "4P") == "L4"
    assert all(one.address.table == TYPES and one.colour for one in result)


def test_cells_and_what_pairs_of_them_share(release: Release, localcave_url: str) -> None:
    truth = Truth(localcave_url)
    cells, pairs = start.cells(release, 3)
    roots = [int(one.address.cell) for one in cells]
    assert len(set(roots)) == 3 and len({one.why for one in cells}) == 3
    assert all(one.lines for one in cells)
    types = truth.types().drop_duplicates("pt_root_id").set_index("pt_root_id")["cell_type"]
    assert [one.cell_type for one in cells] == types[roots].tolist()
    assert len(set(types[roots])) == 3
    partners = {(root, way): truth.partners(root, str(way)) for root in roots for way in Direction}
    assert [one.synapses[Direction.OUT] for one in cells] == [partners[root, Direction.OUT].sum() for root in roots]
    for pair in pairs:
        one, other = map(int, pair.address.cell.split(", "))
        for way in Direction:
            shared = partners[one, way].index.intersection(partners[other, way].index)
            assert pair.shared[way] == len(shared)
        onto = partners[one, Direction.OUT].get(other, 0) + partners[other, Direction.OUT].get(one, 0)
        assert pair.between == onto
    assert [pair.address.cell for pair in pairs] == [f"{roots[a]}, {roots[b]}" for a, b in ((0, 1), (0, 2), (1, 2))]


def test_a_thumbnail_keeps_both_axes_on_one_scale_within_its_box() -> None:
    line = pd.DataFrame({"x_um": [0.0, 100.0, None, 50.0, 50.1], "depth_um": [0.0, 50.0, None, 0.0, 0.1]})
    svg = unquote(thumbnail({"axon": line, "dendrite": line.iloc[:0]}))
    path = re.findall(r' d="([^"]+)"', svg)
    numbers = [list(map(float, step.split())) for step in re.split("[ML]", path[0])[1:]]
    (x, y), (x_end, y_end), alone = numbers  # the second line is within half a pixel: a point
    assert (x_end - x) == pytest.approx(WIDTH_PX) and (y_end - y) == pytest.approx(WIDTH_PX / 2)
    assert y == pytest.approx((HEIGHT_PX - WIDTH_PX / 2) / 2) and alone == [WIDTH_PX / 2, y]
    assert thumbnail({}) == ""
