"""Synapses are filtered before they are counted: the API against plain counting over the synapse table."""

import contextlib
import io

import flask
import pyarrow as pa
import pytest

from api import blueprint
from localcave.folder.writer import DatastackWriter
from services.cave.client import Cave
from services.cave.release import Release
from services.cells import synapse_filter
from services.core.errors import BadInput, NotFound
from services.core.settings import Settings
from services.views.addresses import parse_connectivity
from tests import tiny
from tests.servers import start_localcave

DS, SYNAPSES = "karst_demo", "synapses_pni_2"
ENDS = {"in": ("post_pt_root_id", "pre_pt_root_id"), "out": ("pre_pt_root_id", "post_pt_root_id")}


@pytest.fixture(scope="module")
def newest(cave):
    return cave.versions(DS)[0].number


@pytest.fixture(scope="module")
def root(cave, newest):
    return int(Release.of(cave, DS, newest).table("proofreading_status_and_strategy")["pt_root_id"].iloc[0])


@pytest.fixture(scope="module")
def every(cave, newest):
    """All synapses with their compartments, their depths and their places in um."""
    rows = Release.of(cave, DS, newest).table(SYNAPSES)
    table = next(
        name for name in Release.of(cave, DS, newest).tables() if name.startswith("synapse_target_predictions")
    )
    tags = Release.of(cave, DS, newest).table(table).drop_duplicates("target_id").set_index("target_id")["tag"]
    for axis, voxel_nm in zip("xyz", (4.0, 4.0, 40.0), strict=True):
        rows[f"{axis}_um"] = rows[f"ctr_pt_position_{axis}"].astype("float64") * voxel_nm / 1000
    return rows.assign(compartment=rows["id"].map(tags))


def get(client, root, what, *, status=200, place=f"{DS}/latest", **requested):
    answer = client.get(f"/api/v1/{place}/cells/{root}/{what}", query_string=requested)
    assert answer.status_code == status, answer.text
    return answer.json


def is_spine(rows):
    return (rows["compartment"] == "spine").fillna(False)


KEPT = {
    "size > 5000": lambda rows: rows["size"] > 5000,
    "size 1000..5000": lambda rows: rows["size"].between(1000, 5000),
    "compartment = spine": lambda rows: rows["compartment"] == "spine",
    "not compartment = spine and size > 2000": lambda rows: ~is_spine(rows) & (rows["size"] > 2000),
    "compartment null": lambda rows: rows["compartment"].isna(),
    "ctr_pt_position in box (500..700, .., 780..) um": lambda rows: (
        rows["x_um"].between(500, 700) & (rows["z_um"] >= 780)
    ),
    "ctr_pt_position_x > 150000": lambda rows: rows["ctr_pt_position_x"] > 150000,
    "pre_pt_position_y < post_pt_position_y": lambda rows: rows["pre_pt_position_y"] < rows["post_pt_position_y"],
    "pre_pt_root_id != 0 and not id < 2000": lambda rows: (
        (rows["pre_pt_root_id"].fillna(0) != 0) & (rows["id"] >= 2000)
    ),
}


@pytest.mark.parametrize("where", KEPT)
@pytest.mark.parametrize("direction", ["in", "out"])
def test_partners_are_counted_from_the_synapses_that_the_filter_keeps(client, every, root, where, direction):
    own, other = ENDS[direction]
    of_cell = every[every[own] == root]
    kept = of_cell[KEPT[where](of_cell).fillna(False).astype(bool)]
    counted = kept[(kept[other].fillna(0) != 0) & (kept[other] != root)]
    result = get(client, root, "partners", synapses=where, direction=direction)
    assert {row["root_id"]: row["num_syn"] for row in result["rows"]} == {
        str(partner): count for partner, count in counted[other].value_counts().items()
    }
    sizes = counted["size"].astype("float64").groupby(counted[other]).sum()
    assert all(row["net_size"] == pytest.approx(sizes[int(row["root_id"])]) for row in result["rows"])
    totals = result["totals"][direction]
    assert (totals["num_syn"], totals["num_partners"]) == (len(counted), counted[other].nunique())
    assert totals["autapses"] == int((kept[other] == root).sum())
    assert totals["root_zero"] == int((kept[other].fillna(0) == 0).sum())
    (message,) = [sentence for sentence in result["warnings"] if sentence.startswith("Only synapses where")]
    assert f"{len(kept):,} of {len(of_cell):,} {direction}put" in message
    listed = get(client, root, "synapses", synapses=where, direction=direction)["rows"]
    assert sorted(int(row["id"]) for row in listed) == sorted(kept["id"])


def test_depth_and_layer_are_those_that_the_list_of_synapses_has(client, root):
    listed = get(client, root, "synapses", direction="in")["rows"]
    depths = [row["depth_um"] for row in listed]
    middle = round(sorted(depths)[len(depths) // 2], 1)
    deep = get(client, root, "synapses", direction="in", synapses=f"depth_um > {middle}")["rows"]
    assert 0 < len(deep) < len(listed)
    assert [row["id"] for row in deep] == [row["id"] for row in listed if row["depth_um"] > middle]
    for column in ("layer", "layer_cave_diver"):
        layer = listed[0][column]
        same = get(client, root, "synapses", direction="in", synapses=f"{column} = {layer}")["rows"]
        assert [row["id"] for row in same] == [row["id"] for row in listed if row[column] == layer]


@pytest.mark.parametrize("direction", ["in", "out", "merged"])
@pytest.mark.parametrize("where", ["size > 5000", "ctr_pt_position in box (500..700, .., ..) um or size < 500"])
def test_the_script_counts_the_same_synapses(client, root, direction, where):
    requested = {"direction": direction, "synapses": where}
    page = get(client, root, "partners", **requested)["rows"]
    answer = client.get(f"/api/v1/{DS}/latest/cells/{root}/partners/python", query_string=requested)
    assert answer.status_code == 200, answer.text
    names: dict = {}
    with contextlib.redirect_stdout(io.StringIO()):
        exec(compile(answer.text, "snippet", "exec"), names)
    frame = names["frame"]
    assert frame["root_id"].astype(str).tolist() == [row["root_id"] for row in page]
    for name in ["num_syn", "pct_of_cell"] if direction != "merged" else ["num_syn_in", "num_syn_out"]:
        assert frame[name].astype(float).tolist() == pytest.approx([row[name] for row in page])


def test_a_script_says_what_it_cannot_filter_by(client, root):
    for where in ("compartment = spine", "depth_um > 300"):
        answer = client.get(f"/api/v1/{DS}/latest/cells/{root}/partners/python", query_string={"synapses": where})
        assert answer.status_code == 400
        assert "A script cannot filter synapses by" in answer.json["error"]["message"]


def test_several_cells_and_changes_take_the_same_filter(client, cave, every, newest):
    proofread = Release.of(cave, DS, newest).table("proofreading_status_and_strategy")["pt_root_id"]
    roots = [int(one) for one in proofread.iloc[:2]]
    result = get(client, ",".join(map(str, roots)), "partners", synapses="size > 5000", direction="in")
    large = every[every["post_pt_root_id"].isin(roots) & (every["size"] > 5000)]
    counted = large[(large["pre_pt_root_id"].fillna(0) != 0) & (large["pre_pt_root_id"] != large["post_pt_root_id"])]
    assert sum(row["num_syn"] for row in result["rows"]) == len(counted)

    older = next(version.number for version in cave.versions(DS)[1:] if version.valid)
    requested = {"against": older, "direction": "in", "synapses": "size > 5000"}
    changes = get(client, roots[0], "changes", **requested)["rows"]
    own = counted[counted["post_pt_root_id"] == roots[0]]
    assert sum(row["num_syn_new"] for row in changes) == len(own)


def test_shares_are_of_the_synapses_that_are_counted(client, every, root):
    result = get(client, root, "partners", synapses="size > 5000", direction="in")
    total = int(((every["post_pt_root_id"] == root) & (every["size"] > 5000)).sum())
    assert [row["pct_of_cell"] for row in result["rows"]] == pytest.approx(
        [100 * row["num_syn"] / total for row in result["rows"]]
    )


@pytest.mark.parametrize(
    ("where", "words"),
    [
        ("sizes > 5", "no column 'sizes'"),
        ("size >", "A value is expected"),
        ("size > many", "holds numbers"),
        ("size > 5 and not once(pre_pt_root_id)", "only those of the cell are read"),
    ],
)
def test_a_filter_of_synapses_that_cannot_be_read_is_refused(client, root, where, words):
    for what in ("partners", "synapses", "partners/python"):
        assert words in get(client, root, what, status=400, synapses=where)["error"]["message"]


def test_rounded_ids_in_a_filter_of_synapses_are_said(client, root):
    rows = get(client, root, "synapses", direction="in")["rows"]
    partner, synapse = (next(int(row[name]) for row in rows if int(row[name])) for name in ("root_id", "id"))
    rounded = partner // 100 * 100 if partner % 100 else partner + 100
    for where in (f"pre_pt_root_id = {rounded}", f"not pre_pt_root_id in ({rounded}, {partner}) or size > 1"):
        (warning,) = [one for one in get(client, root, "synapses", synapses=where)["warnings"] if "rounded" in one]
        assert f"{rounded}: copy again as text" in warning and str(partner) not in warning
    for where in (f"post_pt_root_id = {root}", f"pre_pt_root_id = {partner}", f"id = {synapse}"):
        warnings = get(client, root, "partners", direction="in", synapses=where)["warnings"]
        assert "rounded" not in " ".join(warnings)


def test_the_address_holds_the_filter_of_synapses():
    view, warnings = parse_connectivity({"cell": "1", "synapses": " size > 5000 "})
    assert (view.synapses, warnings) == ("size > 5000", ())
    assert "synapses=size%20%3E%205000" in view.href()


@pytest.fixture(scope="module")
def scored(tmp_path_factory):
    """A CAVE whose synapses have a score, some no size, and neither predicted compartments nor known axes."""
    raw = {"soma_table": None, "aligned_volume": tiny.INFO["aligned_volume"] | {"name": "raw_axes"}}
    writer = DatastackWriter(tmp_path_factory.mktemp("scored") / "tiny", "tiny", tiny.INFO | raw)
    writer.add_version(1, "2025-01-02T03:04:05.000006", "2125-02-03T00:00:00.000001")
    rows = tiny.synapses()
    rows = rows.append_column("cleft_score", pa.array([10.5, 200, 150, None, 40, 160], pa.float32()))
    rows = rows.append_column("nt", pa.array(["ach", "gaba", "ach", "ach", None, "glut"]))
    sizes = pa.array([500.0, None, 300, 50, 20, 900], rows.schema.field("size").type)
    rows = rows.set_column(rows.schema.get_field_index("size"), rows.schema.field("size"), sizes)
    sorted_by = ["post_pt_root_id", "pre_pt_root_id"]
    writer.add_table(1, "synapses", rows, tiny.metadata("synapse"), sorted_by=sorted_by)
    writer.set_segmentation(*tiny.segmentation())
    writer.finish()
    with start_localcave([writer.folder]) as url:
        yield Cave(Settings(server_address=url, cache=""))


def test_scores_words_and_blank_sizes(scored):
    app = flask.Flask("scored")
    app.extensions["karst"] = scored
    app.register_blueprint(blueprint)
    client = app.test_client()

    def counts(where):
        requested = {"place": "tiny/1", "direction": "in", "synapses": where, "id_type": "root_id"}
        rows = get(client, tiny.A, "partners", **requested)["rows"]
        return {int(row["root_id"]): row["num_syn"] for row in rows}

    assert counts("cleft_score >= 150") == {tiny.B: 1, tiny.C: 1}
    assert counts("cleft_score < 150") == {tiny.B: 1}
    assert counts("nt = ach") == {tiny.B: 1, tiny.C: 1}
    assert counts("size > 0") == {tiny.B: 1, tiny.C: 1}
    assert counts("size null") == {tiny.B: 1}


def test_what_is_not_known_of_synapses_is_said(scored, newest, cave):
    with pytest.raises(NotFound, match="no table of predicted compartments"):
        synapse_filter.parse(Release.of(scored, "tiny", 1), "compartment = spine")
    assert synapse_filter.parse(Release.of(cave, DS, newest), "compartment = spine and depth > 300").text()
    with pytest.raises(BadInput, match="no column"):
        synapse_filter.parse(Release.of(cave, DS, newest), "cleft_score > 5")
    with pytest.raises(BadInput, match="axes of the volume of tiny are not known"):
        synapse_filter.parse(Release.of(scored, "tiny", 1), "depth > 300")
    with pytest.raises(BadInput, match="no column 'tag'") as refused:
        synapse_filter.parse(Release.of(scored, "tiny", 1), "tag = spine")
    own = {column.name for column in synapse_filter.columns_of(Release.of(scored, "tiny", 1))}
    assert {"size", "cleft_score"} < own and not own & {"depth_um", "layer", "compartment"}
    assert "cleft_score" in str(refused.value) and "depth_um" not in str(refused.value)
    every = {column.name for column in synapse_filter.columns_of(Release.of(cave, DS, newest))}
    assert {"size", "depth_um", "layer", "compartment"} < every
