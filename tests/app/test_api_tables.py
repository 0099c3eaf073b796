"""The API's further routes of a table over a real localcave, against the services' own answers or plain counting."""

import contextlib
import csv
import io
import json

import flask
import pandas as pd
import pyarrow.parquet as pq
import pytest

from api import blueprint
from services.cave.client import Cave
from services.cave.release import Release
from services.core.settings import Settings
from services.tables import tables
from services.tables.tables import TableQuery, select

DS, TYPES, MANUAL, SYNAPSES = (
    "karst_demo",
    "aibs_metamodel_celltypes_v661",
    "allen_v1_column_types_slanted_ref",
    "synapses_pni_2",
)


def client_of(cave):
    app = flask.Flask("test_api_tables")
    app.extensions["karst"] = cave
    app.register_blueprint(blueprint)
    return app.test_client()


@pytest.fixture(scope="module")
def client(cave):
    return client_of(cave)


@pytest.fixture(scope="module")
def types(cave):
    return tables.open_table(Release(cave, DS, cave.versions(DS)[0]), TYPES)


def get(client, path, **parameters):
    answer = client.get(f"/api/v1/{DS}/latest/tables/{path}", query_string=parameters)
    assert answer.status_code == 200, answer.text
    return json.loads(answer.text, parse_constant=pytest.fail)


def test_facets_of_filtered_rows(client, types):
    result = get(client, f"{TYPES}/facets", filter="volume > 200")
    kept = types.frame[types.frame["volume"] > 200]
    by_column = {facet["column"]: facet for facet in result["facets"]}
    counts = {value["value"]: value["count"] for value in by_column["cell_type"]["values"]}
    assert {name: count for name, count in counts.items() if count} == kept["cell_type"].value_counts().to_dict()
    bars = next(one for one in result["histograms"] if one["column"] == "volume")["bars"]
    assert sum(bar["count"] for bar in bars) == len(kept)


def test_pasted_ids(client, types):
    root = int(types.frame["pt_root_id"].max())
    answer = client.post(f"/api/v1/{DS}/latest/tables/{TYPES}/ids", json={"ids": f"[{root}], 17xx, 864691136999999999"})
    result = json.loads(answer.text)
    assert answer.status_code == 200
    assert [row["asked"] for row in result["rows"]] == [str(root), "864691136999999999"]
    assert [row["status"] for row in result["rows"]] == ["found", "unknown"]
    assert result["filter"] == f"pt_root_id = {root}"
    assert result["total"] == (types.frame["pt_root_id"] == root).sum()
    assert any("17xx" in message for message in result["messages"])


@pytest.mark.parametrize(
    "body", [None, [], {"ids": 5}, {"ids": "none"}, {"ids": "5", "id_type": "name"}, {"nope": "5"}]
)
def test_bad_ids_are_refused_in_a_sentence(client, body):
    answer = client.post(f"/api/v1/{DS}/latest/tables/{TYPES}/ids", json=body)
    assert answer.status_code == 400
    assert json.loads(answer.text)["error"]["message"].endswith((".", "?"))


def test_a_crosstab_with_a_joined_table(client, types, cave):
    manual = Release(cave, DS, types.version).table(MANUAL)
    result = get(client, f"{TYPES}/crosstab", join=MANUAL, left="cell_type", right=f"{MANUAL}.cell_type")
    assert result["both"] == types.frame["target_id"].isin(manual["target_id"]).sum()
    assert sum(map(sum, result["counts"])) == result["total"] == len(types.frame)
    rows = get(client, f"{TYPES}/rows", join=MANUAL, filter=result["disagreeing"])
    assert rows["total"] == result["both"] - result["agree"]


def test_rows_are_by_id_in_whatever_order_cave_has_them(cave, client):
    raw = Release(cave, DS, cave.versions(DS)[0]).query(TYPES)["id"]
    assert not raw.is_monotonic_increasing  # else this would show nothing
    result = get(client, f"{TYPES}/rows", limit=10_000)
    assert [int(row["id"]) for row in result["rows"]] == sorted(raw)


def test_rows_with_joined_columns_and_units(client, types):
    result = get(client, f"{TYPES}/rows", join=MANUAL, units="um", filter=f"{MANUAL}.num_rows = 1", limit=5)
    units = {column["name"]: column["unit"] for column in result["columns"]}
    assert units["pt_position_x"] == "um"
    first = result["rows"][0]
    own = types.frame[types.frame["id"] == int(first["id"])].iloc[0]
    assert first["pt_position_z"] == pytest.approx(own["pt_position_z"] * 40 / 1000)
    assert first[f"{MANUAL}.cell_type"]


def test_files_hold_the_chosen_columns_and_say_where_they_come_from(client, types):
    names = ["id", f"{MANUAL}.cell_type", "pt_position_x"]
    requested = {
        "join": MANUAL,
        "units": "um",
        "columns": ",".join(names),
        "filter": "cell_type = BC",
        "sort": "-volume",
    }
    path = f"/api/v1/{DS}/latest/tables/{TYPES}/rows"
    kept = types.frame[types.frame["cell_type"] == "BC"].sort_values(["volume", "id"], ascending=[False, True])
    answer = client.get(path, query_string=requested | {"format": "csv", "head": "on"})
    messages = [line for line in answer.text.splitlines() if line.startswith("# ")]
    for fact in (f"join: {MANUAL}", "filter: cell_type = BC", "units: um", f"rows: {len(kept)}", f"table: {TYPES}"):
        assert f"# {fact}" in messages
    frame = pd.read_csv(io.StringIO(answer.text), comment="#")
    assert frame.columns.tolist() == names
    assert frame["id"].tolist() == kept["id"].tolist()
    assert frame["pt_position_x"].tolist() == pytest.approx((kept["pt_position_x"] * 0.004).tolist())
    table = pq.read_table(io.BytesIO(client.get(path, query_string=requested | {"format": "parquet"}).data))
    assert table.column_names == names and table["id"].to_pylist() == kept["id"].tolist()
    assert json.loads(table.schema.metadata[b"karst"])["join"] == MANUAL
    assert table.schema.field("pt_position_x").metadata == {b"unit": b"um"}
    refused = client.get(path, query_string={"columns": "id,volme"})
    assert refused.status_code == 400 and "volume" in json.loads(refused.text)["error"]["hint"]


def test_python_of_rows_runs(client, types):
    query = TableQuery("cell_type = MC", sort=(("volume", "desc"),))
    answer = client.get(
        f"/api/v1/{DS}/latest/tables/{TYPES}/python", query_string={"filter": query.where, "sort": "-volume"}
    )
    assert answer.content_type.startswith("text/x-python")
    names = {}
    with contextlib.redirect_stdout(io.StringIO()):
        exec(answer.text, names)
    page = select(types, query)[[column.name for column in types.columns]]
    pd.testing.assert_frame_equal(names["frame"], page, check_dtype=False)


@pytest.fixture(scope="module")
def poor(localcave_url):
    """A client of an application that holds hardly any rows."""
    return client_of(Cave(Settings(server_address=localcave_url, cache="", max_table_rows=5_000)))


def test_a_large_table_is_paged_and_says_what_it_cannot(poor, cave, types):
    synapses = Release(cave, DS, types.version).table(SYNAPSES)
    result = get(poor, f"{SYNAPSES}/rows", filter="size > 5000", sort="size", limit=7)
    assert result["total"] == (synapses["size"] > 5000).sum()
    assert len(result["rows"]) == 7
    assert "too many to sort" in result["messages"][0]
    answer = poor.get(
        f"/api/v1/{DS}/latest/tables/{SYNAPSES}/rows", query_string={"filter": "size > 5000", "format": "csv"}
    )
    lines = [line for line in answer.text.splitlines() if not line.startswith("#")]
    kept = synapses.loc[synapses["size"] > 5000, "id"]
    assert sorted(int(row["id"]) for row in csv.DictReader(lines)) == sorted(kept)
    refused = poor.get(f"/api/v1/{DS}/latest/tables/{SYNAPSES}/rows", query_string={"filter": "not size > 5000"})
    assert refused.status_code == 400
    assert "CAVE cannot do" in json.loads(refused.text)["error"]["message"]
    script = poor.get(f"/api/v1/{DS}/latest/tables/{SYNAPSES}/python", query_string={"filter": "size > 9000"})
    assert "filter_greater_dict={'size': 9000}" in script.text
