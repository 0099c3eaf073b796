"""Several servers of CAVE, at each of which people have accounts: a token goes to its own server and to no other."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import flask
import pytest
from flask.testing import FlaskClient

from api import blueprint, identity, sign_in
from components import alerts
from services.cave import servers
from services.cave.client import Cave
from services.cave.release import Release
from services.core.errors import NotAllowed, SignIn
from services.core.identity import Identity
from services.core.settings import Settings
from services.populations import jobs, population
from tests import tiny
from tests.app.test_sign_in import page, path_of, signed_in_at
from tests.app.test_token_theft import record
from tests.faults.proxy import Proxy, proxied, status
from tests.people import DS, SECRET, guarded_cave

V = tiny.NEWEST
NAMES = ("north", "south")
TOKENS = {
    "north": {"Ada": "a" * 32, "Ben": "b" * 32},
    "south": {"Ada": "A" * 32, "Ben": "B" * 32},
}
OWN = f"/{V}/tables/own_types/rows"
"""Of a table that its owner alone may read: Ada at north, Ben at south."""


@dataclass
class Two:
    """Two servers behind what notes all that they are told, with the tokens that each has given away."""

    proxies: dict[str, Proxy]
    tokens: dict[str, set[str]]

    def address(self, name: str) -> str:
        return self.proxies[name].url

    def nothing_crossed(self) -> None:
        """Each was told tokens of its own, and none of the other."""
        north, south = ("\n".join(self.proxies[name].heard) for name in NAMES)
        assert any(token in north for token in self.tokens["north"])
        assert any(token in south for token in self.tokens["south"])
        assert not [token for token in self.tokens["south"] if token in north]
        assert not [token for token in self.tokens["north"] if token in south]


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    with ExitStack() as stack:
        caves = {name: stack.enter_context(guarded_cave(tmp_path_factory.mktemp(name))) for name in NAMES}
        for user_id, name in ((2, "Ada"), (1, "Ben")):
            stack.enter_context(caves["south"].changed(name, token=TOKENS["south"][name], user_id=user_id))
        proxies = {name: stack.enter_context(proxied(one.url)) for name, one in caves.items()}
        yield Two(proxies, {name: set(TOKENS[name].values()) for name in NAMES})


@pytest.fixture
def settings(two: Two, tmp_path: Path) -> Settings:
    listed = " ".join(f"{name}={two.address(name)}" for name in NAMES)
    given = {"KARST_SERVERS": listed, "KARST_AUTH": "person", "KARST_SECRET_KEY": SECRET, "KARST_CACHE": str(tmp_path)}
    return Settings.from_env(given)


def over(settings: Settings) -> flask.Flask:
    app = flask.Flask("servers")
    app.extensions["karst"] = servers.open_cave(settings)
    for part in (blueprint, sign_in.blueprint):
        app.register_blueprint(part)
    app.add_url_rule("/table-viewer", "page", lambda: str(identity.account(settings)))
    identity.identify(app, settings)
    return app


@pytest.fixture
def app(settings: Settings) -> flask.Flask:
    return over(settings)


@pytest.fixture
def browser(app: flask.Flask) -> FlaskClient:
    return app.test_client()


def viewer(server: str) -> str:
    return f"/table-viewer?datastack={server}%3A{DS}"


def sign_in_at(two: Two, browser: FlaskClient, server: str, name: str, path: str = "/table-viewer") -> str:
    """Where a person comes out who signs in at a server; its token is known from here on."""
    begun = page(browser, f"/sign-in?server={server}&next={quote(path, safe='')}")
    assert begun.location.startswith(f"{two.address(server)}/sticky_auth/api/v1/authorize?")
    back = signed_in_at(begun.location, name)
    two.tokens[server].add(parse_qs(urlsplit(back).query)["middle_auth_token"][0])
    return str(page(browser, path_of(back)).location)


def answer(browser: FlaskClient, path: str, **headers: str) -> tuple[int, Any]:
    got = browser.get(f"/api/v1{path}", headers=headers)
    return got.status_code, got.json


def listed(browser: FlaskClient, **headers: str) -> list[str]:
    return [one["name"] for one in answer(browser, "/datastacks", **headers)[1]["datastacks"]]


def bearer(server: str, name: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {TOKENS[server][name]}", "Karst-Server": server}


def test_a_page_of_a_server_leads_to_the_sign_in_of_that_server(two: Two, browser: FlaskClient) -> None:
    for name in NAMES:
        first = page(browser, viewer(name))
        assert urlsplit(first.location).path == "/sign-in"
        assert page(browser, first.location).location.startswith(f"{two.address(name)}/sticky_auth/")
    assert page(browser, "/sign-in").location.startswith(f"{two.address('north')}/sticky_auth/")
    unknown = page(browser, "/sign-in?server=west")
    assert (unknown.status_code, "no server &#x27;west&#x27;" in unknown.text) == (404, True)


def test_whoever_asks_for_a_page_of_no_server_in_particular_chooses_where_to_sign_in(
    two: Two, browser: FlaskClient
) -> None:
    first = page(browser, "/table-viewer?where=id+%3E+1")
    assert urlsplit(first.location).path == "/sign-ins"
    offered = unescape(page(browser, first.location).text)
    assert f'href="/sign-in?server=south&next={quote("/table-viewer?where=id+%3E+1", safe="")}"' in offered
    assert f"south ({two.address('south').removeprefix('http://')}): <a" in offered


def test_one_signs_in_at_one_server_and_then_at_another(two: Two, browser: FlaskClient) -> None:
    assert sign_in_at(two, browser, "north", "Ada", viewer("north")) == viewer("north")
    assert page(browser, viewer("south")).text == "('Ada', ['north'])"
    assert listed(browser) == [f"north:{DS}"]
    assert answer(browser, f"/north:{DS}{OWN}")[0] == 200
    assert answer(browser, f"/{DS}{OWN}")[0] == 200, "the only one that is known to be of this name"
    for path, end in ((f"/south:{DS}{OWN}", ""), (f"/elsewhere{OWN}", " Datastack elsewhere may be there.")):
        got, refused = answer(browser, path)
        assert (got, refused["error"]["code"]) == (401, "sign_in")
        assert refused["error"]["message"] == f"You are not signed in at south.{end}"
        assert "with the header Karst-Server" in refused["error"]["hint"]
    assert sign_in_at(two, browser, "south", "Ben") == "/table-viewer"
    assert listed(browser) == [f"north:{DS}", f"south:{DS}"]
    assert answer(browser, f"/south:{DS}{OWN}")[0] == 200
    assert answer(browser, f"/{DS}{OWN}")[0] == 400, "it is not clear now which is meant"
    two.nothing_crossed()


def test_one_signs_out_of_one_server_or_of_all(two: Two, browser: FlaskClient) -> None:
    for name in NAMES:
        sign_in_at(two, browser, name, "Ada")
    shown = page(browser, "/sign-ins").text
    assert "signed in at 2 of 2 servers" in shown
    assert 'name="server" value="south">Sign out of south' in shown
    assert browser.post("/sign-out", data={"server": "south"}).location == "/sign-ins"
    shown = page(browser, "/sign-ins").text
    assert "signed in at 1 of 2 servers" in shown
    assert "Sign in at south" in shown
    assert [answer(browser, f"/{name}:{DS}/versions")[0] for name in NAMES] == [200, 401]
    sign_in_at(two, browser, "south", "Ben")
    kept = {cookie: browser.get_cookie(cookie) for cookie in ("karst_identity_north", "karst_identity_south")}
    assert all(kept.values())
    assert browser.post("/sign-out").location == "/signed-out"
    assert not any(browser.get_cookie(cookie) for cookie in kept)
    for cookie, was in kept.items():  # CAVE has forgotten the tokens too, each at its own server
        assert was is not None
        browser.set_cookie(cookie, was.decoded_value)
        server = cookie.rpartition("_")[2]
        assert answer(browser, f"/{server}:{DS}{OWN}")[0] == 401
    two.nothing_crossed()


def test_a_sign_in_that_another_server_answers_is_refused(two: Two, browser: FlaskClient) -> None:
    """North sends whoever signs in there on to south, which would send its token back for north."""
    for injected in ("", f"&middle_auth_url={quote(two.address('north') + '/sticky_auth', safe='')}"):
        begun = page(browser, "/sign-in?server=north")
        back = parse_qs(urlsplit(begun.location).query)["redirect"][0] + injected
        other = f"{two.address('south')}/sticky_auth/api/v1/authorize?redirect={quote(back, safe='')}"
        sent = signed_in_at(other, "Ada")
        two.tokens["south"].add(parse_qs(urlsplit(sent).query)["middle_auth_token"][0])
        two.proxies["north"].heard.clear()
        refused = page(browser, path_of(sent))
        assert refused.status_code == 400
        assert "Another server of CAVE has answered" in refused.text
        assert not two.proxies["north"].heard
        assert browser.get_cookie("karst_identity_north") is None


def test_a_cookie_of_one_server_opens_no_other(two: Two, browser: FlaskClient) -> None:
    sign_in_at(two, browser, "north", "Ada")
    kept = browser.get_cookie("karst_identity_north")
    assert kept is not None
    browser.set_cookie("karst_identity_south", kept.decoded_value)
    two.proxies["south"].heard.clear()
    assert [answer(browser, f"/{name}:{DS}/versions")[0] for name in NAMES] == [200, 401]
    assert not two.proxies["south"].heard


def test_a_cookie_that_is_gone_counts_no_more(two: Two, browser: FlaskClient) -> None:
    """Whoever was signed in at both and has one cookie left is at its server alone; the other hears nothing."""
    for name in NAMES:
        sign_in_at(two, browser, name, "Ada")
    assert [answer(browser, f"/{name}:{DS}/versions")[0] for name in NAMES] == [200, 200]
    browser.delete_cookie("karst_identity_south")
    two.proxies["south"].heard.clear()
    assert [answer(browser, f"/{name}:{DS}/versions")[0] for name in NAMES] == [200, 401]
    assert listed(browser) == [f"north:{DS}"]
    assert not two.proxies["south"].heard


def test_what_is_sealed_for_an_address_opens_for_no_other() -> None:
    """So a name that the operator gives to another server brings no cookie or job with it."""
    ada = Identity(TOKENS["north"]["Ada"], "Ada", "north")
    sealed = ada.sealed(SECRET, "https://north.example")
    assert Identity.unsealed(sealed, SECRET, "https://north.example") == ada
    assert Identity.unsealed(sealed, SECRET, "https://south.example") is None


def test_a_bearer_token_is_of_the_first_server_unless_another_is_named(two: Two, browser: FlaskClient) -> None:
    """Nor does the datastack that is asked for say whose it is: a token of north that is sent for south stays here."""
    ada = {"Authorization": f"Bearer {TOKENS['north']['Ada']}"}
    two.proxies["south"].heard.clear()
    for headers in (ada, ada | {"Karst-Server": "north"}):
        assert listed(browser, **headers) == [f"north:{DS}"]
        assert answer(browser, f"/south:{DS}{OWN}", **headers)[0] == 401
    for unknown in ("west", "", "north,south", "NORTH"):
        assert answer(browser, "/datastacks", **ada | {"Karst-Server": unknown})[0] == 401
    assert not two.proxies["south"].heard
    assert listed(browser, **bearer("south", "Ben")) == [f"south:{DS}"]
    sign_in_at(two, browser, "south", "Ben")
    assert listed(browser, **ada) == [f"north:{DS}"], "whatever the cookies say"
    two.nothing_crossed()


def test_the_cookie_of_a_front_is_of_the_first_server(two: Two, settings: Settings) -> None:
    browser = over(replace(settings, front_cookie=True)).test_client()
    browser.set_cookie("middle_auth_token", TOKENS["north"]["Ada"])
    two.proxies["south"].heard.clear()
    assert listed(browser, **{"Karst-Server": "south"}) == [f"north:{DS}"]
    assert not two.proxies["south"].heard
    sign_in_at(two, browser, "south", "Ben")
    assert listed(browser) == [f"north:{DS}", f"south:{DS}"]
    two.nothing_crossed()


def test_two_people_at_two_servers_never_meet(two: Two, app: flask.Flask) -> None:
    """Ada owns a table at north, Ben the one of the same name at south; both ask for all, by cookies and by tokens."""
    browsers = {name: app.test_client() for name in ("Ada", "Ben")}
    for name, browser in browsers.items():
        for server in NAMES:
            sign_in_at(two, browser, server, name)
    cookies = {
        name: {f"karst_identity_{server}": browser.get_cookie(f"karst_identity_{server}") for server in NAMES}
        for name, browser in browsers.items()
    }
    tables = ("types", "own_types", "lab_types")
    paths = [f"/{server}:{DS}/{V}/tables/{table}/rows" for server in NAMES for table in tables]
    requested = [
        (name, server, path) for name in cookies for server in ("", *NAMES) for path in ["/datastacks", *paths]
    ]

    def result(one: tuple[str, str, str]) -> tuple[int, str]:
        name, server, path = one
        client = app.test_client()
        for cookie, kept in {} if server else cookies[name].items():
            assert kept is not None
            client.set_cookie(cookie, kept.decoded_value)
        code, got = answer(client, path, **bearer(server, name) if server else {})
        return code, json.dumps(got.get("rows", got.get("datastacks")), sort_keys=True)

    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(result, requested * 3))
    alone = {one: result(one) for one in requested}
    assert together == [alone[one] for one in requested] * 3
    own = {(name, path.split(":")[0][1:]): alone[name, "", path][0] for name, _, path in requested if "/own" in path}
    assert own == {("Ada", "north"): 200, ("Ada", "south"): 403, ("Ben", "north"): 403, ("Ben", "south"): 200}
    assert {alone[name, server, path][0] for name, server, path in requested if server and path in paths[:3]} >= {401}
    two.nothing_crossed()


def test_a_datastack_that_names_another_server_as_its_own_is_refused(two: Two, settings: Settings) -> None:
    door = servers.open_cave(settings)
    ada = door.of(*(Identity(TOKENS[name]["Ada"], server=name) for name in NAMES))
    assert ada.datastacks() == [f"north:{DS}", f"south:{DS}"]
    two.proxies["north"].break_next(
        status(200, json.dumps(record(two.address("south"))).encode()), "datastack/full", times=9
    )
    two.proxies["south"].heard.clear()
    with pytest.raises(NotAllowed, match="token may not go"):
        ada.versions(f"north:{DS}")
    two.proxies["north"].break_next(status(200, b""), times=0)
    assert not two.proxies["south"].heard


def test_a_job_reads_with_the_token_of_its_server_alone(two: Two, settings: Settings, tmp_path: Path) -> None:
    door = servers.open_cave(settings)
    ada = door.of(*(Identity(TOKENS[name]["Ada"], server=name) for name in NAMES))
    requested = jobs.Jobs(door)
    for name in NAMES:
        job = requested.start(population.choose(Release.of(ada, f"{name}:{DS}", V), "nuclei:", proofread="off"))
        end = time.monotonic() + 60
        while (job := requested.find(job.id)).under_way and time.monotonic() < end:
            time.sleep(0.05)
        assert job.state == "done", job.message
    every = [token.encode() for tokens in TOKENS.values() for token in tokens.values()]
    files = [file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()]
    assert files
    assert not [file for file in files for token in every if token in file]
    two.nothing_crossed()


def test_what_one_has_to_sign_in_for_leads_to_the_server(settings: Settings) -> None:
    ada: Cave = servers.open_cave(settings).of(Identity(TOKENS["north"]["Ada"], server="north"))
    with pytest.raises(SignIn) as caught:
        Release.of(ada, f"south:{DS}", V)
    shown = str(alerts.problem(caught.value))
    assert "Sign in at south" in shown
    assert "/sign-in?server=south" in shown
    with pytest.raises(SignIn, match="at south"):  # whoever asks for it, a server takes no token of another
        servers.open_cave(settings).server("south").of(Identity(TOKENS["north"]["Ada"], server="north"))
    with pytest.raises(SignIn) as caught:
        servers.open_cave(settings).of()
    assert caught.value.servers == NAMES
