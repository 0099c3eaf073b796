"""Rows of a synapse table that have no centre, in a table that has centres, are between their two ends everywhere."""

from __future__ import annotations

import io
from collections.abc import Iterator

import flask
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from flask.testing import FlaskClient

from api import blueprint
from localcave.folder.writer import DatastackWriter
from services.cave import synapses
from services.cave.client import Cave
from services.cave.release import Release
from services.cells import connectivity, synapse_filter, synapse_script
from services.core import moments
from services.core.directions import Direction
from services.core.settings import Settings
from services.neuroglancer.links import cell_link
from services.populations import population, scripts
from tests import tiny
from tests.servers import start_localcave

V = tiny.NEWEST
AXES = ("x", "y", "z")
CENTRE_NM = [f"ctr_pt_position_{axis}_nm" for axis in AXES]
VOXEL_NM = np.array([4.0, 4.0, 40.0])
NO_CENTRE, NO_PRE, NO_POST = {1002, 1003, 1006}, {1003, 1004}, {1006}


def rows() -> pa.Table:
    """The synapses of `tiny`, their ends apart: of those without a centre one lacks the presynaptic end, one the
    postsynaptic one, and one that has a centre lacks an end as well."""
    table = tiny.synapses()
    shifts = {"pre_pt": (-7, NO_PRE), "post_pt": (12, NO_POST), "ctr_pt": (0, NO_CENTRE)}
    for end, (shift, blank) in shifts.items():
        for axis in AXES:
            name = f"{end}_position_{axis}"
            values = [
                None if one in blank else value + shift
                for one, value in zip(table["id"].to_pylist(), table[name].to_pylist(), strict=True)
            ]
            table = table.set_column(table.schema.get_field_index(name), name, pa.array(values, pa.int32()))
    return table


def places_nm() -> pd.DataFrame:
    """Where each synapse is, by id, from the rows themselves."""
    frame = rows().to_pandas().set_index("id")
    placed = {}
    for row in frame.itertuples():
        centre, *ends = (
            [getattr(row, f"{end}_position_{axis}") for axis in AXES] for end in ("ctr_pt", "pre_pt", "post_pt")
        )
        known = [end for end in ends if not np.isnan(end).any()]
        placed[row.Index] = (centre if not np.isnan(centre).any() else np.mean(known, axis=0)) * VOXEL_NM
    return pd.DataFrame(placed, index=CENTRE_NM).T


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    writer = DatastackWriter(tmp_path_factory.mktemp("places") / "tiny", "tiny", tiny.INFO)
    writer.add_version(V, "2025-01-02T03:04:05.000006", "2125-02-03T00:00:00.000001")
    writer.add_table(V, "nuclei", tiny.nuclei(V), tiny.metadata("nucleus_detection"))
    checked = {"id": [1, 2, 3], "valid": [True] * 3, "target_id": [1001, 1003, 1006], "is_valid": [True] * 3}
    record = tiny.metadata("reference_synapse_valid", reference_table="synapses")
    writer.add_table(V, "synapses", rows(), tiny.metadata("synapse"), sorted_by=["post_pt_root_id", "pre_pt_root_id"])
    writer.add_table(V, "checked", pa.table(checked), record)
    writer.set_segmentation(*tiny.segmentation())
    writer.finish()
    with start_localcave([writer.folder]) as address:
        yield address


@pytest.fixture
def cave(url: str) -> Cave:
    return Cave(Settings(server_address=url, cache=""))


def assert_placed(frame: pd.DataFrame, ids: list[int], places: list[str] = CENTRE_NM) -> None:
    """The frame has these synapses, at their places."""
    assert sorted(frame["id"]) == ids
    expected = places_nm().loc[frame["id"]].to_numpy()
    np.testing.assert_allclose(frame[places].to_numpy("float64"), expected, rtol=1e-6)


@pytest.mark.parametrize("way", list(Direction))
@pytest.mark.parametrize("whole", [False, True])
def test_a_synapse_without_a_centre_is_between_its_ends(cave: Cave, way: Direction, whole: bool) -> None:
    ids = {"in": [1001, 1002, 1003, 1004, 1005], "out": [1004, 1006]}
    assert_placed(Release.of(cave, "tiny", V).synapses(tiny.A, way, whole=whole), ids[way])


def test_the_ends_are_asked_for_in_pieces(cave: Cave, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(synapses, "IDS_AT_ONCE", 1)
    assert_placed(
        Release.of(cave, "tiny", V).synapses_among(None, [tiny.A, tiny.B]), [1001, 1002, 1003, 1004, 1005, 1006]
    )


def test_the_ends_are_asked_for_only_where_a_centre_is_not_known(cave: Cave) -> None:
    release = Release.of(cave, "tiny", V)
    release.synapses(tiny.TWO_SOMATA, Direction.IN)
    for read, requests in (
        (lambda: release.synapses_among([tiny.A], [tiny.A]), 1),
        (lambda: release.synapses_among([tiny.C], [tiny.A]), 2),
        (lambda: release.synapses_among([tiny.C], [tiny.A], more=["pre_pt_position", "post_pt_position"]), 1),
    ):
        before = cave.counts["requests"]
        assert len(read()) == 1
        assert cave.counts["requests"] - before == requests


def test_a_moment_has_them_at_the_same_place(cave: Cave) -> None:
    then = Release.of(cave, "tiny", moments.number_of("2025-01-02T12:00:00Z"))
    assert not then.version.materialized
    assert_placed(then.synapses(tiny.A, Direction.OUT), [1004, 1006])


def test_rows_that_refer_to_synapses_have_them_at_the_same_place(url: str, tmp_path) -> None:
    (tmp_path / "datastacks").mkdir()
    (tmp_path / "datastacks" / "tiny.toml").write_text('[roles]\nsynapses = "checked"\n')
    cave = Cave(Settings(server_address=url, cache="", config_dir=tmp_path))
    assert_placed(Release.of(cave, "tiny", V).synapses(tiny.A, Direction.IN), [1001, 1003])


@pytest.mark.parametrize(
    ("where", "kept"),
    [
        ("", [1001, 1002, 1003, 1004, 1005]),
        ("ctr_pt_position_x > 0", [1001, 1004, 1005]),
        ("ctr_pt_position_x null", [1002, 1003]),
        ("pre_pt_position_x > 0 and size > 30", [1001, 1002]),
    ],
)
def test_a_filter_by_the_centre_reads_the_centre(cave: Cave, where: str, kept: list[int]) -> None:
    """As CAVE itself does, which counts with such filters, and as scripts do."""
    release = Release.of(cave, "tiny", V)
    assert_placed(synapse_filter.read(release, tiny.A, Direction.IN, where=where), kept)
    assert_placed(synapse_filter.among(release, None, [tiny.A], where=where), kept)
    cell = connectivity.read(release, tiny.A, "root_id", only=where)
    script = synapse_script.definition(cave, [cell])
    names: dict = {}
    client = f"client = CAVEclient('tiny', server_address={cave.settings.server_address!r}, version={V})"
    head = f"import pandas as pd\nfrom caveclient import CAVEclient\n{client}\n"
    exec(f"{head}{script}\n{synapse_script.line(Direction.IN)}", names)
    written = names["in_synapses"]
    axes = release.volume.axes
    page = connectivity.synapses(cave, cell, Direction.IN).sort_values("id")
    assert_placed(page, kept)
    assert written["root_id"].tolist() == page["pre_pt_root_id"].tolist()
    expected = names["standard_transform"].minnie_transform(resolution="nm").apply(places_nm().loc[kept].to_numpy())
    np.testing.assert_allclose(written[list(axes)].to_numpy("float64"), expected, rtol=1e-6)


@pytest.fixture
def client(cave: Cave) -> FlaskClient:
    app = flask.Flask("places")
    app.extensions["karst"] = cave
    app.register_blueprint(blueprint)
    return app.test_client()


def test_files_and_links_have_them_at_the_same_place(cave: Cave, client: FlaskClient) -> None:
    answer = client.get(
        f"/api/v1/tiny/{V}/cells/{tiny.A}/synapses",
        query_string={"direction": "in", "id_type": "root_id", "format": "csv"},
    )
    frame = pd.read_csv(io.BytesIO(answer.data))
    names = [name for name in map(str, frame) if name.startswith("ctr_pt_position")]
    assert_placed(frame, [1001, 1002, 1003, 1004, 1005], names)
    cell = connectivity.read(Release.of(cave, "tiny", V), tiny.A, "root_id")
    layers = cell_link(cave, cell, direction="in").state["layers"]
    points = next(layer for layer in layers if layer["name"] == "input synapses")["annotations"]
    drawn = {int(point["id"]): np.array(point["point"]) * VOXEL_NM for point in points}
    assert sorted(drawn) == [1001, 1002, 1003]
    for one, place in drawn.items():
        np.testing.assert_allclose(place, places_nm().loc[one], atol=2)


def test_populations_and_their_scripts_have_them_at_the_same_place(cave: Cave) -> None:
    release = Release.of(cave, "tiny", V)
    pair = population.choose(release, f"{tiny.A} {tiny.B} {tiny.C}", proofread="off")
    read = population.read(pair).synapses
    read = read[read["id"] != 1004]  # an autapse, which figures leave out
    assert_placed(read, [1001, 1002, 1003, 1006], ["x_nm", "y_nm", "z_nm"])
    names: dict = {}
    exec("\n".join(scripts.readings(pair, ["synapses"])), names)
    written = names["synapses"]
    assert written["id"].tolist() == read["id"].tolist()
    turn = names["standard_transform"].minnie_transform(resolution="nm")
    depths = turn.apply(places_nm().loc[read["id"]].to_numpy())[:, 1]
    np.testing.assert_allclose(written["depth_um"].to_numpy("float64"), depths, rtol=1e-6)
