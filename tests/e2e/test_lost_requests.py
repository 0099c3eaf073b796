"""A request that fails on its way ends in a sentence and a Retry, which goes on as if nothing had been."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from services.core.errors import TooOften
from tests.e2e.truth import Truth, query
from tests.servers import free_port, karst

pytestmark = pytest.mark.browser

CALLBACKS = "**/_dash-update-component*"
TABLE = "/table-viewer?table=nucleus_detection_v0"


@pytest.fixture
def page(tab: Page) -> Page:
    """A page whose console may tell of the requests that are broken here."""
    return tab


def expect_lost(page: Page, *words: str) -> None:
    bar = page.get_by_role("alert").filter(has=page.get_by_role("button", name="Retry"))
    for word in words:
        expect(bar).to_contain_text(word)
    expect(page.locator(".k-spinner:visible, ._dash-loading:visible")).to_have_count(0)


def abort(route: Route) -> None:
    route.abort()


def retry(page: Page) -> None:
    page.get_by_role("button", name="Retry").click()
    expect(page.locator(".k-retry")).to_have_count(0)


def test_every_page_offers_to_try_again(page: Page, truth: Truth) -> None:
    cell = f"/connectivity-viewer?cell={truth.proofread_root()}"
    shown = {
        "/": "#home-types a",
        TABLE: ".ag-row",
        "/catalogue": "#catalogue-tables a",
        cell: "#cell-results .ag-row:visible",
    }
    for path, result in shown.items():
        page.route(CALLBACKS, abort)
        page.goto(path)
        expect_lost(page, "The connection to Karst was lost.", "Nothing you typed is lost.")
        page.unroute(CALLBACKS)
        retry(page)
        expect(page.locator(result).first).to_be_visible()


@pytest.mark.parametrize("part", ["**/_dash-layout", "**/_dash-dependencies", "**/dash_ag_grid/async*.js*"])
def test_so_do_the_parts_of_a_page(page: Page, part: str) -> None:
    page.route(part, abort)
    page.goto(TABLE)
    expect_lost(page, "lost" if "dash-" in part else "A part of this page could not be loaded.")
    page.unroute(part)
    retry(page)
    expect(page.locator(".ag-row").first).to_be_visible()


def test_an_error_on_the_way_keeps_what_was_typed(page: Page) -> None:
    page.goto(TABLE)
    expect(page.locator(".ag-row").first).to_be_visible()
    error = TooOften(1200, 7)
    answers = [
        {"status": 502, "body": "<html>Bad Gateway</html>"},
        {"status": 429, "body": json.dumps({"error": error.to_dict()})},
    ]
    page.route(CALLBACKS, lambda route: route.fulfill(**answers[0]))
    volume, nucleus = (page.get_by_label(f"{name} Filter Input") for name in ("volume (µm³)", "nucleus id"))
    volume.fill("> 1")
    expect_lost(page, "Karst did not answer (status 502).")
    with page.expect_request(lambda request: "> 2" in (request.post_data or "")):
        nucleus.fill("> 2")
    page.locator("#table-where").fill("id < 20")
    page.locator("#table-where").press("Enter")
    expect(page.locator("#table-where")).to_have_value("id < 20")
    answers.pop(0)
    page.get_by_role("button", name="Retry").click()
    expect_lost(page, "more than 1,200 requests in a minute. Try again in 7 seconds.", error.request_id)
    page.unroute(CALLBACKS)
    retry(page)
    expect(page.locator("#table-counts")).to_contain_text("nucleus id is less than 20")
    expect(page.locator("#table-where")).to_have_value("id < 20")
    expect(volume).to_have_value("> 1")
    expect(nucleus).to_have_value("> 2")
    shown = {name: values for name, values in query(page).items() if name == "where" or name.startswith("f.")}
    assert shown == {"where": ["id < 20"], "f.volume": ["> 1"], "f.id": ["> 2"]}


def test_another_page_leaves_it_behind(page: Page) -> None:
    page.goto(TABLE)
    expect(page.locator(".ag-row").first).to_be_visible()
    page.route(CALLBACKS, abort)
    page.get_by_role("tab", name="Plot").click()
    expect_lost(page)
    page.unroute(CALLBACKS)
    page.get_by_role("link", name="Connectivity", exact=True).click()
    expect(page.locator("#cell-id")).to_be_visible()
    expect(page.locator(".k-retry")).to_have_count(0)


def test_a_restarted_server_goes_on(page: Page, localcave_url: str, tmp_path: Path) -> None:
    port = free_port()
    with karst(localcave_url, tmp_path, port=port) as url:
        page.goto(url + TABLE)
        expect(page.locator(".ag-row").first).to_be_visible()
    page.locator("#table-where").fill("id < 20")
    page.locator("#table-where").press("Enter")
    expect_lost(page, "The connection to Karst was lost.")
    with karst(localcave_url, tmp_path, port=port):
        retry(page)
        expect(page.locator("#table-counts")).to_contain_text("where nucleus id is less than 20")
