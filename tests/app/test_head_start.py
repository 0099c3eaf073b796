"""A cell that is read while its page is on its way."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from app import create_app
from services.cave.client import Cave
from services.core.errors import NotFound
from services.core.metrics import CAVE_REQUESTS
from services.core.settings import Settings
from services.views import head_start
from services.views.addresses import CellAddress
from services.views.cell_view import CellView
from tests import six_cells

P1 = CellAddress(six_cells.DATASTACK, str(six_cells.VERSION), cell=str(six_cells.P1))


def requests() -> float:
    """How many this process has sent to CAVE."""
    return float(CAVE_REQUESTS.collect()[0].samples[0].value)


def cave_over(six_url: str) -> Cave:
    return Cave(Settings(server_address=six_url, cache=""))


def test_a_cell_with_a_head_start_is_read_once(six_url: str) -> None:
    other, before = cave_over(six_url), requests()
    alone = CellView.of(other, P1).fitted()[0]
    cost = requests() - before

    cave, before = cave_over(six_url), requests()
    head_start.begin(cave, P1)
    head_start.begin(cave, P1)
    view = head_start.view(cave, P1)
    after = requests()
    assert after - before == cost > 0
    assert view.fitted()[0].table("out").frame.equals(alone.table("out").frame)
    assert requests() == after  # all of it had been read


def test_who_may_see_less_does_not_share_a_head_start(six_url: str) -> None:
    cave = cave_over(six_url)
    head_start.begin(cave, P1)
    other = Cave(replace(cave.settings, token="another"))
    assert cave.settings.identity != other.settings.identity
    before = requests()
    head_start.view(other, P1).fitted()
    assert requests() > before


def test_what_fails_is_said_to_whoever_asks(six_url: str) -> None:
    cave, lost = cave_over(six_url), replace(P1, cell="864691136999999999")
    head_start.begin(cave, lost)
    with pytest.raises(NotFound):
        head_start.view(cave, lost).fitted()


def test_no_more_than_some_at_once(six_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(head_start, "MOST", 0)
    cave, before = cave_over(six_url), requests()
    head_start.begin(cave, P1)
    time.sleep(0.2)
    assert requests() == before


def test_the_cell_of_a_document_is_read_before_its_page_asks(six_url: str) -> None:
    server = create_app(Settings(server_address=six_url, cache="")).server
    cave, before = server.extensions["karst"], requests()
    live, other = replace(P1, version="live"), "/table-viewer?" + P1.href().partition("?")[2]
    client = server.test_client()
    for href in (live.href(), other):
        assert client.get(href).status_code == 200
    assert requests() == before
    assert client.get("/connectivity-viewer?cell=x&cell=y").status_code == 200
    assert client.get(P1.href()).status_code == 200
    view = head_start.view(cave, P1)
    after = requests()
    assert after > before
    assert not view.fitted()[0].table("both").frame.empty
    assert requests() == after


def test_a_head_start_never_counts_as_a_request_that_waits(six_url: str) -> None:
    """It would for ever: the request that began it ends before."""
    server = create_app(Settings(server_address=six_url, cache="", max_waiting=1)).server
    client, cave = server.test_client(), server.extensions["karst"]
    for root in (six_cells.P2, six_cells.P1):
        address = replace(P1, cell=str(root))
        assert client.get(address.href()).status_code == 200
        head_start.view(cave, address)
    assert (
        client.get(f"/api/v1/{six_cells.DATASTACK}/{six_cells.VERSION}/cells/{six_cells.I1}/partners").status_code
        == 200
    )
