"""Two people on one Karst, each signed in to CAVE as themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urljoin

import pytest
import requests
from playwright.sync_api import Page, expect

from tests import tiny
from tests.e2e.conftest import OpenPage
from tests.people import DS, SECRET, Guarded, guarded_cave
from tests.servers import karst

CALLBACK = "/_dash-update-component"
ROW = '"23P"'
pytestmark = pytest.mark.browser
OWN = f"/table-viewer?datastack={DS}&version={tiny.NEWEST}&table=own_types&where=id%20%3E%200"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    with guarded_cave(tmp_path_factory.mktemp("people")) as cave:
        yield cave


@pytest.fixture(scope="module")
def people(open_page: OpenPage, guarded: Guarded, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Page]]:
    """A browser of Ada, who owns a private table, and one of Ben."""
    environ = {"KARST_AUTH": "person", "KARST_SECRET_KEY": SECRET, "KARST_DATASTACK": DS}
    folder: Path = tmp_path_factory.mktemp("people-cache")
    with ExitStack() as stack:
        url = stack.enter_context(karst(guarded.url, folder, **environ))
        pages = [stack.enter_context(open_page(url)) for _ in range(2)]
        for page, name in zip(pages, ("Ada", "Ben"), strict=True):
            page.goto(OWN)
            page.get_by_role("button", name=name).click()
            expect(page.locator(".k-account")).to_have_text(name)
        yield pages


def test_each_sees_what_cave_shows_them(people: list[Page]) -> None:
    ada, ben = people
    for page in people:
        expect(page, "one is back at the page that asked, and no token is in its address").to_have_url(OWN)
    expect(ada.locator("#table-counts")).to_contain_text("6")
    expect(ben.locator(".alert-danger").first).to_contain_text("only its owner may read it")
    expect(ben.locator(".ag-row")).to_have_count(0)
    for page in people:
        assert "karst_identity" not in page.evaluate("document.cookie"), "no script can read who one is"


def test_callbacks_of_two_at_once_never_meet(people: list[Page]) -> None:
    """What Ada's page asks, asked by both in many threads: her table is in her answers alone."""
    ada, _ = people
    bodies: list[str] = []
    ada.on("request", lambda one: bodies.append(one.post_data or "") if CALLBACK in one.url else None)
    ada.goto(OWN)
    expect(ada.locator(".ag-row")).to_have_count(6)
    address = urljoin(ada.url, CALLBACK)
    cookies = [{one["name"]: one["value"] for one in page.context.cookies(page.url)} for page in people]

    def answer(requested: tuple[int, str]) -> str:
        who, body = requested
        headers = {"Content-Type": "application/json"}
        return requests.post(address, data=body, cookies=cookies[who], headers=headers, timeout=60).text

    requested = [(who, body) for body in bodies for who in (0, 1)] * 3
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(answer, requested))
    shown = [[text for (who, _), text in zip(requested, answers, strict=True) if who == one] for one in (0, 1)]
    rows = [[text for text in texts if ROW in text] for texts in shown]
    assert rows[0], "the callback that reads rows was among them"
    assert not rows[1]


def test_whose_sign_in_has_ended_signs_in_again_and_is_back(people: list[Page], guarded: Guarded) -> None:
    ada, _ = people
    token = next(one["value"] for one in ada.context.cookies(guarded.url) if one["name"] == "middle_auth_token")
    ada.request.get(f"{guarded.url}/auth/api/v1/logout", headers={"Authorization": f"Bearer {token}"})
    lab = OWN.replace("own_types", "lab_types")
    ada.goto(lab)
    expect(ada.locator(".alert-danger").first).to_contain_text("has ended")
    ada.get_by_role("link", name="Sign in").first.click()
    ada.get_by_role("button", name="Ada").click()
    expect(ada.locator("#table-counts")).to_contain_text("6")
    expect(ada).to_have_url(lab)


def test_one_signs_out(people: list[Page]) -> None:
    _, ben = people
    ben.get_by_role("button", name="Sign out").click()
    expect(ben.get_by_role("heading", name="Signed out")).to_be_visible()
    ben.goto(OWN)
    expect(ben.get_by_role("button", name="Ben")).to_be_visible()
    expect(ben).to_have_url(re.compile("/sticky_auth/api/v1/authorize"))
