"""What cannot be answered gets a sentence, and nothing that was typed is lost."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, TimeoutError, expect

from services.cave.circuit import REST_S
from tests.e2e.conftest import OpenPage
from tests.e2e.truth import TYPES, Truth
from tests.servers import free_port, karst, running

pytestmark = pytest.mark.browser

UNTELLABLE = re.compile(r"Traceback|Exception|SELECT |File \"|/work/|0x[0-9a-f]{6}")


def read_cell(page: Page, text: str) -> None:
    page.goto("/connectivity-viewer")
    page.locator("#cell-id").fill(text)
    page.locator("#cell-id").press("Enter")


def expect_problem(page: Page, place: str, *words: str) -> None:
    alert = page.locator(f"{place} .alert-danger")
    for word in words:
        expect(alert).to_contain_text(word)
    expect(alert).to_contain_text(re.compile("Request [0-9a-f]{12}"))
    assert not UNTELLABLE.search(page.locator("main").inner_text())


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("864691135999999999", ["864691135999999999"]),
        ("12x4", ["2 numbers", "a position has three"]),
        ("864691135000000001, 864691135000000002", ["864691135000000001 is neither"]),
        ("0", ["0 is not the id of a cell"]),
        ("8.64691E+17", ["spreadsheet"]),
        ("99999999999999999999999", ["too large"]),
        ("<script>alert(1)</script>", ["not an id"]),
    ],
)
def test_a_cell_that_cannot_be_read(page: Page, typed: str, words: list[str]) -> None:
    read_cell(page, typed)
    expect_problem(page, "#cell-notes", *words)
    expect(page.locator("#cell-id")).to_have_value(typed)
    expect(page.locator("#cell-results")).to_be_empty()
    expect(page.locator("#cell-status")).to_have_text("No cell is shown.")


@pytest.mark.parametrize("around", ["  {} ", "{},", "[{}]", '"{}"'])
def test_what_comes_with_a_pasted_id_is_forgiven(page: Page, truth: Truth, around: str) -> None:
    root = truth.proofread_root()
    read_cell(page, around.format(root))
    expect(page.locator("#cell-status")).to_contain_text(f"Cell {root}")
    expect(page.locator("#cell-id")).to_have_value(around.format(root).strip())


def test_a_table_that_is_not_at_the_version(page: Page) -> None:
    page.goto("/table-viewer?table=no_such_table&where=id%20%3E%203")
    expect_problem(page, "#table-notes", "no_such_table")
    expect(page.locator("#table-name")).to_have_value("no_such_table")
    expect(page.locator("#table-name option:checked")).to_have_text("no_such_table (not at this version)")
    expect(page.locator("#table-where")).to_have_value("id > 3")
    page.locator("#table-name").select_option(TYPES)
    expect(page.locator("#table-counts")).to_contain_text("rows where")


def test_a_version_that_never_was(page: Page, truth: Truth) -> None:
    page.goto("/table-viewer?version=77")
    expect_problem(page, "#table-notes", "77", str(truth.version))
    page.locator("#table-version").select_option(str(truth.version))
    expect(page.locator("#table-status")).to_contain_text(f"version {truth.version}")


@pytest.mark.parametrize("page_path", ["/table-viewer", "/connectivity-viewer"])
def test_a_datastack_that_does_not_exist(page: Page, page_path: str) -> None:
    page.goto(f"{page_path}?datastack=nowhere&cell=5" if "conn" in page_path else f"{page_path}?datastack=nowhere")
    part = "cell" if "conn" in page_path else "table"
    expect_problem(page, f"#{part}-notes", "nowhere")
    choice = page.locator(f"#{part}-datastack")
    expect(choice).to_have_value("nowhere")
    choice.select_option("karst_demo")
    expect(page.locator(f"#{part}-version")).not_to_have_value("latest")


@pytest.mark.parametrize(
    "address",
    [
        "/table-viewer?utm_source=letter&f.nothing=3&sort=-nowhere",
        "/connectivity-viewer?utm_source=letter&id_type=name",
        "/table-viewer?utm_source=a&utm_source=b&version=old",
    ],
)
def test_unknown_parameters_are_left_out_and_named(page: Page, address: str) -> None:
    page.goto(address)
    warnings = page.locator(".alert-warning")
    expect(warnings.first).to_be_visible()
    expect(page.locator("main")).to_contain_text("utm_source")
    expect(page.locator(".alert-danger")).to_have_count(0)
    page.wait_for_url(lambda url: "utm_source" not in url)


@pytest.mark.parametrize(("box", "text", "words"), [("cell type", "> BC", "text"), ("root id", "7x", "7x")])
def test_a_filter_that_makes_no_sense(page: Page, box: str, text: str, words: str) -> None:
    page.goto(f"/table-viewer?table={TYPES}")
    page.get_by_label(f"{box} Filter Input", exact=True).fill(text)
    expect_problem(page, "#table-counts", words)
    expect(page.get_by_label(f"{box} Filter Input", exact=True)).to_have_value(text)
    expect(page.locator("#table-link button")).to_be_disabled()
    page.get_by_label(f"{box} Filter Input", exact=True).fill("")
    expect(page.locator("#table-counts")).to_have_text(re.compile(r"^[\d,]+ rows$"))


def test_an_address_that_leads_nowhere(page: Page, truth: Truth) -> None:
    page.goto("/no/such/page?x=1")
    expect(page.get_by_role("heading", level=1)).to_have_text("There is no such page")
    page.get_by_role("link", name="start").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Read a connectome")
    page.goto("/table-viewer?version=" + str(older := min(truth.client.materialize.get_versions())))
    page.get_by_role("searchbox").fill("bc")
    page.get_by_role("searchbox").press("Enter")
    expect(page.locator("#table-counts")).to_contain_text("where cell type is BC")
    expect(page.locator("#table-status")).to_contain_text(f"version {older}")


def test_typed_text_dims_what_it_does_not_describe(page: Page, truth: Truth) -> None:
    page.goto(f"/connectivity-viewer?cell={truth.proofread_root()}")
    results = page.locator("#cell-results")
    expect(page.locator("#cell-status")).to_contain_text("Cell")
    page.locator("#cell-id").fill("123")
    expect(results).to_have_css("opacity", "0.55")
    page.locator("#cell-id").fill(str(truth.proofread_root()))
    expect(results).to_have_css("opacity", "1")


def kill_at_once(pid: int) -> None:
    """End a server and its workers without letting them finish the answers under way."""
    workers = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    for each in (pid, *map(int, workers)):
        os.kill(each, signal.SIGKILL)


def test_cave_stops_in_the_middle_of_a_query(
    open_page: OpenPage, small_cortex: Path, tmp_path: Path, truth: Truth
) -> None:
    root, port = truth.proofread_root(), free_port()
    cave_url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "localcave", "serve", str(small_cortex), "--port", str(port)]
    with karst(cave_url, tmp_path) as url, open_page(url) as page:
        with running([*command, "--delay-ms", "1000"], cave_url) as cave:
            page.goto("/connectivity-viewer")
            expect(page.locator("#cell-version")).not_to_have_value("latest")
            page.locator("#cell-id").fill(str(root))
            page.locator("#cell-id").press("Enter")
            expect(page.locator("#cell-results")).to_contain_text("Reading the cell")
            kill_at_once(cave.pid)
        expect_problem(page, "#cell-notes", "CAVE")
        expect(page.locator("#cell-id")).to_have_value(str(root))
        with running(command, cave_url):
            cell = page.locator("#cell-status", has_text=f"Cell {root}")
            for _ in range(10):  # what has failed is left alone for some seconds
                page.get_by_role("button", name="Show partners").click()
                with suppress(TimeoutError):
                    cell.wait_for(timeout=2000 * REST_S)
                    break
            expect(cell).to_be_visible()
            expect(page.locator(".alert-danger")).to_have_count(0)


def test_a_pasted_link_longer_than_any_address_asks_for_its_cells(page: Page, truth: Truth) -> None:
    """The box once cut such a link off, and then said that it was damaged."""
    root = truth.proofread_root()
    points = [{"type": "point", "id": str(i), "point": [i, i, i]} for i in range(2000)]
    layers = [
        {"type": "segmentation", "name": "cells", "segments": [str(root), *(f"!{root + i}" for i in range(1, 900))]},
        {"type": "annotation", "name": "points", "annotations": points},
    ]
    link = "https://spelunker.cave-explorer.org/#!" + quote(json.dumps({"layers": layers}))
    assert len(link) > 100_000
    page.goto("/connectivity-viewer")
    expect(page.locator("#cell-results")).to_contain_text("No cell yet")
    page.locator("#cell-id").focus()
    page.evaluate(
        """link => {
            const clipboardData = new DataTransfer();
            clipboardData.setData("text", link);
            const options = {clipboardData, bubbles: true, cancelable: true};
            document.activeElement.dispatchEvent(new ClipboardEvent("paste", options));
        }""",
        link,
    )
    page.locator("#cell-id").press("Enter")
    expect(page.locator("#cell-status")).to_contain_text(f"Cell {root}")
    page.reload()
    expect(page.locator("#cell-status")).to_contain_text(f"Cell {root}")
