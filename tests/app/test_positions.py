"""A position means the segment that lies there: by the points of synapses, then by nuclei, else it is asked for."""

import json
from http.client import HTTPResponse
from urllib.parse import quote

import numpy as np
import pytest

from services.cave.client import Cave
from services.cave.release import Release
from services.cells import id_search, interpretation, positions
from services.core.errors import BadInput, KarstError
from services.core.settings import Settings
from services.populations import sets
from services.tables import tables
from tests.faults.proxy import Handler, proxied, send, status

DS = "karst_demo"
VOXEL_NM = np.array([4.0, 4.0, 40.0])


@pytest.fixture(scope="module")
def reading(localcave_url):
    """A CAVE whose segmentation has voxels that can be read."""
    return Cave(Settings(server_address=localcave_url, cache=""))


@pytest.fixture(scope="module")
def cave(localcave_url):
    """One whose voxels cannot be read."""
    with proxied(localcave_url) as proxy:
        proxy.break_next(status(404), "/supervoxels/", times=10**6)
        yield Cave(Settings(server_address=proxy.url, cache=""))


@pytest.fixture(scope="module")
def newest(cave):
    return cave.versions(DS)[0].number


@pytest.fixture(scope="module")
def synapses(cave, newest):
    rows = Release.of(cave, DS, newest).query("synapses_pni_2", limit=400)
    return rows[(rows["pre_pt_root_id"] > 0) & (rows["post_pt_root_id"] > 0)].head(40)


def place(row, point):
    return [int(row[f"{point}_position_{axis}"]) for axis in "xyz"]


def messages(numbers):
    return ", ".join(map(str, numbers))


def attempt(ask):
    """The answer and "", or None and why there is none."""
    try:
        return ask(), ""
    except KarstError as error:
        return None, error.message


@pytest.mark.parametrize("point", ["pre_pt", "post_pt"])
def test_a_synapse_s_point_is_in_the_cell_of_its_side(cave, newest, synapses, point):
    for _, row in synapses.iterrows():
        requested = interpretation.understand(Release.of(cave, DS, newest), messages(place(row, point)))
        assert (requested.kind, requested.ids, requested.id_type) == (
            "position",
            (int(row[f"{point}_root_id"]),),
            "root_id",
        )
        assert "0 nm away" in requested.notes[0]


@pytest.mark.parametrize("point", ["pre_pt", "post_pt"])
def test_the_segmentation_tells_where_it_can_be_read(cave, reading, newest, synapses, point):
    for _, row in synapses.iterrows():
        requested = interpretation.understand(Release.of(reading, DS, newest), messages(place(row, point)))
        assert (requested.ids, requested.id_type) == ((int(row[f"{point}_root_id"]),), "root_id")
        assert "the segmentation has this cell there" in requested.notes[0]


def test_the_segmentation_knows_the_supervoxels_of_somata(cave, reading, newest):
    nuclei = Release.of(cave, DS, newest).table("nucleus_detection_v0")
    nuclei = nuclei[nuclei["pt_supervoxel_id"].fillna(0) != 0].head(10)
    for _, row in nuclei.iterrows():
        point_nm = (np.array(place(row, "pt")) * VOXEL_NM).tolist()
        assert reading.supervoxel_at(DS, point_nm) == row["pt_supervoxel_id"]
        assert cave.supervoxel_at(DS, point_nm) is None
    assert reading.supervoxel_at(DS, [1.0, 1.0, 1.0]) == 0
    assert reading.supervoxel_at(DS, [-1e7, 1.0, 1.0]) == 0


def test_voxels_are_asked_for_without_a_token(localcave_url):
    with proxied(localcave_url) as proxy:
        seen = []

        def look(handler: Handler, answer: HTTPResponse, content: bytes) -> None:
            seen.append(dict(handler.headers))
            send(handler, answer, content)

        proxy.break_next(look, "/supervoxels/", times=10**6)
        Cave(Settings(server_address=proxy.url, token="secret", cache="")).supervoxel_at(DS, [7e5, 7e5, 7e5])
    assert seen
    assert "secret" not in str(seen)


def test_no_position_of_a_synapse_is_answered_with_a_third_cell(cave, newest, synapses):
    """Its middle lies between two cells, so one of these or a question."""
    for _, row in synapses.iterrows():
        both = {int(row["pre_pt_root_id"]), int(row["post_pt_root_id"])}
        answered, why = attempt(
            lambda row=row: interpretation.understand(Release.of(cave, DS, newest), messages(place(row, "ctr_pt"))).ids
        )
        assert set(answered or both) <= both
        assert answered or "nm away" in why


def test_between_two_cells_both_are_named(cave, newest, synapses):
    row = synapses.iloc[0]
    ends = [np.array(place(row, point)) * VOXEL_NM for point in ("pre_pt", "post_pt")]
    apart = np.linalg.norm(ends[1] - ends[0])
    towards = ends[0] + (ends[1] - ends[0]) * min(0.45, 95 / apart)
    with pytest.raises(BadInput, match="between two segments") as caught:
        positions.at(Release.of(cave, DS, newest), towards)
    assert all(str(row[f"{point}_root_id"]) in caught.value.message for point in ("pre_pt", "post_pt"))


def test_a_place_in_a_nucleus_is_its_cell_and_one_beside_it_is_asked_for(cave, newest):
    nuclei = Release.of(cave, DS, newest).table("nucleus_detection_v0")
    centres = nuclei[[f"pt_position_{axis}" for axis in "xyz"]].to_numpy(float) * VOXEL_NM
    roots = nuclei["pt_root_id"].tolist()
    nuclei = nuclei[nuclei["pt_root_id"] != 0].sample(30, random_state=3)
    direction = np.array([0.6, 0.8, 0.0])
    for _, row in nuclei.iterrows():
        centre = np.array(place(row, "pt")) * VOXEL_NM
        radius = 1000 * (3 * float(row["volume"]) / (4 * np.pi)) ** (1 / 3)
        for far in (0, 0.9 * radius):
            result = positions.at(Release.of(cave, DS, newest), centre + far * direction)
            assert (result.id, result.id_type) in ((row["id"], "nucleus_id"), (row["pt_root_id"], "root_id"))
        beside = centre + 1.1 * radius * direction
        result, why = attempt(lambda beside=beside: positions.at(Release.of(cave, DS, newest), beside))
        nearest = np.argmin(np.linalg.norm(centres - beside, axis=1))
        assert result is None or result.id != row["id"]  # something else may be known to lie there
        assert result or str(roots[nearest]) in why


def test_the_api_takes_positions_and_links(client, cave, newest, synapses):
    row = synapses.iloc[0]
    root = str(row["post_pt_root_id"])
    layer = {"type": "segmentation", "source": cave.info(DS)["segmentation_source"], "name": "seg", "segments": [root]}
    state = json.dumps({"layers": [layer]})
    marks = {"type": "annotation", "name": "marks", "annotations": [{"type": "point", "point": place(row, "post_pt")}]}
    axes = {axis: [size * 1e-9, "m"] for axis, size in zip("xyz", VOXEL_NM, strict=True)}
    point = json.dumps({"layers": [marks], "dimensions": axes})
    x, y, z = place(row, "post_pt")
    for text in (
        f"{x}, {y}, {z}",
        f"{x},{y},{z}",
        f"[{x} {y} {z}]",
        f"array([{x}, {y}, {z}])",
        f"{x * 4}, {y * 4}, {z * 40} nm",
        f"[np.int64({x}), np.int64({y}), np.int64({z})]",
        f"{x:,} x {y:,} x {z:,}",
        json.dumps({"x": x, "y": y, "z": z}),
        f"x={x} y={y} z={z}",
        f"https://spelunker.cave-explorer.org/#!{state}",
        f"https://spelunker.cave-explorer.org/#!{quote(state)}",
        f"<https://spelunker.cave-explorer.org/#!{quote(state)}|my cell>",
        state,
        f"https://spelunker.cave-explorer.org/#!{quote(point)}",
        f"http://127.0.0.1/connectivity-viewer?cell={root}",
        f'="{root}"',
    ):
        base = f"/api/v1/{DS}/{newest}/cells/{quote(text, safe='')}"
        assert client.get(base).json["cell"]["root_id"] == root, text
        for route in ("partners", "synapses"):
            answer = client.get(f"{base}/{route}").json
            assert answer["cell"]["root_id"] == root, text
            assert answer == client.get(f"/api/v1/{DS}/{newest}/cells/{root}/{route}").json | {
                key: answer[key] for key in ("cell", "warnings")
            }
    body = {"cell": f"{x}, {y}, {z}"}
    assert client.post(f"/api/v1/{DS}/{newest}/neuroglancer", json=body).status_code == 200


def test_positions_in_nm_without_a_unit_are_not_read_as_ids(client, newest, synapses):
    x, y, z = (np.array(place(synapses.iloc[0], "post_pt")) * VOXEL_NM).astype(int)
    answer = client.get(f"/api/v1/{DS}/{newest}/cells/{x}, {y}, {z}")
    assert answer.status_code == 400
    assert answer.json["error"]["message"] == "As voxels these three numbers lie outside karst_demo, as nm inside."


def test_a_box_for_positions_says_what_is_wrong_with_one(client, newest):
    answer = client.get(f"/api/v1/{DS}/{newest}/cells/240640, 207872?id_type=position")
    assert (answer.status_code, answer.json["error"]["message"]) == (
        400,
        "This has 2 numbers, but a position has three.",
    )


def test_boxes_for_ids_take_positions_and_the_bare_points_of_a_link(cave, newest, synapses):
    release = Release.of(cave, DS, newest)
    rows = synapses.drop_duplicates("post_pt_root_id").head(2)
    roots, points = rows["post_pt_root_id"].tolist(), [place(row, "post_pt") for _, row in rows.iterrows()]
    axes = {axis: [size * 1e-9, "m"] for axis, size in zip("xyz", VOXEL_NM, strict=True)}
    annotations = [{"type": "point", "point": point, "id": str(at)} for at, point in enumerate(points)]
    marks = {"type": "annotation", "name": "marks", "annotations": annotations}
    link = f"https://x.org/#!{quote(json.dumps({'layers': [marks], 'dimensions': axes}))}"
    table = tables.open_table(release, "nucleus_detection_v0")
    for text, expected in (
        (messages(points[0]), roots[:1]),
        ("{:,} x {:,} x {:,}".format(*points[0]), roots[:1]),
        ("\n".join(map(messages, points)), roots),
        (str(points), roots),
        (link, roots),
    ):
        report = id_search.search(cave, table, text)
        assert report.ids["asked"].tolist() == expected, text
        assert sets.resolve(release, text).ids.tolist() == sorted(expected), text
    with pytest.raises(BadInput, match="a position has three"):
        id_search.search(cave, table, "240,640 x 207,872")


def test_a_position_with_a_nucleus_id_among_its_numbers_is_a_position_in_boxes_too(client, reading, newest):
    release = Release.of(reading, DS, newest)
    nuclei = release.table("nucleus_detection_v0")
    known = set(nuclei["id"].tolist())
    places = [(place(row, "pt"), row["pt_root_id"]) for _, row in nuclei.iterrows() if row["pt_root_id"]]
    point, root = next(one for one in places if 0 < len(known & set(one[0])) < 3)
    assert interpretation.understand(release, messages(point)).ids == (root,)
    assert sets.resolve(release, messages(point)).ids.tolist() == [root]
    table = tables.open_table(release, "nucleus_detection_v0")
    matches = id_search.search(reading, table, messages(point))
    assert matches.ids["asked"].tolist() == [root] and matches.counts()["unknown"] == 0
    assert any("The position was read as a place" in sentence for sentence in matches.sentences)
    numbers = id_search.search(reading, table, messages(point), "nucleus_id")  # of a type, they are ids
    assert numbers.ids["asked"].tolist() == list(dict.fromkeys(point))
    three = sorted(known)[:3]
    assert id_search.search(reading, table, messages(three)).ids["asked"].tolist() == three
    base = f"/api/v1/{DS}/{newest}"
    edges = client.get(f"{base}/populations/edges", query_string={"pre": messages(point), "proofread": "off"})
    assert "The position was read as a place" in " ".join(edges.json["messages"])


def test_a_link_with_hidden_segments_alone_asks_for_these(client, cave, newest, synapses):
    root = str(synapses.iloc[0]["pre_pt_root_id"])
    source = cave.info(DS)["segmentation_source"]
    for hidden in ({"segments": [f"!{root}"]}, {"segments": [], "hiddenSegments": [root]}, {"hiddenSegments": [root]}):
        state = {"layers": [{"type": "segmentation", "name": "seg", "source": source, **hidden}]}
        text = quote(f"https://x.org/#!{json.dumps(state)}", safe="")
        answer = client.get(f"/api/v1/{DS}/{newest}/cells/{text}").json["cell"]
        assert answer["root_id"] == root
        assert "The segments of this link are hidden in its viewer." in answer["warnings"]


def test_hidden_segments_beside_selected_ones_are_left_out_with_a_word(cave, newest, synapses):
    release, (first, second) = Release.of(cave, DS, newest), map(str, synapses["pre_pt_root_id"].unique()[:2])
    layer = {"type": "segmentation", "name": "seg", "source": cave.info(DS)["segmentation_source"]}
    for segments, notes in (
        ([first, f"!{second}"], ("1 hidden segment of this link is left out.",)),
        ([first, f"!{second}", "!7"], ("2 hidden segments of this link are left out.",)),
        ([first, f"!{first}"], ()),
    ):
        state = {"layers": [{**layer, "segments": segments}]}
        question = interpretation.understand(release, json.dumps(state))
        assert (question.ids, question.notes) == ((int(first),), notes)


def test_a_link_of_points_without_a_unit_does_not_say_that_it_has_none(cave, newest):
    state = {"layers": [{"type": "annotation", "name": "a", "annotations": [{"point": [1, 2, 3]}]}]}
    with pytest.raises(BadInput, match=r"The link gives no voxel size for 1 point; left out\."):
        interpretation.understand(Release.of(cave, DS, newest), json.dumps(state))


def test_a_link_of_several_cells_is_answered_for_all(client, cave, newest, synapses):
    roots = [str(synapses.iloc[0][f"{side}_pt_root_id"]) for side in ("pre", "post")]
    layer = {"type": "segmentation", "name": "seg", "segments": roots}
    link = quote(f"https://x.org/#!{json.dumps({'layers': [layer]})}", safe="")
    answer = client.get(f"/api/v1/{DS}/{newest}/cells/{link}/partners").json
    assert [one["root_id"] for one in answer["cells"]] == roots


def test_a_route_that_is_none_is_none_still(client, newest):
    assert client.get(f"/api/v1/{DS}/{newest}/cells/1/nothing").status_code == 404
    assert "There is nothing at" in client.get(f"/api/v1/{DS}/{newest}/cells/1/nothing").json["error"]["message"]
