"""What went wrong in the older Connectivity Viewer, each shown to be right here."""

import json
import re
from concurrent.futures import ThreadPoolExecutor

import flask
import pyarrow as pa
import pytest
from caveclient import CAVEclient

from api import blueprint
from components import controls
from components.figures import by_type, depth
from services.cave import versions
from services.cave.client import Cave
from services.cave.release import Release
from services.cells import connectivity, partner_columns, plot_frames
from services.cells.partner_synapses import of_cell
from services.core.columns import describe_columns
from services.core.directions import Direction
from services.core.errors import BadInput, KarstError
from services.core.settings import Settings
from services.neuroglancer import links
from services.tables import tables
from tests import tiny
from tests.app.meant import cells_meant
from tests.figures import drawn
from tests.neuroglancer_checks import layer_of
from tests.servers import start_localcave

DS, TYPES = "karst_demo", "aibs_metamodel_celltypes_v661"
HEX = re.compile(r"#[0-9a-f]{6}")


@pytest.fixture(scope="module")
def newest(cave):
    return cave.versions(DS)[0].number


@pytest.fixture(scope="module")
def roots(cave, newest):
    return Release.of(cave, DS, newest).table("proofreading_status_and_strategy")["pt_root_id"].tolist()


@pytest.fixture(scope="module")
def get(cave):
    app = flask.Flask("older_bugs")
    app.extensions["karst"] = cave
    app.register_blueprint(blueprint)
    client = app.test_client()
    return lambda path, **requested: client.get(f"/api/v1/{DS}/{path}", query_string=requested)


def test_two_overlapping_requests_never_mix_their_cells(localcave_url, newest, roots):
    """There, a process-wide cache gave one user's table the root id of another."""
    shared = Cave(Settings(server_address=localcave_url, cache=""))

    def ask(root):
        return connectivity.read(Release.of(shared, DS, newest), int(root), type_table=TYPES)

    with ThreadPoolExecutor(8) as pool:
        matches = list(pool.map(ask, roots[:24] * 2))
    alone = Cave(Settings(server_address=localcave_url, cache=""))
    for root, one in zip(roots[:24] * 2, matches, strict=True):
        again = connectivity.read(Release.of(alone, DS, newest), int(root), type_table=TYPES)
        assert one.cell == again.cell and one.totals == again.totals
        assert one.inputs.equals(again.inputs) and one.outputs.equals(again.outputs)


def test_ids_keep_all_64_bits_beside_blanks(cave, newest, roots, get):
    """There, a nullable column of ids became floats: 864691135635600553 was shown as ...512."""
    for root in roots[:3]:
        rows = json.loads(get(f"{newest}/cells/{root}/partners", direction="in", types=TYPES).text)["rows"]
        connections = connectivity.read(Release.of(cave, DS, newest), int(root)).inputs
        assert [row["root_id"] for row in rows] == [str(one) for one in connections["root_id"]]
        assert any(row["nucleus_id"] is None for row in rows)
        assert {row["nucleus_id"] for row in rows} - {None} == {str(one) for one in connections["nucleus_id"].dropna()}
        assert any(int(root) != int(float(root)) for root in (row["root_id"] for row in rows))


def test_a_partner_with_root_id_0_does_not_break_a_type_table(cave, newest, roots):
    """There, one failed the whole query."""
    reads = [connectivity.read(Release.of(cave, DS, newest), int(root), type_table=TYPES) for root in roots]
    hit = [(result, way) for result in reads for way in Direction if result.totals[way]["root_zero"]]
    assert hit
    for result, way in hit:
        assert 0 not in result.side(way)["root_id"].tolist()
        assert len(result.side(way)) == result.totals[way]["num_partners"]


def test_opening_without_a_version_works_at_once(get, newest, roots):
    """There, the first query without `mat-version` always failed."""
    answer = get(f"latest/cells/{roots[0]}/partners")
    assert answer.status_code == 200
    assert json.loads(answer.text)["version"] == newest


@pytest.mark.parametrize("typed", ["{0},", " {0} ", "{0};", "{0} {1}", "{0}, {1}", "[{0}, {1}]"])
def test_spaces_commas_and_two_ids_are_understood(cave, newest, roots, typed):
    """There, each of them was an uncaught error that left the old cell on the page."""
    connections = cells_meant(Release.of(cave, DS, newest), typed.format(*roots[:2]))
    assert [one.cell.root_id for one in connections] == roots[: typed.count("{")]


@pytest.mark.parametrize("typed", ["", "abc", "12 monkeys", "8.6e17", "864691135635600553.0", "-1", "1e400"])
def test_what_is_no_id_is_a_sentence(cave, newest, typed):
    with pytest.raises(KarstError) as caught:
        cells_meant(Release.of(cave, DS, newest), typed)
    assert isinstance(caught.value, BadInput)
    assert caught.value.message.endswith(".") and "Traceback" not in str(caught.value)


def test_versions_are_in_order_of_their_numbers(two_datastacks):
    """There, they were sorted as text: v943, v795, ..., v1507."""
    cave = Cave(Settings(server_address=two_datastacks, cache=""))
    assert [version.number for version in cave.versions("other")] == [1507, 943, 95]
    assert [one["value"] for one in controls.version_options(cave.versions("other"), "943")][:2] == ["1507", "943"]
    assert versions.resolve(cave, "other", "latest").number == 1507


def test_plots_are_coloured_by_default_and_never_black(cave, newest, roots):
    """There, the colour column was never applied, and the violin had colours that plotly takes for black."""
    connections = connectivity.read(Release.of(cave, DS, newest), int(roots[0]), type_table=TYPES)
    colours = plot_frames.type_colours(Release.of(cave, DS, newest), TYPES, "cell_type")
    values = plot_frames.universe(Release.of(cave, DS, newest), TYPES, "cell_type")
    inputs, outputs = (
        plot_frames.by_type(side, "cell_type", values) for side in (connections.inputs, connections.outputs)
    )
    counts = by_type.type_counts(inputs, outputs, colours)
    used = {colour for bars in drawn(counts).data for colour in bars.marker.color}
    profile = depth.depth_profile(
        plot_frames.depth_profile({way: of_cell(cave, connections, way) for way in (Direction.IN, Direction.OUT)})
    )
    used |= {bars.marker.color for bars in drawn(profile).data}
    assert all(HEX.fullmatch(colour) for colour in used)
    assert "#000000" not in used and len(used) > 10


def test_a_type_has_one_colour_whatever_the_cell(cave, newest, roots):
    """There, colours took turns over the values that happened to be present."""
    colours = plot_frames.type_colours(Release.of(cave, DS, newest), TYPES, "cell_type")
    seen = {}
    for root in roots[:6]:
        connections = connectivity.read(Release.of(cave, DS, newest), int(root), type_table=TYPES)
        points = plot_frames.synapse_depths(of_cell(cave, connections, Direction.OUT), connections.outputs, "cell_type")
        for trace in drawn(depth.synapse_depths(points, colours)).data:
            assert seen.setdefault(trace.name, trace.marker.color) == trace.marker.color
    assert {name: colours[name] for name in seen if name in colours} == {
        name: colour for name, colour in seen.items() if name in colours
    }
    assert len(seen) > 5


def test_inputs_are_plotted_too(cave, newest, roots):
    """There, plots were of outputs only."""
    connections = connectivity.read(Release.of(cave, DS, newest), int(roots[0]), type_table=TYPES)
    synapses = {way: of_cell(cave, connections, way) for way in (Direction.IN, Direction.OUT)}
    figure = drawn(depth.depth_profile(plot_frames.depth_profile(synapses)))
    assert [sum(bars.x) for bars in figure.data] == [len(synapses["in"]), len(synapses["out"])]


def test_headers_name_their_units_from_the_start(cave, newest, roots):
    """There, the first headers were None_x, None_y, None_z, and positions had twelve digits and no unit."""
    connections = connectivity.read(Release.of(cave, DS, newest), int(roots[0]), type_table=TYPES)
    columns = {column.name: column for column in describe_columns(of_cell(cave, connections, Direction.IN))}
    assert not any("None" in column.title for column in columns.values())
    assert columns["depth_um"].unit == "um" and columns["ctr_pt_position_x_nm"].unit == "nm"


def test_unit_of_the_browser_is_a_page_not_the_whole_table(cave, newest, roots, get):
    """There, 20,000 partners and all of their synapses went through the browser at every step."""
    page = json.loads(get(f"{newest}/cells/{roots[0]}/partners", direction="in", limit="10").text)
    whole = connectivity.read(Release.of(cave, DS, newest), int(roots[0])).inputs
    assert (len(page["rows"]), page["total"]) == (10, len(whole))
    wanted = tables.to_records(whole.head(10), describe_columns(whole))
    assert [{name: row[name] for name in whole} for row in page["rows"]] == wanted


def test_links_show_cells_as_they_were_at_their_version(localcave_url, tmp_path):
    """There, links had no timestamp: an old version's cells were looked for in the present."""
    cave = Cave(Settings(server_address=localcave_url, cache="", config_dir=tmp_path))  # a segmentation with edits
    for version in cave.versions(DS)[:2]:
        root = Release(cave, DS, version).table("proofreading_status_and_strategy")["pt_root_id"].iloc[0]
        link = links.cell_link(cave, connectivity.read(Release(cave, DS, version), int(root)), viewer="spelunker")
        segmentation = layer_of(link.state, "segmentation")
        assert segmentation["timestamp"] == int(version.timestamp.timestamp() * 1000)


def test_tables_go_with_their_own_metadata(cave, newest, localcave_url):
    """There, names and metadata were paired by their places in two lists that no server keeps in one order."""
    client = CAVEclient(DS, server_address=localcave_url, auth_token="none", write_server_cache=False, version=newest)
    known = [info for info in Release.of(cave, DS, newest).tables().values() if info.kind == "table"]
    assert len(known) > 10
    for info in known:
        message = client.materialize.get_table_metadata(info.name)
        assert (message["schema_type"], message.get("reference_table") or None) == (
            info.schema_type,
            info.reference_table,
        )


@pytest.fixture(scope="module")
def two_datastacks(tmp_path_factory):
    """One server with two datastacks whose tables have the same names; in `other` every cell is an XYZ, and numbers of
    versions have two to four digits."""
    folder = tmp_path_factory.mktemp("two")
    first = tiny.make(folder / tiny.DATASTACK)
    with pytest.MonkeyPatch.context() as patch:
        types = tiny.types
        patch.setattr(tiny, "DATASTACK", "other")
        for name, number in {"EXPIRED": 95, "FIRST": 943, "NEWEST": 1507}.items():
            patch.setattr(tiny, name, number)
        patch.setattr(tiny, "types", lambda version: renamed(types(version)))
        second = tiny.make(folder / "other")
    with start_localcave([first, second]) as url:
        yield url


def renamed(types):
    return types.set_column(types.column_names.index("cell_type"), "cell_type", pa.array(["XYZ"] * len(types)))


def test_two_datastacks_with_tables_of_one_name_stay_apart(two_datastacks):
    """There, what was known of a table was kept without its datastack."""
    cave = Cave(Settings(server_address=two_datastacks, cache=""))
    kinds = {
        name: connectivity.read(Release(cave, name, cave.versions(name)[0]), tiny.A, type_table="types")
        .inputs["cell_type"]
        .tolist()
        for name in ("tiny", "other", "tiny")
    }
    assert kinds == {"tiny": ["23P", "BC"], "other": ["XYZ", "XYZ"]}
    assert cells_meant(Release.of(cave, "other", 943), "3")[0].cell.root_id == tiny.C


def test_two_configurations_in_one_process_stay_apart(two_datastacks, tmp_path):
    """There, the first application's choice of tables was that of all others in the process."""
    says = {"a": ("types", "hidden_tables = ['empty']", "#111111"), "b": ("empty", "", "#222222")}
    for name, (first, hidden, colour) in says.items():
        folder = tmp_path / name / "datastacks"
        folder.mkdir(parents=True)
        folder.joinpath("tiny.toml").write_text(f"type_tables = ['{first}']\n{hidden}\n[palette]\nBC = '{colour}'\n")
    for name, (first, hidden, colour) in says.items():
        cave = Cave(Settings(server_address=two_datastacks, cache="", config_dir=tmp_path / name))
        listed = [info.name for info in tables.catalogue(Release.of(cave, "tiny", tiny.NEWEST))]
        assert ("empty" in listed) == (not hidden)
        assert listed[0] == partner_columns.default_types(Release.of(cave, "tiny", tiny.NEWEST)) == first
        assert plot_frames.type_colours(Release.of(cave, "tiny", tiny.NEWEST), "types", "cell_type")["BC"] == colour
