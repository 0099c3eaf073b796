"""What leads on from a cell: lists of synapses, the whole of a cut answer, changes, and several cells together."""

from __future__ import annotations

import json
import re
import urllib.request
from pathlib import Path

import pandas as pd
import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import OpenPage
from tests.e2e.truth import DATASTACK, PROOFREADING, TYPES, Truth, address, query
from tests.servers import karst, start_localcave

pytestmark = pytest.mark.browser

ENDS = {"in": ("post", "pre"), "out": ("pre", "post")}


@pytest.fixture(scope="module")
def roots(truth: Truth) -> list[int]:
    """Proofread cells; the first has autapses and inputs from no segment."""
    roots = truth.client.materialize.query_table(PROOFREADING)["pt_root_id"]
    roots = [int(root) for root in roots.unique() if root]
    first = next(root for root in roots if apart(truth, root, "in", root) and apart(truth, root, "in", 0))
    return [first, *(root for root in roots if root != first)]


def apart(truth: Truth, root: int, way: str, partner: int) -> list[str]:
    """The ids of a cell's synapses with one partner; itself and 0 are in no row of the table."""
    own, other = ENDS[way]
    rows = truth.client.materialize.synapse_query(**{f"{own}_ids": root}, remove_autapses=False)
    return sorted(rows.loc[rows[f"{other}_pt_root_id"] == partner, "id"].astype(str))


def listed(page: Page) -> list[str]:
    return sorted(page.locator(".k-listed tbody td:nth-child(2)").all_inner_texts())


def test_what_is_counted_apart_leads_to_a_list(page: Page, truth: Truth, roots: list[int]) -> None:
    root = roots[0]
    autapses, nowhere = apart(truth, root, "in", root), apart(truth, root, "in", 0)
    page.goto(f"/connectivity-viewer?cell={root}&tab=in&f.num_syn=%3E%201")
    expect(page.locator("#panel-in .k-counts")).to_contain_text("where")
    page.locator("#panel-in .k-below").get_by_role("link", name=re.compile("autapse")).click()
    expect(page.locator(".k-listed h2")).to_have_text(re.compile(rf"^{len(autapses)} autapses?$"))
    assert listed(page) == autapses
    expect(page.locator("#panel-in .k-counts")).to_contain_text("where")

    page.locator("#tab-out").click()
    page.wait_for_url(lambda url: "tab=in" not in url)
    page.get_by_role("region", name="The cell", exact=True).get_by_role("link", name="from no segment").click()
    expect(page.locator(".k-listed h2")).to_contain_text("input synapse")
    assert listed(page) == nowhere
    expect(page.locator("#tab-in")).to_have_attribute("aria-selected", "true")
    assert query(page)["partner"] == ["root_zero"]


def test_a_cut_answer_is_told_once_and_can_be_had_whole(
    open_page: OpenPage, small_cortex: Path, truth: Truth, roots: list[int], tmp_path: Path
) -> None:
    root, limit = roots[0], 200
    inputs = truth.partners(root, "in")
    total = inputs.sum() + len(apart(truth, root, "in", root)) + len(apart(truth, root, "in", 0))
    options = ("--row-limit", str(limit))
    with start_localcave([small_cortex], *options) as cave, karst(cave, tmp_path) as url, open_page(url) as page:
        page.goto(f"/connectivity-viewer?cell={root}&tab=in")
        message = page.locator(".alert", has_text="CAVE sent")
        expect(message).to_have_count(1)
        expect(message).to_contain_text(f"CAVE sent only {limit} of {total:,} input synapses")
        message.get_by_role("link", name="Read all of them, in pieces").click()
        expect(page.locator("#tab-in")).to_contain_text(f"{len(inputs):,} partners")
        expect(message).to_have_count(0)
        assert query(page)["whole"] == ["on"]


def changed(karst_url: str, path: str) -> list[list[str]]:
    """Rows of the partners that are not the same, as the API has them."""
    with urllib.request.urlopen(f"{karst_url}/api/v1/{DATASTACK}/{path}") as answer:
        rows = json.load(answer)["rows"]
    names = ("status", "root_id_old", "root_id_new", "num_syn_old", "num_syn_new")
    return [[str(row[name] or "") for name in names] for row in rows if row["status"] != "same"]


def test_changes_are_the_partners_of_both_versions(page: Page, karst_url: str, truth: Truth, roots: list[int]) -> None:
    older = sorted(truth.client.materialize.get_versions())[-2]
    status = truth.client.materialize.query_table(PROOFREADING)
    edited = status.loc[(status["valid_id"] != status["pt_root_id"]) & status["pt_root_id"].isin(roots), "pt_root_id"]
    paths = {int(root): f"{truth.version}/cells/{root}/changes?against={older}&direction=in" for root in edited}
    root, wanted = next((root, rows) for root, path in paths.items() if (rows := changed(karst_url, path)))
    page.goto(f"/connectivity-viewer?cell={root}&against={older}&tab=in")
    changes = page.locator("#cell-changes")
    expect(changes).to_contain_text(f"From version {older} to {truth.version}")
    changes.locator("summary").first.click()
    drawn = changes.get_by_role("table", name="Input partners that changed").locator("tbody tr")
    expect(drawn).to_have_count(min(200, len(wanted)))
    shown = drawn.evaluate_all("rows => rows.map(row => [...row.children].slice(0, 5).map(cell => cell.innerText))")
    assert [[text if text != "0" else "" for text in row] for row in shown] == wanted[:200]
    links = changes.get_by_role("link", name=re.compile(r"^\d{18}$"))
    expect(links.first).to_have_css("text-align", "left")
    was = next(row for row in wanted if row[1])
    changes.get_by_role("link", name=was[1]).first.click()
    expect(page.locator("#cell-status")).to_contain_text(f"Cell {was[1]}")
    expect(page.locator("#cell-status")).to_contain_text(f"version {older}")
    expect(page.locator("#cell-notes")).not_to_contain_text("outdated")


def test_an_old_deep_link_opens_the_same_view_every_time(page: Page, truth: Truth, roots: list[int]) -> None:
    """In the older viewer version and table were reset while the query ran: one link gave several answers."""
    older = sorted(truth.client.materialize.get_versions())[-2]
    nucleus = truth.types().query("pt_root_id == @roots[0]")["id_ref"].iloc[0]
    link = f'anno-id="{nucleus}"&id-type="nucleus_id"&mat-version={older}&cell-type-table-dropdown="{TYPES}"'
    seen = set()
    for _ in range(2):
        page.goto(f'/dash/datastack/{DATASTACK}/apps/connectivity/?{link}&datastack="{DATASTACK}"')
        expect(page.locator("#panel-out .k-counts")).to_contain_text("partner")
        expect(page.locator("#cell-version")).to_have_value(str(older))
        expect(page.locator("#cell-types")).to_have_value(TYPES)
        expect(page.locator("#cell-id-type")).to_have_value("nucleus_id")
        seen.add(
            (address(page).partition("?")[2], *page.locator("#cell-status, #panel-out .k-counts").all_inner_texts())
        )
    assert len(seen) == 1
    assert f"version {older}" in str(seen) and TYPES in str(seen)


def test_several_cells_have_partners_of_both_directions(page: Page, truth: Truth, roots: list[int]) -> None:
    sides = {way: [truth.partners(root, way).index for root in roots[:3]] for way in ENDS}
    inputs, outputs = (set().union(*sides[way]) for way in ("in", "out"))
    page.goto(f"/connectivity-viewer?cell={roots[0]},{roots[1]},{roots[2]}&tab=both&f.reciprocal=true")
    expect(page.locator("#tab-both")).to_contain_text(f"{len(inputs | outputs):,} partners, {len(inputs & outputs):,}")
    expect(page.locator("#panel-both .k-counts")).to_contain_text(f"{len(inputs & outputs):,} of")
    figures = page.locator("#cell-figures")
    pairs = len(inputs & outputs)
    expect(figures).to_contain_text(
        f"the {pairs:,} partners that the filters of this tab keep: {pairs:,} input, {pairs:,}"
    )
    menu = page.locator("#panel-both .k-take")
    menu.locator("summary").click()
    menu.get_by_role("button", name="Python that reads these rows").click()
    expect(page.locator("#announcement")).to_have_text("A script was copied.")
    names: dict[str, pd.DataFrame] = {}
    exec(page.evaluate("navigator.clipboard.readText()"), names)
    assert set(names["frame"]["root_id"]) == inputs & outputs
    page.locator("#tab-in").click()
    total = len(truth.client.materialize.synapse_query(post_ids=roots[:3], remove_autapses=False))
    expect(page.locator("#panel-in .ag-header")).to_contain_text(f"% of inputs (n = {total:,})")
    expect(figures).to_contain_text(f"Of all partners in the tables: {len(inputs):,} input, {len(outputs):,} output")


def test_plots_follow_the_filter_of_the_tab_of_both(page: Page, truth: Truth, roots: list[int]) -> None:
    inputs, outputs = (truth.partners(roots[0], way) for way in ("in", "out"))
    strong = inputs.index[inputs > 2]
    page.goto(f"/connectivity-viewer?cell={roots[0]}&tab=both&f.num_syn_in=%3E%202")
    figures = page.locator("#cell-figures")
    expect(figures).to_contain_text(
        f"Of the {len(strong):,} partners that the filters of this tab keep: {len(strong):,} input, "
        f"{len(strong.intersection(outputs.index)):,} output."
    )
    drawn = figures.locator(".js-plotly-plot").first.evaluate("plot => plot.data[0].x.reduce((a, b) => a + b, 0)")
    assert drawn == inputs[inputs > 2].sum()
    menu = page.locator("#panel-both .k-take")
    menu.locator("summary").click()
    with page.expect_download() as download:
        menu.locator(".k-file-links", has_text="Their synapses").get_by_role("link", name="CSV").click()
    lines = [line for line in Path(download.value.path()).read_text().splitlines() if not line.startswith("#")]
    assert len(lines) - 1 == inputs[strong].sum() + outputs.reindex(strong).fillna(0).sum()
