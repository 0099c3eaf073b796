"""Cells that hold markup, formulas, quotes, newlines or text from right to left: shown, filtered by, exported and
linked exactly as they are, and never run."""

from __future__ import annotations

import csv
import io
import subprocess
import sys
from collections.abc import Iterator

import pandas as pd
import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import OpenPage
from tests.e2e.test_table_panels import query
from tests.servers import ROOT, karst, start_localcave

pytestmark = pytest.mark.browser

VALUES = [
    "<img src=x onerror='window.ran=1'>",
    "<script>window.ran=1</script>",
    "</textarea><svg onload=window.ran=1>",
    "javascript:window.ran=1",
    "[text](javascript:window.ran=1)",
    "=cmd()",
    "+1-1",
    "@SUM(A1)",
    "'=already",
    "a, b; c",
    "say \"yes\" and 'no'",
    "line one\nline two",
    "\u202eright to left שלום",
    "back\\slash \\n",
    "null",
    "5..7",
    "%{x} $&amp; <b>é</b> ü 細胞",
]
FORMULAS = ("=cmd()", "+1-1", "@SUM(A1)", "'=already")
RECIPE = """
[datastack]
name = "odd"
resolution_nm = [4, 4, 40]
[version]
number = 1
timestamp = 2025-01-13T10:10:01Z
[files]
cells = "cells.parquet"
[tables.nuclei]
file = "cells"
schema = "nucleus_detection"
[tables.nuclei.columns]
id = "id"
pt_position = { from = ["x", "y", "z"], unit = "voxels" }
pt_root_id = "root"
[tables.types]
file = "cells"
schema = "cell_type_reference"
reference_table = "nuclei"
[tables.types.columns]
target_id = "id"
cell_type = "kind"
classification_system = { value = "odd" }
"""


@pytest.fixture(scope="module")
def odd_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("odd")
    ids = range(1, len(VALUES) + 1)
    cells = {"id": ids, "root": [864691135771609500 + n for n in ids], "kind": VALUES}
    pd.DataFrame(cells | {axis: [1000 * n for n in ids] for axis in "xyz"}).to_parquet(folder / "cells.parquet")
    (folder / "odd.toml").write_text(RECIPE)
    command = [sys.executable, "-m", "localcave", "import", str(folder / "odd.toml"), "-o", str(folder / "out")]
    subprocess.run(command, cwd=ROOT, check=True)
    cache = folder / "cache"
    with start_localcave([folder / "out"]) as cave_url, karst(cave_url, cache, KARST_DATASTACK="odd") as url:
        yield url


@pytest.fixture
def page(open_page: OpenPage, odd_url: str) -> Iterator[Page]:
    with open_page(odd_url) as opened:
        yield opened
        assert opened.evaluate("window.ran") is None


def test_every_value_is_shown_as_it_is_and_a_click_keeps_its_row(page: Page, odd_url: str) -> None:
    page.goto("/table-viewer?table=types&panel=facets&sort=id")
    expect(page.locator("#table-counts")).to_have_text(f"{len(VALUES)} rows")
    cells = page.locator(".ag-row .ag-cell[col-id='cell_type']")
    expect(cells).to_have_count(len(VALUES))
    for cell in cells.all():
        expect(cell).not_to_be_empty()
    shown = page.evaluate(
        "[...document.querySelectorAll('.ag-row')].map(row => [+row.getAttribute('row-index'),"
        "row.querySelector(`[col-id='cell_type']`).textContent])"
    )
    assert [text for _, text in sorted(shown)] == VALUES
    facets = page.get_by_role("region", name="Values of cell_type").locator("a.k-facet")
    links = dict(facets.evaluate_all("all => all.map(link => [link.firstChild.textContent, link.href])"))
    assert set(links) == set(VALUES)
    for value, href in links.items():
        page.goto(href.replace("panel=facets", "panel=ids"))  # which draws least
        expect(page.locator("#table-counts")).to_contain_text(f"1 of {len(VALUES)} rows")
        expect(cells).to_have_count(1)
        expect(cells).not_to_be_empty()
        assert cells.first.text_content() == value
        box = query(page)["f.cell_type"][0]
        answer = page.request.get(f"{odd_url}/api/v1/odd/1/tables/types/rows", params={"filter": f"cell_type {box}"})
        assert [row["cell_type"] for row in answer.json()["rows"]] == [value]
        assert not page.locator(".ag-row img, .ag-row script, #table-counts img, #table-counts script").count()


def test_plots_comparison_and_link_hold_the_values(page: Page, odd_url: str) -> None:
    for plot in ("counts", "scatter"):
        page.goto(f"/table-viewer?table=types&plot={plot}")
        expect(page.locator("#table-figure .js-plotly-plot .main-svg").first).to_be_visible()
        assert not page.locator("#table-figure a, #table-figure img, #table-figure script").count()
        labels = ".yaxislayer-above text" if plot == "counts" else ".legendtext"
        drawn = page.locator(f"#table-figure {labels}")
        expect(drawn).to_have_count(len(VALUES))
        assert set(drawn.all_text_contents()) == {value.replace("\n", " ") for value in VALUES}
    page.goto("/table-viewer?table=types&panel=compare")
    expect(page.locator("#table-compared")).to_contain_text(f"{len(VALUES)} of {len(VALUES)} rows have both")
    body = {"table": "types", "group_by": "cell_type"}
    created = page.request.post(f"{odd_url}/api/v1/odd/1/neuroglancer", data=body).json()
    assert set(created["legend"]) >= set(VALUES)
    names = {layer["name"] for layer in created["state"]["layers"]}
    assert all(any(value in name for name in names) for value in VALUES)


def test_a_csv_gives_back_every_value_and_runs_no_formula(page: Page) -> None:
    page.goto("/table-viewer?table=types&sort=id")
    href = page.locator("#table-csv").get_by_role("link", name="CSV").get_attribute("href")
    text = page.request.get(str(href)).body().decode()
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [row["cell_type"] for row in rows] == ["'" + v if v in FORMULAS else v for v in VALUES]
    unguarded = page.request.get(f"{href}&guard=off").body().decode()
    assert [row["cell_type"] for row in csv.DictReader(io.StringIO(unguarded, newline=""))] == VALUES
    parquet = page.request.get(str(href).replace("format=csv", "format=parquet")).body()
    assert pd.read_parquet(io.BytesIO(parquet))["cell_type"].tolist() == VALUES
