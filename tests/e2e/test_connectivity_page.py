"""The connectivity viewer: how far to trust a cell, which partners count, and every way of looking at them."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.conftest import OpenPage
from tests.e2e.truth import PROOFREADING, SOME, TYPES, Truth, query

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def root(truth: Truth) -> int:
    return truth.proofread_root()


@pytest.fixture
def cell(page: Page, root: int) -> Page:
    """The page of a proofread cell, its inputs in front."""
    return shows_inputs(page, root)


@pytest.fixture(scope="module")
def page_of_cell(open_page: OpenPage, karst_url: str, root: int) -> Iterator[Page]:
    """The same, opened once for all tests that leave it as it was but for the tab."""
    with open_page(karst_url) as page:
        yield shows_inputs(page, root)


@pytest.fixture
def kept_cell(page_of_cell: Page) -> Page:
    """`page_of_cell`, its inputs in front."""
    page_of_cell.locator("#tab-in").click()
    expect(page_of_cell.locator("#panel-in .ag-row[row-index='0']").first).to_be_visible()
    return page_of_cell


def shows_inputs(page: Page, root: int) -> Page:
    page.goto(f"/connectivity-viewer?cell={root}&tab=in")
    expect(page.locator("#panel-in .k-counts")).to_contain_text("partner")
    return page


def counts(page: Page, side: str = "in") -> Locator:
    return page.locator(f"#panel-{side} .k-counts")


def proofread_axons(truth: Truth) -> set[int]:
    rows = truth.client.materialize.query_table(PROOFREADING)
    return set(rows.loc[rows["status_axon"].astype(bool), "pt_root_id"])


def types(truth: Truth) -> pd.Series:
    rows = truth.types()
    known = rows[rows["pt_root_id"] != 0]
    once = known[~known["pt_root_id"].duplicated(keep=False)]
    return once.set_index("pt_root_id")["cell_type"]


def test_types_are_the_datastacks_own_unless_none_are_wanted(page: Page, root: int) -> None:
    page.goto(f"/connectivity-viewer?cell={root}")
    expect(page.locator("#cell-status")).to_contain_text(f"cell types of {TYPES}")
    expect(page.locator("#cell-types")).to_have_value(TYPES)
    page.wait_for_url(re.compile(f"type_table={TYPES}"))
    page.goto(f"/connectivity-viewer?cell={root}&type_table=none")
    expect(page.locator("#cell-status")).to_contain_text("no cell types")
    expect(page.locator("#cell-types")).to_have_value("none")


def test_the_verdict_names_its_denominators(kept_cell: Page, truth: Truth, root: int) -> None:
    trust = kept_cell.locator(".k-trust", has_text="Inputs:")
    trust.locator("summary").click()
    expect(trust.locator(".k-menu")).to_be_visible()
    expect(trust).to_contain_text(re.compile("Outputs (nearly complete|incomplete): axon"))
    inputs = truth.partners(root, "in")
    expect(trust).to_contain_text(f"of {inputs.sum():,} synapses")


def test_only_some_synapses_are_counted(cell: Page, truth: Truth, root: int) -> None:
    rows = truth.client.materialize.synapse_query(post_ids=root)
    large = rows[rows["size"] > 5000]
    inputs = large.loc[
        (large["pre_pt_root_id"] != root) & (large["pre_pt_root_id"] != 0), "pre_pt_root_id"
    ].value_counts()
    cell.get_by_text("Partners", exact=True).click()
    cell.locator("#cell-synapses").fill("size > 5000")
    cell.locator("#cell-synapses").press("Enter")
    expect(counts(cell)).to_have_text(re.compile(rf"^{len(inputs):,} partners?, {inputs.sum():,} synapses?$"))
    expect(cell.get_by_text("Only synapses where size is more than 5000")).to_be_visible()
    assert query(cell)["synapses"] == ["size > 5000"]
    cell.goto(cell.url.replace("size%20%3E%205000", "sizes%20%3E%205000"))
    expect(cell.get_by_text("Until then all synapses are counted.")).to_be_visible()
    every = truth.partners(root, "in")
    expect(counts(cell)).to_have_text(re.compile(rf"^{len(every):,} partners?, {every.sum():,} synapses?$"))


def test_the_largest_partners_that_make_up_a_share(cell: Page, truth: Truth, root: int) -> None:
    inputs = truth.partners(root, "in")
    before = inputs.cumsum() - inputs  # most synapses first
    kept = inputs[before * 100 < 50 * inputs.sum()]
    cell.get_by_text("Partners", exact=True).click()
    cell.locator("#cell-top").fill("50")
    cell.locator("#cell-top").press("Enter")
    expect(counts(cell)).to_have_text(re.compile(rf"^{len(kept):,} partners?, {kept.sum():,} synapses?$"))
    assert query(cell)["top"] == ["50"]


def test_a_threshold_and_proofread_partners_only(cell: Page, truth: Truth, root: int) -> None:
    inputs = truth.partners(root, "in")
    strong = inputs[inputs >= 2]
    cell.get_by_text("Partners", exact=True).click()
    cell.locator("#cell-at-least").fill("2")
    cell.locator("#cell-at-least").press("Enter")
    expect(counts(cell)).to_have_text(re.compile(rf"^{len(strong):,} partners?, {strong.sum():,} synapses?$"))
    expect(cell.locator("#panel-in .k-below")).to_contain_text(f"{len(inputs) - len(strong):,} partners with fewer")
    assert query(cell)["at_least"] == ["2"]

    kept = strong[strong.index.isin(proofread_axons(truth))]
    cell.locator(".k-drop > summary", has_text="Partners").click()
    switch = cell.get_by_role("switch", name="Proofread only")
    switch.focus()
    cell.keyboard.press(" ")
    cell.locator(".k-drop > summary", has_text="Partners 2 set").click()
    expect(cell.get_by_role("switch", name="Proofread only")).to_have_attribute("aria-checked", "true")
    expect(counts(cell)).to_have_text(re.compile(rf"^{len(kept):,} partners?, {kept.sum():,} synapses?$"))
    assert query(cell)["proofread"] == ["on"]
    assert query(cell)["tab"] == ["in"]


def test_a_threshold_that_is_none_is_a_sentence(page: Page, root: int) -> None:
    page.goto(f"/connectivity-viewer?cell={root}&at_least=many")
    expect(page.locator("#cell-notes .alert")).to_contain_text("not a number of synapses")


def test_a_table_of_no_version_leaves_the_cell_on_the_page(page: Page, truth: Truth, root: int) -> None:
    page.goto(f"/connectivity-viewer?cell={root}&tab=in&type_table=of_no_version")
    expect(page.locator("#cell-notes .alert-warning")).to_contain_text("of_no_version")
    expect(page.locator("#cell-status")).to_contain_text("no cell types")
    expect(counts(page)).to_contain_text(f"{len(truth.partners(root, 'in')):,} partners")
    expect(page.locator("#cell-types")).to_have_value("of_no_version")
    expect(page.locator("#panel-in [col-id=cell_type]")).to_have_count(0)
    with page.expect_download() as download:
        page.locator("#panel-in").get_by_role("link", name="CSV").first.click()
    assert len(pd.read_csv(download.value.path())) == len(truth.partners(root, "in"))
    assert query(page)["type_table"] == ["of_no_version"]


def test_what_an_address_asks_of_no_column_is_left_out_and_said(page: Page, truth: Truth, root: int) -> None:
    page.goto(f"/connectivity-viewer?cell={root}&tab=in&more=of_another_version&group_by=nothing")
    notes = page.locator("#cell-notes")
    expect(notes).to_contain_text("'of_another_version'")
    expect(notes).to_contain_text("'nothing'")
    expect(counts(page)).to_contain_text(f"{len(truth.partners(root, 'in')):,} partners")
    page.wait_for_url(re.compile("tab=in"))
    page.wait_for_url(lambda url: "more=" not in url and "group_by=" not in url)


def test_both_directions_and_their_pairs(kept_cell: Page, truth: Truth, root: int) -> None:
    inputs, outputs = truth.partners(root, "in"), truth.partners(root, "out")
    everybody = inputs.index.union(outputs.index)
    pairs = inputs.index.intersection(outputs.index)
    kept_cell.locator("#tab-both").click()
    expect(kept_cell.locator("#tab-both")).to_contain_text(f"{len(everybody):,} partners, {len(pairs):,} reciprocal")
    expect(counts(kept_cell, "both")).to_contain_text(f"{len(everybody):,} partners")
    kept_cell.wait_for_url(re.compile("tab=both"))


def test_a_figure_is_given_as_a_file_with_its_caption(kept_cell: Page, root: int, tmp_path: Path) -> None:
    kept_cell.locator("#cell-figures").scroll_into_view_if_needed()
    plot = kept_cell.locator("#cell-figures .k-plot:has(#plot-profile)")
    expect(plot.locator(".nsewdrag").first).to_be_visible()
    for form in ("SVG", "PNG"):
        with kept_cell.expect_download() as download:
            plot.get_by_role("button", name=form, exact=True).click()
        download.value.save_as(tmp_path / form)
    svg = (tmp_path / "SVG").read_text()
    words = re.sub("<[^>]+>", " ", svg)
    assert str(root) in words and "version" in words and "Cite" in words and "partners" in words
    assert re.search(r"<rect[^>]*fill: rgb\(255, 255, 255\)", svg), "not on white"
    width, height = (int(text) for text in re.findall(r'<svg[^>]* width="(\d+)" height="(\d+)"', svg)[0])
    assert struct.unpack(">II", (tmp_path / "PNG").read_bytes()[16:24]) == (2 * width, 2 * height)
    plot.get_by_role("button", name="PDF", exact=True).click()
    caption = kept_cell.frame_locator("#figure-page").locator("text.gtitle")
    box = caption.evaluate(
        "text => { const {x, y, width, height} = text.getBBox(); return [x, y, x + width, y + height]; }"
    )
    assert box[0] >= 0 and box[1] >= 0 and box[2] <= width and box[3] <= height, "the caption is cut"
    plot.get_by_role("button", name="Copy as Python").click()
    expect(kept_cell.locator("#announcement")).to_have_text("A script was copied.")
    assert "go.Figure" in kept_cell.evaluate("navigator.clipboard.readText()")


def test_types_are_summed_up_with_zeros(kept_cell: Page, truth: Truth, root: int) -> None:
    inputs = truth.partners(root, "in")
    of = types(truth)
    sums = inputs.groupby(of.reindex(inputs.index).fillna("no type")).sum()
    kept_cell.locator("#tab-types").click()
    table = kept_cell.locator(".k-types")
    expect(table).to_be_visible()
    rows = table.locator("tbody tr").evaluate_all("rows => rows.map(r => [...r.children].map(c => c.innerText))")
    shown = {row[0]: int(row[1].replace(",", "")) for row in rows}
    assert shown == {name: int(sums.get(name, 0)) for name in shown}
    assert set(of.unique()) <= set(shown)
    assert sum(shown.values()) == inputs.sum()


def test_a_number_of_synapses_leads_to_them(kept_cell: Page, root: int) -> None:
    first = kept_cell.locator("#panel-in .ag-row[row-index='0']")
    expect(first.locator("[col-id=root_id]")).to_have_text(SOME)
    partner = first.locator("[col-id=root_id]").inner_text()
    number = first.locator("[col-id=num_syn]").inner_text()
    first.locator("[col-id=num_syn] a").click()
    listed = kept_cell.locator(".k-listed")
    expect(listed.locator("h2")).to_have_text(re.compile(rf"^{number} input synapses? with {partner}$"))
    expect(listed.locator("tbody tr")).to_have_count(int(number))
    assert query(kept_cell)["partner"] == [partner]
    listed.get_by_role("link", name="Close").click()
    expect(listed).to_have_count(0)
    assert "partner" not in query(kept_cell)


def test_columns_are_added_and_kept_in_the_address(cell: Page) -> None:
    cell.get_by_label("synapses Filter Input").first.fill("> 1")
    expect(counts(cell)).to_contain_text("where")
    cell.wait_for_url(re.compile(r"f\.num_syn="))
    cell.get_by_text("Add columns").click()
    cell.get_by_label("% of the partner's own synapses").check()
    cell.get_by_label("aibs_cell_info").check()
    cell.locator("#cell-more-show").click()
    cell.wait_for_url(re.compile("more=share&more=aibs_cell_info"))
    expect(cell.locator(".k-drop summary", has_text="columns")).to_have_text("Add columns 2 set")
    expect(cell.locator("#panel-in")).to_contain_text("% of the partner's outputs")
    expect(counts(cell)).to_contain_text("where")
    assert query(cell)["f.num_syn"] == ["> 1"]


def test_a_group_of_columns_comes_to_the_front_with_what_it_needs(cell: Page) -> None:
    titles = cell.locator("#panel-in .ag-header-cell-text:visible")
    cell.get_by_role("group", name="Columns").get_by_role("link", name="Weight").click()
    cell.wait_for_url(re.compile("more=share&show=weight"))
    expect(titles.get_by_text("% of the partner's outputs")).to_be_visible()
    assert not {"soma depth (µm)", "classification system"} & set(titles.all_inner_texts())
    cell.get_by_role("group", name="Columns").get_by_role("link", name="Place").click()
    expect(titles.get_by_text("soma depth (µm)")).to_be_visible()
    assert "% of the partner's outputs" not in titles.all_inner_texts()


def test_a_click_in_a_plot_selects_in_the_table(kept_cell: Page, truth: Truth, root: int) -> None:
    inputs = truth.partners(root, "in")
    named = types(truth).reindex(inputs.index).dropna()
    wanted = named.value_counts().index[0]
    bars = kept_cell.locator("#cell-figures .js-plotly-plot").nth(2)
    expect(bars.locator(".main-svg").first).to_be_visible()
    # A figure that is drawn anew loses its data for a moment, while its picture stands.
    kept_cell.wait_for_function("gd => gd.data?.[0]?.y", arg=bars.element_handle())
    bars.evaluate(
        """(gd, wanted) => {
            const at = gd.data[0].y.indexOf(wanted);
            gd.emit("plotly_click", {points: [{curveNumber: 0, pointNumber: at, pointIndex: at,
                customdata: gd.data[0].customdata[at], data: gd.data[0], x: 0, y: wanted}]});
        }""",
        wanted,
    )
    partners = int((named == wanted).sum())
    expect(kept_cell.locator("#panel-in .k-summary")).to_contain_text(f"{partners:,} selected")
    expect(kept_cell.locator("#panel-in .k-neuroglancer")).to_contain_text(f"{partners:,} selected")
    kept_cell.locator("#panel-in").get_by_role("button", name="Clear selection").click()
    expect(kept_cell.locator("#panel-in .k-summary")).not_to_contain_text("selected")


def test_several_ids_and_a_position(page: Page, truth: Truth, root: int) -> None:
    other = next(one for one in types(truth).index if one != root)
    page.goto(f"/connectivity-viewer?cell={root}%2C%20{other}&tab=in")
    expect(page.locator("#cell-status")).to_contain_text("2 cells")
    everybody = truth.partners(root, "in").add(truth.partners(other, "in"), fill_value=0)
    expect(counts(page)).to_have_text(
        re.compile(rf"^{len(everybody):,} partners?, {int(everybody.sum()):,} synapses?$")
    )
    expect(page.locator("#cell-figures .js-plotly-plot").first).to_be_visible()
    page.set_viewport_size({"width": 1280, "height": 720})
    ninth = page.locator("#panel-in .ag-center-cols-container .ag-row").nth(8).bounding_box()
    assert ninth["y"] + ninth["height"] <= 720
    both = truth.partners(root, "in").index.intersection(truth.partners(other, "in").index)
    page.get_by_role("region", name="The cells that were asked for").get_by_text(f"{len(both):,} input partner").click()
    expect(counts(page)).to_contain_text(f"{len(both):,} of {len(everybody):,} partners" if len(both) else "partner")
    page.get_by_role("table", name="The cells").get_by_role("link", name=str(other)).click()
    expect(page.locator("#cell-status")).to_contain_text(f"Cell {other}")

    soma = truth.types().set_index("pt_root_id").loc[other]
    place = ", ".join(str(soma[f"pt_position_{axis}"]) for axis in "xyz") if "pt_position_x" in soma else None
    place = place or ", ".join(str(int(part)) for part in soma["pt_position"])
    page.goto(f"/connectivity-viewer?cell={place}")
    expect(page.locator("#cell-status")).to_contain_text(f"Cell {other}")
    expect(page.locator("#cell-notes")).to_contain_text("the segmentation has this cell there")


def test_what_changed_between_versions(page: Page, truth: Truth, root: int) -> None:
    older = sorted(truth.client.materialize.get_versions())[-2]
    page.goto(f"/connectivity-viewer?cell={root}&against={older}")
    expect(page.locator("#cell-changes")).to_contain_text(f"From version {older} to {truth.version}")
    expect(page.locator("#cell-against")).to_have_value(str(older))


def test_the_viewer_beside_the_table_shows_the_selection_and_closes(cell: Page) -> None:
    cell.get_by_role("switch", name="3D panel").click()
    frame = cell.locator("#viewer-frame")
    expect(frame).to_be_visible()
    before = shown_in(cell)
    cell.locator("#panel-in .ag-row[row-index='0'] input[type=checkbox]").check()
    expect(cell.locator("#panel-in .k-neuroglancer")).to_contain_text("1 selected")
    cell.wait_for_function("before => document.getElementById('viewer-frame').dataset.shown !== before", arg=before)
    assert query(cell)["panel"] == ["on"]
    cell.locator(".k-panel-top").get_by_role("link", name="Close").click()
    expect(frame).to_have_count(0)


def shown_in(page: Page) -> str:
    page.wait_for_function("() => document.getElementById('viewer-frame')?.dataset.shown")
    shown: str = page.locator("#viewer-frame").get_attribute("data-shown") or ""
    assert shown.startswith("/neuroglancer/v/")
    return shown


def test_what_is_asked_of_a_cell_is_in_its_header_or_behind_one_word(kept_cell: Page, truth: Truth, root: int) -> None:
    card = kept_cell.locator(".k-card")
    expect(card.get_by_text(re.compile("^L[1-6]"))).to_be_visible()
    card.get_by_text("Facts").click()
    facts = kept_cell.locator(".k-facts")
    status = truth.client.materialize.query_table(PROOFREADING).set_index("pt_root_id").loc[root]
    for part in ("axon", "dendrite"):
        words = status[f"strategy_{part}"].removeprefix(f"{part}_").replace("_", " ")
        expect(facts.locator("dt", has_text=re.compile(part, re.I)).locator("+ dd")).to_have_text(words)
    expect(facts.locator("dt", has_text="Layer").locator("+ dd")).to_be_visible()
    expect(facts.locator("dt", has_text="Visual area").locator("+ dd")).to_be_visible()
    log = truth.client.chunkedgraph.get_tabular_change_log([root])[root]
    edits = f"{log.is_merge.sum()} merged, {(~log.is_merge).sum()} split" if len(log) else "none"
    expect(facts.locator("dt", has_text="Edits").locator("+ dd")).to_contain_text(edits)
    soma = facts.locator("img")
    expect(soma).to_be_visible()
    soma.evaluate("image => image.decode()")
    facts.locator("summary").click()
    expect(facts.locator(".k-menu")).to_contain_text(TYPES)
    expect(facts).to_contain_text("Nucleus volume")


def test_files_and_copies_are_of_what_is_shown(cell: Page, truth: Truth, root: int) -> None:
    inputs = truth.partners(root, "in")
    wanted = inputs[inputs > 1]
    cell.get_by_label("synapses Filter Input").first.fill("> 1")
    expect(counts(cell)).to_contain_text(f"{len(wanted):,} of {len(inputs):,} partners")
    menu = cell.locator("#panel-in .k-take")
    order = [str(one) for one in sorted(wanted.index)]
    cell.locator("#panel-in .ag-header-cell[col-id=root_id] .ag-header-cell-text").click()
    cell.wait_for_url(re.compile("sort=root_id"))
    menu.locator("summary").click()
    # What is in the menu may be drawn anew while it is open.
    file = menu.locator(".k-file-links", has_text="input partners").get_by_role("link", name="CSV")
    expect(file).to_have_attribute("href", re.compile("sort=root_id"))
    expect(menu.locator(".k-file-links")).to_have_count(3)
    with cell.expect_download() as download:
        file.click()
    rows = pd.read_csv(download.value.path(), dtype={"root_id": str})
    assert rows["root_id"].tolist() == order
    with cell.expect_download() as download:
        menu.locator(".k-file-links", has_text="Their synapses").get_by_role("link", name="CSV").click()
    synapses = pd.read_csv(download.value.path(), dtype={"pre_pt_root_id": str})
    assert synapses["pre_pt_root_id"].value_counts().to_dict() == {str(one): n for one, n in wanted.items()}
    menu.get_by_role("button", name="Ids, one a line").click()
    expect(cell.locator("#announcement")).to_have_text(f"The root ids of {len(wanted):,} partners were copied.")
    assert cell.evaluate("navigator.clipboard.readText()").split() == order
    menu.locator("summary").click()
    menu.get_by_role("button", name="Python that reads these rows").click()
    expect(cell.locator("#announcement")).to_have_text("A script was copied.")
    names: dict[str, pd.DataFrame] = {}
    exec(cell.evaluate("navigator.clipboard.readText()"), names)
    assert names["frame"]["root_id"].astype(str).tolist() == order
