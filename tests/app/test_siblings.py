"""Datastacks of other shapes than the cortex: what the API answers is what pandas counts in their files."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

import flask
import numpy as np
import pandas as pd
import pytest
from flask.testing import FlaskClient

from api import blueprint
from components.cell_card import cell_card
from components.figures import somata
from services.cave.client import Cave
from services.cave.release import Release
from services.cells import connectivity, partner_script, partner_table, plot_frames, synapse_filter
from services.cells.partner_table import PartnerOptions
from services.core.errors import BadInput
from services.core.moments import MomentNumber
from services.core.settings import Settings
from services.tables import examples, joins, tables
from services.tables.scripts import table_snippet
from services.tables.tables import TableQuery
from services.views import start
from services.views.addresses import CellAddress
from services.views.cell_view import CellView
from tests.app.siblings import FLY, V1DD, annotated, ask, busiest, frame_of, of_partners, tables_of
from tests.app.test_partner_snippet import assert_same, run
from tests.servers import start_localcave

NT = ["gaba", "ach", "glut", "oct", "ser", "da"]


@pytest.fixture(scope="module")
def cave(siblings_url: str) -> Cave:
    return Cave(Settings(server_address=siblings_url, cache=""))


@pytest.fixture(scope="module")
def client(cave: Cave) -> FlaskClient:
    app = flask.Flask("test_siblings")
    app.extensions["karst"] = cave
    app.register_blueprint(blueprint)
    return app.test_client()


@pytest.fixture(scope="module")
def v1dd(siblings: dict[str, Path]) -> dict[str, pd.DataFrame]:
    return tables_of(siblings["karst_v1dd"], 1196)


def test_partners_scores_transmitters_and_neuropils(client, fly):
    synapses, places = fly["synapses_nt_v1"], fly["fly_synapses_neuropil"]
    cell = busiest(synapses)
    merged = ask(client, FLY, f"cells/{cell}/partners", direction="merged", more="scores,transmitters")
    assert "Read for inputs or outputs alone: scores, transmitters." in merged["notes"]
    answer = ask(
        client, FLY, f"cells/{cell}/partners", direction="in", more="scores,transmitters,neuropils", synapses="all"
    )
    result = frame_of(answer)
    groups = of_partners(synapses, cell).groupby("pre_pt_root_id")
    assert result["num_syn"].to_dict() == groups.size().to_dict()
    assert not {"net_size", "mean_size"} & {*result}
    for score in ("connection_score", "cleft_score"):
        np.testing.assert_allclose(result[f"mean_{score}"].sort_index(), groups[score].mean().sort_index(), rtol=1e-5)
    means = groups[NT].mean().sort_index()
    np.testing.assert_allclose(result[NT].sort_index(), means, rtol=1e-4)
    words = dict(zip(NT, ["GABA", "acetylcholine", "glutamate", "octopamine", "serotonin", "dopamine"], strict=True))
    assert result["transmitter"].to_dict() == means.idxmax(axis=1).map(words).to_dict()
    of = places.set_index("target_id")["neuropil"]
    own = of_partners(synapses, cell)
    counted = own["id"].map(of).fillna("none").groupby(own["pre_pt_root_id"]).value_counts()
    for root, message in result["neuropils"].items():
        parts = dict(part.rsplit(" ", 1) for part in message.split(", "))
        assert {name: int(count) for name, count in parts.items()} == counted[root].to_dict()
        assert result.loc[root, "neuropil"] in (next(iter(parts)), None)


def test_the_usual_score_counts_unless_all_are_asked_for_and_the_page_says_so(client, fly):
    synapses = fly["synapses_nt_v1"]
    cell = busiest(synapses)
    good = of_partners(synapses[synapses["cleft_score"] >= 50], cell).groupby("pre_pt_root_id").size().to_dict()
    usual = ask(client, FLY, f"cells/{cell}/partners", direction="in")
    assert frame_of(usual)["num_syn"].to_dict() == good
    (message,) = [one for one in usual["warnings"] if "counted" in one]
    assert message.startswith(
        "Partners are counted from the pairs of synapses where cleft score is at least 50 in valid_"
    )
    every = ask(client, FLY, f"cells/{cell}/partners", direction="in", synapses="all")
    assert frame_of(every)["num_syn"].sum() == len(of_partners(synapses, cell))
    assert not [one for one in every["warnings"] if "counted" in one]
    other = ask(client, FLY, f"cells/{cell}/partners", direction="in", synapses="cleft_score >= 100")
    assert other["totals"]["in"]["num_syn"] == len(of_partners(synapses[synapses["cleft_score"] >= 100], cell))
    assert any("Only synapses where cleft score is at least 100 are counted" in one for one in other["warnings"])


def test_the_card_says_what_the_view_of_pairs_knows(cave, fly):
    synapses = fly["synapses_nt_v1"]
    cell = busiest(synapses)
    good = of_partners(synapses[synapses["cleft_score"] >= 50], cell)
    connections = connectivity.read(Release.of(cave, *FLY), int(cell), "root_id")
    assert connections.view and connections.totals["in"]["root_zero"] is None
    card = str(cell_card(CellAddress(datastack=FLY[0], cell=str(cell)), connections, (None, None), None, []))
    assert f"{len(good):,} synapses from {good['pre_pt_root_id'].nunique():,} partners" in card
    assert "to no segment" not in card and "from no segment" not in card


def test_the_usual_score_is_known_where_the_view_of_pairs_is_not(siblings_url, tmp_path, fly):
    cave = Cave(Settings(server_address=siblings_url, cache="", config_dir=tmp_path))  # without a profile
    moment = MomentNumber(cave.newest(FLY[0]).timestamp.timestamp() + 1)
    then = Release.of(cave, FLY[0], moment)
    assert then.roles.edges.table is None
    assert {synapse_filter.usual(one) for one in (Release.of(cave, *FLY), then)} == {"cleft_score >= 50"}
    synapses = fly["synapses_nt_v1"]
    cell = busiest(synapses)
    counted = connectivity.read(then, int(cell), "root_id").inputs.set_index("root_id")["num_syn"]
    good = of_partners(synapses[synapses["cleft_score"] >= 50], cell).groupby("pre_pt_root_id").size()
    assert counted.to_dict() == good.to_dict()


def test_a_population_counts_the_synapses_that_cells_count(client, fly):
    synapses_nt = fly["synapses_nt_v1"]
    synapses = synapses_nt[synapses_nt["pre_pt_root_id"] != synapses_nt["post_pt_root_id"]]
    cell = busiest(synapses)
    pre = of_partners(synapses, cell)["pre_pt_root_id"].value_counts().index[:20]
    sets = {"pre": ",".join(map(str, pre)), "post": str(cell), "proofread": "off"}
    between = synapses[synapses["pre_pt_root_id"].isin(pre) & (synapses["post_pt_root_id"] == cell)]
    few = between["connection_score"] > between["connection_score"].median()
    lines = {
        "": between["cleft_score"] >= 50,
        "all": between["cleft_score"] >= 0,
        "cleft_score < 50": between["cleft_score"] < 50,
        f"connection_score > {between['connection_score'].median()}": few,
    }
    for line, kept in lines.items():  # each in the cache of the others
        answer = ask(client, FLY, "populations/edges", **sets, synapses=line)
        counted = between[kept].groupby("pre_pt_root_id").size().to_dict()
        assert {int(row["pre_root_id"]): row["num_syn"] for row in answer["rows"]} == counted, line
        every = "Every synapse counts here; the partners of a cell are counted where cleft_score >= 50."
        which = f"Synapses count where {line or 'cleft_score >= 50'}."
        assert (every if line == "all" else which) in answer["messages"]
        script = client.get(f"/api/v1/{FLY[0]}/{FLY[1]}/populations/python", query_string=sets | {"synapses": line})
        names: dict[str, pd.DataFrame] = {}
        with contextlib.redirect_stdout(io.StringIO()):
            exec(compile(script.text, "edges.py", "exec"), names)
        edges = names["edges"]
        assert dict(zip(edges["pre_root_id"], edges["num_syn"], strict=True)) == counted, line
    shown = frame_of(ask(client, FLY, f"cells/{cell}/partners", direction="in", limit=1000))["num_syn"]
    assert shown[shown.index.isin(pre)].to_dict() == between[lines[""]].groupby("pre_pt_root_id").size().to_dict()
    onto = synapses_nt[synapses_nt["post_pt_root_id"] == cell]  # all, autapses too
    for line, kept in (("", onto["cleft_score"] >= 50), ("all", onto["cleft_score"] >= 0)):
        shares = {"value": "input_share", "pre_by": "cell", "post_by": "cell", "synapses": line}
        row = ask(client, FLY, "populations/matrix", **sets, **shares)["rows"][0]
        assert row["denominator"] == kept.sum() and 0 < row["value"] < 1
    shares["synapses"] = "cleft_score >= 50 or gaba > 0.5"  # which CAVE cannot count
    refused = client.get(f"/api/v1/{FLY[0]}/{FLY[1]}/populations/matrix", query_string=sets | shares)
    assert (refused.status_code, "Not all" in refused.json["error"]["message"]) == (400, True)
    unsized = client.get(f"/api/v1/{FLY[0]}/{FLY[1]}/populations/matrix", query_string=sets | {"value": "net_size"})
    assert (unsized.status_code, "no sizes" in unsized.json["error"]["message"]) == (400, True)
    compared = ask(client, FLY, "populations/changes", **sets, against=FLY[1])
    assert sum("no sizes" in message for message in compared["messages"]) == 1  # of both versions
    for line, words in (
        ("cleft_score >", "value is expected"),
        ("depth_um > 3", "depth"),
        ("nonsense = 1", "nonsense"),
    ):
        refused = client.get(f"/api/v1/{FLY[0]}/{FLY[1]}/populations/edges", query_string=sets | {"synapses": line})
        assert (refused.status_code, words in refused.json["error"]["message"]) == (400, True), refused.json


def test_partners_come_from_pairs_in_one_request_and_what_they_do_not_say_is_not_known(siblings_url, client, fly):
    synapses = fly["synapses_nt_v1"]
    cell = busiest(synapses)
    cave = Cave(Settings(server_address=siblings_url, cache=""))
    connections = connectivity.read(Release.of(cave, *FLY), int(cell), "root_id")
    before = cave.counts["requests"]
    assert connections.view and connections.view.name == "valid_connection_v2"
    assert (connections.totals["in"]["autapses"], connections.totals["in"]["root_zero"]) == (None, None)
    share = connections.inputs["num_syn"] * 100 / connections.inputs["num_syn"].sum()
    table = partner_table.open_partners(cave, connections, PartnerOptions("in", more=("scores",)))
    np.testing.assert_allclose(table.frame["pct_of_cell"].astype(float), share)
    good = of_partners(synapses[synapses["cleft_score"] >= 50], cell).groupby("pre_pt_root_id")["cleft_score"].mean()
    own = table.frame.set_index("root_id")["mean_cleft_score"].sort_index()
    np.testing.assert_allclose(own.astype(float), good.sort_index(), rtol=1e-5)
    assert cave.counts["requests"] - before <= 3  # the synapses that have the scores, and proofreading


def test_the_scripts_of_the_fly_find_what_the_page_shows(cave, fly):
    cell, types = busiest(fly["synapses_nt_v1"]), "hierarchical_neuron_annotations"
    for only in ("", "all", "cleft_score >= 100"):
        connections = connectivity.read(Release.of(cave, *FLY), int(cell), "root_id", only=only, type_table=types)
        wanted = PartnerOptions("in", proofread=True, more=("scores", "transmitters", "neuropils"))
        table = partner_table.open_partners(cave, connections, wanted)
        created = run(partner_script.snippet(cave, [connections], wanted, TableQuery()))
        assert len(created) == len(table.frame) > 5
        assert {"mean_cleft_score", "transmitter", *NT, "neuropil", "neuropils", "proofreading"} <= {*created}
        assert_same(created, table.frame[list(created)])


def test_a_synapse_without_a_centre_lies_between_its_ends(client, fly):
    synapses = fly["synapses_nt_v1"]
    cell = busiest(synapses)
    answer = ask(client, FLY, f"cells/{cell}/synapses", direction="in", synapses="all")
    result = pd.DataFrame(answer["rows"]).astype({"id": "int64"}).set_index("id").sort_index()
    own = synapses[synapses["post_pt_root_id"] == cell].set_index("id").sort_index()
    assert result.index.tolist() == own.index.tolist()
    for axis in "xyz":
        middle = (own[f"pre_pt_position_{axis}"] + own[f"post_pt_position_{axis}"]) / 2
        np.testing.assert_allclose(result[f"ctr_pt_position_{axis}_nm"].astype(float), middle)
    assert "depth_um" not in result
    np.testing.assert_allclose(result["cleft_score"].astype(float), own["cleft_score"])


@pytest.mark.parametrize(
    ("profile", "message"),
    [
        ('somata = "nuclei_v9"', "which this version does not have. For somata, nuclei_v1 is used instead."),
        (
            'neuropils = { table = "fly_synapses_neuropil", column = "nope" }',
            "for neuropils, has no column nope;",
        ),
        (
            'edges = { table = "valid_connection_v2", column = "nope" }',
            "for edges, has no column nope; it has n_",
        ),
        ('representative_points = "nope"', "For representative points, no table is used instead."),
        ('synapses = "nuclei_v1"', "nuclei_v1 has no presynaptic and postsynaptic root ids and positions"),
    ],
)
def test_a_role_that_does_not_fit_is_told_with_the_partners(siblings_url, fly, tmp_path, profile, message):
    (tmp_path / "datastacks").mkdir()
    (tmp_path / "datastacks" / f"{FLY[0]}.toml").write_text(f"[roles]\n{profile}\n")
    cave = Cave(Settings(server_address=siblings_url, cache="", config_dir=tmp_path))
    try:
        messages = connectivity.read(Release.of(cave, *FLY), int(busiest(fly["synapses_nt_v1"]))).warnings
    except BadInput as error:
        messages = (str(error),)
    assert [one for one in messages if message in one], messages


def test_the_column_of_types_is_that_of_the_profile(siblings_url, fly, tmp_path):
    (tmp_path / "datastacks").mkdir()
    named = '[roles]\ncell_types = { table = "hierarchical_neuron_annotations", column = "classification_system" }\n'
    (tmp_path / "datastacks" / f"{FLY[0]}.toml").write_text(named)
    cave = Cave(Settings(server_address=siblings_url, cache="", config_dir=tmp_path))
    cell = str(busiest(fly["synapses_nt_v1"]))
    address = CellAddress(FLY[0], str(FLY[1]), cell, "root_id", type_table="hierarchical_neuron_annotations")
    assert CellView.of(cave, address).grouping[0] == "classification_system"


def test_axes_are_called_as_the_volume_names_them(siblings_url, fly, tmp_path):
    (tmp_path / "volumes").mkdir()
    axes = 'axes = [{ name = "left_right", direction = "to the right" }, "dorsal_ventral", "z"]'
    (tmp_path / "volumes" / "karst_fly_brain.toml").write_text(axes)
    cave = Cave(Settings(server_address=siblings_url, cache="", config_dir=tmp_path))
    connections = connectivity.read(Release.of(cave, *FLY), int(busiest(fly["synapses_nt_v1"])))
    wanted = PartnerOptions("in")
    table = partner_table.open_partners(cave, connections, wanted)
    nuclei = fly["nuclei_v1"].drop_duplicates("pt_root_id", keep=False).set_index("pt_root_id")
    places = {"soma_left_right_um": ("x", 4), "soma_dorsal_ventral_um": ("y", 4), "soma_z_um": ("z", 40)}
    created = run(partner_script.snippet(cave, [connections], wanted, TableQuery()))
    for name, (axis, voxel_nm) in places.items():
        there = nuclei[f"pt_position_{axis}"].reindex(table.frame["root_id"]) * voxel_nm / 1000
        for frame in (table.frame, created):
            np.testing.assert_allclose(frame[name].to_numpy(float, na_value=np.nan), there.to_numpy(float))
    assert not {"soma_x_um", "soma_y_um", "soma_depth_um", "lateral_distance_um"} & {*table.frame}
    volume = cave.volume(FLY[0])
    drawn = somata.soma_map(plot_frames.soma_map(table.frame, None, volume.axes), {}, titles=volume.titles)["layout"]
    titles = [drawn[axis]["title"]["text"] for axis in ("xaxis", "yaxis2", "yaxis")]
    assert titles == ["left right (µm), to the right", "dorsal ventral (µm)", "z (µm)"]


def test_nothing_of_the_fly_is_called_depth(client, fly):
    assert [axis["title"] for axis in client.get(f"/api/v1/{FLY[0]}/versions").json["axes"]] == [
        "x (µm), to the fly's right",
        "y (µm), to ventral",
        "z (µm), to posterior",
    ]
    cell = busiest(fly["synapses_nt_v1"])
    for direction in ("in", "out", "both"):
        partners = ask(client, FLY, f"cells/{cell}/partners", direction=direction)
        assert not [column["name"] for column in partners["columns"] if "depth" in column["name"]]
    rows = ask(client, FLY, "tables/nuclei_v1/rows", limit=1)
    assert not [column["name"] for column in rows["columns"] if "depth" in column["name"]]
    deep = client.get(f"/api/v1/{V1DD[0]}/versions").json["axes"]
    assert [axis["name"] for axis in deep] == ["x_um", "depth_um", "z_um"]


def test_proofreading_of_the_fly_is_of_whole_cells(client, fly):
    synapses, flags = fly["synapses_nt_v1"], fly["proofread_neurons"]
    cell = busiest(synapses)
    done = set(flags.loc[flags["proofread"], "pt_root_id"])
    every = frame_of(ask(client, FLY, f"cells/{cell}/partners", direction="in", synapses="all"))
    assert (every["proofreading"] == "whole_cell").to_dict() == {root: root in done for root in every.index}
    kept = ask(client, FLY, f"cells/{cell}/partners", direction="in", proofread="on", synapses="all")
    assert set(frame_of(kept).index) == done & set(every.index)
    assert "not proofread in proofread_neurons" in kept["left_out"][0]


def test_the_voxels_of_synapses_and_nuclei_of_the_v1dd_differ(client, v1dd):
    import standard_transform

    synapses, nuclei = v1dd["synapses_v1dd"], v1dd["nucleus_detection_v0"]
    cell = int(synapses.loc[synapses["post_pt_root_id"].isin(nuclei["pt_root_id"]), "post_pt_root_id"].mode()[0])
    depths = standard_transform.v1dd_ds.transform("nm")
    answer = ask(client, V1DD, f"cells/{cell}/synapses", direction="in")
    result = pd.DataFrame(answer["rows"]).astype({"id": "int64"}).set_index("id").sort_index()
    own = synapses[synapses["post_pt_root_id"] == cell].set_index("id").sort_index()
    points = own[[f"ctr_pt_position_{axis}" for axis in "xyz"]].to_numpy() * [9.7, 9.7, 45]
    np.testing.assert_allclose(result["depth_um"].astype(float), depths.apply(points)[:, 1], atol=0.01)
    requested = ask(client, V1DD, f"cells/{cell}")["cell"]
    soma = nuclei.loc[nuclei["pt_root_id"] == cell, [f"pt_position_{axis}" for axis in "xyz"]].to_numpy() * [9, 9, 45]
    assert requested["soma_depth_um"] == pytest.approx(depths.apply(soma)[0, 1], abs=0.01)
    partners = frame_of(ask(client, V1DD, f"cells/{cell}/partners", direction="in", more="compartment"))
    groups = of_partners(synapses, cell).groupby("pre_pt_root_id")
    np.testing.assert_allclose(partners["net_size"].sort_index(), groups["size"].sum())
    tags = v1dd["synapse_target_predictions_ssa"].set_index("target_id")["tag"]
    spines = of_partners(synapses, cell).assign(tag=lambda rows: rows["id"].map(tags)).query("tag == 'spine'")
    counted = spines.groupby("pre_pt_root_id").size().reindex(partners.index, fill_value=0)
    assert partners["on_spine"].to_dict() == counted.to_dict()


def test_one_system_is_read_for_examples_and_joins(cave: Cave, client: FlaskClient, fly) -> None:
    table, release = "hierarchical_neuron_annotations", Release.of(cave, *FLY)
    types = annotated(fly, "cell_type")
    counts = pd.Series(types).value_counts()
    listed = start.types(release, 5)
    assert [one.rows for one in listed] == counts.iloc[:5].tolist()
    assert {one.name: one.rows for one in listed} == counts[[one.name for one in listed]].to_dict()
    where = {"cell_type": listed[0].name, "classification_system": "cell_type"}
    assert listed[0].address.boxes == where
    assert {types[root] for root, _ in examples.cells(release)} == {word for _, word in examples.cells(release)}

    answer = ask(client, FLY, "tables/nuclei_v1/rows", join=table)
    known = {int(row["pt_root_id"]): row[f"{table}.cell_type"] for row in answer["rows"]}
    assert known == {root: types.get(root) for root in known} and any(known.values())
    assert f"Of {table}, rows with classification_system = cell_type are joined." in answer["messages"]
    wide, messages = joins.join_possible(cave, tables.open_table(release, "nuclei_v1"), [table])
    assert wide.joined[0].sentence() in messages
    page = tables.select(wide, TableQuery())[[column.name for column in wide.columns]]
    assert_same(run(table_snippet(cave, wide, TableQuery())), page)


def test_a_state_handed_out_is_in_the_dialect_of_its_viewer(client, fly):
    body = {"cell": str(busiest(fly["synapses_nt_v1"])), "direction": "in"}
    keys = {kind: client.post("/api/v1/karst_fly/783/neuroglancer", json=body | {"viewer": kind}).json["state"].keys()
            for kind in ("seunglab", "mainline")}  # fmt: skip
    assert ["navigation" in keys["seunglab"], "dimensions" in keys["seunglab"]] == [True, False]
    assert ["navigation" in keys["mainline"], "dimensions" in keys["mainline"]] == [False, True]


def test_a_script_tells_a_type_table_from_what_is_added_under_the_same_names(cave, fly):
    release, cell = Release.of(cave, *FLY), busiest(fly["synapses_nt_v1"])
    connections = connectivity.read(release, cell, "root_id", type_table="fly_synapses_neuropil", only="all")
    for wanted in (PartnerOptions("both"), PartnerOptions("in"), PartnerOptions("in", more=("neuropils",))):
        table = partner_table.open_partners(cave, connections, wanted)
        created = run(partner_script.snippet(cave, [connections], wanted, TableQuery()))
        assert_same(created[["root_id", "neuropil"]], table.frame[["root_id", "neuropil"]])


def test_pairs_that_cave_cuts_are_told_as_pairs_and_can_be_read_whole(siblings, fly):
    good = fly["synapses_nt_v1"].query("cleft_score >= 50")
    cell, most = busiest(fly["synapses_nt_v1"]), 10
    counted = {"in": of_partners(good, cell).groupby("pre_pt_root_id").size()}
    out = good[(good["pre_pt_root_id"] == cell) & ~good["post_pt_root_id"].isin([cell, 0])]
    counted["out"] = out.groupby("post_pt_root_id").size()
    assert min(map(len, counted.values())) > most
    with start_localcave([siblings["karst_fly"]], "--row-limit", str(most)) as url:
        release = Release.of(Cave(Settings(server_address=url, cache="")), *FLY)
        cut = connectivity.read(release, cell, "root_id")
        words = [f"{most} of {len(counted[way])} {way}put pairs of cells" for way in ("in", "out")]
        assert cut.view and cut.cut == (f"CAVE sent only {' and '.join(words)}; the counts below are of these.",)
        whole = connectivity.read(release, cell, "root_id", whole=True)
    assert whole.view and whole.cut == ()
    for way, own in counted.items():
        assert whole.side(way).set_index("root_id")["num_syn"].to_dict() == own.to_dict()
