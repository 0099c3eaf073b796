"""Addresses that nobody has written: of pages, of the older viewers, and below /api."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlencode

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.cases import IDS, TEXTS, tries

LITERALS = st.one_of(
    TEXTS,
    TEXTS.map(repr),
    st.lists(st.one_of(TEXTS, IDS), max_size=3).map(repr),
    st.sampled_from(["'\\ud800'", "['\\ud800', 1]", "(" * 300, "[" * 90 + "]" * 90, "None", "'", "1e999", "'\\x00'"]),
)
OLD = ["cell-id", "mat-version", "cell-type", "value-column-search", "anno-id", "id-type", "live-query-toggle", "x"]


def query(params: dict[str, str]) -> str:
    return urlencode(params, errors="surrogatepass")


@tries(300)
@given(
    params=st.dictionaries(st.sampled_from([*OLD, "anno-id::value", "x::y"]), LITERALS, max_size=4),
    place=st.tuples(st.one_of(st.just("karst_demo"), TEXTS), st.sampled_from(["connectivity", "table_viewer", "x"])),
)
def test_old_links(params: dict[str, str], place: tuple[str, str], client: FlaskClient, mistakes: list[str]) -> None:
    datastack, app = (quote(part, errors="surrogatepass", safe="") for part in place)
    answer = client.get(f"/dash/datastack/{datastack}/apps/{app}/?{query(params)}")
    assert not mistakes, mistakes.pop()
    assert answer.status_code in (200, 302, 308, 400, 404)
    answer.headers.get("Location", "").encode("ascii")


@tries(200)
@given(
    page=st.one_of(st.sampled_from(["", "table-viewer", "connectivity-viewer", "catalogue", "healthz"]), TEXTS),
    params=st.dictionaries(TEXTS, TEXTS, max_size=3),
)
def test_pages(page: str, params: dict[str, str], client: FlaskClient, mistakes: list[str]) -> None:
    answer = client.get(f"/{quote(page, errors='surrogatepass', safe='')}?{query(params)}")
    assert not mistakes, mistakes.pop()
    assert answer.status_code < 500


@tries(300)
@given(
    method=st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]),
    parts=st.lists(
        st.one_of(
            st.sampled_from(
                ["karst_demo", "latest", "1621", "tables", "cells", "rows", "partners", "versions", "neuroglancer"]
            ),
            IDS,
            TEXTS,
        ),
        max_size=6,
    ),
    content=st.one_of(st.binary(max_size=20), st.sampled_from([b"{}", b'{"cell": "\\ud800"}', b"[" * 5_000])),
)
def test_api(method: str, parts: list[str], content: bytes, client: FlaskClient, mistakes: list[str]) -> None:
    path = "/".join(quote(part, errors="surrogatepass", safe="") for part in parts)
    answer = client.open(f"/api/v1/{path}", method=method, data=content, content_type="application/json")
    assert not mistakes, mistakes.pop()
    assert answer.status_code < 500
    if answer.status_code >= 400 and method != "HEAD":
        assert answer.json is not None
        assert answer.json["error"]["message"]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/datastacks", ["GET"]),
        ("DELETE", "/karst_demo/latest/tables", ["GET"]),
        ("GET", "/karst_demo/latest/neuroglancer", ["POST"]),
        ("PUT", "/karst_demo/latest/tables/nucleus_detection_v0/ids", ["POST"]),
        ("PATCH", "/karst_demo/latest/cells/1/partners", ["GET"]),
    ],
)
def test_another_method_than_a_route_answers(method: str, path: str, allowed: list[str], client: FlaskClient) -> None:
    answer = client.open(f"/api/v1{path}", method=method)
    assert answer.status_code == 405
    assert answer.headers["Allow"] == ", ".join(allowed)
    error: dict[str, Any] = (answer.json or {})["error"]
    assert error["code"] == "wrong_method"
    assert method in error["message"]


@pytest.mark.parametrize("path", ["%0A", "karst_demo%0A", "x%0D%0Ay/z"])
def test_a_line_break_in_an_address_of_the_api(path: str, client: FlaskClient) -> None:
    answer = client.get(f"/api/v1/{path}")
    assert answer.status_code == 404 and answer.json is not None
    assert answer.json["error"]["code"] == "not_found"


def test_half_of_a_surrogate_pair_in_an_old_link(client: FlaskClient) -> None:
    answer = client.get("/dash/datastack/karst_demo/apps/connectivity/?cell-id='%5Cud800'")
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/connectivity-viewer?")
