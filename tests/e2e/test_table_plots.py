"""The plots beside a table: what is drawn around or clicked in them is picked or filtered by."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.truth import TYPES, Truth, query

CALLBACK = "/_dash-update-component"
pytestmark = pytest.mark.browser

TABLE = f"/table-viewer?table={TYPES}"


def draw(page: Page, corners: list[tuple[float, float]]) -> None:
    """Drag the mouse over the plot, from corner to corner in parts of its width and height."""
    box = page.locator("#table-figure .nsewdrag").first.bounding_box()
    assert box is not None
    for step, (across, down) in enumerate(corners):
        page.mouse.move(box["x"] + across * box["width"], box["y"] + down * box["height"], steps=8)
        if not step:
            page.mouse.down()
    page.mouse.up()


def test_an_outline_in_the_plot_keeps_its_rows(page: Page) -> None:
    page.goto(f"{TABLE}&plot=scatter")
    expect(page.locator("#table-figure .nsewdrag").first).to_be_visible()
    expect(page.locator("#table-figure .no-webgl")).to_have_count(0)
    expect(page.locator("#plot-layers option:checked")).to_have_text("Allen V1 column")
    page.locator("#table-figure").get_by_role("button", name="Copy as Python").click()
    expect(page.locator("#announcement")).to_have_text("A script was copied.")
    message, link = page.locator("#table-picked-message"), page.locator("#table-link a").first
    page.locator("#table-figure [data-title=Box]").click()
    place = page.locator("#table-figure").bounding_box()
    draw(page, [(0.02, 0.02), (0.98, 0.98)])
    expect(message).to_contain_text("picked")
    assert page.locator("#table-figure").bounding_box() == place  # or the next stroke would land elsewhere
    everything = count_of(message)
    page.locator("#table-figure [data-title=Lasso]").click()
    draw(page, [(0.2, 0.2), (0.6, 0.2), (0.6, 0.5), (0.2, 0.5), (0.2, 0.2)])
    expect(message.locator("strong")).not_to_have_text(f"{everything:,} rows")
    count = f"{count_of(message):,}"
    assert 100 < count_of(message) < everything  # more than an address names one by one
    expect(link).to_contain_text(f"{count} selected row")
    cells = parse_qs(urlsplit(message.get_by_role("link", name="Connections among").get_attribute("href") or "").query)
    edges = {"pre": f"{cells['pre_table'][0]}:{cells['pre'][0]}", "proofread": "off"}
    sets = page.request.get("/api/v1/karst_demo/latest/populations/edges", params=edges).json()["sets"]
    assert f"{sets['pre']['rows']:,}" == count
    message.get_by_role("link", name="Keep only these").click()
    expect(page.locator("#table-counts")).to_contain_text(f"{count} of 2,")
    draw(page, [(0.1, 0.1), (0.6, 0.1), (0.6, 0.6), (0.1, 0.1)])
    expect(link).to_contain_text("selected row")
    message.get_by_role("button", name="Clear").press("Enter")
    expect(message).to_be_empty()
    expect(link).not_to_contain_text("selected")
    expect(page.get_by_role("tab", name="Plot")).to_be_focused()


def test_an_outline_stays_while_the_rows_are_filtered_and_counts_what_is_left(page: Page) -> None:
    page.goto(f"{TABLE}&plot=scatter")
    message, link = page.locator("#table-picked-message"), page.locator("#table-link a").first
    outline = page.locator("#table-figure .shapelayer path[style*='fill-opacity: 0.15']")
    page.locator("#table-figure [data-title=Box]").click()
    draw(page, [(0.1, 0.1), (0.9, 0.9)])
    expect(message).to_contain_text("picked")
    everything = count_of(message)
    box = page.get_by_label("cell type Filter Input", exact=True)
    box.fill("BC")
    expect(message.locator("strong")).not_to_have_text(f"{everything:,} rows")
    assert 0 < count_of(message) < everything
    expect(link).to_contain_text(f"{count_of(message):,} selected row")
    expect(outline).to_have_count(1)
    box.fill("no such type")
    expect(message).to_contain_text("No rows there.")
    message.get_by_role("button", name="Clear").click()
    box.fill("")
    expect(page.locator("#table-counts")).not_to_contain_text(" of ")
    expect(message).to_be_empty()
    expect(page.locator("#table-figure .nsewdrag").first).to_be_visible()
    expect(outline).to_have_count(0)


def count_of(message: Locator) -> int:
    """How many rows are said to be picked."""
    return int(message.locator("strong").inner_text().split()[0].replace(",", ""))


def test_a_click_on_a_dot_picks_its_row(page: Page) -> None:
    page.goto(f"{TABLE}&plot=scatter&where=cell_type%20%3D%20BC%20and%20volume%20%3C%20300")
    dot = page.locator("#table-figure .point").nth(3)
    expect(dot).to_be_attached()
    # As if the mouse had been there while the plot was being drawn: a click did nothing then.
    page.locator("#table-figure .js-plotly-plot").evaluate("plot => plot.removeAllListeners('plotly_hover')")
    dot.hover(force=True)  # under what catches the mouse
    expect(page.locator("#table-figure .hoverlayer text").first).to_be_visible()
    page.mouse.down()
    page.mouse.up()
    message = page.locator("#table-picked-message")
    expect(message).to_contain_text("1 row picked")
    expect(page.locator("#table-link a").first).to_contain_text("1 selected row")
    href = message.get_by_role("link", name="Read this cell").get_attribute("href")
    (root,) = parse_qs(urlsplit(href).query)["cell"]
    marked = page.locator(".k-marked [col-id=pt_root_id]")
    expect(marked).to_have_text(root)
    message.get_by_role("button", name="Clear").click()
    expect(marked).to_have_count(0)


def test_clicking_a_bar_filters_by_it(page: Page, truth: Truth) -> None:
    rows = truth.types()
    top = rows["cell_type"].value_counts().index[0]
    requested: list[str] = []
    page.on("request", lambda sent: requested.append(sent.post_data_json["output"]) if CALLBACK in sent.url else None)
    page.goto(TABLE)
    expect(page.locator("#table-link a").first).to_be_visible()
    expect(page.locator("#table-figure .point path").first).to_be_attached()
    assert "table-figure.children" in requested
    assert len(requested) == len(set(requested)), "drawn twice"
    assert not {"table-facets.children", "table-compared.children"} & set(requested), "behind the panel in front"
    page.locator("#table-figure .point path").first.click(force=True)  # under what catches the mouse
    expect(page.locator("#table-counts")).to_contain_text(f"where cell type is {top}")
    # and in a histogram, by a number too, to the range of its bar
    page.locator("#plot-kind").select_option("Histogram")
    page.locator("#group-by").select_option("volume")
    expect(page.locator("#table-figure .legendtext").first).to_contain_text(" to ")
    bars = page.locator("#table-figure .point path")
    heights = bars.evaluate_all("all => all.map((bar) => bar.getBoundingClientRect().height)")
    bars.nth(heights.index(max(heights))).click(force=True)
    page.wait_for_url(re.compile(r"f\.volume="))
    low, high = map(float, query(page)["f.volume"][0].split(".."))
    kept = (rows["volume"].between(low, high) & (rows["cell_type"] == top)).sum()
    expect(page.locator("#table-counts")).to_contain_text(f"{kept:,} of {len(rows):,} rows")


def test_dragging_over_a_small_histogram_keeps_a_range(page: Page, truth: Truth) -> None:
    rows = truth.types()
    page.goto(f"{TABLE}&panel=facets")
    bars = page.get_by_role("region", name="Values of volume").locator(".k-histogram a")
    expect(bars.first).to_be_visible()
    bars.nth(2).hover()
    page.mouse.down()
    bars.nth(6).hover()
    page.mouse.up()
    page.wait_for_url(re.compile(r"f\.volume="))
    low, high = map(float, query(page)["f.volume"][0].split(".."))
    kept = rows["volume"].between(low, high).sum()
    assert 0 < kept < len(rows)
    expect(page.locator("#table-counts")).to_contain_text(f"{kept:,} of {len(rows):,} rows")
