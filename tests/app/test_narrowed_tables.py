"""Large tables narrowed by a filter: sorted, plotted, linked, joined and written as any, compared with all rows."""

from __future__ import annotations

import contextlib
import io
import json
from dataclasses import replace

import flask
import pandas as pd
import pyarrow.parquet as pq
import pytest
from caveclient import CAVEclient

from api import blueprint
from components.table_page import counts, paged_results
from services.cave.client import Cave
from services.cave.release import Release
from services.cells.id_search import search
from services.core.errors import TooLarge
from services.core.settings import Settings
from services.tables import live, plots, tables
from services.tables.large_tables import LargeTable, open_large
from services.tables.narrowed_tables import narrowed, open_narrowed, sentences
from services.tables.tables import TableFrame, TableQuery
from services.views.addresses import TableAddress
from services.views.table_opening import open_view
from services.views.table_view import HeldView, PagedView
from tests.servers import start_localcave

DS, SYNAPSES, TAGS = "karst_demo", "synapses_pni_2", "synapse_target_predictions_ssa"
ENDINGS = {TAGS: "", SYNAPSES: "_ref"}
MOST = 5_000


@pytest.fixture(scope="module")
def cave(localcave_url):
    """Holds next to nothing, so that the small demo is large."""
    return Cave(Settings(server_address=localcave_url, cache="", max_table_rows=MOST))


@pytest.fixture(scope="module")
def client(cave):
    app = flask.Flask("test_narrowed_tables")
    app.extensions["karst"] = cave
    app.register_blueprint(blueprint)
    return app.test_client()


@pytest.fixture(scope="module")
def version(cave):
    return cave.versions(DS)[0]


@pytest.fixture(scope="module")
def whole(localcave_url, version):
    """All rows, by a client that holds them."""
    rich = Cave(Settings(server_address=localcave_url, cache="", max_table_rows=10_000_000))
    return {name: Release.of(rich, DS, version.number).table(name) for name in (SYNAPSES, TAGS)}


@pytest.fixture(scope="module")
def root(whole):
    """The cell with the most inputs."""
    return int(whole[SYNAPSES]["post_pt_root_id"].value_counts().drop(0, errors="ignore").index[0])


def rows(client, table=SYNAPSES, version="latest", **requested):
    answer = client.get(f"/api/v1/{DS}/{version}/tables/{table}/rows", query_string=requested)
    assert answer.status_code == 200, answer.text
    return answer


@pytest.mark.parametrize("unit", ["vx", "nm", "um"])
def test_rows_are_sorted_and_filtered_by_what_cave_cannot_do(client, whole, root, unit):
    """One condition is enough to narrow; all others are asked of the rows that are left."""
    frame = whole[SYNAPSES]
    scale = {"vx": 1, "nm": 4, "um": 4 / 1000}[unit]
    x = int(frame["ctr_pt_position_x"].median())
    line = f"post_pt_root_id = {root} and not size 900..1100 and ctr_pt_position_x <= {x * scale}"
    kept = frame[
        (frame["post_pt_root_id"] == root) & ~frame["size"].between(900, 1100) & (frame["ctr_pt_position_x"] <= x)
    ].sort_values(["size", "id"], ascending=[False, True])
    assert 20 < len(kept) < MOST
    result = rows(client, filter=line, sort="-size", limit=20, units=unit, columns="id,size,ctr_pt_position_x").json
    assert result["total"] == len(kept)
    assert [row["id"] for row in result["rows"]] == kept["id"].astype(str).tolist()[:20]
    assert [row["size"] for row in result["rows"]] == kept["size"].tolist()[:20]
    positions = [row["ctr_pt_position_x"] for row in result["rows"]]
    assert positions == pytest.approx((kept["ctr_pt_position_x"] * scale).tolist()[:20])
    (message,) = result["messages"]
    assert f"{len(frame):,} rows" in message and "once(…)" in message
    once = frame[frame["post_pt_root_id"] == root]["pre_pt_root_id"]
    once = once[~once.duplicated(keep=False) & (once != 0)]
    result = rows(client, filter=f"post_pt_root_id = {root} and once(pre_pt_root_id)", limit=0).json
    assert (result["total"], result["messages"]) == (len(once), [message])


def test_files_of_every_format_have_all_rows_in_order(client, whole, root):
    frame = whole[SYNAPSES]
    kept = frame[frame["post_pt_root_id"] == root].sort_values(["size", "id"])["id"].tolist()
    requested = {"filter": f"post_pt_root_id = {root}", "sort": "size"}
    parquet = rows(client, format="parquet", **requested).data
    assert pq.read_table(io.BytesIO(parquet))["id"].to_pylist() == kept
    text = rows(client, format="csv", **requested).text
    assert pd.read_csv(io.StringIO(text), comment="#")["id"].tolist() == kept


def test_links_values_and_plots_are_of_the_rows_that_are_left(cave, client, whole, root, version):
    frame = whole[SYNAPSES]
    kept = frame[(frame["post_pt_root_id"] == root) & (frame["size"] > 1500)]
    line = f"post_pt_root_id = {root} and size > 1500"
    created = client.post(f"/api/v1/{DS}/latest/neuroglancer", json={"table": SYNAPSES, "filter": line}).json
    assert created["num_points"] == len(kept)
    ends = pd.unique(pd.concat([kept["pre_pt_root_id"], kept["post_pt_root_id"]]))
    assert created["num_segments"] == len(set(ends.tolist()) - {0})
    facets = client.get(f"/api/v1/{DS}/latest/tables/{SYNAPSES}/facets", query_string={"filter": line}).json
    bars = next(one for one in facets["histograms"] if one["column"] == "size")["bars"]
    assert sum(bar["count"] for bar in bars) == len(kept)
    assert f"{len(frame):,} rows" in facets["messages"][0]
    opened = open_narrowed(Release(cave, DS, version), SYNAPSES, query=TableQuery(line))
    assert isinstance(opened, TableFrame)
    points = plots.soma_map(opened, TableQuery(line), cave.volume(DS), "side")
    assert sorted(points["id"]) == sorted(kept["id"])


def test_the_script_reads_the_same_rows(client, whole, root):
    line = f"post_pt_root_id = {root} and size != 1000"
    requested = {"filter": line, "sort": "-size", "columns": "id,size"}
    script = client.get(f"/api/v1/{DS}/latest/tables/{SYNAPSES}/python", query_string=requested).text
    names = {}
    with contextlib.redirect_stdout(io.StringIO()):
        exec(script, names)
    frame = whole[SYNAPSES]
    kept = frame[(frame["post_pt_root_id"] == root) & (frame["size"] != 1000)]
    assert names["frame"]["id"].tolist() == kept.sort_values(["size", "id"], ascending=[False, True])["id"].tolist()


def test_a_table_merged_with_its_target_is_narrowed_though_cave_does_not_count_it(client, whole, root):
    tags = whole[TAGS]
    kept = tags[(tags["post_pt_root_id"] == root) & (tags["tag"] != "spine")].sort_values(["size", "id"])
    line = f"post_pt_root_id = {root} and tag != spine"
    result = rows(client, TAGS, filter=line, sort="size", columns="id").json
    assert result["total"] == len(kept) > 0
    assert [row["id"] for row in result["rows"]] == kept["id"].astype(str).tolist()[: len(result["rows"])]


@pytest.mark.parametrize("table", [SYNAPSES, TAGS])
@pytest.mark.parametrize("moment", ["1412", "live"])
def test_rows_at_a_moment_are_those_that_cave_finds(cave, client, localcave_url, moment, table):
    """Filtered by a cell of the time, by a box, and by what CAVE cannot do."""
    release = live.resolve(cave, DS, moment)
    time, label = release.version.timestamp, release.version.label
    direct = CAVEclient(DS, server_address=localcave_url, auth_token="none", write_server_cache=False)
    joins = {} if table == SYNAPSES else {"joins": [[TAGS, "target_id", SYNAPSES, "id"]], "suffixes": ENDINGS}
    every = direct.materialize.live_live_query(table, time, split_positions=True, allow_missing_lookups=True, **joins)
    assert len(every) > MOST
    cells = every["pre_pt_root_id"].value_counts().drop(0, errors="ignore").index
    cell = next(int(root) for root in cells if release.latest_roots([int(root)])[0])
    own = every[every["pre_pt_root_id"] == cell]
    x, size = own["ctr_pt_position_x"].median(), own["size"].median()
    of_cell = f"pre_pt_root_id in ({cell}, 864691136999999999) and not size > {size}"
    box = f"pre_pt_root_id = {cell} and ctr_pt_position in box (0..{int(x)}, 0..9999999, 0..9999999)"
    low = own["ctr_pt_position_x"] <= int(x)
    for line, kept in ((of_cell, own[own["size"] <= size]), (box, own[low])):
        answer = rows(client, table, label, filter=line, sort="-size", limit=10_000).json
        assert {row["id"] for row in answer["rows"]} == set(kept["id"].astype(str))
        assert answer["total"] == len(kept) > 0
        assert [row["size"] for row in answer["rows"]] == sorted(kept["size"], reverse=True)
        assert ("of no version" in answer["messages"][0]) == (moment == "live")
    none = rows(client, table, label, filter="post_pt_root_id = 864691136999999999").json
    assert none["total"] == 0
    requested = {"filter": of_cell, "columns": "id"}
    script = client.get(f"/api/v1/{DS}/{label}/tables/{table}/python", query_string=requested).text
    names = {}
    exec(script, names)
    assert set(names["frame"]["id"]) == set(own.loc[own["size"] <= size, "id"])
    for line in ("", "size > 5", "pre_pt_root_id > 5", "pre_pt_root_id = 0"):
        answer = client.get(f"/api/v1/{DS}/{label}/tables/{table}/rows", query_string={"filter": line})
        assert (answer.status_code, "by a root id" in answer.json["error"]["hint"]) == (413, True), line


def test_rows_name_the_cells_of_a_population_where_they_have_roots_and_the_version_is_kept(cave):
    tables = [("latest", SYNAPSES), ("latest", "nucleus_detection_v0"), ("1412", "nucleus_detection_v0")]
    shown = [open_view(cave, TableAddress(datastack=DS, version=version, table=table)) for version, table in tables]
    assert [one.names_cells for one in shown] == [False, True, False]


def test_the_page_of_a_moment_opens_so_that_a_filter_can_be_typed(cave):
    address = TableAddress(datastack=DS, version="1412", table=SYNAPSES)
    shown = open_view(cave, address)
    assert isinstance(shown, PagedView) and "Version 1412" in shown.messages[0]
    assert "too many to be read as of a time" in str(paged_results(shown.address, shown.table, {}, (None, None, [])))
    with pytest.raises(TooLarge, match="as a whole as of a time"):
        shown.counted()
    narrow = open_view(cave, replace(address, boxes={"pre_pt_root_id": "864691136999999999"}))
    assert isinstance(narrow, HeldView) and narrow.total_rows is None and narrow.counted()[0] == 0
    assert str(counts(0, narrow.total_rows, "x", "")[1]) == " rows"


def test_all_rows_are_held_however_little_cave_sends_at_once(small_cortex, whole, root, version):
    kept = whole[SYNAPSES].loc[whole[SYNAPSES]["post_pt_root_id"] == root, "id"]
    with start_localcave([small_cortex], "--row-limit", "50") as url:
        cave = Cave(Settings(server_address=url, cache="", max_table_rows=MOST))
        query = TableQuery(f"post_pt_root_id = {root}")
        opened = open_narrowed(Release(cave, DS, version), SYNAPSES, query=query)
    assert isinstance(opened, TableFrame)
    assert len(kept) > 50
    assert opened.frame["id"].tolist() == sorted(kept)


@pytest.mark.parametrize("line", ["", "size > 5000", "not size > 5000", "size > 5 or id = 3", "no_such = 3", "size >"])
def test_what_is_not_narrowed_or_cannot_be_read_stays_paged(cave, version, line):
    opened = open_large(Release(cave, DS, version), SYNAPSES)
    assert narrowed(cave, opened, TableQuery(line)) is None
    assert isinstance(open_narrowed(Release(cave, DS, version), SYNAPSES, query=TableQuery(line)), LargeTable)


def test_what_needs_all_rows_says_how_to_have_them(client):
    answer = client.post(f"/api/v1/{DS}/latest/neuroglancer", json={"table": SYNAPSES, "filter": "size > 10"})
    error = json.loads(answer.text)["error"]
    assert answer.status_code == 413
    assert "too large" in error["message"]
    assert "Filter it" in error["hint"]


def test_ids_are_not_said_to_be_missing_from_the_rows_that_are_left(cave, version, root):
    query = TableQuery(f"post_pt_root_id = {root}")
    opened = open_narrowed(Release(cave, DS, version), SYNAPSES, query=query)
    assert isinstance(opened, TableFrame)
    assert sentences(opened)
    with pytest.raises(TooLarge, match="look ids up"):
        search(cave, opened, "1, 2, 3")
    small = tables.open_table(Release(cave, DS, version), "proofreading_status_and_strategy")
    assert sentences(small) == []
