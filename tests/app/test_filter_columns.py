"""The API with filters of one column against another and of values that occur once, against plain counting."""

import flask
import pandas as pd
import pyarrow as pa
import pytest

from api import blueprint
from localcave.folder.writer import DatastackWriter
from services.cave.client import Cave
from services.cave.release import Release
from services.core.settings import Settings
from tests import tiny
from tests.servers import start_localcave

DS, PROOFREADING, NUCLEI = "karst_demo", "proofreading_status_and_strategy", "nucleus_detection_v0"


def total(client, table, **requested):
    answer = client.get(f"/api/v1/{DS}/latest/tables/{table}/rows", query_string={"limit": 0, **requested})
    assert answer.status_code == 200, answer.text
    return answer.json["total"]


@pytest.fixture(scope="module")
def newest(cave):
    return cave.versions(DS)[0].number


def test_stale_ids_are_counted_by_one_column_against_another(cave, client, newest):
    rows = Release.of(cave, DS, newest).table(PROOFREADING)
    pairs = [(a, b) for a, b in zip(rows["pt_root_id"], rows["valid_id"], strict=True) if pd.notna(a) and pd.notna(b)]
    stale = sum(int(a) != int(b) for a, b in pairs)
    assert 0 < stale < len(pairs)
    assert total(client, PROOFREADING, filter="pt_root_id != valid_id") == stale
    assert total(client, PROOFREADING, filter="pt_root_id = valid_id") == len(pairs) - stale


@pytest.mark.parametrize("unit", ["vx", "nm", "um"])
def test_a_root_id_that_occurs_once(cave, client, newest, unit):
    rows = Release.of(cave, DS, newest).table(NUCLEI)
    counts = rows["pt_root_id"].dropna().value_counts().drop(0, errors="ignore")
    assert total(client, NUCLEI, filter="once(pt_root_id)", units=unit) == int((counts == 1).sum())


@pytest.fixture(scope="module")
def labelled(tmp_path_factory):
    """The API over a datastack with a table whose labels have brackets and numbers in them."""
    writer = DatastackWriter(tmp_path_factory.mktemp("labels") / "tiny", "tiny", tiny.INFO)
    writer.add_version(1, "2024-01-02T03:04:05.000006", "2124-02-03T00:00:00.000001")
    writer.add_table(1, "nuclei", tiny.nuclei(1), tiny.metadata("nucleus_detection"))
    writer.add_table(1, "synapses", tiny.synapses(), tiny.metadata("synapse"))
    labels = ["L10 (IT)", "L2 (IT)", "L9 (ET)", "L10 (IT)", None, "L1 [x]", "L2 (ET)"]
    rows = tiny.nuclei(1).append_column("label", pa.array(labels))
    writer.add_table(1, "labels", rows, tiny.metadata("bound_tag"))
    writer.set_segmentation(*tiny.segmentation())
    writer.finish()
    with start_localcave([writer.folder]) as url:
        app = flask.Flask("labels")
        app.extensions["karst"] = Cave(Settings(server_address=url, cache=""))
        app.register_blueprint(blueprint)
        yield app.test_client()


def labels(client, **requested):
    answer = client.get("/api/v1/tiny/1/tables/labels/rows", query_string=requested)
    assert answer.status_code == 200, answer.text
    return [row["label"] for row in answer.json["rows"]], answer.json.get("messages", [])


def test_a_pattern_that_finds_nothing_because_of_its_brackets_says_so(labelled):
    result, (sentence,) = labels(labelled, filter="label ~ 'L10 (IT)'")
    assert result == []
    assert "brackets" in sentence and "2 rows" in sentence
    assert labels(labelled, filter=sentence[sentence.index("label ~") :]) == (["L10 (IT)"] * 2, [])
    assert labels(labelled, filter="label ~ '(IT|ET).$'")[1] == []


def test_text_with_digits_sorts_as_numbers(labelled):
    expected = ["L1 [x]", "L2 (ET)", "L2 (IT)", "L9 (ET)", "L10 (IT)", "L10 (IT)"]
    assert labels(labelled, sort="label")[0] == [*expected, None]
    assert labels(labelled, sort="-label")[0] == [*expected[::-1], None]
    script = labelled.get("/api/v1/tiny/1/tables/labels/python", query_string={"sort": "-label"}).text
    names: dict = {}
    exec(compile(script, "snippet", "exec"), names)
    assert names["frame"]["label"].tolist()[:-1] == expected[::-1]
