"""The dots of a plot are those of the rows, and an outline picks exactly the dots within it."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from services.core.columns import describe_columns
from services.core.errors import BadInput
from services.core.profiles import load_volume
from services.core.settings import Settings
from services.tables import plots
from services.tables.groups import of_values
from services.tables.tables import TableFrame, TableQuery
from tests.unit.test_tables import INFO, VERSION

VOLUME = load_volume(Settings().config_dir, "minnie65_phase3")
COUNT = 9


def table_of(frame):
    return TableFrame("demo", VERSION, INFO, describe_columns(frame), frame)


@pytest.fixture(scope="module")
def cells():
    at = np.arange(COUNT)
    frame = pd.DataFrame(
        {
            "id": pd.array(at + 100, "Int64"),
            "cell_type": pd.array([None if n == 4 else "BC" if n % 2 else "MC" for n in at], "string"),
            "volume": pd.array([None if n == 3 else 10.5 * n for n in at], "Float32"),
            "depth_um": pd.array([math.nan if n == 5 else 100.0 - n for n in at], "Float64"),
            **{f"pt_position_{axis}": pd.array(150_000 + 1000 * at, "Int32") for axis in "xyz"},
        }
    )
    return table_of(frame)


def winding(dot, corners):
    """How often the corners run around a point: the sum of the angles under which it sees the edges."""
    (x, y), total = dot, 0.0
    for (x0, y0), (x1, y1) in zip(corners, [*corners[1:], corners[0]], strict=True):
        cross = (x0 - x) * (y1 - y) - (y0 - y) * (x1 - x)
        total += math.atan2(cross, (x0 - x) * (x1 - x) + (y0 - y) * (y1 - y))
    return round(total / (2 * math.pi))


def distance(dot, corners):
    """From a point to the nearest edge."""
    (x, y), result = dot, []
    for (x0, y0), (x1, y1) in zip(corners, [*corners[1:], corners[0]], strict=True):
        length = (x1 - x0) ** 2 + (y1 - y0) ** 2
        along = 0 if not length else max(0, min(1, ((x - x0) * (x1 - x0) + (y - y0) * (y1 - y0)) / length))
        result.append(math.hypot(x - x0 - along * (x1 - x0), y - y0 - along * (y1 - y0)))
    return min(result)


numbers = st.floats(-1000, 1000, allow_nan=False).map(lambda value: round(value, 3))
places = st.tuples(numbers, numbers)


@given(st.lists(places, min_size=3, max_size=9), st.lists(places, min_size=1, max_size=30))
def test_an_outline_picks_the_dots_that_it_runs_around(corners, dots):
    clear = [dot for dot in dots if distance(dot, corners) > 1e-6]
    assume(clear)
    frame = pd.DataFrame({"x": [x for x, _ in clear], "y": [y for _, y in clear], "id": range(len(clear))})
    picked = plots.within(frame, {"x": [x for x, _ in corners], "y": [y for _, y in corners]})
    # an outline that crosses itself keeps what it runs around an odd number of times, as the plot shows it
    assert picked.tolist() == [n for n, dot in enumerate(clear) if winding(dot, corners) % 2]


def as_a_browser_has_it(place):
    return {axis: [float(np.float32(value))] for axis, value in zip("xy", place, strict=True)}


@given(st.lists(places, min_size=1, max_size=30), st.data())
def test_a_click_on_a_dot_picks_the_rows_there(dots, data):
    frame = pd.DataFrame({"x": [x for x, _ in dots], "y": [y for _, y in dots], "id": range(len(dots))})
    n = data.draw(st.sampled_from(range(len(dots))))
    picked = plots.within(frame, as_a_browser_has_it(dots[n]))
    assert n in picked.tolist()
    assert all(dots[other] == pytest.approx(dots[n], rel=2e-6, abs=0) for other in picked)


def test_a_click_picks_no_other_row_once_its_own_is_filtered_out(cells):
    x, y = plots.axes(cells)
    points = plots.scatter(cells, TableQuery(), x, y)
    click = as_a_browser_has_it(points.loc[points["id"] == 104, ["x", "y"]].iloc[0])
    assert plots.within(points, click).tolist() == [104]
    assert plots.within(plots.scatter(cells, TableQuery("id != 104"), x, y), click).tolist() == []


def test_nothing_lies_within_a_plot_without_dots():
    nothing = pd.DataFrame({"x": [], "y": [], "id": []})
    assert len(plots.within(nothing, {"x": [1.0], "y": [1.0]})) == 0
    assert len(plots.within(nothing, {"x": [0.0, 1.0, 1.0], "y": [0.0, 0.0, 1.0]})) == 0


def test_a_dot_for_each_row_with_both_numbers(cells):
    x, y = plots.axes(cells)
    assert (x.name, y.name) == ("volume", "depth_um")
    points = plots.scatter(
        cells,
        TableQuery("id != 101", sort=(("id", "desc"),)),
        x,
        y,
        of_values("cell_type", cells.frame["cell_type"], {}),
    )
    expected = [n for n in reversed(range(COUNT)) if n not in (1, 3, 5)]
    assert points["id"].tolist() == [n + 100 for n in expected]
    assert points["x"].tolist() == [10.5 * n for n in expected]
    assert points["y"].tolist() == [100.0 - n for n in expected]
    assert points["value"].fillna("blank").tolist() == ["MC", "BC", "MC", "blank", "MC", "MC"]


def test_axes_are_those_named_else_numbers_that_there_are(cells):
    assert [column.name for column in plots.axes(cells, "depth_um", "pt_position_x")] == ["depth_um", "pt_position_x"]
    with pytest.raises(BadInput):
        plots.axes(cells, "cell_type")
    assert plots.axes(table_of(cells.frame[["id", "cell_type"]])) is None
    blank = cells.frame.assign(volume=pd.array([None] * COUNT, "Float32"))
    assert plots.axes(table_of(blank))[0].name != "volume"
    assert plots.axes(table_of(blank), "volume")[0].name == "volume"
    (alone, same) = plots.axes(table_of(cells.frame[["id", "volume"]]))
    assert alone == same and alone.name == "volume"


@pytest.mark.parametrize("plot", ["side", "top"])
def test_a_map_is_in_um_along_the_axes_of_the_volume(cells, plot):
    from standard_transform import minnie_ds

    points = plots.soma_map(cells, TableQuery(), VOLUME, plot)
    resolution = np.array(INFO.voxel_resolution_nm)
    voxels = np.array([[150_000 + 1000 * n] * 3 for n in range(COUNT)], dtype=float)
    expected = minnie_ds.transform("nm").apply(voxels * resolution)
    second = {"side": 1, "top": 2}[plot]
    np.testing.assert_allclose(points["x"], expected[:, 0], atol=0.01)
    np.testing.assert_allclose(points["y"], expected[:, second], atol=0.01)
    assert points["id"].tolist() == [n + 100 for n in range(COUNT)]


def test_a_table_without_positions_has_an_empty_map(cells):
    bare = table_of(cells.frame[["id", "volume"]])
    assert len(plots.soma_map(bare, TableQuery(), VOLUME, "side")) == 0


@given(st.integers(0, 400), st.integers(1, 100))
def test_thinning_keeps_order_ends_and_distance(count, most):
    points = pd.DataFrame({"x": np.arange(count)})
    kept = plots.thinned(points, most)["x"].to_numpy()
    assert len(kept) == min(count, most)
    if count > most > 1:
        steps = np.diff(kept)
        assert kept[0] == 0 and kept[-1] == count - 1
        assert steps.max() - steps.min() <= 1
