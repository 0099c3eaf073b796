"""Two datastacks with versions and tables of their own: a choice of the other leads to what it has."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests import tiny
from tests.e2e.conftest import OpenPage
from tests.e2e.truth import DATASTACK, TYPES, address
from tests.servers import karst, start_localcave

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def page(open_page: OpenPage, small_cortex: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """A page of Karst over the demo cortex and the tiny datastack, whose versions are 2 and 3."""
    folder = tmp_path_factory.mktemp("two")
    with (
        start_localcave([small_cortex, tiny.make(folder / "tiny")]) as cave_url,
        karst(cave_url, folder / "cache") as url,
        open_page(url) as opened,
    ):
        yield opened


def test_the_other_datastack_opens_at_its_latest_version_with_its_default_table(page: Page) -> None:
    page.goto(f"/table-viewer?table={TYPES}&where=volume > 300&sort=-volume&x=volume")
    expect(page.locator("#table-status")).to_contain_text(DATASTACK)
    page.locator("#table-datastack").select_option(tiny.DATASTACK)
    expect(page.locator("#table-status")).to_contain_text(f"{tiny.DATASTACK} · version {tiny.NEWEST}")
    expect(page.locator("#table-status strong")).to_have_text("empty")  # the first that has types, by name
    expect(page.locator("#table-notes")).to_be_empty()
    page.locator("#table-name").select_option("types")
    expect(page.locator("#table-counts")).to_have_text("6 rows")
    page.locator("#table-version").select_option(str(tiny.FIRST))  # which is of this datastack, and so stays
    expect(page.locator("#table-counts")).to_have_text("5 rows")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.locator("#table-status")).to_contain_text(f"version {tiny.FIRST}")
    assert f"version={tiny.FIRST}" in address(page)


def test_a_click_on_show_right_after_the_choice_changes_nothing(page: Page) -> None:
    page.goto(f"/table-viewer?table={TYPES}")
    expect(page.locator("#table-status")).to_contain_text(DATASTACK)
    page.locator("#table-datastack").select_option(tiny.DATASTACK)
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.locator("#table-status")).to_contain_text(f"{tiny.DATASTACK} · version {tiny.NEWEST}")


def test_the_catalogue_of_the_other_datastack_is_that_of_its_latest_version(page: Page) -> None:
    page.goto("/catalogue?version=latest")
    expect(page.locator("#catalogue-status")).to_contain_text(DATASTACK)
    page.locator("#catalogue-datastack").select_option(tiny.DATASTACK)
    expect(page.locator("#catalogue-status")).to_contain_text(re.compile(rf"{tiny.DATASTACK}.*version {tiny.NEWEST}"))


def test_a_cell_that_was_typed_is_read_in_the_other_datastack_and_that_of_the_first_is_left(page: Page) -> None:
    page.goto("/connectivity-viewer")
    expect(page.locator("#cell-version option[value='latest']")).to_have_count(0)
    page.locator("#cell-id").fill(str(tiny.A))
    page.locator("#cell-datastack").select_option(tiny.DATASTACK)
    expect(page.locator("#cell-status")).to_contain_text(f"version {tiny.NEWEST}")
    expect(page.locator("#cell-results")).to_contain_text(str(tiny.A))
    page.locator("#cell-datastack").select_option(DATASTACK)
    expect(page.locator("#cell-id")).to_have_value("")
    page.wait_for_url(re.compile(r"^(?!.*cell=).*$"))
