"""A lesson from the list to the mark that it is done."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.e2e.truth import Truth


def test_a_lesson_is_done_once_its_answer_is_right(page: Page, truth: Truth) -> None:
    types = truth.client.materialize.query_table("aibs_metamodel_celltypes_v661")
    page.goto("/lessons")
    page.get_by_role("link", name="Count a cell type").click()
    answer, message = page.get_by_label("Answer"), page.locator("#lesson-message")
    expect(answer).to_be_visible()
    page.wait_for_load_state("networkidle")
    expect(page.locator("#alerts")).to_be_empty()  # a button that is drawn was not pressed
    answer.fill("1")
    page.get_by_role("button", name="Check", exact=True).click()
    expect(message).to_have_text("Not yet. There is a hint below.")
    answer.fill(f"{(types.cell_type == 'BC').sum():,}")
    answer.press("Enter")
    expect(message).to_have_text("Right.")
    expect(page.locator("#lessons-list")).to_contain_text("1 of 8 done.")
    page.reload()
    expect(page.locator("#lessons-list")).to_contain_text("1 of 8 done.")
    page.wait_for_load_state("networkidle")
    expect(page.locator("#alerts")).to_be_empty()
    page.goto("/lessons?lesson=nothing")
    expect(page.locator("#alerts")).to_contain_text("There is no lesson 'nothing'.")
