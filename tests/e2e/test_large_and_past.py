"""Tables too large to hold, versions that have expired, and the present."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import OpenPage
from tests.e2e.truth import DATASTACK, PROOFREADING, SOME, TYPES, Truth, address
from tests.servers import karst

pytestmark = pytest.mark.browser

SYNAPSES = "synapses_pni_2"
LEAST = 20_000


@pytest.fixture(scope="module")
def page_of_large(open_page: OpenPage, localcave_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """A page of Karst that holds only small tables."""
    cache = tmp_path_factory.mktemp("large-cache")
    with karst(localcave_url, cache, KARST_MAX_TABLE_ROWS="5000") as url, open_page(url) as page:
        yield page


def test_a_table_too_large_to_hold_is_filtered_and_counted_by_cave(page_of_large: Page, truth: Truth) -> None:
    page, ask = page_of_large, truth.client.materialize
    page.goto(f"/table-viewer?table={SYNAPSES}")
    page.locator("[col-id='size'] input").fill(f"> {LEAST}")
    wanted = ask.query_table(SYNAPSES, filter_greater_dict={"size": LEAST})
    whole = ask.get_annotation_count(SYNAPSES)
    expect(page.locator("#table-counts")).to_contain_text(f"{len(wanted):,} of {whole:,} rows")
    expect(page.locator("main")).to_contain_text("too many to sort")
    first = page.locator(".ag-row[row-index='0'] [col-id='pre_pt_root_id']").first
    expect(first).to_have_text(re.compile(r"^\d+$"))
    assert int(first.inner_text()) in set(wanted["pre_pt_root_id"])
    with page.expect_download() as started:
        page.locator("#table-csv").get_by_role("link", name="CSV").click()
    kept = pd.read_csv(Path(started.value.path()), dtype=str)
    assert sorted(kept["id"]) == sorted(wanted["id"].astype(str))


def test_a_box_in_space_of_a_large_table_is_asked_of_cave(page_of_large: Page, truth: Truth) -> None:
    page, ask = page_of_large, truth.client.materialize
    middle = np.median(np.vstack(ask.query_table(SYNAPSES, limit=5_000)["ctr_pt_position"]), axis=0).astype(int)
    reach = np.array([20_000, 15_000, 2_000])
    low, high = middle - reach, middle + reach
    box = ", ".join(f"{least}..{most}" for least, most in zip(low, high, strict=True))
    wanted = ask.query_table(
        SYNAPSES, filter_spatial_dict={"ctr_pt_position": [low.tolist(), high.tolist()]}, split_positions=True
    )
    assert 0 < len(wanted) < ask.get_annotation_count(SYNAPSES) / 2
    axes = [f"ctr_pt_position_{axis}" for axis in "xyz"]
    page.goto(f"/table-viewer?table={SYNAPSES}&" + "&".join(f"columns={name}" for name in ("id", *axes)))
    page.locator("#table-where").fill(f"ctr_pt_position in box ({box})")
    page.locator("#table-where").press("Enter")
    expect(page.locator("#table-counts")).to_contain_text(
        f"{len(wanted):,} of {ask.get_annotation_count(SYNAPSES):,} rows"
    )
    shown = wanted.set_index(wanted["id"].astype(str))
    for row in ("0", "5"):
        cells = page.locator(f".ag-row[row-index='{row}']")
        expect(cells.locator("[col-id='id']")).to_have_text(SOME)
        own = shown.loc[cells.locator("[col-id='id']").inner_text()]
        for name in axes:
            expect(cells.locator(f"[col-id='{name}']")).to_have_text(f"{own[name]:,.0f}")


def test_what_cave_cannot_filter_is_refused_and_stays(page_of_large: Page) -> None:
    line = f"size > {LEAST} or size < 200"
    page_of_large.goto(f"/table-viewer?table={SYNAPSES}&where={line.replace(' ', '%20')}")
    expect(page_of_large.locator("#table-counts .alert")).to_contain_text("CAVE cannot do")
    expect(page_of_large.locator("#table-where")).to_have_value(line)


def test_an_expired_version_is_shown_through_its_time(page: Page, truth: Truth) -> None:
    versions = truth.client.materialize.get_versions_metadata(expired=True)
    expired = next(one for one in versions if not one["valid"])
    rows = truth.client.materialize.live_live_query(PROOFREADING, expired["time_stamp"], allow_missing_lookups=True)
    assert len(rows) < len(truth.client.materialize.query_table(PROOFREADING))
    page.goto(f"/table-viewer?table={PROOFREADING}&version={expired['version']}")
    expect(page.locator("#table-notes")).to_contain_text(f"Version {expired['version']} of {DATASTACK} has expired")
    expect(page.locator("#table-counts")).to_have_text(f"{len(rows):,} rows")


def test_the_present_becomes_a_moment_that_stays_in_the_address(page: Page) -> None:
    page.goto(f"/table-viewer?table={TYPES}&version=live")
    page.wait_for_url(re.compile(r"version=\d{4}-\d\d-\d\dT"))
    expect(page.locator("#table-counts")).to_contain_text("rows")
    counts, before = page.locator("#table-counts").inner_text(), address(page)
    page.reload()
    expect(page.locator("#table-counts")).to_have_text(counts)
    assert address(page) == before


def test_a_large_table_narrowed_by_a_box_is_sorted_plotted_and_linked(page_of_large: Page, truth: Truth) -> None:
    page, ask = page_of_large, truth.client.materialize
    root = int(ask.query_table(SYNAPSES, limit=1_000)["post_pt_root_id"].mode().iloc[0])
    wanted = ask.query_table(SYNAPSES, filter_equal_dict={"post_pt_root_id": root})
    page.goto(f"/table-viewer?table={SYNAPSES}")
    page.locator("[col-id='post_pt_root_id'] input").fill(str(root))
    expect(page.locator("#table-counts")).to_contain_text(f"{len(wanted):,} of ")
    page.wait_for_url(re.compile(str(root)))
    page.get_by_role("link", name="Sort, plot and compare these rows").click()
    expect(page.locator("#table-notes")).to_contain_text(f"the {len(wanted):,} that the filter")
    expect(page.locator("#table-counts")).to_contain_text(f"{len(wanted):,} of ")
    expect(page.locator("#table-counts a", has_text="Sort, plot")).to_have_count(0)
    expect(page.locator("#table-figure .js-plotly-plot, #table-figure .alert").first).to_be_visible()
    expect(page.locator("#table-link a").first).to_have_text(re.compile(rf"\b{len(wanted):,} rows"))
    page.goto(address(page) + "&sort=-size&plot=scatter&columns=size&columns=id")
    expect(page.locator(".ag-row[row-index='0'] [col-id='size']")).to_have_text(f"{wanted['size'].max():,.0f}")
    expect(page.locator("#table-figure .js-plotly-plot .main-svg").first).to_be_visible()


@pytest.mark.parametrize("link", ["page", "old link"])
def test_a_cell_is_read_at_an_expired_version(page: Page, truth: Truth, link: str) -> None:
    ask = truth.client.materialize
    expired = next(one for one in ask.get_versions_metadata(expired=True) if not one["valid"])
    own = ask.live_live_query(PROOFREADING, expired["time_stamp"], allow_missing_lookups=True)["pt_root_id"]
    root = int(own[own != 0].iloc[0])
    rows = ask.live_live_query(SYNAPSES, expired["time_stamp"], filter_equal_dict={SYNAPSES: {"pre_pt_root_id": root}})
    wanted = rows.loc[~rows["post_pt_root_id"].isin([0, root]), "post_pt_root_id"]
    if link == "page":
        page.goto(f"/connectivity-viewer?version={expired['version']}&cell={root}")
    else:
        page.goto(f"/dash/datastack/{DATASTACK}/apps/connectivity/?mat-version={expired['version']}&anno-id={root}")
    expect(page.locator("#cell-status")).to_contain_text(f"version {expired['version']}, expired")
    expect(page.locator("#cell-notes")).to_contain_text(f"Version {expired['version']} of {DATASTACK} has expired")
    expect(page.locator("#cell-results")).to_contain_text(f"{len(wanted):,}")
    expect(page.locator("#cell-results")).to_contain_text(f"{wanted.nunique():,}")
    expect(page.locator("#cell-facts .alert, #cell-results .alert-danger")).to_have_count(0)
    assert f"version={expired['version']}" in address(page)


def test_a_cell_is_read_live_at_a_moment_that_stays_in_the_address(page: Page, truth: Truth) -> None:
    own = truth.client.materialize.query_table(PROOFREADING)["pt_root_id"]
    root = int(own[own != 0].iloc[0])
    page.goto(f"/connectivity-viewer?version=live&cell={root}")
    expect(page.locator("#cell-status")).to_contain_text("live, ")
    page.wait_for_url(re.compile(r"version=\d{4}-\d\d-\d\dT"))
    expect(page.locator("#cell-version option:checked")).to_contain_text("Live")
    expect(page.locator("#cell-notes")).to_contain_text("live data, of no version")
