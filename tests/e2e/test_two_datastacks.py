"""Datastacks with versions and tables of their own, the siblings of the demo among them: a choice of another leads to
what it has."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests import tiny
from tests.app.siblings import FLY, V1DD, busiest, of_partners, tables_of
from tests.e2e.conftest import OpenPage
from tests.e2e.truth import DATASTACK, TYPES, address
from tests.servers import karst, start_localcave

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def page(
    open_page: OpenPage, small_cortex: Path, siblings: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Page]:
    """A page of Karst over the demo cortex, its siblings and the tiny datastack, whose versions are 2 and 3."""
    folder = tmp_path_factory.mktemp("two")
    with (
        start_localcave([small_cortex, tiny.make(folder / "tiny"), *siblings.values()]) as cave_url,
        karst(cave_url, folder / "cache") as url,
        open_page(url) as opened,
    ):
        yield opened


def test_the_other_datastack_opens_at_its_latest_version_with_its_default_table(page: Page) -> None:
    page.goto(f"/table-viewer?table={TYPES}&where=volume > 300&sort=-volume&x=volume")
    expect(page.locator("#table-status")).to_contain_text(DATASTACK)
    page.locator("#table-datastack").select_option(tiny.DATASTACK)
    expect(page.locator("#table-status")).to_contain_text(f"{tiny.DATASTACK} · version {tiny.NEWEST}")
    expect(page.locator("#table-status strong")).to_have_text("empty")  # the first that has types, by name
    expect(page.locator("#table-notes")).to_be_empty()
    page.locator("#table-name").select_option("types")
    expect(page.locator("#table-counts")).to_have_text("6 rows")
    page.locator("#table-version").select_option(str(tiny.FIRST))  # which is of this datastack, and so stays
    expect(page.locator("#table-counts")).to_have_text("5 rows")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.locator("#table-status")).to_contain_text(f"version {tiny.FIRST}")
    assert f"version={tiny.FIRST}" in address(page)


def test_a_click_on_show_right_after_the_choice_changes_nothing(page: Page) -> None:
    page.goto(f"/table-viewer?table={TYPES}")
    expect(page.locator("#table-status")).to_contain_text(DATASTACK)
    page.locator("#table-datastack").select_option(tiny.DATASTACK)
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.locator("#table-status")).to_contain_text(f"{tiny.DATASTACK} · version {tiny.NEWEST}")


def test_the_catalogue_of_the_other_datastack_is_that_of_its_latest_version(page: Page) -> None:
    page.goto("/catalogue?version=latest")
    expect(page.locator("#catalogue-status")).to_contain_text(DATASTACK)
    page.locator("#catalogue-datastack").select_option(tiny.DATASTACK)
    expect(page.locator("#catalogue-status")).to_contain_text(re.compile(rf"{tiny.DATASTACK}.*version {tiny.NEWEST}"))


def test_a_cell_that_was_typed_is_read_in_the_other_datastack_and_that_of_the_first_is_left(page: Page) -> None:
    page.goto("/connectivity-viewer")
    expect(page.locator("#cell-version option[value='latest']")).to_have_count(0)
    page.locator("#cell-id").fill(str(tiny.A))
    page.locator("#cell-datastack").select_option(tiny.DATASTACK)
    expect(page.locator("#cell-status")).to_contain_text(f"version {tiny.NEWEST}")
    expect(page.locator("#cell-results")).to_contain_text(str(tiny.A))
    page.locator("#cell-datastack").select_option(DATASTACK)
    expect(page.locator("#cell-id")).to_have_value("")
    page.wait_for_url(re.compile(r"^(?!.*cell=).*$"))


def test_a_fly_has_pairs_scores_and_systems_and_nothing_deep(page: Page, siblings: dict[str, Path]) -> None:
    synapses = tables_of(siblings[FLY[0]], FLY[1])["synapses_nt_v1"]
    cell = busiest(synapses)
    every = of_partners(synapses, cell)
    good = every[every["cleft_score"] >= 50]
    page.goto(f"/connectivity-viewer?datastack={FLY[0]}&cell={cell}&tab=in")
    counts = page.locator("#panel-in .k-counts")
    expect(counts).to_have_text(f"{good['pre_pt_root_id'].nunique():,} partners, {len(good):,} synapses")
    expect(page.locator("#cell-notes")).to_contain_text("counted from the pairs of synapses where cleft score")
    expect(page.locator("#cell-results")).not_to_contain_text("depth")
    page.locator(".k-drop > summary", has_text="Partners").click()
    page.locator("#cell-synapses").fill("all")
    page.locator("#cell-synapses").press("Enter")
    expect(counts).to_have_text(f"{every['pre_pt_root_id'].nunique():,} partners, {len(every):,} synapses")
    table = "hierarchical_neuron_annotations"
    page.goto(f"/table-viewer?datastack={FLY[0]}&table=nuclei_v1&join={table}&panel=columns")
    page.locator("#table-join").select_option(f"{table}:each")
    expect(page.locator("#table-notes")).to_contain_text(f"Each classification system of {table} has a column.")
    partners = ",".join(map(str, good["pre_pt_root_id"].value_counts().index[:5]))
    page.goto(f"/populations?datastack={FLY[0]}&pre={partners}&post_table=ids&post={cell}&proofread=off&read=on")
    expect(page.locator("#pop-notes")).to_contain_text("Synapses count where cleft_score >= 50.")
    expect(page.locator("#pop-proofread")).to_contain_text("Proofread cells onto proofread cells")
    box = page.locator("#pop-synapses")
    expect(box).to_have_attribute("placeholder", "cleft_score >= 50")
    box.fill("all")
    box.press("Enter")
    expect(page.locator("#pop-notes")).to_contain_text("Every synapse counts here")
    assert "synapses=all" in address(page)


def test_a_cell_of_v1dd_has_depths_and_sizes(page: Page, siblings: dict[str, Path]) -> None:
    tables = tables_of(siblings[V1DD[0]], V1DD[1])
    synapses, nuclei = tables["synapses_v1dd"], tables["nucleus_detection_v0"].drop_duplicates("pt_root_id", keep=False)
    cell = int(synapses.loc[synapses["post_pt_root_id"].isin(nuclei["pt_root_id"]), "post_pt_root_id"].mode()[0])
    own = of_partners(synapses, cell)
    page.goto(f"/connectivity-viewer?datastack={V1DD[0]}&cell={cell}&tab=in")
    expect(page.locator("#panel-in .k-counts")).to_have_text(
        f"{own['pre_pt_root_id'].nunique():,} partners, {len(own):,} synapses"
    )
    for words in ("soma depth", "summed size"):
        expect(page.locator("#cell-results")).to_contain_text(words)
