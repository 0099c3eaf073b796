"""Links built from a real localcave through caveclient."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import unquote

import flask
import pandas as pd
import pytest

from services.cave.client import Cave
from services.cave.release import Release
from services.cells import connectivity, partner_groups, partner_joins
from services.cells.connectivity import Connectivity
from services.core.directions import Direction
from services.core.errors import BadInput, TooLarge
from services.core.settings import Settings
from services.neuroglancer.bundled_viewer import PANEL_PATH, create_blueprint, state_path
from services.neuroglancer.links import INLINE_CHARACTERS, Link, cell_link, table_link
from services.tables import groups, tables
from services.tables.tables import TableFrame
from tests.neuroglancer_checks import assert_sound, layer_of
from tests.servers import start_localcave

TOKEN = "a-token-that-nobody-else-may-see"
TYPES = "aibs_metamodel_celltypes_v661"
DATASTACK = "karst_demo"


@pytest.fixture(scope="module")
def cave(localcave_url: str) -> Cave:
    return Cave(Settings(server_address=localcave_url, cache="", token=TOKEN))


@pytest.fixture(scope="module")
def version(cave: Cave) -> int:
    return cave.versions(DATASTACK)[0].number


@pytest.fixture(scope="module")
def types(cave: Cave, version: int) -> TableFrame:
    return tables.open_table(Release.of(cave, DATASTACK, version), TYPES)


@pytest.fixture(scope="module")
def cell(cave: Cave, version: int) -> Connectivity:
    proofread = Release.of(cave, DATASTACK, version).table("proofreading_status_and_strategy")
    root = proofread["pt_root_id"].iloc[0]
    return connectivity.read(Release.of(cave, DATASTACK, version), int(root), type_table=TYPES)


def uploaded(link: Link) -> object:
    """The state that a short link's address answers."""
    with urllib.request.urlopen(link.url.split("#!", 1)[1]) as answer:
        return json.load(answer)


def test_the_bundled_viewer_s_states_are_those_of_cave(cave: Cave) -> None:
    app = flask.Flask(__name__)
    app.register_blueprint(create_blueprint())
    app.extensions["karst"] = cave
    state = {"layers": [{"type": "segmentation", "name": "s", "segments": ["864691135000000101"]}]}
    site, number = app.test_client(), cave.upload_state(DATASTACK, state)
    assert site.get(state_path(DATASTACK, number)).json == state
    missing = site.get(state_path(DATASTACK, 17))
    assert (missing.status_code, missing.json["error"]["code"]) == (404, "not_found")
    assert site.get("/neuroglancer/states/karst_demo/x").status_code == 404


def test_types_can_be_searched_at_the_version_of_the_link(cave: Cave, types: TableFrame, cell: Connectivity) -> None:
    source = f"precomputed://{cave.settings.server_address}/materialize/api/v3/datastack/{DATASTACK}/version/"
    for link in (table_link(cave, types, types.frame.head(3)), cell_link(cave, cell)):
        sources = layer_of(link.state, "segmentation")["source"]
        assert sources[-1] == f"{source}{types.version.number}/table/{TYPES}"
        assert f"searched by their values in {TYPES}" in link.description
        with urllib.request.urlopen(sources[-1].removeprefix("precomputed://") + "/info") as answer:
            inline = json.load(answer)["inline"]
        assert sorted(inline["ids"]) == sorted(map(str, types.frame["pt_root_id"]))


def test_a_table_that_is_not_of_types_has_nothing_to_search_by(cave: Cave, version: int) -> None:
    nuclei = tables.open_table(Release.of(cave, DATASTACK, version), cave.info(DATASTACK)["soma_table"])
    link = table_link(cave, nuclei, nuclei.frame.head(3))
    assert "/materialize/" not in json.dumps(link.state)
    assert "searched" not in link.description


def test_a_column_s_colours_are_those_of_all_its_values_wherever_it_is_shown(
    cave: Cave, types: TableFrame, cell: Connectivity
) -> None:
    for column in ("cell_type", "classification_system", "volume"):
        whole = groups.of_table(cave, types, column)
        assert table_link(cave, types, types.frame.head(40), colour_by=column).legend.items() <= whole.colours.items()
        if column in cell.inputs:
            assert partner_groups.of_partners(cave, cell, column) == whole
            assert cell_link(cave, cell, colour_by=column).legend.items() <= whole.colours.items()


@pytest.mark.parametrize("column", ["num_syn", "mean_size", "soma_depth_um", "num_soma"])
def test_a_cell_s_link_is_grouped_by_any_column_of_its_partners(cave: Cave, cell: Connectivity, column: str) -> None:
    link = cell_link(cave, cell, group_by=column)
    assert_sound(link.state)
    known = partner_groups.of_partners(cave, cell, column)
    for side in ("inputs", "outputs"):
        frame = getattr(cell, side)
        wanted = frame.groupby(known.labels(frame[column]))["num_syn"].sum()
        layers = {layer["name"]: layer for layer in link.state["layers"]}
        for label, count in wanted.items():
            layer = layers[f"{side}: {label}"]
            assert (len(layer["annotations"]), layer["annotationColor"]) == (count, known.colours[str(label)])


def test_a_cell_s_link_is_coloured_by_columns_of_joined_tables(cave: Cave, cell: Connectivity) -> None:
    table = "allen_v1_column_types_slanted_ref"
    joined, _ = partner_joins.with_tables(
        cell.inputs, partner_joins.load_tables(Release(cave, DATASTACK, cell.version), [table])
    )
    column = f"{table}.cell_type"
    link = cell_link(cave, cell, direction="in", colour_by=column, more=joined)
    assert_sound(link.state)
    known = groups.of_values(
        "cell_type", Release(cave, DATASTACK, cell.version).table(table)["cell_type"], palette(cave)
    )
    colours = layer_of(link.state, "segmentation")["segmentColors"]
    for root, label in zip(joined["root_id"], known.labels(joined[column]), strict=True):
        assert colours[str(root)] == known.colours[label]


def palette(cave: Cave) -> dict[str, str]:
    return dict(cave.profile(DATASTACK).palette)


def test_rows_of_a_moment_have_nothing_to_search_by(cave: Cave, types: TableFrame) -> None:
    """The ids of a moment, or of a version that is gone, are not those that CAVE would write."""
    moment = types.version.timestamp + timedelta(hours=1)
    for version in (replace(types.version, timestamp=moment, live=True), replace(types.version, valid=False)):
        link = table_link(cave, replace(types, version=version), types.frame.head(3))
        assert "/materialize/" not in json.dumps(link.state)


def test_one_column_groups_or_colours(cave: Cave, types: TableFrame) -> None:
    with pytest.raises(BadInput, match="one column"):
        table_link(cave, types, types.frame.head(3), group_by="cell_type", colour_by="volume")


def test_a_page_gets_addresses_and_words_only(cave: Cave, types: TableFrame) -> None:
    """However much is in the link, and whichever viewer opens it, the bundled one can show it beside."""
    for kind in ("spelunker", "mainline", "bundled"):
        link = table_link(cave, types, types.frame, group_by="cell_type", viewer=kind)
        assert len(link.url + link.panel_url + link.description + link.left_out) < 5_000
        assert link.panel_url.startswith(f"{PANEL_PATH}#!")
        assert link.url.split("#!")[1] == link.panel_url.split("#!")[1]
        assert uploaded(link) == link.state


def test_a_few_segments_fit_in_the_link_itself(cave: Cave, types: TableFrame) -> None:
    rows = types.frame[["id", "pt_root_id"]].head(3)
    link = table_link(cave, types, rows)
    assert len(link.url) <= INLINE_CHARACTERS
    assert json.loads(unquote(link.url.split("#!", 1)[1])) == link.state


def test_more_goes_through_the_state_service(cave: Cave, types: TableFrame, localcave_url: str) -> None:
    link = table_link(cave, types, types.frame)
    assert link.url.startswith(f"/neuroglancer/v/karst/#!{localcave_url}/nglstate/api/v1/")
    assert uploaded(link) == link.state
    assert f"{len(link.url):,} characters" in link.description


def test_a_link_is_uploaded_once(cave: Cave, types: TableFrame) -> None:
    first = table_link(cave, types, types.frame.head(100))
    before, counts = cave.counts["requests"], cave.cache.counts["loaded"]
    assert table_link(cave, types, types.frame.head(100)).url == first.url
    assert cave.counts["requests"] == before + 1  # whether its state is still there
    assert cave.cache.counts["loaded"] == counts


def test_a_long_link_opens_after_the_states_were_forgotten(
    small_cortex: Path, types: TableFrame, tmp_path: Path
) -> None:
    with start_localcave([small_cortex]) as url:
        settings = Settings(server_address=url, cache=str(tmp_path))
        links = [table_link(Cave(settings), types, types.frame)]
        others = Cave(settings)  # of another process, which holds the number too
        assert table_link(others, types, types.frame).url == links[0].url
        urllib.request.urlopen(urllib.request.Request(f"{url}/reset", method="POST")).close()
        links += [table_link(cave, types, types.frame) for cave in (others, Cave(settings))]
        assert links[1].url == links[2].url != links[0].url
        assert uploaded(links[1]) == links[1].state


def test_the_state_holds_the_table_s_ids_types_and_places(cave: Cave, types: TableFrame) -> None:
    rows = types.frame[types.frame["cell_type"].isin(["BC", "MC"])]
    link = table_link(cave, types, rows, group_by="cell_type")
    assert_sound(link.state)
    for kind in ("BC", "MC"):
        own = rows[rows["cell_type"] == kind]
        points = layer_of(link.state, kind)["annotations"]
        assert [point["segments"][0] for point in points] == [[str(r)] if r else [] for r in own["pt_root_id"]]
        assert [point["point"] for point in points] == own[[f"pt_position_{a}" for a in "xyz"]].to_numpy().tolist()
        assert layer_of(link.state, kind)["annotationColor"] == cave.profile(DATASTACK).palette[kind]
    assert link.num_points == len(rows)
    assert link.num_segments == rows.loc[rows["pt_root_id"] > 0, "pt_root_id"].nunique()


def test_a_colour_does_not_depend_on_the_rows(cave: Cave, types: TableFrame) -> None:
    column = "classification_system"
    whole = table_link(cave, types, types.frame, group_by=column).legend
    for value, rows in types.frame.groupby(column):
        assert table_link(cave, types, rows, group_by=column).legend == {value: whole[str(value)]}


def test_a_cell_s_link_has_all_its_partners_and_synapses(cave: Cave, cell: Connectivity) -> None:
    link = cell_link(cave, cell)
    assert_sound(link.state)
    for name, side in (("input synapses", "in"), ("output synapses", "out")):
        totals = cell.totals[side]
        assert len(layer_of(link.state, name)["annotations"]) == totals["num_syn"]
        if totals["autapses"]:
            assert f"The {name} are those with partners; counted apart: {totals['autapses']:,} autapse" in link.notes
    assert link.left_out == "", "what CAVE does not have is not left out of the link"
    assert link.notes in link.description
    partners = {*map(str, cell.inputs["root_id"]), *map(str, cell.outputs["root_id"])}
    segments = layer_of(link.state, "segmentation")["segments"]
    assert {segment.strip("!") for segment in segments} == partners | {str(cell.cell.root_id)}
    assert link.num_segments == len(partners) + 1


def test_synapses_are_at_their_place_and_between_their_cells(cave: Cave, cell: Connectivity) -> None:
    synapses = Release(cave, DATASTACK, cell.version).synapses(cell.cell.root_id, Direction.OUT)
    rows = {row.id: row for row in synapses.itertuples()}
    points = layer_of(cell_link(cave, cell, direction="out").state, "output synapses")["annotations"]
    assert points
    for point in points:
        row = rows[int(point["id"])]
        assert point["segments"] == [[str(row.pre_pt_root_id)], [str(row.post_pt_root_id)]]
        for voxel, axis, size_nm in zip(point["point"], "xyz", (4, 4, 40), strict=True):
            assert voxel == pytest.approx(getattr(row, f"ctr_pt_position_{axis}_nm") / size_nm, abs=0.06)


def test_selected_partners_alone(cave: Cave, cell: Connectivity) -> None:
    rows = cell.inputs.iloc[[0, 2]]
    chosen = rows["root_id"].tolist()
    link = cell_link(cave, cell, direction="in", partners=chosen)
    assert link.num_points > 0
    assert len(layer_of(link.state, "input synapses")["annotations"]) == rows["num_syn"].sum()
    segments = layer_of(link.state, "segmentation")["segments"]
    assert segments == [str(root) for root in (cell.cell.root_id, *chosen)]


def test_types_of_partners_make_layers(cave: Cave, cell: Connectivity) -> None:
    link = cell_link(cave, cell, direction="in", group_by="cell_type")
    typed = cell.inputs.groupby("cell_type")["num_syn"].sum()
    for kind, count in typed.items():
        layer = layer_of(link.state, f"inputs: {kind}")
        assert len(layer["annotations"]) == count
        assert layer["annotationColor"] == cave.profile(DATASTACK).palette[str(kind)]


def test_a_colour_does_not_depend_on_the_direction(cave: Cave, cell: Connectivity) -> None:
    column = "classification_system"
    whole = cell_link(cave, cell, group_by=column).legend
    for direction in Direction:
        part = cell_link(cave, cell, group_by=column, direction=direction).legend
        assert part.items() <= whole.items()


def test_an_unknown_column_or_viewer_is_said(cave: Cave, types: TableFrame, cell: Connectivity) -> None:
    with pytest.raises(BadInput, match="'nope'"):
        table_link(cave, types, types.frame, group_by="nope")
    with pytest.raises(BadInput, match="'nope'"):
        cell_link(cave, cell, group_by="nope")
    with pytest.raises(BadInput, match="'nope'"):
        cell_link(cave, cell, viewer="nope")


@pytest.mark.parametrize(("viewer", "words"), [("spelunker", "shown as of"), ("mainline", "segmentation of today")])
def test_what_the_viewer_makes_of_the_version_is_said(
    cave: Cave, types: TableFrame, tmp_path: Path, viewer: str, words: str
) -> None:
    graphene = Cave(Settings(server_address=cave.settings.server_address, cache="", config_dir=tmp_path))
    link = table_link(graphene, types, types.frame.head(2), viewer=viewer)
    assert words in link.description
    assert f"{types.version.timestamp:%Y-%m-%d %H:%M} UTC" in link.description


# --- the viewer's host


@pytest.fixture
def viewer_host() -> Iterator[tuple[str, list[str]]]:
    """A web server that writes down every request; its address and what it wrote."""
    requests: list[str] = []

    class Log(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            requests.append(f"{self.command} {self.path} {self.headers}")
            self.send_response(200)
            self.end_headers()

        do_POST = do_GET  # noqa: N815 - the name that the handler looks for

    server = ThreadingHTTPServer(("127.0.0.1", 0), Log)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/", requests
    server.shutdown()
    thread.join()


@pytest.fixture(params=["spelunker", "mainline"])
def watched(request: pytest.FixtureRequest, cave: Cave, viewer_host: tuple[str, list[str]], tmp_path: Path) -> Cave:
    """The same CAVE, whose links open in the watched viewer."""
    (tmp_path / "datastacks").mkdir()
    profile = f'viewers = [{{name = "Watched", url = "{viewer_host[0]}", kind = "{request.param}"}}]'
    (tmp_path / "datastacks" / f"{DATASTACK}.toml").write_text(profile)
    settings = Settings(server_address=cave.settings.server_address, cache="", token=TOKEN, config_dir=tmp_path)
    return Cave(settings)


def test_building_a_link_asks_the_viewer_nothing_and_tells_no_token(
    watched: Cave, types: TableFrame, cell: Connectivity, viewer_host: tuple[str, list[str]]
) -> None:
    address, requests = viewer_host
    links = [
        table_link(watched, types, types.frame[["id", "pt_root_id"]].head(2)),
        table_link(watched, types, types.frame, group_by="cell_type"),
        cell_link(watched, cell),
        cell_link(watched, cell, group_by="cell_type"),
    ]
    for link in links:
        assert link.url.startswith(f"{address}#!")
        assert TOKEN not in unquote(link.url) + json.dumps(link.state) + link.description
    assert {len(link.url) < 100 for link in links} == {True, False}, "both short and inline links were tried"
    assert requests == []
    urllib.request.urlopen(f"{address}seen").close()
    assert requests[0].startswith("GET /seen "), "the log would have shown it"


# --- a state service that fails


def test_a_link_works_without_the_state_service(small_cortex: Path, tmp_path: Path) -> None:
    """The address that holds the whole state is longer, and that is said."""
    with start_localcave([small_cortex]) as url:
        cave = Cave(Settings(server_address=url, cache=str(tmp_path)))
        types = tables.open_table(Release(cave, DATASTACK, cave.versions(DATASTACK)[0]), TYPES)
    link = table_link(cave, types, types.frame.head(50))
    assert json.loads(unquote(link.url.split("#!", 1)[1])) == link.state
    assert "A short link could not be had" in link.description
    many = pd.concat([types.frame] * 5, ignore_index=True)
    with pytest.raises(TooLarge, match="too long to open or share"):
        table_link(cave, types, many)


def test_several_cells_at_once_have_the_synapses_of_all_of_them(cave: Cave, version: int) -> None:
    proofread = Release.of(cave, DATASTACK, version).table("proofreading_status_and_strategy")["pt_root_id"].head(3)
    matches = [
        connectivity.read(Release.of(cave, DATASTACK, version), int(root), type_table=TYPES) for root in proofread
    ]
    link = cell_link(cave, matches, direction="out")
    assert_sound(link.state)
    layer = layer_of(link.state, "output synapses")
    wanted = set()
    for one in matches:
        rows = connectivity.synapses(cave, one, Direction.OUT)
        kept = rows[(rows["post_pt_root_id"] != 0) & (rows["post_pt_root_id"] != one.cell.root_id)]
        wanted |= {(str(id), str(one.cell.root_id)) for id in kept["id"]}
    assert {(point["id"], point["segments"][0][0]) for point in layer["annotations"]} == wanted
    for point in layer["annotations"]:
        assert point["props"][-1] == link.legend[point["segments"][0][0]]
    segments = layer_of(link.state, "segmentation")["segments"]
    assert segments[:3] == [str(root) for root in proofread]
    partners = {str(root) for one in matches for root in one.outputs["root_id"]} - set(segments[:3])
    assert {segment.strip("!") for segment in segments[3:]} == partners
    assert "coloured by cell, partners by cell_type" in link.description


def test_all_synapses_of_a_cell_read_in_pieces_are_in_its_link(small_cortex: Path) -> None:
    """A link once asked again without the pieces, and had fewer synapses than the table beside it."""
    with start_localcave([small_cortex], "--row-limit", "300") as address:
        cave = Cave(Settings(server_address=address, cache=""))
        version = cave.versions(DATASTACK)[0].number
        root = Release.of(cave, DATASTACK, version).table("proofreading_status_and_strategy")["pt_root_id"].iloc[0]
        whole = connectivity.read(Release.of(cave, DATASTACK, version), int(root), whole=True)
        assert whole.totals["in"]["num_syn"] > 300
        layer = layer_of(cell_link(cave, whole, direction="in").state, "input synapses")
        assert len(layer["annotations"]) == whole.totals["in"]["num_syn"]
