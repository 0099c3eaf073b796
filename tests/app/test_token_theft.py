"""The operator's token goes to CAVE and nowhere else, whatever names and records come from outside."""

from __future__ import annotations

import json
import random
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import quote

import flask
import pytest
import requests

from app import server
from services.cave.client import Cave
from services.cave.release import Release
from services.core.addresses import is_name, is_private_way, origin
from services.core.errors import KarstError, NotAllowed, NotFound
from services.core.network import spare_loopback
from services.core.settings import Settings
from tests.faults.proxy import Proxy, proxied, status

DS = "karst_demo"
TOKEN = "the-operators-token"
ASKED = re.compile(
    r"(GET|POST) /(info/(version|api/v2/(datastacks|datastack/full/[A-Za-z0-9_][\w.-]*))"
    r"|(materialize|segmentation|skeletoncache|nglstate|schema|l2cache)/(?!.*\.\.)[\w/.-]*)"
)
PIECES = ["..", ".", "/", "\\", "%2F", "%2e%2e", "%00", "?", "#", "@", ":", "//", " ", "é", "\u202e", "\ud7ff", DS, "x"]
ATTACKS = [
    "../../../nglstate/api/v1/{n}",
    "..%2F..%2F..%2Fnglstate%2Fapi%2Fv1%2F{n}",
    "x/../../../../nglstate/api/v1/{n}?",
    "..\\..\\..\\nglstate\\api\\v1\\{n}",
    f"{DS}/../../../../../nglstate/api/v1/{{n}}#",
    "%2e%2e/%2e%2e/%2e%2e/nglstate/api/v1/{n}",
]
ROUTES = [
    "/api/v1/{ds}/versions",
    "/api/v1/{ds}/{v}/tables",
    "/api/v1/{ds}/{v}/tables/{t}",
    "/api/v1/{ds}/{v}/tables/{t}/rows?columns={t}&sort={t}&join={t}",
    "/api/v1/{ds}/{v}/cells/{t}",
    "/api/v1/{ds}/{v}/cells/864691135000000001/partners?types={t}",
    "/table-viewer?datastack={ds}&version={v}&table={t}",
    "/catalogue?datastack={ds}&version={v}",
    "/api/v1/{ds}/{v}/populations/matrix?pre={t}:&post=1&pre_by={t}.x&proofread=off",
    "/api/v1/{ds}/{v}/cells/1/changes?against={v}&types={t}",
    "/connectivity-viewer?datastack={ds}&version={v}&cell=1&type_table={t}",
    "/populations?datastack={ds}&version={v}&pre={t}:&post_by={t}.x",
    "/skeletons?datastack={ds}&version={v}&cells={t}",
    "/search?datastack={ds}&version={v}&q={t}",
    "/sign-in?next=//{ds}",
    "/dash/datastack/{ds}/apps/table_viewer/?cell_type_table={t}",
    "/dash/datastack/{ds}/apps/connectivity/?cell_id=1",
]


def every_route() -> list[str]:
    """ROUTES, and each address that the application answers, with a datastack, a version, or another name in it."""
    places = {"datastack": "{ds}", "version": "{v}", "table": "{t}", "cell": "{t}"}
    rules = (str(rule) for rule in server.url_map.iter_rules() if "GET" in (rule.methods or ()))
    there = (re.sub(r"<(?:\w+:)?(\w+)>", lambda part: places.get(part[1], "1"), rule) for rule in rules)
    return [*ROUTES, *(route for route in there if "{" in route)]


@dataclass
class Thief:
    """An address that notes every request it gets."""

    url: str
    seen: list[dict[str, str]] = field(default_factory=list)


@contextmanager
def thief() -> Iterator[Thief]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            caught.seen.append(dict(self.headers))
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        do_POST = do_GET  # noqa: N815 - the name that http.server calls

        def log_message(self, *_args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    caught = Thief(f"http://127.0.0.1:{server.server_address[1]}")
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield caught
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def trap() -> Iterator[Thief]:
    with thief() as caught:
        yield caught


@pytest.fixture(scope="module")
def proxy(localcave_url: str) -> Iterator[Proxy]:
    with proxied(localcave_url) as caught:
        yield caught


@pytest.fixture(scope="module")
def app(proxy: Proxy) -> Iterator[flask.Flask]:
    """The application that has the callbacks: Dash gives them to the first one that a process makes."""
    before = server.extensions["karst"]
    server.extensions["karst"] = Cave(Settings(server_address=proxy.url, token=TOKEN, cache=""))
    yield server
    server.extensions["karst"] = before


def record(local_server: str) -> dict[str, Any]:
    """What an info record of CAVE looks like."""
    return {
        "aligned_volume": {"name": "v", "image_source": "x", "id": 1, "display_name": "", "description": ""},
        "local_server": local_server,
        "segmentation_source": f"graphene://{local_server}/segmentation/table/x",
        "synapse_table": "synapses",
        "soma_table": None,
        "viewer_site": None,
    }


@pytest.fixture(scope="module")
def attacks(proxy: Proxy, trap: Thief) -> list[str]:
    """Names that lead from where a record is looked up to one that anybody has put there."""
    answer = requests.post(f"{proxy.url}/nglstate/api/v1/post", data=json.dumps(record(trap.url)), timeout=10)
    number = answer.json().rsplit("/", 1)[-1]
    assert requests.get(f"{proxy.url}/nglstate/api/v1/{number}", timeout=10).json()["local_server"] == trap.url
    return [attack.format(n=number) for attack in ATTACKS]


def generated(count: int) -> list[str]:
    """Names made of what paths and addresses are made of."""
    chosen = random.Random(11)
    return ["".join(chosen.choices(PIECES, k=chosen.randint(1, 6))) for _ in range(count)]


def nothing_leaked(proxy: Proxy, trap: Thief) -> None:
    assert not trap.seen
    assert [requested for requested in proxy.requests if not ASKED.fullmatch(requested)] == []


class TestNames:
    def test_the_attack_fails_at_every_route(
        self, app: flask.Flask, proxy: Proxy, trap: Thief, attacks: list[str]
    ) -> None:
        proxy.requests.clear()
        addresses: set[str] = set()
        with app.test_client() as client:
            for name in [*attacks, *map(quote, attacks)]:
                for route in every_route():
                    for ds, v, t in ((name, "latest", "x"), (DS, name, "x"), (DS, "latest", name)):
                        given = {key: quote(value, safe="") for key, value in {"ds": ds, "v": v, "t": t}.items()}
                        addresses.add(route.format(**given))
            for address in sorted(addresses):
                answer = client.get(address)
                assert answer.status_code < 500, (address, answer.text)
                assert trap.url not in answer.headers.get("Location", "")
        nothing_leaked(proxy, trap)

    def test_a_thousand_generated_names_ask_for_nothing_but_names(
        self, app: flask.Flask, proxy: Proxy, trap: Thief
    ) -> None:
        proxy.requests.clear()
        with app.test_client() as client:
            routes = every_route()
            for index, name in enumerate(generated(1_000)):
                given = dict.fromkeys(("ds", "v", "t"), quote(name, safe=""))
                if index % 2:
                    given |= {"ds": DS}
                route = routes[index % len(routes)]
                assert client.get(route.format(**given)).status_code < 500, (route, name)
        nothing_leaked(proxy, trap)

    def test_the_attack_fails_at_every_callback(
        self, app: flask.Flask, proxy: Proxy, trap: Thief, attacks: list[str]
    ) -> None:
        proxy.requests.clear()
        with app.test_client() as client:
            callbacks = client.get("/_dash-dependencies").json
            assert len(callbacks) > 20
            for attack in attacks:
                for one in (one for one in callbacks if not one.get("clientside_function")):
                    client.post("/_dash-update-component", json=body(one, attack))
        nothing_leaked(proxy, trap)

    def test_no_state_is_asked_for_by_the_name_of_no_datastack(
        self, app: flask.Flask, proxy: Proxy, attacks: list[str]
    ) -> None:
        cave: Cave = app.extensions["karst"]
        proxy.requests.clear()
        for name in attacks:
            for ask in (lambda name=name: cave.state(name, 1), lambda name=name: cave.upload_state(name, {})):
                with pytest.raises(NotFound, match="There is no datastack"):
                    ask()
        assert proxy.requests == []

    @pytest.mark.parametrize("name", ["minnie65_public", "a", "v1dd.public", "x-1", "_x"])
    def test_names_of_cave_are_names(self, name: str) -> None:
        assert is_name(name)

    @pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a%2Fb", "a b", "é", "a\n", "x" * 129, "-a", "a?b", "a#b"])
    def test_parts_of_addresses_are_not(self, name: str) -> None:
        assert not is_name(name)


def body(callback: dict[str, Any], attack: str) -> dict[str, Any]:
    """What a browser would send for a callback, with the attack as the value of everything."""

    def given(part: dict[str, str]) -> dict[str, Any]:
        search = f"?datastack={quote(attack, safe='')}&table=x&cell=1"
        address = {"search": search, "href": f"http://x/table-viewer{search}", "pathname": "/table-viewer"}
        kept = {"datastack": attack, "version": attack, "table": attack, "cell": "1"}
        values = {**address, "data": kept, "n_clicks": 1, "children": attack, "value": attack}
        return {**part, "value": values.get(part["property"], attack)}

    output = callback["output"].split("@")[0]
    names = output.strip(".").split("...")
    outputs = [dict(zip(("id", "property"), name.rsplit(".", 1), strict=True)) for name in names if "." in name]
    return {
        "output": callback["output"],
        "outputs": outputs if callback["output"].startswith("..") else (outputs or [None])[0],
        "inputs": [given(part) for part in callback["inputs"]],
        "state": [given(part) for part in callback["state"]],
        "changedPropIds": [f"{part['id']}.{part['property']}" for part in callback["inputs"][:1]],
    }


class TestRecords:
    """A record of a datastack that names another host than CAVE's own."""

    def cave(self, proxy: Proxy, trap: Thief, where: str = "datastack/full", **options: Any) -> Cave:
        there = json.dumps(record(trap.url)).encode()
        proxy.break_next(status(200, there), where, times=99)
        return Cave(Settings(server_address=proxy.url, token=TOKEN, cache="", **options))

    @pytest.fixture(autouse=True)
    def clean(self, proxy: Proxy, trap: Thief) -> Iterator[None]:
        trap.seen.clear()
        yield
        proxy.fault = None
        trap.seen.clear()

    def test_a_listed_datastack_may_name_a_host(self, proxy: Proxy, trap: Thief) -> None:
        with pytest.raises(KarstError):
            self.cave(proxy, trap).versions(DS)  # the thief's answers make no sense
        assert any(TOKEN in seen.get("Authorization", "") for seen in trap.seen)

    def test_one_that_its_record_names_no_more_gets_nothing_more(
        self, proxy: Proxy, trap: Thief, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("services.cave.client.INFO_TTL_S", 0)
        monkeypatch.setattr("services.cave.client.STALE_S", 0)
        cave = self.cave(proxy, trap)
        with pytest.raises(KarstError):
            Release.of(cave, DS, 1).table("x")
        assert trap.seen
        trap.seen.clear()
        proxy.break_next(status(302, b"", Location=trap.url), "/metadata", times=99)  # the record is itself again
        with pytest.raises(NotAllowed):
            cave.versions(DS)
        proxy.fault = None
        assert cave.versions(DS)
        assert not trap.seen

    def test_one_that_is_not_listed_may_not(self, proxy: Proxy, trap: Thief) -> None:
        with pytest.raises(NotAllowed, match="token may not go"):
            self.cave(proxy, trap).versions("not_listed")
        assert not trap.seen

    def test_allowed_hosts_narrow_it(self, proxy: Proxy, trap: Thief) -> None:
        with pytest.raises(NotAllowed, match="KARST_ALLOWED_HOSTS"):
            self.cave(proxy, trap, allowed_hosts=("minnie.example.org",)).versions(DS)
        assert not trap.seen

    def test_no_token_goes_by_plain_http(self, proxy: Proxy) -> None:
        there = json.dumps(record("http://minnie.example.org")).encode()
        proxy.break_next(status(200, there), "datastack/full", times=99)
        with pytest.raises(NotAllowed, match=r"minnie\.example\.org"):
            Cave(Settings(server_address=proxy.url, token=TOKEN, cache="")).versions(DS)

    @pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
    @pytest.mark.parametrize("path", ["/x", "/sticky_auth/api/v1/authorize"])
    def test_redirects_take_no_token_along(self, proxy: Proxy, trap: Thief, code: int, path: str) -> None:
        proxy.break_next(status(code, b"", Location=trap.url + path), times=99)
        cave = Cave(Settings(server_address=proxy.url, token=TOKEN, cache=""))
        with pytest.raises(NotAllowed):
            cave.datastacks()
        assert not trap.seen


class TestProxies:
    """What the environment names as a proxy reads whatever goes by plain http."""

    @pytest.fixture(autouse=True)
    def through(self, trap: Thief, monkeypatch: pytest.MonkeyPatch) -> None:
        trap.seen.clear()
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
            monkeypatch.setenv(name, trap.url)

    def test_this_machine_is_asked_directly(self, proxy: Proxy, trap: Thief) -> None:
        for address in (proxy.url, proxy.url.replace("127.0.0.1", "localhost")):
            assert DS in Cave(Settings(server_address=address, token=TOKEN, cache="")).datastacks()
        requests.get(proxy.url, timeout=10)  # as cloud-volume does
        assert not trap.seen

    def test_no_token_goes_by_plain_http(self, trap: Thief) -> None:
        with pytest.raises(NotAllowed, match="token may not go"):
            Cave(Settings(server_address="http://cave.example.org", token=TOKEN, cache="")).datastacks()
        assert not trap.seen

    @pytest.mark.parametrize(
        ("given", "direct"),
        [
            ({}, "localhost,127.0.0.0/8,::1"),
            ({"NO_PROXY": "a.org"}, "a.org,localhost,127.0.0.0/8,::1"),
            ({"no_proxy": "*"}, "*"),
        ],
    )
    def test_addresses_that_were_direct_stay_so(self, given: dict[str, str], direct: str) -> None:
        spare_loopback(given)
        assert given["no_proxy"] == direct


class TestAddresses:
    @pytest.mark.parametrize(
        ("address", "same"),
        [
            ("https://CAVE.org/x", "https://cave.org:443"),
            ("http://127.0.0.1:9100", "http://127.0.0.1:9100"),
            ("https://user@cave.org", ""),
            ("ftp://cave.org", ""),
            ("//cave.org", ""),
            ("https://cave.org:99999", ""),
        ],
    )
    def test_origins(self, address: str, same: str) -> None:
        assert origin(address) == same

    def test_what_nobody_else_reads(self) -> None:
        private = ("https://a.org", "http://127.0.0.1:1", "http://localhost", "http://[::1]:80")
        assert all(map(is_private_way, private))
        assert not any(map(is_private_way, ("http://a.org", "http://10.0.0.1", "http://localhost.a.org", "gs://a")))

    def test_a_token_for_a_plain_address_is_refused_at_the_start(self) -> None:
        with pytest.raises(ValueError, match="https"):
            Settings.from_env({"CAVE_SERVER_ADDRESS": "http://cave.example.org", "CAVE_TOKEN": TOKEN})
        assert Settings.from_env({"KARST_ALLOWED_HOSTS": "A.org, b.org"}).allowed_hosts == ("a.org", "b.org")
