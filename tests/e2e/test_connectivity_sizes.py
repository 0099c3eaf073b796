"""The connectivity viewer on screens of several sizes."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import SHIFT
from tests.e2e.truth import Truth

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def root(truth: Truth) -> int:
    return truth.proofread_root()


def test_ten_partners_are_seen_without_scrolling_and_nothing_moves(page: Page, root: int) -> None:
    page.set_viewport_size({"width": 1280, "height": 720})
    page.add_init_script(SHIFT)
    page.goto(f"/connectivity-viewer?cell={root}&tab=in")
    expect(page.locator("#panel-in .k-neuroglancer")).to_be_visible()
    expect(page.locator("#plot-skeleton .js-plotly-plot")).to_be_visible()
    measured = page.request.get(f"/api/v1/karst_demo/latest/cells/{root}/arbor").json()
    axon = next(row for row in measured["rows"] if row["compartment"] == "axon")
    numbers = page.locator("#cell-skeleton tr", has_text="axon").locator("td")
    expect(numbers).to_have_text([f"{axon['cable_um']:,.0f}", f"{axon['in_per_um']:.3f}", f"{axon['out_per_um']:.3f}"])
    rows = page.locator("#panel-in .ag-center-cols-container .ag-row").all()
    inside = [box for box in (row.bounding_box() for row in rows) if box and box["y"] + box["height"] <= 720]
    assert len(inside) >= 10
    assert page.evaluate("window.shifted || 0") < 0.02
    page.locator("#cell-skeleton").get_by_role("button", name="Copy as Python").first.click()
    expect(page.locator("#announcement")).to_have_text("A script was copied.")
    page.locator("#cell-skeleton summary", has_text="Sholl profile").click()
    expect(page.locator("#plot-sholl .js-plotly-plot")).to_be_visible()


def test_four_cells_leave_room_for_their_partners(page: Page, truth: Truth) -> None:
    page.set_viewport_size({"width": 1280, "height": 720})
    single = truth.types().drop_duplicates("pt_root_id", keep=False)  # a note on merged cells takes a line
    ids = " ".join(map(str, single.query("cell_type == 'MC'")["pt_root_id"].iloc[:4]))
    page.goto(f"/connectivity-viewer?cell={ids}&tab=in")
    expect(page.locator("#panel-in .k-neuroglancer")).to_be_visible()
    rows = page.locator("#panel-in .ag-center-cols-container .ag-row").all()
    inside = [box for box in (row.bounding_box() for row in rows) if box and box["y"] + box["height"] <= 720]
    assert len(inside) >= 9
    last = page.get_by_role("region", name="The cells", exact=True).locator("tbody tr").last
    last.scroll_into_view_if_needed()
    expect(last).to_be_in_viewport()


def test_a_phone_is_as_wide_as_the_page(page: Page, root: int) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.add_init_script(SHIFT)
    for address in (f"/connectivity-viewer?cell={root}", "/table-viewer", "/table-viewer?where=nope"):
        page.goto(address)
        expect(page.locator(".k-neuroglancer, .k-counts .alert").first).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        assert page.evaluate("window.shifted || 0") < 0.02
