"""What the grids ask of the application as one scrolls and ticks: a block of rows, and a link to what is ticked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import flask
import pytest
import requests
from caveclient import CAVEclient

from api import answers
from app import create_app
from callbacks import partner_grids, table_viewer
from services.core.errors import Busy
from services.core.settings import Settings
from services.views.addresses import CellAddress, TableAddress
from services.views.table_view import PagedView

DS, NUCLEI, TYPES = "karst_demo", "nucleus_detection_v0", "aibs_metamodel_celltypes_v661"


@pytest.fixture(scope="module")
def direct(localcave_url: str) -> CAVEclient:
    client = CAVEclient(DS, server_address=localcave_url, auth_token="none", write_server_cache=False)
    client.version = max(client.materialize.get_versions())
    return client


@pytest.fixture(scope="module")
def server(localcave_url: str) -> flask.Flask:
    return create_app(Settings(server_address=localcave_url, cache="", datastack=DS)).server


@pytest.fixture(scope="module")
def large(localcave_url: str) -> flask.Flask:
    return create_app(Settings(server_address=localcave_url, cache="", datastack=DS, max_table_rows=1_000)).server


@pytest.fixture(autouse=True)
def request_context(server: flask.Flask) -> Iterator[None]:
    with server.test_request_context():
        yield


@pytest.fixture(scope="module")
def cell(direct: CAVEclient) -> int:
    """A cell with more partners than a link to a few of them has."""
    roots = direct.materialize.query_table("proofreading_status_and_strategy")["pt_root_id"]
    return int(roots[roots != 0].iloc[0])


@pytest.fixture(scope="module")
def inputs(direct: CAVEclient, cell: int) -> list[int]:
    """The root ids of the cell's input partners, in order."""
    roots = direct.materialize.synapse_query(post_ids=cell)["pre_pt_root_id"]
    return sorted(set(roots) - {0, cell})


def block(start: int, end: int, sorted_by: str) -> dict[str, Any]:
    """What AG Grid asks of its data source."""
    return {"startRow": start, "endRow": end, "filterModel": {}, "sortModel": [{"colId": sorted_by, "sort": "asc"}]}


@pytest.mark.parametrize(("start", "end"), [(0, 5), (5, 12), (100, 101)])
def test_a_block_of_a_table_begins_where_the_grid_asks(direct: CAVEclient, start: int, end: int) -> None:
    every = sorted(direct.materialize.query_table(NUCLEI)["id"])
    view = TableAddress(DS, str(direct.version), NUCLEI)
    answer = table_viewer.rows(block(start, end, "id"), {"of": view.href()}, None)
    assert [row["id"] for row in answer["rowData"]] == list(map(str, every[start:end]))
    assert answer["rowCount"] == len(every)


@pytest.fixture
def of_large_table(large: flask.Flask, direct: CAVEclient) -> Iterator[dict[str, Any]]:
    """What a grid shows of a table that is too large to hold, in a request to an application for which it is."""
    href = TableAddress(DS, str(direct.version), NUCLEI).href()
    with large.test_request_context():
        yield {"of": href, "filterModel": {}, "sortModel": []}


@pytest.mark.parametrize(("start", "end"), [(0, 5), (5, 12), (100, 101)])
def test_a_block_of_a_large_table_begins_where_the_grid_asks(
    direct: CAVEclient, of_large_table: dict[str, Any], start: int, end: int
) -> None:
    every = direct.materialize.query_table(NUCLEI)["id"].tolist()
    answer = table_viewer.rows(of_large_table | {"startRow": start, "endRow": end}, of_large_table, None)
    assert [row["id"] for row in answer["rowData"]] == list(map(str, every[start:end]))


def test_first_rows_that_cave_does_not_send_are_no_empty_table(
    of_large_table: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its rows were an empty block under their count."""

    def fail(*_: Any) -> Any:
        raise Busy(48)

    monkeypatch.setattr(PagedView, "block", fail)
    query = parse_qs(urlsplit(of_large_table["of"]).query)
    with pytest.raises(Busy):
        table_viewer.load(query, None)


def test_a_link_holds_the_ticked_rows_of_a_large_table_alone(
    direct: CAVEclient, of_large_table: dict[str, Any]
) -> None:
    rows = direct.materialize.query_table(NUCLEI)
    rows = rows[rows["pt_root_id"] != 0].iloc[[3, 17, -1]]
    drawn, _ = table_viewer.link(of_large_table, list(map(str, rows["id"])), None, 1)
    assert linked_segments(drawn) == set(map(str, rows["pt_root_id"]))


@pytest.mark.parametrize(("start", "end"), [(0, 4), (4, 9), (10, 11)])
def test_a_block_of_partners_begins_where_the_grid_asks(
    direct: CAVEclient, cell: int, inputs: list[int], start: int, end: int
) -> None:
    view = CellAddress(DS, str(direct.version), str(cell), "root_id")
    answer = partner_grids.rows(block(start, end, "root_id"), {"of": view.href(), "side": "in"})
    assert [row["root_id"] for row in answer["rowData"]] == list(map(str, inputs[start:end]))
    assert answer["rowCount"] == len(inputs)


def linked_segments(drawn: Any) -> set[str]:
    """Root ids in the Neuroglancer state that a drawn link opens."""
    (address,) = re.findall(r"href='[^'#]*#!(http[^']*)'", str(drawn))
    layers = requests.get(address, timeout=30).json()["layers"]
    return {root for layer in layers for root in layer.get("segments", ())}


def test_a_link_holds_the_ticked_partners_alone(direct: CAVEclient, cell: int, inputs: list[int]) -> None:
    view = CellAddress(DS, str(direct.version), str(cell), "root_id")
    ticked = [str(inputs[1]), str(inputs[-1])]
    drawn, *_ = partner_grids.link(block(0, 0, "root_id") | {"of": view.href()}, ticked, 1, {"side": "in"})
    assert linked_segments(drawn) == {str(cell), *ticked}


def test_a_link_holds_the_ticked_rows_alone(direct: CAVEclient) -> None:
    rows = direct.materialize.query_table(TYPES)
    rows = rows[rows["pt_root_id"] != 0].iloc[[3, 17, -1]]
    view = TableAddress(DS, str(direct.version), TYPES)
    drawn, _ = table_viewer.link(block(0, 0, "id") | {"of": view.href()}, list(map(str, rows["id"])), None, 1)
    assert linked_segments(drawn) == set(map(str, rows["pt_root_id"]))


def test_an_error_in_the_middle_of_a_file_is_logged_as_unforeseen(
    direct: CAVEclient, server: flask.Flask, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """gunicorn alone told of it, without the id of the request."""

    def broken(*_: Any, **_more: Any) -> Iterator[str]:
        yield "id\n"
        raise RuntimeError

    monkeypatch.setattr(answers, "csv_of_frames", broken)
    path = f"/api/v1/{DS}/{direct.version}/tables/{NUCLEI}/rows?format=csv"
    with pytest.raises(RuntimeError), caplog.at_level("INFO"):
        _ = server.test_client().get(path).data
    assert [record.getMessage() for record in caplog.records].count("unforeseen") == 1
