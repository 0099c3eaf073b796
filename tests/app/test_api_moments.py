"""The API's rows of a table at an expired version, at a moment and live, against caveclient's own live queries."""

import io
import json
import re
from datetime import UTC, datetime, timedelta

import flask
import pandas as pd
import pytest
from caveclient import CAVEclient

from api import blueprint
from services.cave.client import Cave
from services.cave.release import Release
from services.core.settings import Settings
from services.tables import live

DS, TYPES, PROOFREADING = "karst_demo", "aibs_metamodel_celltypes_v661", "proofreading_status_and_strategy"
NUCLEI, SYNAPSES, VIEW, LATER = (
    "nucleus_detection_v0",
    "synapses_pni_2",
    "aibs_cell_info",
    "vortex_axon_backtrace_column",
)


@pytest.fixture(scope="module")
def expired(cave):
    return next(version for version in cave.versions(DS) if not version.valid)


@pytest.fixture(scope="module")
def between(cave):
    """A time between two versions, at which some rows are still to come."""
    newest, _ = (version for version in cave.versions(DS) if version.valid)
    return newest.timestamp.replace(microsecond=0) - timedelta(days=30)


@pytest.fixture(scope="module")
def rows_at(localcave_url):
    """What caveclient itself finds in the proofreading table at a time, as pairs of annotation and root id."""
    direct = CAVEclient(DS, server_address=localcave_url, auth_token="none", write_server_cache=False)
    direct.version = max(direct.materialize.get_versions())

    def ask(time):
        rows = direct.materialize.live_live_query(PROOFREADING, time, allow_missing_lookups=True)
        return {(str(id), str(root)) for id, root in zip(rows["id"], rows["pt_root_id"], strict=True)}

    return ask


def get(client, path, **parameters):
    return client.get(f"/api/v1/{DS}/{path}", query_string=parameters)


def rows(client, version, **parameters):
    answer = get(client, f"{version}/tables/{PROOFREADING}/rows", limit=100_000, **parameters)
    assert answer.status_code == 200, answer.text
    return json.loads(answer.text, parse_constant=pytest.fail)


def pairs(result):
    return {(row["id"], row["pt_root_id"]) for row in result["rows"]}


def test_rows_of_an_expired_version_are_those_of_its_time(client, expired, rows_at):
    result = rows(client, expired.number)
    assert pairs(result) == rows_at(expired.timestamp)
    assert (result["version"], result["total"]) == (expired.number, len(result["rows"]))
    assert f"Version {expired.number} of {DS} has expired" in result["messages"][0]
    assert pairs(result) != pairs(rows(client, "latest"))


def test_rows_of_a_moment_are_those_of_that_time(client, between, rows_at):
    moment = f"{between:%Y-%m-%dT%H:%M:%SZ}"
    result = rows(client, moment)
    assert pairs(result) == rows_at(between)
    assert result["version"] == moment
    assert "live data, of no version" in result["messages"][0]


def test_live_is_answered_with_the_moment_it_was_which_gives_the_same_rows_again(client, rows_at):
    before = datetime.now(UTC).replace(microsecond=0)
    result = rows(client, "live")
    moment = datetime.fromisoformat(result["version"])
    assert before <= moment <= datetime.now(UTC)
    assert pairs(result) == rows_at(moment)
    assert rows(client, result["version"]) == result


def test_they_are_filtered_sorted_and_paged_as_any(client, expired):
    whole = rows(client, expired.number)["rows"]
    wanted = sorted((row for row in whole if row["status_axon"]), key=lambda row: -int(row["id"]))
    result = rows(client, expired.number, filter="status_axon = true", sort="-id", offset=2)
    assert result["rows"] == wanted[2:]
    assert result["total"] == len(wanted) > 2


def test_a_table_that_was_created_later_has_no_rows_and_says_so(client, expired):
    listed = json.loads(get(client, f"{expired.number}/tables").text)["tables"]
    assert LATER not in [one["name"] for one in listed]
    answer = get(client, f"{expired.number}/tables/{LATER}/rows")
    result = json.loads(answer.text)
    assert (answer.status_code, result["total"], result["rows"]) == (200, 0, [])
    assert "target_id" in [one["name"] for one in result["columns"]]
    assert "created later, on 6 October 2025" in result["messages"][0]


def test_files_name_the_moment(client, between, rows_at):
    moment = f"{between:%Y-%m-%dT%H:%M:%SZ}"
    for version, time in ((moment, moment), ("live", r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")):
        answer = get(client, f"{version}/tables/{PROOFREADING}/rows", format="csv", head="on")
        assert re.search(f"(?m)^# version: {time}$", answer.text)
        assert re.search(rf"(?m)^# source: .*/{DS}/{time}/tables/", answer.text)
        assert "live data, of no version" in answer.text
    frame = pd.read_csv(io.StringIO(get(client, f"{moment}/tables/{PROOFREADING}/rows", format="csv").text), dtype=str)
    assert set(zip(frame["id"], frame["pt_root_id"], strict=True)) == rows_at(between)


def test_facets_and_the_catalogue_are_of_the_moment_too(client, expired):
    whole = pd.DataFrame(rows(client, expired.number)["rows"])
    result = json.loads(get(client, f"{expired.number}/tables/{PROOFREADING}/facets").text)
    (facet,) = (one for one in result["facets"] if one["column"] == "strategy_axon")
    assert {one["value"]: one["count"] for one in facet["values"]} == whole["strategy_axon"].value_counts().to_dict()
    for version in (expired.number, "live"):
        names = [one["name"] for one in json.loads(get(client, f"{version}/tables").text)["tables"]]
        assert PROOFREADING in names and VIEW not in names
        assert json.loads(get(client, f"{version}/tables/{PROOFREADING}").text)["row_count"] is None


@pytest.mark.parametrize(
    ("path", "status", "message"),
    [
        ("live/tables/{VIEW}/rows", 400, "is a view, which CAVE has at its versions only"),
        ("{EXPIRED}/tables/{VIEW}/rows", 400, "is a view, which CAVE has at its versions only"),
        ("{EXPIRED}/tables/nope/rows", 404, "no table nope"),
        ("live/tables/nope/rows", 404, "no table nope"),
        ("{EXPIRED}/tables/gamlin_2023_mcs_met_types", 404, "at version 1412 of karst_demo that can be read"),
        ("9999/tables/{TYPES}/rows", 404, "no version 9999"),
        ("2200-01-01T00:00:00Z/tables/{TYPES}/rows", 400, "in the future"),
        ("2025-13-01T00:00:00Z/tables/{TYPES}/rows", 400, "is not a time"),
        ("2025-13-01/tables/{TYPES}/rows", 400, "is not a time"),
        ("yesterday/tables/{TYPES}/rows", 400, "not a version"),
        ("live/tables/{TYPES}/rows?filter=volme > 3", 400, "no column 'volme'"),
        ("live/cells/1/partners", 404, "at version 20"),
        ("{EXPIRED}/cells/1/partners", 404, "at version 1412"),
    ],
)
def test_what_cannot_be_read_at_a_moment_is_refused_in_a_sentence(client, expired, path, status, message):
    answer = client.get(f"/api/v1/{DS}/" + path.format(VIEW=VIEW, TYPES=TYPES, EXPIRED=expired.number))
    assert (answer.status_code, answer.mimetype) == (status, "application/json")
    error = json.loads(answer.text)["error"]
    assert message in error["message"] and error["message"].endswith(".")
    assert error["hint"] and re.fullmatch("[0-9a-f]{12}", error["request_id"])


def test_a_day_is_a_moment_and_what_is_none_is_told_what_there_is(client, between):
    day = f"{between:%Y-%m-%d}"
    assert rows(client, day)["version"] == f"{day}T00:00:00Z"
    hint = get(client, f"yesterday/tables/{TYPES}/rows").json["error"]["hint"]
    assert all(way in hint for way in ("number", "latest", "live", "2025-06-01T12:00:00Z"))


def test_ids_are_searched_at_moments(client, cave, expired):
    """Root ids of the newest version that are not yet there at an expired one, and those of that one since."""
    nuclei = {version: rows_of(cave, version) for version in (expired, cave.versions(DS)[0])}
    then, today = nuclei.values()
    newer = next(str(root) for one, root in today.items() if root and root not in set(then.values()) and then.get(one))
    was = {str(then[one]) for one, root in today.items() if str(root) == newer}
    old = next(str(root) for root in then.values() if root and root not in set(today.values()))

    def id_rows(version, requested):
        answer = client.post(f"/api/v1/{DS}/{version}/tables/{NUCLEI}/ids", json={"ids": requested}).json
        (row,) = answer["rows"]
        return row, " ".join(answer["messages"]), answer["counts"]

    row, message, counts = id_rows(expired.number, newer)
    assert (row["status"], row["current"] in was, counts["newer"]) == ("newer", True, 1)
    assert f"Newer than version {expired.number}: 1 id ({newer} -> {row['current']}" in message
    assert id_rows(expired.number, old)[0]["status"] == id_rows("live", newer)[0]["status"] == "found"
    row, message, _ = id_rows("live", old)
    assert row["status"] == "stale" and f"No longer valid: 1 id ({old} -> {row['current']}" in message


def rows_of(cave, version):
    """The root id of each nucleus, as localcave has kept it."""
    table = Release(cave, DS, version).table(NUCLEI)
    return dict(zip(table["id"].tolist(), table["pt_root_id"].tolist(), strict=True))


def test_a_table_too_large_to_hold_is_refused_at_a_moment(localcave_url, expired):
    app = flask.Flask("test_api_moments_poor")
    app.extensions["karst"] = Cave(Settings(server_address=localcave_url, cache="", max_table_rows=5_000))
    app.register_blueprint(blueprint)
    for version in ("live", expired.number):
        answer = get(app.test_client(), f"{version}/tables/{SYNAPSES}/rows", limit=5)
        assert answer.status_code == 413
        assert "too large to be read as a whole as of a time: version " in json.loads(answer.text)["error"]["message"]


def test_how_large_a_table_was_is_told_by_the_version_nearest_to_the_moment(cave):
    newest, first = (version for version in cave.versions(DS) if version.valid)
    counts = {one.number: Release(cave, DS, one).row_count(PROOFREADING) for one in (first, newest)}
    assert counts[first.number] != counts[newest.number]
    before = live.resolve(cave, DS, f"{first.timestamp - timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}")
    assert before.row_count(PROOFREADING) == counts[first.number]
    assert live.resolve(cave, DS, "live").row_count(PROOFREADING) == counts[newest.number]
