"""What is not known is neither none nor zero."""

from typing import Any

import flask
import numpy as np
import pytest
import standard_transform

from api import blueprint
from components.cell_card import cell_card as strip_of
from components.cell_facts import cell_facts
from components.figures import somata
from components.synapse_list import synapse_list
from services.cave.client import Cave
from services.cave.release import Release
from services.cells import card as cell_card
from services.cells import (
    connectivity,
    partner_script,
    partner_sets,
    partner_synapses,
    partner_table,
    plot_frames,
    proofreading,
    verdict,
)
from services.cells.partner_table import PartnerOptions
from services.core.directions import Direction
from services.core.profiles import load_volume
from services.core.settings import Settings
from services.neuroglancer import links
from services.tables import plots
from services.tables.tables import TableQuery
from services.views.addresses import CellAddress
from tests.app.not_known import CELL, DESCRIPTION, FIRST, SECOND, THIRD, make
from tests.servers import start_localcave


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    with start_localcave(make(tmp_path_factory.mktemp("not_known"))) as address:
        yield address


@pytest.fixture(scope="module")
def cave(url):
    return Cave(Settings(server_address=url, cache=""))


@pytest.fixture(scope="module")
def client(cave):
    app = flask.Flask("test_not_known")
    app.extensions["karst"] = cave
    app.register_blueprint(blueprint)
    return app.test_client()


def partners(client, datastack, **requested):
    answer = client.get(f"/api/v1/{datastack}/latest/cells/{CELL}/partners", query_string=requested)
    assert answer.status_code == 200, answer.json
    return answer.json


def by_root(answer):
    return {int(row["root_id"]): row for row in answer["rows"]}


# ---- sizes


@pytest.mark.parametrize("datastack", ["bare", "sized", "fly"])
@pytest.mark.parametrize("direction", ["in", "out", "both"])
def test_a_link_is_made_whatever_sizes_are_known(client, datastack, direction):
    answer = client.post(f"/api/v1/{datastack}/latest/neuroglancer", json={"cell": str(CELL), "direction": direction})
    assert answer.status_code == 200, answer.json


@pytest.mark.parametrize(("datastack", "known"), [("bare", "every one"), ("sized", "1"), ("fly", "every one")])
def test_points_have_no_size_where_one_is_not_known(cave, datastack, known):
    link = links.cell_link(cave, connectivity.read(Release.of(cave, datastack, 1), CELL), direction="in")
    layer = next(layer for layer in link.state["layers"] if layer["name"] == "input synapses")
    assert "size" not in [entry["id"] for entry in layer["annotationProperties"]]
    assert "prop_size" not in layer["shader"]
    assert len(layer["annotations"]) == 5
    assert f"that of {known} is not known" in link.notes


def test_sizes_that_are_not_given_are_blank_and_counts_stay(client):
    rows = by_root(partners(client, "bare", direction="in"))
    assert {root: row["num_syn"] for root, row in rows.items()} == {FIRST: 2, SECOND: 1, THIRD: 2}
    assert {(row["net_size"], row["mean_size"]) for row in rows.values()} == {(None, None)}


def test_a_sum_with_an_unknown_part_is_not_known(client):
    rows = by_root(partners(client, "sized", direction="in"))
    sizes = {root: (row["net_size"], row["mean_size"]) for root, row in rows.items()}
    assert sizes == {FIRST: (400, 200), SECOND: (500, 500), THIRD: (None, None)}


def test_both_directions_tell_no_synapses_from_unknown_sizes(client):
    rows = by_root(partners(client, "sized", direction="merged"))
    assert (rows[FIRST]["net_size_out"], rows[THIRD]["net_size_out"], rows[SECOND]["net_size_out"]) == (0, 0, 900)
    assert (rows[FIRST]["net_size_in"], rows[THIRD]["net_size_in"]) == (400, None)


@pytest.mark.parametrize("datastack", ["bare", "sized"])
def test_sums_of_groups_and_of_several_cells_are_not_known_either(cave, datastack):
    inputs = connectivity.read(Release.of(cave, datastack, 1), CELL, type_table="partner_types").inputs
    groups = partner_sets.grouped(inputs, "cell_type").set_index("value")
    assert groups["num_syn"].tolist() == [2, 1, 2]
    assert groups["net_size"].isna().tolist() == ([True] * 3 if datastack == "bare" else [False, False, True])
    together = partner_sets.combined({CELL: inputs, FIRST: inputs}).set_index("root_id")
    assert together["net_size"].isna().loc[[FIRST, THIRD]].tolist() == [datastack == "bare", True]


def test_synapses_without_sizes_or_centres_are_counted(client):
    answer = partners(client, "fly", direction="in")
    assert {int(row["root_id"]): row["num_syn"] for row in answer["rows"]} == {FIRST: 2, SECOND: 1, THIRD: 2}
    assert answer["totals"]["in"]["autapses"] == 1
    assert not [column["name"] for column in answer["columns"] if "size" in column["name"]]
    synapses = client.get(f"/api/v1/fly/latest/cells/{CELL}/synapses?direction=in").json["rows"]
    assert synapses[0]["ctr_pt_position_x_nm"] == 700_000
    assert {row.get("size") for row in synapses} == {None}


@pytest.mark.parametrize("datastack", ["bare", "sized", "fly"])
@pytest.mark.parametrize("side", ["in", "both"])
def test_scripts_know_no_more_than_the_page(cave, datastack, side):
    connections = connectivity.read(Release.of(cave, datastack, 1), CELL, type_table="partner_types")
    script = partner_script.snippet(cave, [connections], PartnerOptions(side), TableQuery())
    namespace: dict[str, Any] = {}
    exec(compile(script, "script", "exec"), namespace)
    frame = namespace["frame"]
    shown = partner_sets.both(connections) if side == "both" else connections.inputs
    for name in (name for name in frame if name.startswith(("num_syn", "net_size"))):
        assert (
            frame.set_index("root_id")[name]
            .astype("Float64")
            .equals(shown.set_index("root_id")[name].astype("Float64").reindex(frame["root_id"]))
        ), name


# ---- nuclei, proofreading and coregistration

WITHOUT_NUCLEI = ("bare", "fly")


@pytest.mark.parametrize("datastack", WITHOUT_NUCLEI)
def test_without_a_nucleus_table_nobody_knows_how_many_somata_there_are(client, datastack):
    answer = partners(client, datastack, direction="both")
    assert answer["cell"]["nucleus_ids"] is None
    assert {row["num_soma"] for row in answer["rows"]} == {None}
    assert any("no nucleus table" in note for note in answer["notes"])


def test_with_a_nucleus_table_no_nucleus_is_none(client):
    answer = partners(client, "sized", direction="in")
    assert answer["cell"]["nucleus_ids"] == ["1"]
    assert {root: row["num_soma"] for root, row in by_root(answer).items()} == {FIRST: 0, SECOND: 1, THIRD: 0}
    assert not any("nucleus table" in note for note in answer["notes"])


@pytest.mark.parametrize("datastack", WITHOUT_NUCLEI)
@pytest.mark.parametrize("types", [None, "partner_types"])
def test_a_verdict_without_nuclei_claims_nothing_of_somata(cave, datastack, types):
    message = verdict.verdict(cave, connectivity.read(Release.of(cave, datastack, 1), CELL, type_table=types))
    assert (message.inputs, message.outputs) == ("unknown", "unknown")
    assert "no nucleus table" in message.sentence
    assert "no proofreading table" in message.sentence
    assert not any(claim in message.sentence for claim in ("without a soma", "fragments", "100%"))
    typed = 3 if types else None  # two synapses of BC, one of MC, of five
    assert message.identified["in"] == verdict.Share(typed, 5)
    if types:
        assert message.criterion == "partner has a type"


@pytest.mark.parametrize("datastack", ["bare", "sized"])
def test_the_card_says_which_tables_are_missing(cave, datastack):
    connections = connectivity.read(Release.of(cave, datastack, 1), CELL)
    card = cell_card.read(Release.of(cave, datastack, 1), connections.cell)
    assert (card.proofreading_unknown, card.coregistered) == (proofreading.NO_TABLE, None)
    facts = str(cell_facts(card))
    assert "no proofreading table" in facts
    assert "no coregistration table" in facts
    assert "Dt('Edits'), Dd('not known')" in facts
    assert "'no'" not in facts
    assert "not proofread" not in facts


@pytest.mark.parametrize("datastack", WITHOUT_NUCLEI)
def test_the_strip_of_a_cell_without_nuclei_counts_no_somata(cave, datastack):
    connections = connectivity.read(Release.of(cave, datastack, 1), CELL)
    strip = str(strip_of(CellAddress(datastack=datastack), connections, (None, None), None, []))
    assert "no nucleus table" in strip
    assert not any(claim in strip for claim in ("'0'", "no soma", "none in this segment", "soma depth"))


# ---- what is said about a table and a datastack

NOTICE = "Notice on partner_types: Superseded by better_types."


@pytest.mark.parametrize("requested", ["", "join=partner_types", "filter=cell_type = BC"])
def test_the_owners_notice_comes_with_rows(client, requested):
    table = "nuclei" if "join" in requested else "partner_types"
    answer = client.get(f"/api/v1/sized/1/tables/{table}/rows?{requested}").json
    assert NOTICE in answer["messages"]


@pytest.mark.parametrize("table", ["nuclei", "synapses"])
def test_a_table_without_a_notice_has_none(client, table):
    assert "messages" not in client.get(f"/api/v1/sized/1/tables/{table}/rows").json


def test_files_hold_the_notice_in_their_provenance(client):
    text = client.get("/api/v1/sized/1/tables/partner_types/rows?format=csv&head=on").text
    message = client.get("/api/v1/sized/1/tables/partner_types/rows?format=csv&head=only").text
    assert "Superseded by better_types." in text or "Superseded by better_types." in message
    parquet = client.get("/api/v1/sized/1/tables/partner_types/rows?format=parquet").data
    assert b"Superseded by better_types." in parquet


@pytest.mark.parametrize("requested", [{"types": "partner_types"}, {"more": "partner_types"}])
def test_the_notice_stands_beside_types_of_partners(client, requested):
    answer = partners(client, "sized", direction="in", **requested)
    assert NOTICE in [*answer["warnings"], *answer["notes"]]


def test_what_cave_says_of_a_datastack_is_said(client):
    assert client.get("/api/v1/bare/versions").json["description"] == DESCRIPTION
    listed = {one["name"]: one["description"] for one in client.get("/api/v1/datastacks").json["datastacks"]}
    assert set(listed.values()) == {DESCRIPTION}


# ---- depth

DEPTHS = ("soma_depth_um", "depth_um", "layer", "lateral_distance_um")


def names(answer):
    return {column["name"] for column in answer["columns"]}


@pytest.mark.parametrize("direction", ["in", "out", "both", "merged"])
def test_a_volume_without_a_transform_has_no_depths_of_partners(client, direction):
    answer = partners(client, "sized", direction=direction)
    assert not names(answer) & set(DEPTHS)
    assert "soma_depth_um" not in answer["cell"]
    row = by_root(answer)[SECOND]  # soma at 703, 604, 840 um, the cell's at 700, 600, 840
    assert (row["soma_x_um"], row["soma_y_um"], row["soma_z_um"]) == (703, 604, 840)
    assert row["soma_distance_um"] == 5


def test_a_volume_with_a_transform_has_them(client):
    answer = partners(client, "deep", direction="in")
    assert {"soma_depth_um", "lateral_distance_um"} <= names(answer)
    assert "soma_y_um" not in names(answer)
    turned = standard_transform.minnie_ds.transform("nm").apply(np.array([[703_000.0, 604_000, 840_000]]))[0]
    assert by_root(answer)[SECOND]["soma_depth_um"] == pytest.approx(turned[1])
    assert answer["cell"]["soma_depth_um"] is not None


@pytest.mark.parametrize(("datastack", "there"), [("sized", set()), ("bare", set()), ("deep", {"depth_um", "layer"})])
def test_synapses_and_tables_have_depths_only_with_a_transform(client, datastack, there):
    synapses = client.get(f"/api/v1/{datastack}/1/cells/{CELL}/synapses?direction=in").json
    assert names(synapses) & set(DEPTHS) == there
    rows = client.get(f"/api/v1/{datastack}/1/tables/partner_types/rows").json
    assert names(rows) & set(DEPTHS) == there
    file = client.get(f"/api/v1/{datastack}/1/cells/{CELL}/synapses?direction=in&format=csv").text
    assert ("depth_um" in file) == bool(there)


@pytest.mark.parametrize("column", ["soma_depth_um", "lateral_distance_um", "layer"])
def test_no_filter_goes_by_what_is_no_depth(client, column):
    requested = {"direction": "in", "filter": f"{column} > 5"}
    answer = client.get(f"/api/v1/sized/latest/cells/{CELL}/partners", query_string=requested)
    assert (answer.status_code, answer.json["error"]["code"]) == (400, "bad_input")


def test_maps_and_skeletons_call_a_raw_axis_by_its_name(cave):
    raw, deep = cave.volume("sized"), cave.volume("deep")
    assert (plots.map_axes("side", raw), plots.map_axes("side", deep)) == (("x_um", "y_um"), ("x_um", "depth_um"))
    assert plots.map_axes("top", raw) == ("x_um", "z_um")
    for datastack, title in (("sized", "y (µm)"), ("deep", "depth below pia (µm)")):
        connections = connectivity.read(Release.of(cave, datastack, 1), CELL)
        partners = partner_table.described(Release.of(cave, datastack, 1), connections, "in")
        places = plot_frames.soma_map(partners, None, cave.volume(datastack).axes)
        assert somata.soma_map(places, {})["layout"]["yaxis2"]["title"]["text"] == title


def test_layers_without_a_transform_are_left_out(tmp_path, caplog):
    (tmp_path / "volumes").mkdir()
    (tmp_path / "volumes" / "raw.toml").write_text('depth_range_um = [0, 9]\nlayers = [{ name = "L1", top_um = 0 }]\n')
    volume = load_volume(tmp_path, "raw")
    assert (volume.layers, volume.depth_range_um) == ((), None)
    assert "no depths" in caplog.text


@pytest.mark.parametrize(("datastack", "deep"), [("sized", False), ("deep", True)])
def test_the_page_names_depths_only_where_there_are_any(cave, datastack, deep):
    connections = connectivity.read(Release.of(cave, datastack, 1), CELL)
    view = CellAddress(datastack=datastack, version="1", cell=str(CELL), partner=str(FIRST))
    listed = synapse_list(
        view, str(CELL), {Direction.IN: partner_synapses.of_partner(cave, connections, Direction.IN, FIRST)}
    )
    assert ("depth" in str(listed)) is deep
    assert ("layer" in str(listed)) is deep
    assert ("soma depth" in str(strip_of(view, connections, (None, None), None, []))) is deep
