"""How often one client may ask, and who a client is."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from api.identity import COOKIE
from app import create_app
from services.core.identity import Identity
from services.core.settings import Auth, Settings

MOST = 5
FILE = "/neuroglancer/v/karst/"
SECRET = "s" * 32


def start(*, auth: Auth = "service", cache: str = "", proxies: int = 1) -> FlaskClient:
    """Behind `proxies` proxies; nothing that is asked for here needs CAVE."""
    settings = Settings(auth=auth, cache=cache, proxies=proxies, requests_per_minute=MOST, secret_key=SECRET)
    return create_app(settings).server.test_client()


@pytest.fixture(scope="module")
def client() -> FlaskClient:
    return start()


def get(client: FlaskClient, path: str, address: str, **headers: str) -> TestResponse:
    return client.get(path, headers={"X-Forwarded-For": address, **headers})


def statuses(client: FlaskClient, address: str, count: int = MOST + 1, **headers: str) -> list[int]:
    return [get(client, "/api/v1/nothing", address, **headers).status_code for _ in range(count)]


def test_a_client_that_asks_too_often_is_told_when_to_go_on(client: FlaskClient) -> None:
    address = "192.0.2.1"
    assert statuses(client, address, MOST) == [404] * MOST
    refused = get(client, "/api/v1/nothing", address)
    assert refused.status_code == 429 and refused.json is not None
    error = refused.json["error"]
    assert error["code"] == "too_often" and error["request_id"]
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert refused.headers["Retry-After"] in error["hint"]
    callback = client.post("/_dash-update-component", json={}, headers={"X-Forwarded-For": address})
    assert callback.status_code == 429 and callback.json is not None
    assert callback.json["error"]["message"] == error["message"]
    page = get(client, "/table-viewer", address, Accept="text/html")
    assert page.status_code == 429 and page.headers["Retry-After"]
    assert "more than 5 requests in a minute" in page.text and "<h1>" in page.text
    for free in ("/healthz", FILE):
        assert [get(client, free, address).status_code for _ in range(MOST + 1)] == [200] * (MOST + 1)
    assert statuses(client, "192.0.2.2", 1) == [404]


def test_only_what_the_proxy_says_is_believed(client: FlaskClient) -> None:
    forged = [statuses(client, f"203.0.113.{number}, 192.0.2.3", 1)[0] for number in range(MOST + 1)]
    assert forged == [404] * MOST + [429]
    assert get(client, "/metrics", "127.0.0.1").status_code == 403
    for odd in ("unknown", "a" * 5000, "::1%eth0", "[::1]:80"):
        assert statuses(client, odd, 1) == [404]
        assert get(client, "/metrics", odd).status_code == 403
    alone = start(proxies=0)
    alone.environ_base["REMOTE_ADDR"] = "192.0.2.3"
    assert [statuses(alone, f"203.0.113.{number}", 1)[0] for number in range(MOST + 1)] == forged


def test_addresses_of_one_site_are_one_client(client: FlaskClient) -> None:
    assert statuses(client, "2001:db8::1", MOST) == [404] * MOST
    assert statuses(client, "2001:db8::2:3", 1) == [429]
    assert statuses(client, "2001:db8:0:1::1", 1) == [404]


def test_whoever_signed_in_is_a_client_and_a_token_that_is_made_up_is_none() -> None:
    client = start(auth="person")
    address = "192.0.2.4"
    tokens = [statuses(client, address, 1, Authorization=f"Bearer {n}")[0] for n in range(MOST + 1)]
    assert tokens[-1] == 429 and 429 not in tokens[:-1]
    for name in ("Ada", "Ben"):
        client.set_cookie(COOKIE, Identity(name * 10, name).sealed(SECRET, Settings().server_address))
        assert [get(client, "/signed-out", address).status_code for _ in range(MOST + 1)] == [200] * MOST + [429]


def test_processes_that_share_a_redis_count_together(redis_url: str) -> None:
    first, second = (start(cache=redis_url) for _ in range(2))
    address = "192.0.2.5"
    assert statuses(first, address, MOST) == [404] * MOST
    assert statuses(second, address, 1) == [429]


def test_without_its_redis_each_counts_by_itself() -> None:
    client = start(cache="redis://127.0.0.1:1/0")
    assert statuses(client, "192.0.2.6") == [404] * MOST + [429]


def test_without_a_limit_nobody_is_counted() -> None:
    client = create_app(Settings(cache="", requests_per_minute=0)).server.test_client()
    assert statuses(client, "192.0.2.7", 50) == [404] * 50
