"""Signing in through CAVE's auth service and out again, as a browser's requests do it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import flask
import pytest
import requests
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from api import blueprint, identity, old_links, sign_in
from api.sign_in import own_address
from app import create_app
from services.cave.client import Cave
from services.cave.release import Release
from services.core.identity import Identity
from services.core.settings import Settings
from services.populations import jobs, population
from tests import tiny
from tests.people import DS, SECRET, Guarded, guarded_cave

TYPED = "/table-viewer?where=cell_type+%3D+%2223P%22&sort=-id"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    with guarded_cave(tmp_path_factory.mktemp("sign-in")) as cave:
        yield cave


@pytest.fixture
def app(guarded: Guarded) -> flask.Flask:
    settings = Settings(server_address=guarded.url, auth="person", secret_key=SECRET, cache="")
    app = flask.Flask("sign-in")
    app.extensions["karst"] = Cave(settings)
    for part in (blueprint, sign_in.blueprint, old_links.blueprint):
        app.register_blueprint(part)
    app.add_url_rule("/table-viewer", "page", lambda: identity.account(settings)[0] or "nobody")
    identity.identify(app, settings)
    return app


@pytest.fixture
def browser(app: flask.Flask) -> FlaskClient:
    return app.test_client()


def page(browser: FlaskClient, path: str) -> TestResponse:
    return browser.get(path, headers={"Accept": "text/html"})


def asked_to_sign_in(browser: FlaskClient, path: str) -> str:
    """The address of the auth service that a page leads to."""
    first = page(browser, path)
    assert (first.status_code, urlsplit(first.location).path) == (302, "/sign-in")
    second = page(browser, first.location)
    assert second.status_code == 302
    return str(second.location)


def signed_in_at(auth: str, name: str) -> str:
    """Where the auth service sends a person who has chosen who to be."""
    assert name in requests.get(auth, timeout=20).text
    answer = requests.post(auth, data={"user": name}, allow_redirects=False, timeout=20)
    return str(answer.headers["Location"])


def path_of(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.path}?{parts.query}"


def sign_in_as(browser: FlaskClient, name: str, path: str = TYPED) -> TestResponse:
    return page(browser, path_of(signed_in_at(asked_to_sign_in(browser, path), name)))


def test_one_comes_back_to_the_page_that_asked_with_nothing_lost(browser: FlaskClient, guarded: Guarded) -> None:
    auth = asked_to_sign_in(browser, TYPED)
    assert auth.startswith(f"{guarded.url}/sticky_auth/api/v1/authorize?redirect=")
    back = signed_in_at(auth, "Ada")
    token = parse_qs(urlsplit(back).query)["middle_auth_token"][0]
    answer = page(browser, path_of(back))
    assert (answer.status_code, answer.location) == (302, TYPED)
    cookies = answer.headers.getlist("Set-Cookie")
    assert not [text for text in cookies if token in text]
    (kept,) = (text for text in cookies if text.startswith("karst_identity="))
    assert "HttpOnly" in kept
    assert "SameSite=Lax" in kept
    assert "Secure" not in kept
    assert page(browser, TYPED).text == "Ada"


def test_behind_tls_the_cookie_goes_by_tls_only(browser: FlaskClient) -> None:
    answer = browser.get("/sign-in", headers={"X-Forwarded-Proto": "https"})
    assert "Secure" in answer.headers["Set-Cookie"]
    assert "redirect=https%3A%2F%2Flocalhost%2Fsign-in%2Freturn" in answer.location


def test_a_token_in_an_address_makes_nobody_of_who_follows_it(browser: FlaskClient, app: flask.Flask) -> None:
    """Nor in that of a sign-in which another browser has begun: that would sign people in as the attacker."""
    sent = page(browser, f"{TYPED}&middle_auth_token={'a' * 32}&token={'a' * 32}")
    assert sent.location == TYPED
    stolen = path_of(signed_in_at(asked_to_sign_in(app.test_client(), TYPED), "Ada"))
    answer = page(browser, stolen)
    assert answer.status_code == 400
    assert "not begun in this browser" in answer.text
    assert page(browser, TYPED).status_code == 302


def test_a_token_that_is_good_for_nothing_signs_nobody_in(browser: FlaskClient) -> None:
    state = parse_qs(urlsplit(parse_qs(urlsplit(asked_to_sign_in(browser, TYPED)).query)["redirect"][0]).query)["state"]
    answer = page(browser, f"/sign-in/return?state={state[0]}&middle_auth_token={'x' * 32}")
    assert answer.status_code == 401
    assert "x" * 32 not in answer.text


@pytest.mark.parametrize(
    "referrer", ["http://[", "http://[/x", "://", "http://evil.org/x", f"http://localhost@evil.org{TYPED}"]
)
def test_a_broken_referrer_was_answered_with_500(browser: FlaskClient, referrer: str) -> None:
    begun = browser.get("/sign-in", headers={"Referer": referrer})
    assert page(browser, path_of(signed_in_at(begun.location, "Ada"))).location == "/"


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.org",
        "//evil.org",
        "/\\evil.org",
        "javascript:alert(1)",
        "/a\nb",
        "\\/evil.org",
        "",
        "/sign-out",
        "x",
    ],
)
def test_no_other_site_is_led_to(browser: FlaskClient, address: str) -> None:
    assert own_address(address) == ""
    page(browser, "/sign-in")
    first = browser.get("/sign-in", query_string={"next": address})
    back = page(browser, path_of(signed_in_at(first.location, "Ada")))
    assert back.location == "/"


def test_signing_out_ends_the_token_in_cave_too(browser: FlaskClient, guarded: Guarded) -> None:
    back = signed_in_at(asked_to_sign_in(browser, TYPED), "Ada")
    token = parse_qs(urlsplit(back).query)["middle_auth_token"][0]
    page(browser, path_of(back))
    requested = {"headers": {"Authorization": f"Bearer {token}"}, "timeout": 20}
    assert requests.get(f"{guarded.url}/auth/api/v1/user/cache", **requested).json()["name"] == "Ada"
    assert browser.get("/sign-out").status_code == 405
    assert browser.post("/sign-out").location == "/signed-out"
    assert "Signed out" in page(browser, "/signed-out").text
    assert requests.get(f"{guarded.url}/auth/api/v1/user/cache", **requested).status_code == 401
    assert page(browser, TYPED).status_code == 302


def test_a_sign_in_that_has_ended_is_told_and_begun_again(browser: FlaskClient, guarded: Guarded) -> None:
    back = signed_in_at(asked_to_sign_in(browser, TYPED), "Ben")
    page(browser, path_of(back))
    path = f"/api/v1/{DS}/{tiny.NEWEST}/tables/types/rows"
    assert browser.get(path).status_code == 200
    token = parse_qs(urlsplit(back).query)["middle_auth_token"][0]
    headers = {"Authorization": f"Bearer {token}"}
    assert requests.get(f"{guarded.url}/auth/api/v1/logout", headers=headers, timeout=20).status_code == 200
    ended = browser.get(f"/api/v1/{DS}/{tiny.NEWEST}/tables/lab_types/rows")
    assert (ended.status_code, ended.json["error"]["code"]) == (401, "sign_in")
    again = browser.get("/sign-in", headers={"Referer": f"http://localhost{TYPED}"})
    assert page(browser, path_of(signed_in_at(again.location, "Ben"))).location == TYPED


def test_the_cookie_of_a_front_counts_where_the_operator_says_so(guarded: Guarded) -> None:
    for trusted in (True, False):
        settings = Settings(
            server_address=guarded.url, auth="person", secret_key=SECRET, cache="", front_cookie=trusted
        )
        app = flask.Flask("front")
        app.extensions["karst"] = Cave(settings)
        app.register_blueprint(blueprint)
        identity.identify(app, settings)
        client = app.test_client()
        client.set_cookie("middle_auth_token", "a" * 32)
        assert client.get("/api/v1/datastacks").status_code == (200 if trusted else 401)


def test_a_form_of_another_site_signs_nobody_out(browser: FlaskClient) -> None:
    """It is sent without the cookie, but its answer took the cookie away."""
    sign_in_as(browser, "Ada")
    stranger = browser.application.test_client().post("/sign-out")
    assert not stranger.headers.getlist("Set-Cookie")
    assert [line for line in browser.post("/sign-out").headers.getlist("Set-Cookie") if "Max-Age=0" in line]


def test_a_job_reads_as_who_asked_for_it(guarded: Guarded, tmp_path: Path) -> None:
    """Also when its worker is another process; the queue holds no token that can be read."""
    door = Cave(Settings(server_address=guarded.url, auth="person", secret_key=SECRET, cache=str(tmp_path)))
    ids = set()
    for letter, state in (("a", "done"), ("b", "done")):
        release = Release.of(door.of(Identity(letter * 32)), DS, tiny.NEWEST)
        pair = population.choose(release, "nuclei:", proofread="off")
        requested = jobs.Jobs(door)
        job = requested.start(pair)
        ids.add(job.id)
        end = time.monotonic() + 60
        while (job := requested.find(job.id)).under_way and time.monotonic() < end:
            time.sleep(0.05)
        assert job.state == state, job.message
    assert len(ids) == 2
    assert not [file for file in tmp_path.rglob("*") if file.is_file() and b"a" * 32 in file.read_bytes()]


@pytest.mark.parametrize("path", ["/%09/evil.example", "/x/%0d%0ay", "//evil.example", "/%5Cevil.example"])
def test_a_token_in_an_address_leads_nowhere_else(browser: FlaskClient, path: str) -> None:
    """A tab in a path is dropped on the way into a header, which left //evil.example; a line break was an error."""
    sent = page(browser, f"{path}?middle_auth_token={'a' * 32}")
    assert sent.status_code in (302, 308)
    location = sent.location.removeprefix("http://localhost")
    assert location.startswith("/") and not location.startswith(("//", "/\\"))
    assert location.isprintable()
    assert "middle_auth_token" not in location or sent.status_code == 308


def test_nobody_keeps_data_of_a_person(guarded: Guarded) -> None:
    """It was private, no-cache, which a browser may write to its disk."""
    settings = Settings(server_address=guarded.url, auth="person", secret_key=SECRET, cache="")
    browser = create_app(settings).server.test_client()
    for path in ("/api/v1/datastacks", f"/neuroglancer/states/{DS}/1"):
        assert browser.get(path).headers["Cache-Control"] == "no-store"
    assert page(browser, "/table-viewer").headers["Cache-Control"] == "private, no-cache"
