"""Beside a table: its facets, pasted ids and columns, and the help of its query line."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pandas as pd
import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.e2e.truth import PROOFREADING, TYPES, Truth, address, expect_copied, query

pytestmark = pytest.mark.browser

TABLE = f"/table-viewer?table={TYPES}"


@contextmanager
def answers_held(page: Page, *outputs: str) -> Iterator[None]:
    """Keep the answers of the callbacks with these outputs back until the block ends."""
    held: list[Route] = []

    def hold(route: Route) -> None:
        if (route.request.post_data_json or {}).get("output") in outputs:
            held.append(route)
        else:
            route.continue_()

    page.route("**/_dash-update-component", hold)
    yield
    page.unroute("**/_dash-update-component", hold)
    for route in held:
        route.continue_()


def test_a_facet_counts_what_is_shown_and_filters_by_a_click(page: Page, truth: Truth) -> None:
    rows = truth.types()
    large = rows[rows["volume"] > 250]
    page.goto(f"{TABLE}&where=volume%20%3E%20250&panel=facets")
    facet = page.get_by_role("region", name="Values of cell_type")
    value = facet.get_by_role("link", name=re.compile("^BC"))
    expect(value.locator(".k-count")).to_have_text(f"{(large['cell_type'] == 'BC').sum():,}")
    value.click()
    expect(page.locator("#table-counts")).to_contain_text(f"{(large['cell_type'] == 'BC').sum():,} of {len(rows):,}")
    expect(value).to_have_attribute("aria-current", "true")
    other = facet.get_by_role("link", name=re.compile("^4P"))
    expect(other.locator(".k-count")).to_have_text(f"{(large['cell_type'] == '4P').sum():,}")
    other.click()
    both = large["cell_type"].isin(["BC", "4P"]).sum()
    expect(page.locator("#table-counts")).to_contain_text(f"{both:,} of {len(rows):,} rows")
    assert query(page)["panel"] == ["facets"]


def test_a_mistake_in_a_filter_is_pointed_at(page: Page, truth: Truth) -> None:
    page.goto(f"{TABLE}&where=cell_type%20%3D%20BC%20and%20volme%20%3E%203")
    expect(page.locator("#table-counts .alert")).to_contain_text("Did you mean volume?")
    typed, mark = page.locator("#table-counts pre").inner_text().rstrip().split("\n")
    assert typed == "cell_type = BC and volme > 3"
    assert typed[mark.index("^") :].startswith("volme")
    empty = page.locator(".ag-overlay-wrapper")
    expect(empty).to_be_hidden()  # nobody knows which rows there are
    expect(page.get_by_text("Export", exact=True)).to_be_hidden()
    page.get_by_role("button", name="Copy link to this view").click()
    expect_copied(page, None)
    page.goto(f"{TABLE}&f.volume=%3E%3E%203")
    expect(page.locator("#table-counts .alert")).to_contain_text("volume holds numbers")
    expect(empty).to_be_hidden()
    page.get_by_label(re.compile("^volume .*Filter Input")).fill("> 99999")
    expect(page.locator("#table-counts")).to_contain_text("0 of ")
    expect(empty).to_have_text("There are no rows to show.")
    expect(empty).to_be_visible()
    page.goto(f"{TABLE}&f.cell_type=5p-np")
    expect(page.locator("#table-counts")).to_contain_text("0 of ")
    page.get_by_role("link", name="Did you mean 5P-NP?").click()
    kept = (truth.types()["cell_type"] == "5P-NP").sum()
    expect(page.locator("#table-counts")).to_contain_text(f"{kept:,} of ")
    assert kept and query(page)["f.cell_type"] == ["5P-NP"]


def check_offers(line: Locator, offers: Locator, kinds: int) -> None:
    """Only what the line then takes is offered; `kinds` is the number of cell types."""
    for typed, offered in (
        ("pt_position ", ["in box (", "not in box ("]),
        ("pt_position in ", ["in box ("]),
        ("pt_position in box (1..2, ", []),
        ("cell_type ", ["=", "!=", "~", "!~", "in (", "not in (", "null", "not null"]),
        ("valid ", ["=", "!=", "in (", "not in (", "null", "not null"]),
        ("volume not ", ["not in (", "not null"]),
        ("root", ["root_id", "pt_root_id"]),
        ("volume > 3 and nuc", ["nucleus_id"]),
    ):
        line.fill(typed)
        expect(offers.filter(visible=True)).to_have_text(offered)
    for typed in ("cell_type in ", "cell_type in BC, ", "cell_type in [BC, "):
        line.fill(typed)
        expect(offers.filter(visible=True)).to_have_count(kinds)
    line.fill("pt_position in ")
    line.press("ArrowDown")
    line.press("Enter")
    expect(line).to_have_value("pt_position in box (")


def test_keys_alone_complete_the_query_line_and_open_a_cell(page: Page, truth: Truth) -> None:
    rows, line, keys = truth.types(), page.locator("#table-where"), page.keyboard
    page.goto(TABLE)
    expect(page.locator("#table-where-words")).to_have_attribute("data-words", re.compile("cell_type"))
    page.locator("#table-name").focus()
    keys.press("Tab")
    expect(line).to_be_focused()
    offers = page.locator("#table-where-offers [role=option]")
    chosen = offers.and_(page.locator("[aria-selected=true]"))
    keys.type("volume > 300 and cell_t")
    expect(offers).to_have_text(["cell_type"])  # the word, not the whole line
    keys.press("ArrowDown")
    expect(line).to_have_attribute("aria-activedescendant", str(chosen.get_attribute("id")))
    keys.press("Enter")
    expect(line).to_have_value("volume > 300 and cell_type ")
    expect(offers).to_contain_text(["in (", "not in ("])  # what may come next is offered at once
    keys.type("i")
    keys.press("ArrowDown")
    keys.press("Tab")
    expect(offers).to_have_count(rows["cell_type"].nunique())
    for typed in ("B", ", M"):
        keys.type(typed)
        keys.press("ArrowDown")
        keys.press("Enter")
    keys.type(")")
    expect(line).to_have_value(re.compile(r"^volume > 300 and cell_type in \(B\S*, M\S*\)$", re.I))
    kinds = re.findall(r"\((.*), (.*)\)", line.input_value())[0]
    keys.type(" ")
    keys.press("ArrowDown")
    expect(chosen).to_have_text("and")
    keys.press("Escape")
    expect(offers.first).to_be_hidden()
    keys.press("Enter")  # with nothing chosen it shows the rows
    kept = rows[(rows["volume"] > 300) & rows["cell_type"].isin(kinds)]
    expect(page.locator("#table-counts")).to_contain_text(f"{len(kept):,} of {len(rows):,} rows")
    expect(line).to_be_focused()
    # a word in the middle is completed where it is
    expect(page.locator("#table-where-words")).to_have_attribute("data-words", re.compile("cell_type"))
    line.fill('cell_type = "a b" and volu > 300')
    for _ in range(len(" > 300")):
        line.press("ArrowLeft")
    line.press("ArrowDown")
    offers.get_by_text("volume", exact=True).click()
    expect(line).to_have_value('cell_type = "a b" and volume > 300')
    line.press("Control+z")
    expect(line).to_have_value('cell_type = "a b" and volu > 300')
    check_offers(line, offers, rows["cell_type"].nunique())
    cell = page.locator(".ag-row[row-index='1'] .ag-cell[col-id='pt_root_id']")
    root = cell.inner_text()
    page.locator(".ag-row[row-index='0'] .ag-cell[col-id='pt_root_id']").focus()
    keys.press("ArrowDown")
    expect(cell).to_be_focused()
    keys.press("Enter")
    expect(page.locator("#cell-status")).to_contain_text(f"Cell {root}")


def test_pasted_ids_are_found_or_said_to_be_unknown(page: Page, truth: Truth) -> None:
    rows = truth.types()
    roots = rows.loc[rows["pt_root_id"] != 0, "pt_root_id"].drop_duplicates().head(3).tolist()
    page.goto(f"{TABLE}&panel=ids")
    page.locator("#table-ids").fill(f"[{roots[0]}, {roots[1]}]\n{roots[2]}; 864691135999999999 rubbish")
    page.get_by_role("button", name="Find").click()
    report = page.locator("#table-ids-report")
    expect(report).to_contain_text("Found: 3 of 4 ids")
    expect(report).to_contain_text("864691135999999999")
    report.get_by_role("link", name="Show the").click()
    kept = rows["pt_root_id"].isin(roots).sum()
    expect(page.locator("#table-counts")).to_contain_text(f"{kept:,} of {len(rows):,} rows")


def paste(page: Page, box: str, text: str) -> None:
    page.evaluate("text => navigator.clipboard.writeText(text)", text)
    page.locator(box).press("Control+V")


def test_ten_thousand_pasted_ids_have_a_permanent_address(page: Page, truth: Truth) -> None:
    rows = truth.types()
    roots = rows.loc[rows["pt_root_id"] != 0, "pt_root_id"].drop_duplicates().tolist()
    invented = [864691136999000000 + at for at in range(10_000 - len(roots))]
    page.goto(f"{TABLE}&panel=ids&f.cell_type=BC")
    paste(page, "#table-ids", "; rubbish\n".join(map(str, [*roots, *invented])))
    page.get_by_role("button", name="Find").click()
    report = page.locator("#table-ids-report")
    expect(report).to_contain_text(f"Found: {len(roots):,} of 10,000 ids")
    report.get_by_role("link", name="Show the").click()
    kept = rows["pt_root_id"].isin(roots).sum()
    expect(page.locator("#table-counts")).to_contain_text(f"{kept:,} of {len(rows):,} rows")
    expect(page.locator("#table-counts")).to_contain_text("saved ids")
    page.wait_for_url(re.compile("saved"))
    assert len(address(page)) < 500
    page.reload()
    expect(page.locator("#table-counts")).to_contain_text(f"{kept:,} of {len(rows):,} rows")
    # as many typed into the query line fit no address, and nothing of them is lost
    page.locator("#table-where").fill("")
    paste(page, "#table-where", f"cell_type = BC and pt_root_id in ({', '.join(map(str, roots))})")
    page.locator("#table-where").press("Enter")
    page.wait_for_url(lambda url: "BC" in url and "saved" in url)
    both = (rows["pt_root_id"].isin(roots) & (rows["cell_type"] == "BC")).sum()
    expect(page.locator("#table-counts")).to_contain_text(f"{both:,} of {len(rows):,} rows")
    page.reload()
    expect(page.locator("#table-counts")).to_contain_text(f"{both:,} of {len(rows):,} rows")


def test_a_line_that_was_typed_counts_with_the_next_choice(page: Page) -> None:
    page.goto(f"{TABLE}&where=cell_type%20%3D%20BC&panel=columns")
    expect(page.locator("#table-counts")).to_contain_text("where cell type is BC")
    page.locator("#table-where").fill("cell_type = mc")
    page.get_by_label("Positions in").select_option("um")
    expect(page.locator("#table-counts")).to_contain_text("0 of")
    page.get_by_role("link", name="Did you mean MC?").click()
    expect(page.locator("#table-counts")).to_contain_text("where cell type is MC")
    assert query(page)["unit"] == ["um"]


def test_columns_and_the_unit_of_positions_are_in_the_address(page: Page, truth: Truth) -> None:
    page.goto(f"{TABLE}&panel=columns&sort=id")
    head = page.locator("[role=columnheader][col-id='volume'] .ag-header-cell-text")
    head.click(modifiers=["Shift"])
    page.locator("[role=columnheader][col-id='cell_type']").click(modifiers=["Control"])
    page.wait_for_url(lambda url: parse_qs(urlsplit(url).query)["sort"] == ["id", "volume", "cell_type"])
    assert head.evaluate("text => text.scrollWidth <= text.clientWidth")  # the whole name is there
    page.get_by_label("classification_system", exact=True).uncheck()
    header = page.locator(".ag-header-cell[col-id='classification_system']")
    expect(header).to_have_count(0)
    page.wait_for_url(re.compile("columns="))
    assert "classification_system" not in query(page)["columns"]
    for name in query(page)["columns"]:
        if name not in ("pt_position_x", "id"):
            page.get_by_label(name, exact=True).uncheck()
    page.wait_for_url(lambda url: parse_qs(urlsplit(url).query)["columns"] == ["pt_position_x", "id"])
    last = page.get_by_label("pt_position_x", exact=True)
    page.get_by_label("id", exact=True).uncheck()
    expect(last).to_be_disabled()  # without any there would be no table, and the address would mean all of them
    expect(page.get_by_text("One column at least is shown")).to_be_visible()
    page.get_by_label("id", exact=True).check()
    expect(last).to_be_enabled()
    page.wait_for_url(lambda url: len(parse_qs(urlsplit(url).query)["columns"]) == 2)
    page.locator("#table-unit").select_option("um")
    expect(page.locator("[role=columnheader][col-id='pt_position_x']")).to_contain_text("µm")
    expect(header).to_have_count(0)
    first = truth.types().sort_values("id").iloc[0]
    expect(page.locator(".ag-row[row-index='0'] .ag-cell[col-id='pt_position_x']")).to_have_text(
        f"{first['pt_position'][0] * 4 / 1000:,.2f}"
    )


def test_rows_are_taken_out_as_ids_and_as_a_script(page: Page, truth: Truth) -> None:
    rows = truth.types()
    roots = rows.loc[(rows["cell_type"] == "BC") & (rows["pt_root_id"] != 0), "pt_root_id"].drop_duplicates()
    page.goto(f"{TABLE}&f.cell_type=BC")
    page.evaluate("navigator.clipboard.writeText('mine')")
    page.reload()
    expect(page.get_by_text("Export", exact=True)).to_be_visible()
    page.wait_for_load_state("networkidle")
    assert page.evaluate("navigator.clipboard.readText()") == "mine"  # a button that is drawn was not pressed
    page.get_by_text("Export", exact=True).click()
    page.get_by_role("button", name="Ids, one a line").click()
    expect(page.locator("#announcement")).to_contain_text("rows was copied")
    copied = page.evaluate("navigator.clipboard.readText()").split()
    assert sorted(copied) == sorted(map(str, roots))
    menu = page.locator(".k-take summary")
    expect(menu).to_be_focused()  # the menu has closed around the button
    page.get_by_text("Export", exact=True).click()
    page.get_by_role("button", name="Python that reads these rows").click()
    expect(page.locator("#announcement")).to_have_text("A script was copied.")
    script = page.evaluate("navigator.clipboard.readText()")
    menu.press("Enter")
    expect(page.locator(".k-menu")).to_be_visible()
    menu.press("Shift+Tab")  # out of it
    expect(page.locator(".k-menu")).to_be_hidden()
    compile(script, "copied", "exec")
    assert TYPES in script


def test_files_have_the_rows_the_unit_and_the_joined_columns_of_the_page(page: Page, truth: Truth) -> None:
    rows = truth.types()
    kept = rows[(rows["cell_type"] == "BC") & rows["pt_position"].map(lambda place: place[0] > 150_001)].sort_values(
        "id"
    )
    assert len(kept)
    filtered = f"{len(kept):,} of {len(rows):,} rows"
    page.goto(
        f"{TABLE}&f.pt_position_x=%3E150,001&where=cell_type=BC%20and%20pt_position_x%20%3E%200&sort=id&panel=columns"
    )
    expect(page.locator("#table-counts")).to_contain_text(filtered)
    page.locator("#table-unit").select_option("um")
    expect(page.locator("#table-counts")).to_contain_text(f"{filtered} where cell type is BC")  # in another unit
    expect(page.locator("#table-counts")).to_contain_text("position x is more than 600.004 µm")
    expect(page.locator("#table-where")).to_have_value("cell_type = BC and pt_position_x > 0")
    expect(page).to_have_url(re.compile(r"unit=um"))
    expect(page).not_to_have_url(re.compile("filters_in"))
    assert query(page)["f.pt_position_x"] == ["> 600.004"]
    page.locator("#table-join").select_option(PROOFREADING)
    expect(page.locator("#table-notes")).to_contain_text(f"rows have one row of {PROOFREADING}")
    page.get_by_label("volume", exact=True).uncheck()
    parquet = page.locator(".k-menu a", has_text="Parquet")  # in a closed menu
    expect(parquet).to_have_attribute("href", re.compile("columns="))
    page.get_by_text("Export", exact=True).click()
    href = parquet.get_attribute("href")
    frame = pd.read_parquet(io.BytesIO(page.request.get(str(href)).body()))
    assert frame["id"].tolist() == kept["id"].tolist()
    assert frame["pt_position_x"].tolist() == pytest.approx([place[0] * 0.004 for place in kept["pt_position"]])
    assert f"{PROOFREADING}.num_rows" in frame and "volume" not in frame


def test_two_tables_are_compared_and_lead_to_the_cells_that_differ(page: Page, truth: Truth) -> None:
    other = "allen_v1_column_types_slanted_ref"
    own = truth.types()[["target_id", "cell_type"]]
    manual = truth.client.materialize.query_table(other, merge_reference=False)[["target_id", "cell_type"]]
    both = own.merge(manual, on="target_id", suffixes=("", "_manual"))
    page.goto(TABLE)
    page.get_by_role("tab", name="Compare").click()
    page.locator("#compare-join").select_option(other)
    compared = page.locator("#table-compared")
    expect(compared).to_contain_text(f"{len(both):,} of {len(own):,} rows have both")
    agree = int((both["cell_type"] == both["cell_type_manual"]).sum())
    expect(compared).to_contain_text(f"{agree:,} of {len(both):,} agree")
    pairs = both.groupby(["cell_type", "cell_type_manual"]).size()
    largest: Any = pairs.idxmax()
    (first, second), most = largest, int(pairs.max())
    cell = compared.locator(f"a[title^='{first} and {second}:']")
    expect(cell).to_have_text(f"{most:,}")
    cell.click()
    expect(page.locator("#table-counts")).to_contain_text(f"{most:,} of {len(own):,} rows")
    expect(cell).to_have_attribute("aria-current", "true")  # and the matrix is still whole
    cell.click()
    cell.click()
    expect(page.locator("#table-counts")).to_contain_text(f"{most:,} of {len(own):,} rows")
    with answers_held(page, "table-address.data", "table-compared.children"):
        page.get_by_role("tab", name="Columns").click()
        page.get_by_label("volume", exact=True).uncheck()
        page.get_by_role("tab", name="Compare").click()
        cell.click()  # which keeps what was changed meanwhile, of which neither it nor the address knows yet
    expect(page.locator("#table-counts")).to_have_text(f"{len(own):,} rows")
    assert "volume" not in query(page)["columns"]
    page.get_by_role("link", name="that disagree").click()
    expect(page.locator("#table-counts")).to_contain_text(f"{len(both) - agree:,} of {len(own):,} rows")
    expect(compared).to_contain_text("the filter leaves only ones that disagree")
    shown = query(page)
    assert (shown["panel"], shown["join"]) == (["compare"], [other])
    page.get_by_role("tab", name="Facets").click()
    page.get_by_role("link", name="Clear filters").click()
    expect(page.locator("#table-counts")).to_have_text(f"{len(own):,} rows")
    assert query(page)["panel"] == ["facets"]
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#table-counts")).to_contain_text(f"{len(both) - agree:,} of {len(own):,} rows")
    assert query(page)["where"] == shown["where"]


def test_rows_in_3d_are_those_selected_else_shown(page: Page, truth: Truth) -> None:
    rows = truth.types()
    shown = rows[(rows["cell_type"] == "MC") & (rows["pt_root_id"] != 0)]
    page.goto(f"{TABLE}&f.cell_type=MC&panel=3d&where=pt_root_id%20!%3D%200")
    expect(page.locator("#table-3d-message")).to_contain_text(f"{len(shown):,} points of {len(shown):,} rows")
    expect(page.frame_locator("#viewer-frame").get_by_text("MC", exact=True)).to_be_visible()
    expect_in_3d(page, [*map(str, shown["pt_root_id"])])
    page.locator(".ag-row[row-index='1'] .ag-selection-checkbox input").click()
    chosen = page.locator(".ag-row[row-index='1'] [col-id=pt_root_id]").inner_text().strip()
    expect(page.locator("#table-3d-message")).to_contain_text("1 point of 1 row")
    expect_in_3d(page, [chosen])
    page.get_by_role("combobox", name="Links open in").select_option("Spelunker")
    expect(page.locator("#table-link a")).to_have_attribute("href", re.compile("^https://spelunker"))
    assert (query(page)["viewer"], query(page)["panel"]) == (["Spelunker"], ["3d"])
    page.get_by_role("tab", name="Plot").click()
    expect(page.locator("#viewer-frame")).to_be_hidden()


def expect_in_3d(page: Page, roots: list[str]) -> None:
    """The points of the viewer beside the table come to be those of `roots`."""
    (viewer,) = [one for one in page.frames if "/v/panel/" in one.url]
    viewer.wait_for_function(
        """roots => {
            const layer = window.viewer?.layerManager.managedLayers.find((one) => one.layer?.localAnnotations)?.layer;
            const shown = [...(layer?.localAnnotations ?? [])].map((one) => String(one.relatedSegments[0][0]));
            return shown.sort().join() === roots.join();
        }""",
        arg=sorted(roots),
    )
