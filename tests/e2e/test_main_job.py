"""From the start page to Neuroglancer, as a person does it."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.truth import SOME, TYPES, Truth, neuroglancer_state, points, query, segments

pytestmark = pytest.mark.browser


def column(place: Page | Locator, name: str) -> list[str]:
    """The cells of a column that are drawn in a place, from the top; waits for rows that have not come yet."""
    cells = place.locator(f".ag-row .ag-cell[col-id='{name}']")
    for cell in cells.all():
        expect(cell).to_have_text(SOME)
    rows = cells.evaluate_all(
        "all => all.map(c => [Number(c.closest('.ag-row').getAttribute('row-index')), c.innerText])"
    )
    return [text for _, text in sorted(rows)]


def expect_examples(page: Page, truth: Truth) -> None:
    """The doors of the start page show what there is."""
    usual = truth.types()["cell_type"].value_counts()
    expect(page.locator("#home-types li").first).to_contain_text(f"{usual.iloc[0]:,} cells")
    expect(page.locator("#home-pairs img")).to_have_count(6)
    card = page.locator("#home-cells a").first
    root = card.locator("span span").last.inner_text()
    expect(card).to_contain_text(f"{truth.partners(int(root), 'out').sum():,} outputs")


def take_the_tour(page: Page) -> None:
    page.get_by_role("button", name="Tour in 5 steps").click()
    tour = page.get_by_role("region", name="Tour")
    for step, target in enumerate((".k-search", ".k-doors", ".k-rows", ".k-card", ".k-tray-open"), start=1):
        expect(tour).to_contain_text(f"{step} of 5.")
        expect(page.locator(target).first).to_have_class(re.compile("k-toured"))
        tour.get_by_role("button", name="Next").click()
    expect(tour).to_be_hidden()
    expect(page.locator(".k-toured")).to_have_count(0)


def expect_all_undone(page: Page, root: str, num_basket: int, num_rows: int) -> None:
    """Back goes from the partner to the cell, its tab, and the table in order, with its filter, and without."""
    page.go_back()
    expect(page.locator("#cell-status")).to_contain_text(f"Cell {root}")
    expect(page.locator("#tab-in")).to_have_attribute("aria-selected", "true")
    page.go_back()
    expect(page.locator("#tab-out")).to_have_attribute("aria-selected", "true")
    page.go_back()
    expect(page.locator("#table-counts")).to_contain_text(f"{num_basket:,} of {num_rows:,} rows")
    assert query(page)["sort"] == ["volume"]
    page.go_back()
    page.wait_for_url(lambda url: "sort=" not in url)
    expect(page.locator("#table-counts")).to_contain_text(f"{num_basket:,} of {num_rows:,} rows")
    page.go_back()
    expect(page.locator("#table-counts")).to_have_text(f"{num_rows:,} rows")
    expect(page.get_by_label("cell type Filter Input")).to_have_value("")
    page.go_forward()
    expect(page.get_by_label("cell type Filter Input")).to_have_value("BC")


def clear_and_undo(page: Page, num_basket: int) -> None:
    page.get_by_role("button", name="Clear selection").click()
    expect(page.locator("#table-link a")).to_have_text(re.compile(f"{num_basket:,} rows"))
    expect(page.locator("#table-link a")).to_be_focused()  # for the button has gone
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#table-link a")).to_have_text(re.compile("1 selected row"))


def test_from_start_to_neuroglancer(page: Page, truth: Truth) -> None:
    rows = truth.types()
    basket = rows[rows["cell_type"] == "BC"]
    page.goto("/")
    expect_examples(page, truth)
    take_the_tour(page)
    page.get_by_role("link", name="Karst").click()
    page.get_by_role("link", name=TYPES).click()
    expect(page.locator("#table-counts")).to_have_text(f"{len(rows):,} rows")
    expect(page.get_by_role("heading", name="Tables", level=1)).to_be_focused()
    expect(page.locator("#table-status")).to_contain_text(f"version {truth.version}")

    page.get_by_label("cell type Filter Input").fill("BC")
    expect(page.locator("#table-counts")).to_contain_text(
        f"{len(basket):,} of {len(rows):,} rows where cell type is BC"
    )
    page.wait_for_url(re.compile(r"f\.cell_type=BC"))
    expect(page.locator("#table-link a")).to_have_text(re.compile(f"{len(basket):,} rows"))
    assert set(column(page, "cell_type")) == {"BC"}
    state = neuroglancer_state(page, "#table-link a")
    assert segments(state) == {str(root) for root in basket["pt_root_id"] if root}
    assert len(list(points(state))) == len(basket)
    layers = [layer["name"] for layer in state["layers"] if layer["type"] == "annotation"]
    assert layers == ["BC"]  # grouped as "Group and colour by" says

    ticked = page.locator(".ag-row[row-index='1'] input[type=checkbox]")
    ticked.check()
    expect(page.locator("#table-link a")).to_have_text(re.compile("1 selected row"))
    chosen = column(page, "pt_root_id")[1]
    assert segments(neuroglancer_state(page, "#table-link a")) == {chosen}
    clear_and_undo(page, len(basket))
    ticked.uncheck()
    page.get_by_role("columnheader", name="volume").locator(".ag-header-cell-label").click()
    page.wait_for_url(re.compile("sort=volume"))
    expect(page.locator("#table-counts")).to_contain_text(f"{len(basket):,} of {len(rows):,} rows")

    root = next(text for text in column(page, "pt_root_id") if text != "0")
    page.get_by_role("link", name=root).first.click()
    expect(page.locator("#cell-status")).to_contain_text(f"Cell {root}")
    assert query(page)["cell"] == [root]
    inputs, outputs = truth.partners(int(root), "in"), truth.partners(int(root), "out")
    expect(page.locator("#tab-in")).to_contain_text(f"n = {inputs.sum():,} synapse")
    expect(page.locator("#tab-out")).to_contain_text(f"{len(outputs):,} partner")

    page.locator("#tab-in").click()
    page.wait_for_url(re.compile("tab=in"))
    inside = page.locator("#panel-in")
    expect(inside.locator(".ag-row [col-id='root_id']").first).to_be_visible()
    partners = dict(zip(column(inside, "root_id"), column(inside, "num_syn"), strict=True))
    assert partners == {id: str(inputs[int(id)]) for id in partners}
    assert [int(count) for count in partners.values()] == sorted(inputs, reverse=True)[: len(partners)]

    state = neuroglancer_state(page, "#panel-in .k-neuroglancer")
    assert segments(state) == {root, *map(str, inputs.index)}
    partner = next(iter(partners))
    inside.get_by_role("link", name=partner).click()
    expect(page.locator("#cell-status")).to_contain_text(f"Cell {partner}")
    expect_all_undone(page, root, len(basket), len(rows))


def test_a_table_link_opens_the_same_view_every_time(page: Page, truth: Truth) -> None:
    rows = truth.types()
    kept = rows[rows["cell_type"].isin(["BC", "MC"]) & (rows["volume"] > 200)].sort_values("volume", ascending=False)
    place = f"datastack=karst_demo&version={truth.version}&table={TYPES}"
    address = f"/table-viewer?{place}&f.cell_type=BC%2CMC&where=volume%20%3E%20200&sort=-volume"
    for _ in range(4):
        page.goto(address)
        expect(page.locator("#table-counts")).to_contain_text(f"{len(kept):,} of {len(rows):,} rows")
        expect(page.locator("#table-where")).to_have_value("volume > 200")
        expect(page.get_by_label("cell type Filter Input")).to_have_value("BC,MC")
        expect(page.locator("#table-version")).to_have_value(str(truth.version))
        expect(page.locator("#table-name")).to_have_value(TYPES)
        page.wait_for_load_state("networkidle")
        assert query(page) == parse_qs(urlsplit(address).query)
        drawn = column(page, "id")
        assert drawn == [str(id) for id in kept["id"].iloc[: len(drawn)]]


def test_an_old_version_is_kept_while_filters_stay(page: Page, truth: Truth) -> None:
    older = sorted(truth.client.materialize.get_versions())[-2]
    page.goto(f"/table-viewer?table={TYPES}&f.cell_type=BC")
    page.wait_for_url(re.compile(f"version={truth.version}"))
    page.locator("#table-version").select_option(str(older))
    expect(page.locator("#table-status")).to_contain_text(f"version {older}")
    expect(page.locator("#table-counts")).to_contain_text("where cell type is BC")
    assert query(page)["version"] == [str(older)]


def test_partner_filters_are_in_the_address(page: Page, truth: Truth) -> None:
    root = truth.proofread_root()
    inputs = truth.partners(root, "in")
    page.goto(f"/connectivity-viewer?cell={root}&tab=in&version={truth.version}")
    panel = page.locator("#panel-in")
    panel.get_by_label("synapses Filter Input").fill("> 1")
    expect(panel.locator(".k-counts")).to_contain_text(f"{(inputs > 1).sum():,} of {len(inputs):,} partners")
    page.wait_for_url(re.compile(r"f\.num_syn="))
    page.reload()
    expect(panel.locator(".k-counts")).to_contain_text(f"{(inputs > 1).sum():,} of {len(inputs):,} partners")
    assert query(page)["tab"] == ["in"]
    state = neuroglancer_state(page, "#panel-in .k-neuroglancer")
    assert segments(state) == {str(root), *map(str, inputs[inputs > 1].index)}

    by_type = panel.get_by_role("link", name="Matrix").get_attribute("href") or ""
    assert parse_qs(urlsplit(by_type).query)["post"] == [str(root)]  # for these are inputs
    panel.get_by_text("Export", exact=True).click()
    panel.get_by_role("button", name="Connections among the chosen").click()
    expect(page.locator(".k-sets td:nth-child(4)").first).to_have_text(f"{(inputs > 1).sum():,}")
    page.go_back()
    expect(panel.locator(".k-counts")).to_contain_text(f"{(inputs > 1).sum():,} of {len(inputs):,} partners")
    panel.get_by_text("Export", exact=True).click()
    panel.get_by_role("button", name="Ids to the tray").click()
    page.get_by_role("button", name="Tray (1)").click()
    tray = page.get_by_role("dialog", name="Tray")
    expect(tray.locator("#tray-sets li")).to_contain_text(f"{(inputs > 1).sum():,} cells")
    expect(tray.locator("#tray-recent a")).to_contain_text([str(root)])
    tray.get_by_role("button", name="Save this view").click()
    expect(tray.locator("#tray-views a")).to_have_attribute("href", re.compile(r"tab=in.*f\.num_syn="))
    tray.locator("#tray-ids").fill(f"{inputs.index[0]}, 7")
    tray.get_by_role("button", name="Add a set").click()
    for tick in tray.get_by_role("checkbox").all():
        tick.check()
    tray.get_by_role("button", name="Intersection").click()
    expect(tray.locator("#tray-sets li").last).to_contain_text("1 cells")
    tray.locator("#tray-sets li").last.get_by_role("button", name="Remove").click()
    tray.get_by_role("button", name="Undo").click()
    expect(tray.locator("#tray-sets li")).to_have_count(3)
    tray.locator("#tray-sets li").last.get_by_role("link", name="Filter").click()
    expect(panel.locator(".k-counts")).to_contain_text(f"1 of {len(inputs):,} partners")
    page.get_by_role("button", name="Tray (3)").click()
    tray.locator("#tray-sets li").last.get_by_role("link", name="Population").click()
    expect(page.locator("#pop-pre")).to_have_value(str(inputs.index[0]))
    assert query(page)["pre_table"] == ["ids"]


def test_a_stale_root_id_is_repaired_and_said(page: Page, truth: Truth) -> None:
    versions = sorted(truth.client.materialize.get_versions())
    older = truth.client.materialize.query_table(TYPES, materialization_version=versions[-2])["pt_root_id"]
    roots = older[older != 0].unique().tolist()
    stale = [root for root, fresh in zip(roots, latest(truth, roots), strict=True) if not fresh]
    assert stale, "the demo has merges and splits between its versions"
    page.goto(f"/connectivity-viewer?cell={stale[0]}&version={truth.version}")
    warning = page.locator("#cell-notes .alert-warning").first
    expect(warning).to_contain_text(str(stale[0]))
    shown = page.locator("#cell-status strong").inner_text().removeprefix("Cell ")
    assert shown != str(stale[0])
    assert latest(truth, [int(shown)]) == [True]
    expect(warning).to_contain_text(shown)
    expect(page.locator("#cell-id")).to_have_value(str(stale[0]))


def latest(truth: Truth, roots: list[int]) -> list[bool]:
    return list(truth.client.chunkedgraph.is_latest_roots(roots, timestamp=truth.client.materialize.get_timestamp()))


def test_old_links_open_the_same_view(page: Page, truth: Truth) -> None:
    page.goto(
        "/dash/datastack/karst_demo/apps/table_viewer/"
        f'?cell-type-table-menu="{TYPES}"&mat-version={truth.version}&cell-type="BC,MC"&value-column-search="cell_type"'
        "&live-query-toggle=True"
    )
    expect(page.locator("#table-counts")).to_contain_text("where cell type is BC or MC")
    expect(page.locator("#table-notes")).to_contain_text("live query switch")
    root = truth.proofread_root()
    page.goto(f'/dash/datastack/karst_demo/apps/connectivity/?anno-id="{root}"&cell-type-table-dropdown="{TYPES}"')
    expect(page.locator("#cell-status")).to_contain_text(f"Cell {root}")
    expect(page.locator("#cell-types")).to_have_value(TYPES)
