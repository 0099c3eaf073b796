"""Two tabs of one person on different versions: each keeps its own."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest
from playwright.sync_api import Page, expect

from tests.e2e.truth import TYPES, Truth

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def truth(localcave_url: str) -> Truth:
    return Truth(localcave_url)


def test_two_tabs_keep_their_own_version(page: Page, truth: Truth) -> None:
    valid = sorted(truth.client.materialize.get_versions())
    old, new = valid[0], valid[-1]
    assert old != new
    tabs = {new: page, old: page.context.new_page()}
    for version, tab in tabs.items():
        tab.goto(f"/table-viewer?table={TYPES}&version={version}")
    for version, tab in tabs.items():
        expect(tab.locator("#table-status")).to_contain_text(f"version {version}")
    for tab in tabs.values():  # one after the other, so that a state shared by tabs would be the other's
        tab.get_by_label(re.compile("^volume .*Filter Input")).fill("> 300")
    for version, tab in tabs.items():
        truth_rows = truth.client.materialize.query_table(TYPES, materialization_version=version)
        wanted = truth_rows[truth_rows["volume"] > 300]
        expect(tab.locator("#table-counts")).to_contain_text(f"{len(wanted):,} of {len(truth_rows):,} rows")
        tab.wait_for_url(re.compile(rf"version={version}\b"))
        assert f"version={version}" in tab.url
        with tab.expect_download() as started:
            tab.locator("#table-downloads").get_by_role("link", name="CSV").click()
        kept = pd.read_csv(Path(started.value.path()), comment="#", dtype=str)
        pairs = set(zip(kept["id"], kept["pt_root_id"], strict=True))
        assert pairs == set(zip(wanted["id"].astype(str), wanted["pt_root_id"].astype(str), strict=True))
