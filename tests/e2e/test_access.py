"""For everybody: with the keyboard alone, with a screen reader, in light and dark."""

from __future__ import annotations

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from components import glossary
from tests.e2e.truth import PROOFREADING, TYPES, Truth, expect_copied

pytestmark = pytest.mark.browser


VIEWS = {
    "start": ("/", "#home-pairs img"),
    "table": (f"/table-viewer?table={TYPES}&f.cell_type=BC", "#table-link a"),
    "table, bad filter": (f"/table-viewer?table={TYPES}&where=nope", "#table-counts .alert"),
    "table, facets": (f"/table-viewer?table={TYPES}&panel=facets&f.cell_type=BC", ".k-facet"),
    "table, scatter": (f"/table-viewer?table={TYPES}&plot=scatter", "#table-figure .nsewdrag"),
    "table, compare": (
        f"/table-viewer?table={TYPES}&panel=compare&join=allen_v1_column_types_slanted_ref",
        ".k-matrix a",
    ),
    "table, ids": (f"/table-viewer?table={TYPES}&panel=ids", "#table-link a"),
    "table, columns": (f"/table-viewer?table={TYPES}&panel=columns", "#table-link a"),
    "catalogue": ("/catalogue", ".k-catalogue"),
    "table, absent": ("/table-viewer?table=nope", "#table-notes .alert a[href^='/catalogue?datastack=']"),
    "connectivity, empty": ("/connectivity-viewer", ".k-empty"),
    "connectivity": (f"/connectivity-viewer?type_table={TYPES}&cell=", "#panel-out .k-neuroglancer"),
    "connectivity, bad id": ("/connectivity-viewer?cell=x", "#cell-notes .alert"),
    "populations": ("/populations", "#pop-results > *"),
    "populations, against chance": (
        f"/populations?pre_table={PROOFREADING}&read=on&model=degrees&permutations=10",
        "#pop-null .main-svg",
    ),
    "populations, clusters": (f"/populations?pre_table={PROOFREADING}&read=on&panel=alike", "#pop-panel td"),
    "skeletons": ("/skeletons", "#wall-results a"),
    "populations, failing": ("/populations?a=nope&b=nope", "#pop-results > *"),
    "lessons": ("/lessons", "#lessons-list a"),
    "join": ("/join", "h1"),
    "nowhere": ("/nowhere", "h1"),
}

SIZES = """() => [...document.querySelectorAll("body *")]
    .filter((one) => !one.closest("svg.icon, .k-join-address, .modebar") && one.checkVisibility()
        && (one.matches("input, select, textarea")
            || [...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim())))
    .map((one) => getComputedStyle(one).fontSize)"""
"""The size of every text that is shown, but of the address of a class, which is read from afar."""


@pytest.mark.parametrize("view", VIEWS)
def test_no_violation(page: Page, truth: Truth, view: str) -> None:
    """In both themes: a page that is open follows the system from one into the other."""
    address, ready = VIEWS[view]
    page.goto(address + (str(truth.proofread_root()) if address.endswith("cell=") else ""))
    expect(page.locator(ready).first).to_be_visible()
    page.wait_for_load_state("networkidle")
    assert set(page.evaluate(SIZES)) <= {"12px", "13px", "14px", "20px"}
    result = violations(page, "light")
    page.emulate_media(color_scheme="dark")
    result += violations(page, "dark")
    assert not result, "\n".join(result)


def violations(page: Page, theme: str) -> list[str]:
    """What axe finds once the page has the theme and no colour is on its way from the other."""
    expect(page.locator("html")).to_have_attribute("data-bs-theme", theme)
    page.wait_for_function("() => !document.getAnimations().some(one => one instanceof CSSTransition)")
    return [
        f"{theme}, {violation['id']}: {node['html'][:200]}"
        for violation in Axe().run(page).response["violations"]
        for node in violation["nodes"]
    ]


def test_the_keyboard_alone_reaches_everything(page: Page, truth: Truth) -> None:
    root = str(truth.proofread_root())
    page.goto("/")
    expect(page.locator("#home-types a").first).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    tab_to(page, "#search")
    page.keyboard.type(root)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Connectivity")).to_be_visible()
    expect(page.locator("#tab-out")).to_have_attribute("aria-selected", "true")
    tab_to(page, "#tab-out")
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#tab-in")).to_be_focused()
    expect(page.locator("#panel-in")).to_be_visible()
    expect(page.locator("#panel-out")).to_be_hidden()
    expect(page.locator("#panel-in .k-neuroglancer")).to_be_visible()
    tab_to(page, "#panel-in .k-neuroglancer")
    page.reload()
    expect(page.locator("#panel-in .ag-row").first).to_be_visible()
    for stop in ("Skip to content", "Skip to rows"):
        page.keyboard.press("Tab")
        expect(page.get_by_text(stop)).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.locator("#panel-in .k-rows :focus")).to_be_visible()
    tab_to(page, "#panel-in .ag-floating-filter:has(input[aria-label='synapses Filter Input'])")
    page.keyboard.press("Enter")  # into the box, as everywhere in the grid
    page.keyboard.type("> 1")
    expect(page.locator("#panel-in .k-counts")).to_contain_text("where")


def tab_to(page: Page, selector: str, most: int = 60) -> None:
    """Press Tab until the element has the focus."""
    for _ in range(most):
        if page.locator(selector).evaluate("element => element === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{selector} was not reached with {most} presses of Tab")


def test_the_theme_is_remembered_and_follows_the_system(page: Page) -> None:
    page.goto("/")
    theme = page.locator("html")
    toggle = page.get_by_role("button", name="Dark theme")
    expect(toggle).to_have_attribute("aria-pressed", "false")
    page.emulate_media(color_scheme="dark")
    expect(theme).to_have_attribute("data-bs-theme", "dark")
    expect(toggle).to_have_attribute("aria-pressed", "true")
    toggle.click()
    expect(theme).to_have_attribute("data-bs-theme", "light")
    page.reload()
    expect(theme).to_have_attribute("data-bs-theme", "light")


def test_an_id_and_the_address_can_be_copied(page: Page, truth: Truth) -> None:
    root = str(truth.proofread_root())
    page.goto(f"/connectivity-viewer?cell={root}")
    tip = page.get_by_role("tooltip")
    page.locator(".k-type").hover()
    expect(tip).to_have_text(glossary.terms()["cell type"])
    page.get_by_role("button", name="Copy root id").focus()
    expect(tip).to_have_text(glossary.terms()["root id"])
    page.keyboard.press("Escape")
    expect(tip).to_be_hidden()
    header = page.locator("#panel-out [role=columnheader][col-id=num_syn]")
    header.focus()
    expect(tip).to_have_text(f"num_syn: {glossary.of_column('num_syn')}")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Help")).to_contain_text("null, not null")
    assert not violations(page, "light")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.get_by_role("button", name="Copy root id").click()
    expect(page.locator("#announcement")).to_have_text("Copied.")
    expect_copied(page, root)
    page.wait_for_url(re.compile("version="))
    page.locator("#panel-out").get_by_role("button", name="Copy link to this view").click()
    expect_copied(page, None)
