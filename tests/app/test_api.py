"""The HTTP API over a real localcave."""

import csv
import io
import json
import re
from typing import Any

import flask
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from api import blueprint
from services.cave.client import Cave
from services.cave.release import Release
from services.cells import connectivity
from services.core.directions import Direction
from services.core.settings import Settings
from services.tables import tables
from services.tables.tables import TableQuery

DS, TYPES = "karst_demo", "aibs_metamodel_celltypes_v661"


@pytest.fixture(scope="module")
def newest(cave):
    return cave.versions(DS)[0].number


@pytest.fixture(scope="module")
def cell(cave, newest):
    """A proofread cell, which has inputs and outputs."""
    return int(Release.of(cave, DS, newest).table("proofreading_status_and_strategy")["pt_root_id"].iloc[0])


@pytest.fixture(scope="module")
def get(client):
    """JSON of an answer that has to be good."""

    def ask(path, **parameters):
        answer = client.get(f"/api/v1/{path}", query_string=parameters)
        assert answer.status_code == 200, answer.text
        return json.loads(answer.text, parse_constant=pytest.fail)

    return ask


def test_datastacks_and_versions(get, newest):
    assert DS in [datastack["name"] for datastack in get("datastacks")["datastacks"]]
    result = get(f"{DS}/versions")
    assert result["latest"] == newest
    assert [one["version"] for one in result["versions"]] == sorted(
        (one["version"] for one in result["versions"]), reverse=True
    )
    assert any(not one["valid"] for one in result["versions"])


def test_latest_is_answered_with_its_number(get, newest):
    assert get(f"{DS}/latest/tables")["version"] == newest
    assert get(f"{DS}/latest/tables") == get(f"{DS}/{newest}/tables")


def test_the_catalogue_has_type_tables_first_and_counts(get, cave, newest):
    listed = get(f"{DS}/latest/tables")["tables"]
    kinds = [table["schema_type"].startswith("cell_type") for table in listed]
    assert kinds == sorted(kinds, reverse=True)
    by_name = {table["name"]: table for table in listed}
    assert by_name[TYPES]["reference_table"] == "nucleus_detection_v0"
    assert by_name[TYPES]["row_count"] == len(Release.of(cave, DS, newest).table(TYPES))
    described = get(f"{DS}/latest/tables/{TYPES}")
    assert {name: described[name] for name in by_name[TYPES]} == by_name[TYPES]


def test_rows_are_filtered_sorted_and_paged(get, cave, newest):
    result = get(
        f"{DS}/{newest}/tables/{TYPES}/rows", filter="cell_type in (BC, MC)", sort="-volume,id", offset=5, limit=7
    )
    opened = tables.open_table(Release.of(cave, DS, newest), TYPES)
    rows = tables.select(opened, TableQuery("cell_type in (BC, MC)", {}, (("volume", "desc"), ("id", "asc"))))
    assert result["total"] == len(rows) > 100
    assert [row["id"] for row in result["rows"]] == [str(id) for id in rows["id"].iloc[5:12]]
    names = [column["name"] for column in result["columns"]]
    assert sorted(names) == sorted(rows.columns)
    assert {"name": "volume", "dtype": "float32", "unit": "um³"} in result["columns"] or "volume" in names
    assert all(isinstance(row["pt_root_id"], str) for row in result["rows"])


def test_a_limit_of_nothing_still_counts(get):
    result = get(f"{DS}/latest/tables/{TYPES}/rows", limit=0)
    assert (result["rows"], result["total"] > 0) == ([], True)


def rows_of_csv(text):
    facts = {}
    while text.startswith("# "):
        line, _, text = text.partition("\n")
        name, _, fact = line[2:].partition(": ")
        facts[name] = fact
    return facts, list(csv.DictReader(io.StringIO(text, newline="")))


def test_files_hold_all_rows_and_say_where_from(client, get, newest):
    path = f"/api/v1/{DS}/latest/tables/{TYPES}/rows"
    wanted = get(f"{DS}/latest/tables/{TYPES}/rows", filter="cell_type = BC", limit=100_000)
    ids = [row["pt_root_id"] for row in wanted["rows"]]
    answers = {
        name: client.get(path, query_string={"filter": "cell_type = BC", "format": name, "head": "on"})
        for name in ("csv", "parquet", "arrow")
    }
    facts, rows = rows_of_csv(answers["csv"].text)
    assert [row["pt_root_id"] for row in rows] == ids
    assert (facts["datastack"], facts["version"], facts["table"]) == (DS, str(newest), TYPES)
    assert facts["filter"] == "cell_type = BC"
    assert facts["total"] == str(len(ids))
    assert f"/api/v1/{DS}/{newest}/tables/{TYPES}/rows?" in facts["source"], "latest is another version tomorrow"
    for table in (
        pq.read_table(io.BytesIO(answers["parquet"].data)),
        pa.ipc.open_stream(answers["arrow"].data).read_all(),
    ):
        assert [str(root) for root in table["pt_root_id"].to_pylist()] == ids
        assert json.loads(table.schema.metadata[b"karst"])["version"] == newest
    for name, answer in answers.items():
        assert answer.headers["Content-Disposition"].endswith(f'.{name}"')


@pytest.mark.parametrize("direction", ["in", "out", "both"])
def test_partners_are_those_of_the_service(get, cave, newest, cell, direction):
    result = get(f"{DS}/{newest}/cells/{cell}/partners", direction=direction, types=TYPES)
    read = connectivity.read(Release.of(cave, DS, newest), int(cell), type_table=TYPES)
    ways = ("in", "out") if direction == "both" else (direction,)
    assert result["totals"] == {way: read.totals[way] for way in ways}
    assert result["total"] == len(result["rows"]) == sum(len(read.side(way)) for way in ways)
    for way in ways:
        own = [row for row in result["rows"] if row["direction"] == way]
        assert [row["root_id"] for row in own] == [str(root) for root in read.side(way)["root_id"]]
        assert [row["num_syn"] for row in own] == read.side(way)["num_syn"].tolist()
    assert result["cell"]["root_id"] == str(cell)
    names = [column["name"] for column in result["columns"]]
    assert names[:6] == ["root_id", "num_syn", "net_size", "mean_size", "num_soma", "soma_depth_um"]
    assert "cell_type" in names


def test_partners_as_csv(client, cave, newest, cell):
    answer = client.get(f"/api/v1/{DS}/latest/cells/{cell}/partners?direction=in&format=csv&head=on")
    facts, rows = rows_of_csv(answer.text)
    read = connectivity.read(Release.of(cave, DS, newest), int(cell))
    assert [row["root_id"] for row in rows] == [str(root) for root in read.inputs["root_id"]]
    assert facts["root_id"] == str(cell)
    assert json.loads(facts["totals"])["in"]["autapses"] == read.totals["in"]["autapses"]


def test_partners_take_what_the_page_has(get, cave, newest, cell):
    requested = {
        "types": TYPES,
        "at_least": "2",
        "more": "share,aibs_cell_info",
        "filter": "num_soma <= 1",
        "sort": "-soma_depth_um",
    }
    result = get(f"{DS}/{newest}/cells/{cell}/partners", direction="in", **requested)
    rows = Release.of(cave, DS, newest).synapses(cell, Direction.IN)["pre_pt_root_id"]
    counts = rows[(rows != cell) & (rows != 0)].value_counts()
    somata = Release.of(cave, DS, newest).table("nucleus_detection_v0")["pt_root_id"].value_counts()
    wanted = {str(root): n for root, n in counts[counts >= 2].items() if somata.get(root, 0) <= 1}
    assert {row["root_id"]: row["num_syn"] for row in result["rows"]} == wanted
    depths = [row["soma_depth_um"] for row in result["rows"] if row["soma_depth_um"] is not None]
    assert depths == sorted(depths, reverse=True)
    assert {"pct_of_partner", "aibs_cell_info.mtype"} <= {column["name"] for column in result["columns"]}
    assert any("fewer than 2" in message for message in result["left_out"])

    synapses = get(
        f"{DS}/{newest}/cells/{cell}/synapses", direction="in", **{k: v for k, v in requested.items() if k != "sort"}
    )
    of = [row["root_id"] for row in synapses["rows"]]
    assert {root: of.count(root) for root in of} == wanted


def test_merged_partners_have_a_row_each(get, newest, cell):
    both = get(f"{DS}/{newest}/cells/{cell}/partners")["rows"]
    merged = get(f"{DS}/{newest}/cells/{cell}/partners", direction="merged")["rows"]
    sums = {way: {row["root_id"]: row["num_syn"] for row in both if row["direction"] == way} for way in Direction}
    assert {row["root_id"] for row in merged} == {*sums["in"], *sums["out"]} and len(merged) == len(
        {*sums["in"], *sums["out"]}
    )
    for row in merged:
        assert [row[f"num_syn_{way}"] for way in sums] == [sums[way].get(row["root_id"], 0) for way in sums]
        assert row["reciprocal"] == all(row["root_id"] in side for side in sums.values())


@pytest.mark.parametrize("partner", ["first", "autapses", "root_zero"])
def test_the_synapses_behind_a_row(client, cave, newest, cell, partner):
    path = f"/api/v1/{DS}/{newest}/cells/{cell}"
    every = Release.of(cave, DS, newest).synapses(cell, Direction.IN)
    root = {"autapses": cell, "root_zero": 0}.get(partner)
    if root is None:
        root = int(client.get(f"{path}/partners?direction=in").json["rows"][0]["root_id"])
    wanted = sorted(every.loc[every["pre_pt_root_id"].fillna(0) == root, "id"].astype(str))
    named = str(root) if partner == "first" else partner
    answer = client.get(f"{path}/synapses?direction=in&partner={named}")
    assert answer.status_code == (200 if wanted else 404)
    assert sorted(row["id"] for row in answer.json.get("rows", ())) == wanted


def test_partners_as_python(client, get, newest, cell):
    requested = {"direction": "out", "types": TYPES, "filter": "num_soma = 1", "sort": "-mean_size"}
    script = client.get(f"/api/v1/{DS}/{newest}/cells/{cell}/partners/python", query_string=requested)
    names = {}
    exec(script.text, names)
    rows = get(f"{DS}/{newest}/cells/{cell}/partners", **requested)["rows"]
    assert rows
    assert names["frame"]["root_id"].astype(str).tolist() == [row["root_id"] for row in rows]


def test_synapses_are_all_there(get, cave, newest, cell):
    result = get(f"{DS}/{newest}/cells/{cell}/synapses", direction="in")
    synapses = Release.of(cave, DS, newest).synapses(cell, Direction.IN)
    assert sorted(row["id"] for row in result["rows"]) == sorted(map(str, synapses["id"]))
    units = {column["name"]: column["unit"] for column in result["columns"]}
    assert units["ctr_pt_position_x_nm"] == "nm"


def test_a_stale_root_is_repaired_in_the_answer(get, cave, newest):
    newer, older = (Release(cave, DS, one).table("nucleus_detection_v0") for one in cave.versions(DS)[:2])
    stale = sorted(set(older["pt_root_id"]) - set(newer["pt_root_id"]) - {0})[0]
    result = get(f"{DS}/{newest}/cells/{stale}")["cell"]
    assert result["repaired_from"] == str(stale) != result["root_id"]
    assert 0 < result["overlap"] <= 1
    assert result["valid_at"] == cave.versions(DS)[1].number
    assert str(stale) in result["warnings"][0]


def test_a_nucleus_names_its_cell(get, cave, newest, cell):
    nucleus = get(f"{DS}/{newest}/cells/{cell}")["cell"]["nucleus_ids"][0]
    result = get(f"{DS}/{newest}/cells/{nucleus}", id_type="nucleus_id")["cell"]
    assert (result["root_id"], result["id_type"]) == (str(cell), "nucleus_id")


def test_a_link_to_rows_and_a_link_to_a_cell(client, newest, cell):
    link = client.post(f"/api/v1/{DS}/latest/neuroglancer", json={"table": TYPES, "filter": "cell_type = 5P-NP"}).json
    assert link["version"] == newest
    assert link["num_points"] > 0
    assert link["state"]["layers"]
    assert link["url"]
    body: dict[str, Any] = {"cell": str(cell), "types": TYPES, "direction": "in"}
    link = client.post(f"/api/v1/{DS}/latest/neuroglancer", json=body).json
    assert str(cell) in json.dumps(link["state"])
    body |= {"colour_by": "cell_type", "visible": [str(cell)], "viewer": "mainline"}
    coloured = client.post(f"/api/v1/{DS}/latest/neuroglancer", json=body).json
    assert coloured["url"].startswith("https://neuroglancer-demo.appspot.com/")
    assert set(coloured["legend"].values()) <= set(re.findall("#[0-9a-f]{6}", json.dumps(coloured["state"])))


@pytest.mark.parametrize(
    ("path", "status", "code", "words"),
    [
        ("nope/versions", 404, "not_found", "nope"),
        (f"{DS}/42/tables", 404, "not_found", "42"),
        (f"{DS}/abc/tables", 400, "bad_input", "abc"),
        (f"{DS}/latest/tables/nope", 404, "not_found", "nope"),
        (f"{DS}/latest/tables/nope/rows", 404, "not_found", "nope"),
        (f"{DS}/latest/tables/{TYPES}/rows?filter=cell_tipe=BC", 400, "bad_input", "cell_tipe"),
        (f"{DS}/latest/tables/{TYPES}/rows?filter=volume>", 400, "bad_input", "value"),
        (f"{DS}/latest/tables/{TYPES}/rows?sort=nope", 400, "bad_input", "nope"),
        (f"{DS}/latest/tables/{TYPES}/rows?limit=-1", 400, "bad_input", "limit"),
        (f"{DS}/latest/tables/{TYPES}/rows?limit=1e9", 400, "bad_input", "limit"),
        (f"{DS}/latest/tables/{TYPES}/rows?offset=x", 400, "bad_input", "offset"),
        (f"{DS}/latest/tables/{TYPES}/rows?format=xlsx", 400, "bad_input", "xlsx"),
        (f"{DS}/latest/tables/{TYPES}/rows?filtr=x", 400, "bad_input", "filtr"),
        (f"{DS}/latest/tables/{TYPES}/rows?limit=1&limit=2", 400, "bad_input", "more than once"),
        (f"{DS}/latest/cells/abc", 400, "bad_input", "abc"),
        (f"{DS}/latest/cells/864691135000000001", 404, "not_found", "864691135000000001"),
        (f"{DS}/latest/cells/5/partners?direction=up", 400, "bad_input", "up"),
        (f"{DS}/latest/cells/5/partners?at_least=some", 400, "bad_input", "some"),
        (f"{DS}/latest/cells/5/partners?proofread=maybe", 400, "bad_input", "maybe"),
        (f"{DS}/latest/cells/5/synapses?format=xml", 400, "bad_input", "xml"),
        (f"{DS}/latest/cells/5?id_type=soma", 400, "bad_input", "soma"),
        ("nothing/here/at/all", 404, "not_found", "nothing"),
        (f"{DS}/latest/tables/..%2F..%2Fetc%2Fpasswd/rows", 404, "not_found", ""),
        (f"{DS}/latest/tables/'; DROP TABLE x;--", 404, "not_found", "DROP"),
    ],
)  # fmt: skip
def test_every_error_has_the_same_shape(client, path, status, code, words):
    answer = client.get(f"/api/v1/{path}")
    assert answer.status_code == status, answer.text
    error = answer.json["error"]
    assert {"code", "message", "hint", "request_id"} <= set(error)
    assert error["code"] == code
    assert words in error["message"]
    assert len(error["request_id"]) >= 8
    assert not any(leak in answer.text for leak in ("Traceback", "SELECT", "/work/", "site-packages"))


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        "x",
        {},
        {"table": TYPES, "cell": "5"},
        {"cell": 864691135771609595},
        {"table": TYPES, "nope": 1},
        {"cell": "5", "partners": [5]},
        {"table": TYPES, "sort": "volume"},
        {"table": TYPES, "viewer": "nope"},
    ],
)
def test_a_body_that_makes_no_sense_is_told(client, body):
    answer = client.post(f"/api/v1/{DS}/latest/neuroglancer", json=body)
    assert answer.status_code in (400, 404)
    assert answer.json["error"]["message"].endswith(".")


def test_a_wrong_method_and_a_broken_body_are_told(client):
    wrong = client.post(f"/api/v1/{DS}/versions")
    assert (wrong.status_code, wrong.json["error"]["code"], wrong.headers["Allow"]) == (405, "wrong_method", "GET")
    broken = client.post(f"/api/v1/{DS}/latest/neuroglancer", data="{", content_type="application/json")
    assert broken.json["error"]["code"] == "bad_input"


def test_cave_out_of_reach_is_told():
    app = flask.Flask("no_cave")
    app.extensions["karst"] = Cave(Settings(server_address="http://127.0.0.1:9", cache=""))
    app.register_blueprint(blueprint)
    answer = app.test_client().get(f"/api/v1/{DS}/versions")
    assert (answer.status_code, answer.json["error"]["code"]) == (502, "upstream")
