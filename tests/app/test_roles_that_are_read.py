"""Roles of a small datastack without a soma of every cell: where cells are, transmitters beside the synapses,
coregistration, and what is amiss."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import flask
import numpy as np
import pyarrow as pa
import pytest

from api import blueprint
from components.cell_facts import cell_facts
from localcave.folder.writer import DatastackWriter
from services.cave.client import Cave
from services.cave.release import Release
from services.cells import (
    cells,
    compartments,
    connectivity,
    partner_columns,
    partner_script,
    partner_table,
    plot_frames,
    positions,
    role_faults,
    soma,
    verdict,
)
from services.cells.card import read as read_card
from services.cells.partner_table import PartnerOptions
from services.core import space
from services.core.directions import Direction
from services.core.errors import BadInput, NotFound
from services.core.roles import RULES
from services.core.settings import Settings
from services.neuroglancer import links
from services.populations import sets
from services.tables.tables import TableQuery
from services.views import datastack_check
from tests import tiny
from tests.app.test_partner_snippet import assert_same, run
from tests.servers import start_localcave
from tests.tiny import A, B, C

DS, V = "roles", 1
CONFIG = """
{top}
[roles]
coregistration = "matched"
{more}
"""
POINTS = {A: (10, 20, 3), B: (11, 21, 4), C: (12, 22, 5)}
NT = {1001: (0.75, 0.25), 1002: (0.25, 0.5), 1003: (0.125, 0.5), 1006: (0.5, 0.25)}
NOT_VALID = 1003
SITES = ["spine", "shaft"]


def points() -> pa.Table:
    places = zip("xyz", zip(*POINTS.values(), strict=True), strict=True)
    return pa.table(
        {
            "id": pa.array([1, 2, 3], pa.int64()),
            "valid": pa.array([True] * 3),
            **{f"pt_position_{axis}": pa.array(values, pa.int32()) for axis, values in places},
            "pt_supervoxel_id": pa.array([1] * 3, pa.int64()),
            "pt_root_id": pa.array([*POINTS], pa.int64()),
        }
    )


def transmitters() -> pa.Table:
    gaba, ach = zip(*NT.values(), strict=True)
    count = len(NT)
    return pa.table(
        {
            "id": pa.array(range(1, count + 1), pa.int64()),
            "valid": pa.array([True] * count),
            "target_id": pa.array([*NT], pa.int64()),
            "gaba": pa.array(gaba, pa.float32()),
            "ach": pa.array(ach, pa.float32()),
            "valid_nt": pa.array([number != NOT_VALID for number in NT]),
        }
    )


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("roles") / DS
    writer = DatastackWriter(folder, DS, tiny.INFO | {"soma_table": None})
    writer.add_version(V, "2025-01-02T03:04:05.000006", "2125-02-03T00:00:00.000001")
    somata = tiny.nuclei(tiny.NEWEST).slice(0, 1)  # of A alone
    types = tiny.types(tiny.NEWEST)
    writer.add_table(V, "nuclei", somata, tiny.metadata("nucleus_detection"))
    writer.add_table(V, "nuclei_old", somata, tiny.metadata("nucleus_detection") | {"created": "2019-01-01T00:00:00.1"})
    writer.add_table(V, "no_cells", types.slice(0, 0), tiny.metadata("cell_type_reference", reference_table="nuclei"))
    writer.add_table(V, "matched", types.slice(0, 1), tiny.metadata("reference_tag", reference_table="nuclei"))
    writer.add_table(V, "representative_points", points(), tiny.metadata("representative_point"))
    writer.add_table(V, "synapses", tiny.synapses(), tiny.metadata("synapse"), sorted_by=["post_pt_root_id"])
    writer.add_table(V, "synapses_nt", transmitters(), tiny.metadata("odd", reference_table="synapses"))
    empty = somata.slice(0, 0)
    writer.add_table(V, "no_nuclei", empty, tiny.metadata("odd"))
    flags = empty.append_column("proofread", pa.array([], pa.string()))
    writer.add_table(V, "nobody_proofread", flags, tiny.metadata("proofreading_boolstatus_user"))
    kinds = {"pre_pt_root_id": pa.int64(), "post_pt_root_id": pa.int64(), "n_syn": pa.int64(), "sum_size": pa.float32()}
    pairs = pa.table({name: pa.array([], kind) for name, kind in kinds.items()})
    writer.add_view(V, "pairs", pairs, tiny.metadata("view"), {name: {"type": "integer"} for name in kinds})
    sites = pa.table({"id": [1, 2], "valid": [True] * 2, "target_id": [1001, 1002], "tag": ["a", "b"], "site": SITES})
    writer.add_table(V, "sites", sites, tiny.metadata("reference_tag", reference_table="synapses"))
    odd = tiny.metadata("odd", reference_table="synapses")
    writer.add_table(V, "synapse_target_predictions", sites.drop_columns("tag"), odd)
    counts, kinds = (
        pa.table({"root_id": [A], "inputs": [5]}),
        {name: {"type": "integer"} for name in ("root_id", "inputs")},
    )
    writer.add_view(V, "synapses_in_out_degree", counts, tiny.metadata("view"), kinds)
    writer.set_segmentation(*tiny.segmentation())
    writer.finish()
    with start_localcave([folder]) as address:
        yield address


def cave_of(url: str, config: Path, more: str = "", top: str = "") -> Cave:
    (config / "datastacks").mkdir(exist_ok=True)
    (config / "datastacks" / f"{DS}.toml").write_text(CONFIG.format(more=more, top=top))
    return Cave(Settings(server_address=url, cache="", config_dir=config))


@pytest.fixture(scope="module")
def cave(url: str, tmp_path_factory: pytest.TempPathFactory) -> Cave:
    return cave_of(url, tmp_path_factory.mktemp("config"))


def test_a_cell_without_a_soma_is_where_its_point_is(cave: Cave) -> None:
    release = Release.of(cave, DS, V)
    with_soma, without = (read_card(release, cells.find(release, int(root), "root_id")) for root in (A, B))
    assert (with_soma.is_of_nucleus, with_soma.position_nm) == (True, (4000, 8000, 4000))
    assert (without.is_of_nucleus, without.position_nm) == (False, (44, 84, 160))
    assert without.position_vx == POINTS[B]
    state = links.cell_link(cave, connectivity.read(release, B)).state
    (layer,) = [layer for layer in state["layers"] if layer["name"] == "representative point"]
    assert [one["point"] for one in layer["annotations"]] == [list(map(float, POINTS[B]))]
    assert state["position"] == list(map(float, POINTS[B]))
    assert not [layer for layer in state["layers"] if layer["name"] == "soma"]
    of_soma = links.cell_link(cave, connectivity.read(release, A)).state["layers"]
    assert "representative point" not in [layer["name"] for layer in of_soma]
    with pytest.raises(NotFound, match="names no image in a bucket"):
        soma.image(cave, DS, cells.find(release, A, "root_id"))


def test_partners_have_points_and_the_map_places_them_there(cave: Cave) -> None:
    connections = connectivity.read(Release.of(cave, DS, V), A)
    wanted = PartnerOptions("in", more=("points", "transmitters"))
    table = partner_table.open_partners(cave, connections, wanted)
    own = table.frame.set_index("root_id")
    volume = cave.volume(DS)
    names = [f"point_{axis}" for axis in volume.axes]
    for root in (B, C):
        place = space.nm_to_um(np.array(POINTS[root]) * [4, 4, 40], volume)[0]
        np.testing.assert_allclose(own.loc[root, names].astype(float), place)
    assert "2 of 2 partners have a point in representative_points." in table.notes
    drawn = plot_frames.soma_map(table.frame, None, cave.volume(DS).axes)
    assert len(drawn) == 2 and own["soma_x_um"].isna().all()
    created = run(partner_script.snippet(cave, [connections], wanted, TableQuery()))
    assert_same(created, table.frame[[column.name for column in table.columns]])


def test_transmitters_of_a_table_beside_the_synapses(cave: Cave) -> None:
    connections = connectivity.read(Release.of(cave, DS, V), A)
    own = partner_table.open_partners(cave, connections, PartnerOptions("in", more=("transmitters",))).frame.set_index(
        "root_id"
    )
    assert own.loc[B, ["gaba", "ach"]].tolist() == [0.5, 0.375]
    assert own.loc[B, "transmitter"] == "GABA"
    assert own.loc[C, ["transmitter", "gaba", "ach"]].isna().all()  # of its only synapse they are not valid
    assert "da" not in own


def test_coregistration_is_that_of_the_role(cave: Cave) -> None:
    release = Release.of(cave, DS, V)
    card = read_card(release, cells.find(release, A, "root_id"))
    assert [(one.table, one.units) for one in card.coregistered or ()] == [("matched", 1)]


def test_the_check_names_candidates_and_empty_tables(cave: Cave) -> None:
    text = datastack_check.check(cave, DS).text
    assert "nuclei_old would fit as well" in text
    assert "no_cells" in text and "empty" in text
    assert "transmitters" in text.split("shows ")[1].split("\n")[0]
    connections = connectivity.read(Release.of(cave, DS, V), A, type_table="no_cells")
    assert connections.inputs["cell_type"].isna().all()


def test_what_an_empty_table_would_say_is_not_known(url: str, tmp_path: Path) -> None:
    cave = cave_of(url, tmp_path, 'somata = "no_nuclei"\nedges = "pairs"')
    connections = connectivity.read(Release.of(cave, DS, V), A)
    assert (connections.view, connections.inputs["num_syn"].sum()) == (None, 3)
    assert "pairs is empty, so partners are counted from synapses." in connections.warnings
    assert connections.cell.nucleus_ids is None and connections.inputs["num_soma"].isna().all()
    notes = partner_table.open_partners(cave, connections, PartnerOptions("in")).notes
    assert "no_nuclei is empty, so somata are not known." in notes
    with pytest.raises(BadInput, match="nobody_proofread is empty, so proofread partners cannot be told apart"):
        partner_table.open_partners(cave, connections, PartnerOptions("in", proofread=True))
    assert "of unknown quality: nobody_proofread is empty" in verdict.verdict(cave, connections).sentence
    card = read_card(Release.of(cave, DS, V), connections.cell)
    assert "not known: nobody_proofread is empty" in str(cell_facts(card))
    every = sets.proofread_only(Release.of(cave, DS, V), sets.resolve(Release.of(cave, DS, V), str(A)), "axon")
    assert (every.ids.tolist(), every.num_axons) == ([A], None)
    assert "nobody_proofread is empty, so all cells count." in every.notes
    checked = datastack_check.check(cave, DS)
    assert [one for one in checked.faults if "pairs is empty" in one]
    assert "somata" in checked.text.split("not known: ")[1].split("\n")[0]


def test_the_area_of_a_soma_is_that_of_the_role(url: str, tmp_path: Path) -> None:
    for number, (role, area) in enumerate((("", None), ('areas = { table = "matched", column = "cell_type" }', "23P"))):
        (tmp_path / str(number)).mkdir()
        release = Release.of(cave_of(url, tmp_path / str(number), role), DS, V)
        card = read_card(release, cells.find(release, A, "root_id"))
        assert (card.area.name if card.area else None) == area
    checked = datastack_check.check(cave_of(url, tmp_path, 'areas = "representative_points"'), DS)
    assert [one for one in checked.faults if "named for areas, has no column tag" in one]


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        ('somata = "nope"', "The profile names nope, which this version does not have."),
        ('neuropils = { table = "synapses_nt", column = "nope" }', "has no column nope"),
        ('compartments = "representative_points"', "does not refer to the synapses"),
        ('neurotransmitters = "nuclei"', "nuclei, named for neurotransmitters"),
        ('representative_points = "synapses_nt"', "synapses_nt, named for representative points"),
        ('edges = "nuclei"', "nuclei has no columns of two root ids and a number of synapses"),
        ('somata = "synapses_nt"', "synapses_nt, named for somata"),
        ('proofreading = "nuclei"', "nuclei, named for proofreading, has no column proofread or status"),
    ],
)
def test_a_role_that_cannot_be_is_a_fault(url: str, tmp_path: Path, more: str, fault: str) -> None:
    checked = datastack_check.check(cave_of(url, tmp_path, more), DS)
    assert any(fault in one for one in checked.faults), checked.faults
    release = Release.of(cave_of(url, tmp_path, more), DS, V)
    connections = connectivity.read(release, A)
    assert connections.inputs["num_syn"].sum() == 3
    with_more = PartnerOptions("in", more=partner_columns.fitting(release, "", ("points", "transmitters"))[0])
    assert len(partner_table.open_partners(release.cave, connections, with_more).frame) == 2


def test_a_cell_opens_where_a_role_or_the_filter_of_synapses_is_wrong(url: str, tmp_path: Path) -> None:
    wrong = Release.of(cave_of(url, tmp_path, 'edges = "nuclei"\nproofreading = "nuclei"'), DS, V)
    result = connectivity.read(wrong, A)
    assert result.inputs["num_syn"].sum() == 3 and result.view is None
    for words in ("not a view of pairs", "has no column proofread or status"):
        assert [one for one in result.warnings if words in one], result.warnings
    table = partner_table.open_partners(wrong.cave, result, PartnerOptions("in"))
    assert not {"proofreading", "strategy_axon"} & set(table.frame)
    path = tmp_path / "other"
    path.mkdir()
    filtered = Release.of(cave_of(url, path, top='synapse_filter = "cleft_score >= 50"'), DS, V)
    result = connectivity.read(filtered, A)
    assert result.inputs["num_syn"].sum() == 3 and result.only == ""
    assert [one for one in result.warnings if "'cleft_score >= 50', which synapses usually have to pass" in one]
    with pytest.raises(BadInput, match="no column 'cleft_score'"):
        connectivity.read(filtered, A, only="cleft_score >= 50")


def test_a_place_with_nothing_near_offers_no_choice(url: str, tmp_path: Path) -> None:
    release = Release.of(cave_of(url, tmp_path, 'somata = "no_cells"'), DS, V)
    with pytest.raises(NotFound, match="neither a synapse nor a nucleus near it") as missing:
        positions.at(release, np.array([9e6, 9e6, 9e6]))
    assert missing.value.hint == "Give the id of the segment that Neuroglancer shows there."


@pytest.mark.parametrize("role", list(RULES))
def test_no_role_of_any_table_makes_a_mistake(url: str, tmp_path: Path, role: str) -> None:
    """Each table in each role: an answer, or a sentence that names the table."""
    tables = ("synapses_nt", "no_cells", "representative_points", "synapses")
    for table in tables:
        config = tmp_path / table
        config.mkdir()
        app = flask.Flask("test_roles")
        app.extensions["karst"] = cave_of(url, config, f'{role} = "{table}"' if role != "coregistration" else "")
        app.register_blueprint(blueprint)
        cell = f"/api/v1/{DS}/{V}/cells/{A}"
        more = "share,compartment,scores,transmitters,neuropils,points"
        for path in (cell, f"{cell}/partners?direction=in&more={more}", f"{cell}/synapses", f"{cell}/partners/python"):
            answer = app.test_client().get(path)
            assert answer.status_code in {200, 400, 404}, (role, table, path, answer.text[:300])
            assert "went wrong in Karst" not in answer.text


@pytest.mark.parametrize("more", ["", 'degrees = "gone"\ncompartments = "gone"'])
def test_a_guess_without_the_columns_of_its_role_is_told_and_not_read(url: str, tmp_path: Path, more: str) -> None:
    cave = cave_of(url, tmp_path, more)
    release = Release.of(cave, DS, V)
    fault = "synapses_in_out_degree, taken for degrees, has no column n_input and no n_output."
    checked = datastack_check.check(cave, DS)
    assert fault in checked.faults
    unknown = checked.text.split("not known: ")[1].split("\n")[0]
    assert "compartments" in unknown and "shares of the partners" in unknown
    assert not {"compartment", "share"} & {*partner_columns.offered(release, "")}
    with pytest.raises(BadInput, match=fault):
        partner_table.open_partners(cave, connectivity.read(release, A), PartnerOptions("in", more=("share",)))
    messages = [one for one in role_faults.missing(release) if "gone" in one]
    assert len(messages) == more.count("gone")
    assert all("no table is used instead" in one for one in messages)


def test_compartments_are_read_from_the_column_that_the_profile_names(url: str, tmp_path: Path) -> None:
    cave = cave_of(url, tmp_path, 'compartments = { table = "sites", column = "site" }')
    connections = connectivity.read(Release.of(cave, DS, V), A, "root_id")
    tags = compartments.predictions(cave, connections, Direction.IN)
    assert tags.to_dict("list") == {"id": [1001, 1002], "tag": SITES}
    wanted = PartnerOptions("in", more=("compartment",))
    frame = partner_table.open_partners(cave, connections, wanted).frame
    assert frame[["on_spine", "on_shaft", "on_soma"]].sum().tolist() == [1, 1, 0]
    script = partner_script.snippet(cave, [connections], wanted, TableQuery())
    assert_same(run(script)[["root_id", "on_spine", "on_shaft"]], frame[["root_id", "on_spine", "on_shaft"]])
