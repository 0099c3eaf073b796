"""Real rows of minnie65_public in the pages, with the numbers known of them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import OpenPage
from tests.servers import ROOT, karst, start_localcave

pytestmark = pytest.mark.browser

SAMPLE, TYPES, CELL = "minnie65_sample", "aibs_metamodel_celltypes_v661", "864691135771609595"


@pytest.fixture(scope="module")
def sample_url(realdata: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("sample") / SAMPLE
    command = [sys.executable, "-m", "localcave", "import", "examples/minnie65_sample.toml"]
    subprocess.run([*command, "--data", str(realdata), "-o", str(folder)], cwd=ROOT, check=True)
    cache = tmp_path_factory.mktemp("sample-cache")
    with start_localcave([folder]) as cave_url, karst(cave_url, cache, KARST_DATASTACK=SAMPLE) as url:
        yield url


@pytest.fixture
def page(open_page: OpenPage, sample_url: str) -> Iterator[Page]:
    with open_page(sample_url) as opened:
        yield opened


def test_all_rows_are_counted_and_one_type_leaves_963(page: Page) -> None:
    page.goto(f"/table-viewer?table={TYPES}")
    expect(page.locator("#table-counts")).to_have_text("91,423 rows")
    expect(page.locator("#table-figure")).to_contain_text("19,673")
    page.get_by_label("cell type Filter Input").fill("5P-NP")
    expect(page.locator("#table-counts")).to_contain_text("963 of 91,423 rows where cell type is 5P-NP")
    expect(page.locator("#table-link a")).to_contain_text("963 rows")


def test_the_cell_has_its_published_inputs(page: Page) -> None:
    page.goto(f"/connectivity-viewer?cell={CELL}&type_table={TYPES}&tab=in")
    expect(page.locator("#tab-in")).to_have_text("Input (n = 2,699 synapses, 2,380 partners)")
    expect(page.locator(".k-card")).to_contain_text("8 autapses")
    strongest = page.locator("#panel-in .ag-row[row-index='0'] .ag-cell[col-id='num_syn']")
    expect(strongest).to_have_text("10")
