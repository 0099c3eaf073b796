"""The page of populations in a real browser: from a table to a matrix and to the synapses of an entry."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator

import networkx as nx
import pandas as pd
import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import SHIFT, OpenPage
from tests.e2e.truth import PROOFREADING, TYPES, Truth, neuroglancer_state, query

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def among(truth: Truth) -> pd.DataFrame:
    """The synapses among the proofread cells, presynaptic ones with a proofread axon, with the types of both."""
    rows = truth.client.materialize.query_table(PROOFREADING)
    rows = rows[rows["pt_root_id"] != 0]
    types = truth.types().drop_duplicates("pt_root_id", keep=False).set_index("pt_root_id")["cell_type"]
    pre, post = rows.loc[rows["status_axon"].isin([True, "t"]), "pt_root_id"].tolist(), rows["pt_root_id"].tolist()
    result = truth.client.materialize.query_table(
        "synapses_pni_2", filter_in_dict={"pre_pt_root_id": pre, "post_pt_root_id": post}
    )
    result = result[result["pre_pt_root_id"] != result["post_pt_root_id"]]
    return result.assign(row=result["pre_pt_root_id"].map(types), column=result["post_pt_root_id"].map(types))


def entries(page: Page) -> dict[tuple[str, str], str]:
    """The texts of the matrix by the names of their row and column."""
    expect(page.locator("#pop-table tbody a").first).to_be_visible()
    rows = page.locator("#pop-table tr").evaluate_all(
        "rows => rows.map(row => [...row.cells].map(cell => cell.innerText))"
    )
    (_, *columns), *body = rows
    return {(row, column): text for row, *texts in body for column, text in zip(columns, texts, strict=True)}


def sent_bytes(page: Page) -> int:
    """What the server has sent to a page, all of its code among it."""
    page.wait_for_load_state("networkidle")
    sent = "() => performance.getEntries().reduce((sum, {transferSize}) => sum + (transferSize || 0), 0)"
    return int(page.evaluate(sent))


def test_from_a_table_to_the_synapses_of_an_entry(page: Page, among: pd.DataFrame) -> None:
    page.goto(f"/table-viewer?table={PROOFREADING}")
    page.get_by_role("link", name="Connections among these cells").click()
    expect(page.locator(".k-sets tbody tr")).to_have_count(2)
    offer = page.get_by_role("link", name="Read the synapses")
    expect(offer.or_(page.locator("#pop-table a")).first).to_be_visible()  # looking up may be a job before that
    if offer.is_visible():  # another test of this server may have read them
        expect(page.locator(".k-offer")).to_contain_text(re.compile("about [12] request"))  # or a part of them
        offer.click()
    counts = among.groupby(["row", "column"]).size()
    message = entries(page)
    assert {pair: message[pair] for pair in counts.index} == {pair: f"{count:,}" for pair, count in counts.items()}
    page.set_viewport_size({"width": 1280, "height": 720})
    last = page.locator("#pop-table tbody tr").last.bounding_box()
    assert last["y"] + last["height"] <= 720

    matrix = page.get_by_role("region", name="Matrix")
    matrix.get_by_role("button", name="Copy as Python").click()
    expect(page.locator("#announcement")).to_have_text("A script was copied.")
    with page.expect_download() as download:
        matrix.get_by_role("button", name="SVG").click()
    picture = download.value.path().read_text()
    assert {f">{name}</text>" in picture for pair in counts.index for name in pair} == {True}

    row, column = map(str, counts.idxmax())
    count = counts.max()
    page.locator("#pop-table").get_by_title(f"{row} → {column}: {count:,}", exact=True).click()
    expect(page.locator(".k-listed h2")).to_have_text(f"{count:,} synapses of {row} onto {column}")
    assert query(page)["row"] == [row] and query(page)["column"] == [column]
    own = among[(among["row"] == row) & (among["column"] == column)]
    expect(page.locator(".k-listed tbody tr")).to_have_count(min(int(count), 200))
    listed = page.locator(".k-listed tbody td:first-child").all_inner_texts()
    assert sorted(listed) == sorted(own["id"].astype(str))[: len(listed)]
    page.get_by_role("button", name="Cells to the tray").click()
    ends = set(own["pre_pt_root_id"]) | set(own["post_pt_root_id"])
    expect(page.locator("#announcement")).to_have_text(f"{len(ends)} cells were added to the tray.")
    kept = page.evaluate("karst.memory.stored().sets.at(-1)")
    assert {int(root) for root in kept["ids"]} == ends and kept["name"] == f"{row} onto {column}"
    state = neuroglancer_state(page, ".k-listed .k-neuroglancer")
    points = [layer for layer in state["layers"] if layer["type"] == "annotation"]
    assert sum(len(layer["annotations"]) for layer in points) == count
    page.get_by_role("link", name="Paths", exact=True).click()
    expect(page.locator("#pop-panel")).to_contain_text(f"Only {row} onto {column}.")
    edges = own.drop_duplicates(["pre_pt_root_id", "post_pt_root_id"])
    expect(page.locator("#pop-panel")).to_contain_text(f"{len(edges):,} in 1 step")
    expect_file_of_paths(page, edges)
    page.get_by_role("link", name="Show all").click()
    expect(page.locator("#pop-panel")).not_to_contain_text("Only")
    segments = neuroglancer_state(page, "#pop-link .k-neuroglancer")["layers"][1]["segmentColors"]
    assert set(map(int, segments)) >= set(among["pre_pt_root_id"]) | set(among["post_pt_root_id"])


def expect_file_of_paths(page: Page, edges: pd.DataFrame) -> None:
    """The file that the page offers has the paths of the page, of which these are all with one step."""
    address = page.locator("#pop-panel").get_by_role("link", name="CSV").get_attribute("href")
    rows = pd.read_csv(io.StringIO(page.request.get(address).text()))
    assert set(rows["pre_root_id"]) <= set(edges["pre_pt_root_id"])
    direct = rows[rows["steps"] == 1]
    pairs = zip(edges["pre_pt_root_id"], edges["post_pt_root_id"], strict=True)
    assert set(zip(direct["pre_root_id"], direct["post_root_id"], strict=True)) == set(pairs)


@pytest.fixture
def first_visit(open_page: OpenPage, karst_url: str) -> Iterator[Page]:
    """A page of a browser that holds nothing of Karst."""
    with open_page(karst_url) as page:
        yield page


def test_the_address_holds_all_of_it(first_visit: Page, among: pd.DataFrame) -> None:
    page = first_visit
    view = f"/populations?pre_table={PROOFREADING}&read=on&value=connections"
    page.goto(view)
    pairs = among.drop_duplicates(["pre_pt_root_id", "post_pt_root_id"]).groupby(["row", "column"]).size()
    message = entries(page)
    assert {pair: message[pair] for pair in pairs.index} == {pair: f"{count:,}" for pair, count in pairs.items()}
    assert 100_000 < sent_bytes(page) < 500_000
    page.goto(f"{view}&model=degrees&permutations=50&seed=3")
    expect(page.locator("#pop-chance")).to_contain_text("50 permutations, seed 3")
    expect(page.locator("#pop-seed")).to_have_value("3")
    page.get_by_role("region", name="Against chance").get_by_role("button", name="Copy as Python").click()
    expect_script(page, "keep_degrees(")
    page.goto(f"/populations?pre_table={PROOFREADING}&read=on&pre_by=cell&post_by=cell&order=similarity")
    expect(page.locator("#pop-matrix .js-plotly-plot")).to_be_visible()
    edges = among.drop_duplicates(["pre_pt_root_id", "post_pt_root_id"])
    dots = "() => document.querySelector('#pop-matrix .js-plotly-plot')?._fullData?.[0]?._length"
    page.wait_for_function(f"count => ({dots})() === count", arg=len(edges))
    page.get_by_role("link", name="Paths", exact=True).click()
    expect(page.locator("#pop-panel")).to_contain_text(f"{len(edges):,} in 1 step;")
    cells = set(among["pre_pt_root_id"]) | set(among["post_pt_root_id"])
    expect(page.locator("#pop-panel tbody tr")).to_have_count(200)
    assert set(map(int, page.locator("#pop-panel td:first-child").all_inner_texts())) <= cells
    page.get_by_role("link", name="Network", exact=True).click()
    expect(page.locator("#pop-cytoscape canvas").first).to_be_visible()
    nodes = "() => document.getElementById('pop-cytoscape')?._cyreg?.cy.nodes().length"
    everybody = set(among["pre_pt_root_id"]) | set(among["post_pt_root_id"]) | cells
    page.wait_for_function(f"count => ({nodes})() === count", arg=len(everybody))
    picture = page.get_by_role("region", name="Network")
    picture.get_by_role("button", name="Copy as Python").click()
    expect_script(page, "network(")
    with page.expect_download() as download:
        picture.get_by_role("button", name="SVG").click()
    assert download.value.path().read_text().count('class="point"') >= len(everybody)
    page.get_by_role("link", name="Motifs", exact=True).click()
    expect(page.locator("#pop-panel")).to_contain_text(f"100 permutations, seed 1, of {len(edges):,} connections")
    graph = nx.DiGraph([*zip(edges["pre_pt_root_id"], edges["post_pt_root_id"], strict=True)])
    theirs = nx.triadic_census(graph) | {"reciprocal": sum(graph.has_edge(b, a) for a, b in graph.edges) // 2}
    expect(page.locator("#pop-panel tbody tr")).to_have_count(14)
    names, counts = (page.locator(f"#pop-panel td:nth-child({at})").all_inner_texts() for at in (1, 3))
    assert dict(zip(names, counts, strict=True)) == {name: f"{theirs[name]:,}" for name in names}
    similar_cells_and_two_sets(page, among)


def similar_cells_and_two_sets(page: Page, among: pd.DataFrame) -> None:
    page.get_by_role("link", name="Similarity", exact=True).click()
    expect(page.get_by_role("heading", name="Clusters")).to_be_visible()
    assert query(page)["panel"] == ["alike"] and query(page)["order"] == ["similarity"]
    expect(page.locator("#pop-panel tbody tr")).to_have_count(8)
    sizes = page.locator("#pop-panel td:nth-child(2)").all_inner_texts()
    assert sum(map(int, sizes)) == among["pre_pt_root_id"].nunique()
    page.get_by_text("Root ids", exact=True).nth(0).click()
    page.locator("#pop-panel details[open] a").first.click()
    expect(page.get_by_role("heading", name="Cells similar to")).to_be_visible()
    page.get_by_role("link", name="in common").first.click()
    page.wait_for_url(re.compile("other="))
    one, other = query(page)["cell"][0], query(page)["other"][0]
    targets = [set(among.loc[among["pre_pt_root_id"] == int(root), "post_pt_root_id"]) for root in (one, other)]
    words = f"{len(targets[0] & targets[1]):,} of both, {len(targets[0] - targets[1]):,} of the first only"
    expect(page.locator("#pop-panel")).to_contain_text(words)
    page.get_by_role("link", name="Side by side").click()
    page.get_by_label("with", exact=True).fill(f"{PROOFREADING}:status_dendrite = true")
    page.get_by_label("with", exact=True).press("Enter")
    expect(page.locator("#plot-differences .js-plotly-plot")).to_be_visible()
    page.get_by_role("button", name="Copy as Python").click()
    expect_script(page, "second_synapses")


def expect_script(page: Page, part: str) -> None:
    """A script with such a part is in the clipboard."""
    page.wait_for_function("async part => (await navigator.clipboard.readText()).includes(part)", arg=part)


def test_a_job_tells_how_far_it_is_and_can_be_cancelled(page: Page) -> None:
    page.goto(f"/populations?pre_table={PROOFREADING}&read=on&panel=motifs&permutations=10000")
    expect(page.locator("#pop-progress")).to_contain_text("of 10,000 permutations counted", timeout=30_000)
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("#pop-progress")).to_contain_text("Cancelled.")


def test_what_cannot_be_read_is_said_and_stays(page: Page) -> None:
    page.goto(f"/populations?pre_table={TYPES}&pre=cell_typ%20%3D%20BC")
    expect(page.locator(".alert-danger")).to_contain_text("cell_typ")
    expect(page.locator("#pop-pre")).to_have_value("cell_typ = BC")
    page.goto(f"/populations?pre_table={TYPES}&pre=cell_type%20%3D%20ZZ&proofread=off")
    expect(page.locator(".k-notes > div", has_text="has no cells")).to_have_count(2)
    page.goto("/gallery?figure=no")
    expect(page.locator(".alert-danger")).to_contain_text("no figure 'no'")
    page.get_by_role("link", name="Typed cells with one soma").click()
    expect(page.locator("#gallery-figure")).to_contain_text("synthetic")
    expect(page.locator("#plot-gallery .js-plotly-plot")).to_be_visible()
    page.goto("/populations")
    page.get_by_role("link", name="The proofread cells onto each other").click()
    expect(page.locator("#pop-status")).to_contain_text(re.compile(r"\d+ cells onto \d+ cells"))


def test_a_wall_of_skeletons_is_shown_and_saved(page: Page) -> None:
    page.goto("/skeletons")
    expect(page.get_by_role("link", name="The first 40 proofread cells")).to_be_visible()
    page.add_init_script(SHIFT)
    page.goto("/skeletons?cells=proofreading_status_and_strategy:strategy_axon+%3D+axon_fully_extended")
    expect(page.locator("#wall-status")).to_contain_text("skeletons, by depth of the soma.")
    expect(page.locator("#wall-plot .scatterlayer .trace")).to_have_count(3)
    assert page.evaluate("window.shifted || 0") < 0.02
    for name, begin in (("SVG", b"<svg"), ("PNG", b"\x89PNG")):
        with page.expect_download() as saved:
            page.get_by_role("button", name=name, exact=True).click()
        assert saved.value.path().read_bytes().startswith(begin)
    page.get_by_role("button", name="Copy as Python").click()
    expect_script(page, "cell_skeletons = {")
