"""Asking for cells by an id of any kind, several ids, a position, a link."""

import json
from urllib.parse import quote

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.cave.release import Release
from services.cells import interpretation, partner_sets
from services.core.directions import Direction
from services.core.errors import BadInput, KarstError, NotFound, TooLarge
from tests.app.meant import cells_meant

DS = "karst_demo"


@pytest.fixture(scope="module")
def newest(cave):
    return cave.versions(DS)[0].number


@pytest.fixture(scope="module")
def nuclei(cave, newest):
    rows = Release.of(cave, DS, newest).table("nucleus_detection_v0")
    return rows[(rows["pt_root_id"] != 0) & ~rows["pt_root_id"].duplicated(keep=False)].reset_index(drop=True)


@pytest.fixture(scope="module")
def proofread(cave, newest):
    return Release.of(cave, DS, newest).table("proofreading_status_and_strategy")["pt_root_id"].tolist()


def link(cave, segments, host="https://spelunker.cave-explorer.org"):
    source = cave.info(DS)["segmentation_source"]
    layer = {"type": "segmentation", "source": source, "segments": segments, "name": "seg"}
    return f"{host}/#!{quote(json.dumps({'layers': [layer]}))}"


@pytest.mark.parametrize("column", ["pt_root_id", "id", "pt_supervoxel_id"])
def test_one_id_of_any_kind_is_one_cell(cave, newest, nuclei, column):
    (result,) = cells_meant(Release.of(cave, DS, newest), f" {int(nuclei[column].iloc[3])}, ")
    assert result.cell.root_id == nuclei["pt_root_id"].iloc[3]


def test_a_position_in_a_nucleus_is_its_cell(cave, newest, nuclei):
    places = nuclei[["pt_position_x", "pt_position_y", "pt_position_z"]].to_numpy(float)
    random = np.random.default_rng(1)
    for row in random.choice(len(nuclei), 10, replace=False):
        near = places[row] + random.uniform(-300, 300, 3) * [1, 1, 0.1]
        apart_um = np.linalg.norm((places - near) * [4, 4, 40], axis=1) / 1000
        wanted = nuclei.iloc[apart_um.argmin()]
        x, y, z = near
        nm = near * [4, 4, 40]
        texts = [
            f"{x:.1f}, {y:.1f}, {z:.1f}",
            f"[{x:.0f} {y:.0f} {z:.0f}]",
            f"({x:.2f};{y:.2f};{z:.2f})",
            f"{nm[0]:.0f}, {nm[1]:.0f}, {nm[2]:.0f} nm",
            f"{nm[0] / 1000:.3f} {nm[1] / 1000:.3f} {nm[2] / 1000:.3f} µm",
        ]
        for text in texts:
            requested = interpretation.understand(Release.of(cave, DS, newest), text)
            assert (requested.kind, requested.ids, requested.id_type) == (
                "position",
                (int(wanted["pt_root_id"]),),
                "root_id",
            )
        (result,) = cells_meant(Release.of(cave, DS, newest), texts[0])
        assert result.cell.root_id == wanted["pt_root_id"]
        assert "read as a place" in result.warnings[0]


def test_a_position_far_from_any_nucleus_is_told(cave, newest, nuclei):
    x, y, z = nuclei[["pt_position_x", "pt_position_y", "pt_position_z"]].min().tolist()
    with pytest.raises(NotFound, match="No nucleus lies within 25 µm"):
        interpretation.understand(Release.of(cave, DS, newest), f"{x - 20_000}, {y - 20_000}, {z}", "position")
    with pytest.raises(BadInput, match="2 numbers, but a position has three"):
        interpretation.understand(Release.of(cave, DS, newest), "1, 2", "position")


def test_three_nucleus_ids_are_no_position_unless_that_is_said(cave, newest, nuclei):
    ids = tuple(int(one) for one in nuclei["id"].iloc[:3])
    text = ", ".join(map(str, ids))
    requested = interpretation.understand(Release.of(cave, DS, newest), text)
    assert (requested.kind, requested.ids) == ("ids", ids)
    with pytest.raises(NotFound, match="No nucleus lies within"):
        interpretation.understand(Release.of(cave, DS, newest), text, "position")


@pytest.mark.parametrize("separator", [",", " ", "\n", ";", "', '"])
def test_several_ids_are_several_cells_in_their_order(cave, newest, proofread, separator):
    roots = proofread[:4]
    connections = cells_meant(Release.of(cave, DS, newest), separator.join(map(str, roots)))
    assert [one.cell.root_id for one in connections] == roots


def test_ids_that_are_no_cell_are_told_and_left_out(cave, newest, proofread):
    connections = cells_meant(
        Release.of(cave, DS, newest), f"{proofread[0]} 864691135000000001 {proofread[1]} {proofread[0]}"
    )
    assert [one.cell.root_id for one in connections] == proofread[:2]
    assert any("864691135000000001" in warning for warning in connections[0].warnings)
    with pytest.raises(KarstError, match="864691135000000001"):
        cells_meant(Release.of(cave, DS, newest), "864691135000000001 864691135000000002")


def test_a_nucleus_and_its_root_are_one_cell(cave, newest, nuclei):
    row = nuclei.iloc[7]
    connections = cells_meant(Release.of(cave, DS, newest), f"{int(row['id'])} {int(row['pt_root_id'])}")
    assert [one.cell.root_id for one in connections] == [row["pt_root_id"]]


@pytest.mark.parametrize("count", [21, 63, 300])
def test_more_cells_than_can_be_read_are_refused_never_answered_for_some_of_them(cave, newest, nuclei, count):
    roots = [int(one) for one in nuclei["pt_root_id"].drop_duplicates().iloc[: count + 1] if one][:count]
    texts = (" ".join(map(str, roots)), "\n".join(map(str, roots)), link(cave, list(map(str, roots))))
    for text in texts:
        with pytest.raises(TooLarge, match=rf"{count} cells, more than the 20 that"):
            interpretation.understand(Release.of(cave, DS, newest), text)


def test_all_cells_that_can_be_read_are_however_they_are_set_apart(cave, newest, nuclei):
    roots = [str(int(one)) for one in nuclei["pt_root_id"].drop_duplicates().iloc[:21] if one][:20]
    for apart in (" ", ",", "\n" + " " * 200):  # some long before the next
        assert interpretation.understand(Release.of(cave, DS, newest), apart.join(roots)).ids == tuple(map(int, roots))


def test_a_link_asks_for_its_selected_segments(cave, newest, proofread):
    segments = [str(proofread[0]), f"!{proofread[2]}", str(proofread[1])]
    for host in ("https://spelunker.cave-explorer.org", "https://neuroglancer-demo.appspot.com"):
        connections = cells_meant(Release.of(cave, DS, newest), link(cave, segments, host))
        assert [one.cell.root_id for one in connections] == proofread[:2]
    state = {"layers": [{"type": "segmentation", "name": "seg", "segments": segments[:1]}]}
    number = cave.upload_state(DS, state)
    address = cave.state_url(DS, number)
    (cell,) = cells_meant(Release.of(cave, DS, newest), f"https://spelunker.cave-explorer.org/#!middleauth+{address}")
    assert cell.cell.root_id == proofread[0]


def test_a_link_of_this_application_or_the_old_viewer_names_its_cell(cave, newest, proofread):
    for address in (
        f"http://127.0.0.1:8050/connectivity-viewer?datastack={DS}&cell={proofread[0]}",
        f'https://minnie.microns-daf.com/dash/datastack/x/apps/connectivity/?anno-id="{proofread[0]}"&id-type="root_id"',
    ):
        (result,) = cells_meant(Release.of(cave, DS, newest), address)
        assert result.cell.root_id == proofread[0]


def test_links_without_cells_are_told(cave, newest):
    for text in (link(cave, []), "https://example.org/nothing", "https://spelunker.cave-explorer.org/#!{broken"):
        with pytest.raises(BadInput):
            interpretation.understand(Release.of(cave, DS, newest), text)


@given(text=st.text(max_size=60))
def test_no_text_breaks_it(cave, newest, text):
    message, count = ".", 1
    try:
        count = len(interpretation.understand(Release.of(cave, DS, newest), text).ids)
    except KarstError as error:
        message = error.message
    assert message.endswith(".")
    assert 1 <= count <= interpretation.MOST_CELLS


def test_several_cells_have_one_combined_answer_or_one_side_by_side(cave, newest, proofread):
    connections = cells_meant(Release.of(cave, DS, newest), " ".join(map(str, proofread[:5])))
    sides = {one.cell.root_id: one.outputs for one in connections}
    every = pd.concat([Release.of(cave, DS, newest).synapses(root, Direction.OUT) for root in proofread[:5]])
    every = every[(every["post_pt_root_id"] != every["pre_pt_root_id"]) & (every["post_pt_root_id"] != 0)]
    expected = every.groupby("post_pt_root_id").agg(num_syn=("id", "size"), cells=("pre_pt_root_id", "nunique"))
    combined = partner_sets.combined(sides).set_index("root_id")
    assert combined["num_syn"].to_dict() == expected["num_syn"].to_dict()
    assert combined["num_cells"].to_dict() == expected["cells"].to_dict()
    beside = partner_sets.side_by_side(sides).set_index("root_id")
    for root in proofread[:5]:
        counts = every[every["pre_pt_root_id"] == root]["post_pt_root_id"].value_counts()
        own = beside[f"num_syn_{root}"]
        assert own[own > 0].to_dict() == counts.to_dict()
    assert (beside["num_cells"] > 1).any()


def test_asking_by_root_id_costs_two_requests_at_once(cave, newest, proofread):
    before = cave.counts["requests"]
    cells_meant(Release.of(cave, DS, newest), str(proofread[-1]))
    assert cave.counts["requests"] - before == 2
