"""Every kind of link, opened in the real client: the viewer's own account against the tables."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlsplit

import pandas as pd
import pytest
from playwright.sync_api import Browser

from services.cave.client import Cave
from services.cave.release import Release
from services.cells import connectivity, pasted_links
from services.cells.connectivity import Connectivity
from services.core.settings import Settings
from services.neuroglancer.bundled_viewer import PATH
from services.neuroglancer.links import BUNDLED, Link, cell_link, inline_url, short_url, table_link
from services.neuroglancer.table_state import table_state
from services.tables import tables
from services.tables.groups import Groups
from services.tables.tables import TableFrame
from tests.e2e.neuroglancer_client import Client, client, viewer_site
from tests.unit.neuroglancer_samples import NEAR, VOXEL_NM, cells

pytestmark = pytest.mark.browser

DATASTACK = "karst_demo"
TYPES = "aibs_metamodel_celltypes_v661"
SEGMENTATION = {"type": "segmentation", "name": "segmentation", "source": []}


@pytest.fixture(scope="module")
def cave(localcave_url: str) -> Cave:
    return Cave(Settings(server_address=localcave_url, cache=""))


@pytest.fixture(scope="module")
def viewer(cave: Cave, browser: Browser) -> Iterator[Client]:
    with viewer_site(cave) as site, client(browser, site) as opened:
        yield opened


@pytest.fixture(scope="module")
def types(cave: Cave) -> TableFrame:
    return tables.open_table(Release(cave, DATASTACK, cave.versions(DATASTACK)[0]), TYPES)


@pytest.fixture(scope="module")
def cell(cave: Cave) -> Connectivity:
    version = cave.versions(DATASTACK)[0].number
    root = Release.of(cave, DATASTACK, version).table("proofreading_status_and_strategy")["pt_root_id"].iloc[0]
    return connectivity.read(Release.of(cave, DATASTACK, version), int(root), type_table=TYPES)


def bare(*layers: dict[str, Any]) -> dict[str, Any]:
    """A state with its voxel size and some layers."""
    return {"dimensions": {"x": [4e-9, "m"], "y": [4e-9, "m"], "z": [4e-8, "m"]}, "layers": list(layers)}


def state_url(state: dict[str, Any]) -> str:
    return f"{PATH}#!{quote(json.dumps(state))}"


def assert_shown(verdict: dict[str, Any], link: Link) -> dict[str, dict[str, Any]]:
    """The client shows exactly the link's state, with image, meshes and skeletons; its layers by name."""
    assert verdict["errors"] == []
    assert all(layer["ready"] for layer in verdict["layers"])
    wanted, shown = link.state["layers"], verdict["layers"]
    assert [(layer["name"], layer["type"]) for layer in shown] == [(layer["name"], layer["type"]) for layer in wanted]
    by_name = {layer["name"]: layer for layer in shown}
    for layer in wanted:
        if layer["type"] == "segmentation":
            segments = [segment.strip("!") for segment in layer["segments"]]
            visible = [segment for segment in layer["segments"] if not segment.startswith("!")]
            assert sorted(by_name[layer["name"]]["segments"]) == sorted(segments)
            assert sorted(by_name[layer["name"]]["visible"]) == sorted(visible)
            assert state_of(verdict, layer["name"]).get("segmentColors", {}) == layer.get("segmentColors", {})
        if layer["type"] == "annotation":
            message = by_name[layer["name"]]
            assert message["annotations"]["count"] == len(layer["annotations"])
            assert message["colour"] == layer["annotationColor"]
            for seen, given in zip(message["annotations"]["first"], layer["annotations"], strict=False):
                assert (seen["id"], seen["segments"]) == (given["id"], given["segments"])
                assert seen["point"] == pytest.approx(given["point"], abs=0.01)
            linked = state_of(verdict, layer["name"]).get("linkedSegmentationLayer")
            assert linked == layer["linkedSegmentationLayer"]
    if "position" in link.state:
        assert verdict["state"]["position"] == pytest.approx(link.state["position"], abs=0.6)
    assert link.num_points == sum(layer["annotations"]["count"] for layer in shown if "annotations" in layer)
    return by_name


def state_of(verdict: dict[str, Any], name: str) -> dict[str, Any]:
    (layer,) = [layer for layer in verdict["state"]["layers"] if layer["name"] == name]
    return layer


def test_rows_in_the_link_itself(viewer: Client, cave: Cave, types: TableFrame) -> None:
    link = table_link(cave, types, types.frame[["id", "pt_root_id"]].head(2))
    assert "/nglstate/" not in link.url
    assert_shown(viewer.open(link.url), link)


def test_rows_with_their_places_through_the_state_service(viewer: Client, cave: Cave, types: TableFrame) -> None:
    rows = types.frame[types.frame["pt_root_id"] != 0].head(200)
    link = table_link(cave, types, rows)
    assert "/nglstate/" in link.url
    verdict = viewer.open(link.url)
    shown = assert_shown(verdict, link)[TYPES]["annotations"]
    assert shown["count"] == len(rows)
    assert [point["segments"][0][0] for point in shown["first"]] == [str(root) for root in rows["pt_root_id"]]
    assert verdict["colours"] > 10, "the picture is empty"


def test_rows_by_type_in_the_colours_of_the_types(viewer: Client, cave: Cave, types: TableFrame) -> None:
    rows = types.frame[types.frame["pt_root_id"] != 0].drop_duplicates("pt_root_id").head(300)
    link = table_link(cave, types, rows, group_by="cell_type")
    verdict = viewer.open(link.url)
    shown = assert_shown(verdict, link)
    for kind, count in rows["cell_type"].value_counts().items():
        message = shown[str(kind)]
        assert (message["annotations"]["count"], message["colour"]) == (count, link.legend[str(kind)])
    colours = state_of(verdict, "segmentation")["segmentColors"]
    assert colours == {
        str(root): link.legend[kind] for root, kind in zip(rows["pt_root_id"], rows["cell_type"], strict=True)
    }


@pytest.mark.parametrize("group_by", [None, "cell_type"], ids=["plain", "by type"])
def test_a_cell_with_its_partners_and_synapses(
    viewer: Client, cave: Cave, cell: Connectivity, group_by: str | None
) -> None:
    link = cell_link(cave, cell, group_by=group_by)
    verdict = viewer.open(link.url)
    shown = assert_shown(verdict, link)
    assert shown["segmentation"]["visible"] == [str(cell.cell.root_id)]
    for name, side in (("input", "in"), ("output", "out")):
        layers = [layer for layer in shown.values() if layer["name"].startswith(name)]
        wanted = cell.totals[side]["num_syn"]
        assert sum(layer["annotations"]["count"] for layer in layers) == wanted
    assert verdict["colours"] > 10, "the picture is empty"


def test_synapses_coloured_by_type_in_one_layer(viewer: Client, cave: Cave, cell: Connectivity) -> None:
    link = cell_link(cave, cell, direction="in", colour_by="cell_type")
    layer = assert_shown(viewer.open(link.url), link)["input synapses"]
    declared = next(one for one in link.state["layers"] if one["name"] == "input synapses")["annotationProperties"]
    assert [entry["id"] for entry in declared] == ["type", "size", "partner", "colour"]
    by_root = dict(zip(map(str, cell.inputs["root_id"]), cell.inputs["cell_type"].fillna("(blank)"), strict=True))
    for point in layer["annotations"]["first"]:
        kind, _size, rank, colour = point["properties"]
        (partner,) = point["segments"][0]
        assert declared[0]["enum_labels"][kind] == by_root[partner]
        assert cell.inputs["root_id"].iloc[int(rank) - 1] == int(partner)
        assert packed(link.legend[by_root[partner]]) == colour


def packed(colour: str) -> int:
    """A colour as the viewer holds it: red in the lowest byte."""
    return int.from_bytes(bytes.fromhex(colour[1:]), "little")


def test_rows_coloured_by_a_number(viewer: Client, cave: Cave, types: TableFrame) -> None:
    rows = types.frame[types.frame["pt_root_id"] != 0].head(200)
    link = table_link(cave, types, rows, colour_by="volume")
    shown = assert_shown(viewer.open(link.url), link)
    assert shown[TYPES]["annotations"]["count"] == len(rows)
    grouped = table_link(cave, types, rows, group_by="volume")
    assert grouped.legend == link.legend
    layers = assert_shown(viewer.open(grouped.url), grouped)
    assert {name: layers[name]["colour"] for name in grouped.legend} == grouped.legend


def test_types_can_be_searched_as_they_are_at_the_version(viewer: Client, cave: Cave) -> None:
    """Older versions have other ids, so what the segmentation itself has to search by would not do."""
    counts = []
    for version in [version.number for version in cave.versions(DATASTACK) if version.valid]:
        types = tables.open_table(Release.of(cave, DATASTACK, version), TYPES)
        link = table_link(cave, types, types.frame[types.frame["pt_root_id"] != 0].head(5))
        message = assert_shown(viewer.open(link.url), link)["segmentation"]["properties"]
        roots = types.frame["pt_root_id"]
        assert set(types.frame["cell_type"].dropna()) <= set(message["tags"])
        assert message["count"] in (len(roots), roots.nunique())
        counts.append(message["count"])
    assert len(counts) > 1


def test_the_panel_shows_what_the_link_to_another_viewer_does(viewer: Client, cave: Cave, types: TableFrame) -> None:
    """Whatever viewer is chosen, the bundled one shows the same, in 3D alone and with no panel of its own."""
    for kind in ("spelunker", "mainline"):
        for rows in (types.frame[["id", "pt_root_id"]].head(2), types.frame.head(100)):
            link = table_link(cave, types, rows, viewer=kind)
            assert link.url.startswith("https://")
            verdict = viewer.open(link.panel_url)
            assert_shown(verdict, link)
            assert verdict["state"]["layout"] == "3d"
            assert (
                not viewer.page.locator(".neuroglancer-side-panel, .neuroglancer-viewer-top-row")
                .locator("visible=true")
                .count()
            )


def test_a_state_behind_a_login_is_got_from_here(viewer: Client, cave: Cave, types: TableFrame) -> None:
    """The client cannot log in, so on a CAVE that demands it, its short links name a state of this site."""
    link = table_link(cave, types, types.frame.head(100))
    state_id = cave.upload_state(DATASTACK, link.state)
    url = short_url(BUNDLED, DATASTACK, f"https://cave.example.org/nglstate/api/v1/{state_id}")
    assert_shown(viewer.open(url), link)


def test_a_pasted_link_opens_the_same_cells_again(viewer: Client, cave: Cave, cell: Connectivity) -> None:
    """What the client makes of the address while one looks around is read as well as what it was given."""
    link = cell_link(cave, cell)
    verdict = viewer.open(link.url)
    viewer.page.wait_for_function("given => !location.href.endsWith(given)", arg=link.url)
    address = viewer.page.evaluate("location.href")
    for text in (link.url, address, json.dumps(verdict["state"])):
        result = pasted_links.read(cave, DATASTACK, text)
        assert result.selected == (cell.cell.root_id,)
        assert len(result.hidden) == link.num_segments - 1
        assert result.warnings == ()


def test_several_cells_each_in_its_colour(viewer: Client, cave: Cave, cell: Connectivity) -> None:
    partner = cell.outputs["root_id"].iloc[0]
    other = connectivity.read(Release(cave, DATASTACK, cell.version), int(partner), type_table=TYPES)
    link = cell_link(cave, [cell, other])
    verdict = viewer.open(link.url)
    shown = assert_shown(verdict, link)
    roots = [str(one.cell.root_id) for one in (cell, other)]
    assert sorted(shown["segmentation"]["visible"]) == sorted(roots)
    for root in roots:
        assert state_of(verdict, "segmentation")["segmentColors"][root] == link.legend[root]
    point = shown["output synapses"]["annotations"]["first"][0]
    assert point["properties"][-1] == packed(link.legend[point["segments"][0][0]])


def test_selected_partners(viewer: Client, cave: Cave, cell: Connectivity) -> None:
    chosen = cell.inputs["root_id"].head(3).tolist()
    shown = assert_shown(viewer.open((link := cell_link(cave, cell, partners=chosen)).url), link)
    assert {*map(str, chosen), str(cell.cell.root_id)} == set(shown["segmentation"]["visible"])


def test_twenty_thousand_points(viewer: Client, cave: Cave) -> None:
    built = table_state(bare(SEGMENTATION), cells(20_000), name="many", row_voxel_nm=VOXEL_NM, voxel_nm=VOXEL_NM)
    address = cave.state_url(DATASTACK, cave.upload_state(DATASTACK, built.state))
    verdict = viewer.open(short_url(BUNDLED, DATASTACK, address))
    assert verdict["errors"] == []
    segmentation, many = verdict["layers"]
    assert (len(segmentation["segments"]), many["annotations"]["count"]) == (20_000, 20_000)
    assert many["annotations"]["first"][101]["segments"] == [[str(NEAR + 101)]]


def test_another_link_in_the_same_tab_takes_the_place_of_the_first(
    viewer: Client, cave: Cave, types: TableFrame, cell: Connectivity
) -> None:
    viewer.open(cell_link(cave, cell).url)
    second = table_link(cave, types, types.frame.head(50))
    viewer.page.evaluate("url => { location.hash = url.split('#')[1]; }", second.url)
    viewer.page.wait_for_function("name => viewer.layerManager.managedLayers.some(l => l.name === name)", arg=TYPES)
    assert_shown(viewer.settled(), second)


def test_reloading_keeps_what_was_shown(viewer: Client, cave: Cave, types: TableFrame) -> None:
    link = table_link(cave, types, types.frame.head(50))
    viewer.open(link.url)
    viewer.page.reload()
    assert_shown(viewer.settled(), link)


@pytest.mark.parametrize("inline", [True, False], ids=["inline", "short"])
def test_a_slow_machine_loses_no_layer(viewer: Client, cave: Cave, cell: Connectivity, inline: bool) -> None:
    """The client alone loses a layer of most states that it reads from the address on a machine this slow."""
    link = cell_link(cave, cell, group_by="cell_type")
    url = inline_url(BUNDLED, link.state) if inline else link.url
    session = viewer.page.context.new_cdp_session(viewer.page)
    session.send("Emulation.setCPUThrottlingRate", {"rate": 4})
    try:
        assert_shown(viewer.open(url), link)
    finally:
        session.send("Emulation.setCPUThrottlingRate", {"rate": 1})
        session.detach()


def test_names_that_are_hard_to_quote_survive(viewer: Client) -> None:
    name = "L2/3 #1 100% “é” <b>&amp;'\""
    rows = cells(3).assign(cell_type=pd.array([name, "b", name], "string"))
    built = table_state(
        bare(SEGMENTATION),
        rows,
        name="cells",
        row_voxel_nm=VOXEL_NM,
        voxel_nm=VOXEL_NM,
        groups=Groups("cell_type", {name: "#102030"}),
    )
    verdict = viewer.open(state_url(built.state))
    assert verdict["errors"] == []
    assert [(layer["name"], layer["annotations"]["count"]) for layer in verdict["layers"][1:]] == [(name, 2), ("b", 1)]
    assert sorted(verdict["layers"][0]["visible"]) == [str(NEAR + row) for row in range(3)]


def test_nothing_but_the_viewer_and_cave_was_asked_and_nothing_went_wrong(viewer: Client, localcave_url: str) -> None:
    """Over all links opened before this one."""
    assert viewer.hosts - {""} <= {urlsplit(viewer.site).netloc, urlsplit(localcave_url).netloc}
    assert viewer.faults == []


# --- that the checks above can fail


def points(*given: dict[str, Any], **options: Any) -> dict[str, Any]:
    """A layer of annotations."""
    return {"type": "annotation", "name": "points", "annotations": list(given), **options}


GOOD = {"type": "point", "id": "0", "point": [1, 2, 3], "props": []}


def test_a_bad_annotation_is_noticed(viewer: Client) -> None:
    verdict = viewer.open(state_url(bare(points(GOOD, GOOD | {"id": 1}, GOOD | {"id": "2"}))))
    assert verdict["layers"][0]["annotations"]["count"] == 1


def test_a_rounded_id_is_noticed(viewer: Client) -> None:
    state = bare(SEGMENTATION | {"segments": [NEAR]}, points(GOOD))
    assert viewer.open(state_url(state))["layers"][0]["visible"] != [str(NEAR)]


def test_a_shader_that_does_not_compile_is_noticed(viewer: Client) -> None:
    verdict = viewer.open(state_url(bare(points(GOOD, shader="void main() { setColor(prop_nothing()); }"))))
    assert any("shader" in error for error in verdict["errors"])


def test_a_state_that_is_not_there_is_noticed(viewer: Client, localcave_url: str) -> None:
    viewer.open(state_url(bare(points(GOOD))))
    viewer.page.evaluate("address => { location.hash = `!${address}`; }", f"{localcave_url}/nglstate/api/v1/1")
    viewer.page.wait_for_function("document.body.textContent.includes('Error loading state')")
    assert any("Error loading state" in error for error in viewer.settled()["errors"])
