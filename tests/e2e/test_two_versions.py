"""Two tabs of one person on different versions keep their own; an id of an older version."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import OpenPage
from tests.e2e.truth import DATASTACK, TYPES, Truth, neuroglancer_state, segments
from tests.servers import ROOT, karst

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def page(open_page: OpenPage, localcave_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """A page of Karst whose links have the segmentation that the datastack names, which follows edits."""
    folder = tmp_path_factory.mktemp("config")
    shutil.copytree(ROOT / "config", folder, dirs_exist_ok=True)
    (folder / "datastacks" / f"{DATASTACK}.toml").write_text("")
    cache = tmp_path_factory.mktemp("cache")
    with karst(localcave_url, cache, KARST_CONFIG=str(folder)) as url, open_page(url) as opened:
        yield opened


def test_two_tabs_keep_their_own_version(page: Page, truth: Truth) -> None:
    valid = sorted(truth.client.materialize.get_versions())
    old, new = valid[0], valid[-1]
    assert old != new
    tabs = {new: page, old: page.context.new_page()}
    for version, tab in tabs.items():
        tab.goto(f"/table-viewer?table={TYPES}&version={version}&viewer=Spelunker")
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
            tab.locator("#table-csv").get_by_role("link", name="CSV").click()
        kept = pd.read_csv(Path(started.value.path()), dtype=str)
        pairs = set(zip(kept["id"], kept["pt_root_id"], strict=True))
        assert pairs == set(zip(wanted["id"].astype(str), wanted["pt_root_id"].astype(str), strict=True))
        link = tab.locator("#table-link a")
        expect(link).to_have_text(re.compile(rf"\b{len(wanted):,} rows"))
        state, moment = neuroglancer_state(tab, "#table-link a"), truth.client.materialize.get_timestamp(version)
        assert segments(state) == {str(root) for root in wanted["pt_root_id"] if root}
        (layer,) = (layer for layer in state["layers"] if layer["type"] == "segmentation")
        assert "graphene://" in str(layer["source"])
        assert layer["timestamp"] == int(moment.timestamp() * 1000)


def test_a_stale_id_is_repaired_or_kept_at_its_version(page: Page, truth: Truth) -> None:
    newest, older = sorted(truth.client.materialize.get_versions(), reverse=True)[:2]
    roots = {
        version: set(
            truth.client.materialize.query_table("nucleus_detection_v0", materialization_version=version)["pt_root_id"]
        )
        for version in (newest, older)
    }
    stale = min(roots[older] - roots[newest] - {0})
    page.goto(f"/connectivity-viewer?cell={stale}")
    heir, share = truth.client.chunkedgraph.suggest_latest_roots(
        stale, timestamp=truth.client.materialize.get_timestamp(newest), return_fraction_overlap=True
    )
    note = page.locator("#cell-notes .alert").first
    expect(note).to_contain_text(
        f"Root id {stale} outdated at version {newest}; showing its successor {heir} ({share:.0%} overlap)"
    )
    note.get_by_role("link", name=f"Keep it by going to version {older}").click()
    expect(page.locator("#cell-status")).to_contain_text(f"Cell {stale}")
    expect(page.locator("#cell-status")).to_contain_text(f"version {older}")
    expect(page.locator("#cell-notes")).not_to_contain_text("outdated")
