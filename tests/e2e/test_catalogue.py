"""The catalogue: every table and view of a version, found by words and read on a phone."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.truth import PROOFREADING, TYPES, Truth, query

pytestmark = pytest.mark.browser


def test_the_catalogue_lists_every_table_and_finds_words(page: Page, truth: Truth) -> None:
    page.goto(f"/table-viewer?table={TYPES}&version={truth.version}")
    page.get_by_role("link", name="all tables", exact=True).click()
    names = page.locator(".k-catalogue td:first-child")
    expect(names.filter(has_text=TYPES)).to_have_count(1)
    assert {*truth.client.materialize.get_tables()} <= {*names.all_inner_texts()}
    page.locator("#catalogue-q").fill("proofreading strategy")
    page.locator("#catalogue-q").press("Enter")
    expect(names.filter(has_text=TYPES)).to_have_count(0)
    expect(page.locator("#catalogue-status")).to_contain_text(re.compile(r"^\d+ of \d+ tables and views found"))
    older = str(min(truth.client.materialize.get_versions()))
    page.locator("#catalogue-version").select_option(older)
    expect(page.locator("#catalogue-status")).to_contain_text(f"version {older}")
    assert query(page)["q"] == ["proofreading strategy"]  # which the choice of a version leaves
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.locator("#catalogue-version").select_option(str(truth.version))
    expect(page.locator("#catalogue-status")).to_contain_text(f"version {truth.version}")
    names.get_by_role("link", name=PROOFREADING).click()
    expect(page.locator("#table-status")).to_contain_text(f"{PROOFREADING} · karst_demo · version {truth.version}")
