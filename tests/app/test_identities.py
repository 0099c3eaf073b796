"""Each person reads CAVE with their own token: nobody is shown what CAVE would not show them, cached or not."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import flask
import pytest
from flask.testing import FlaskClient

from api import blueprint, identity
from services.cave.client import Cave
from services.cave.release import Release
from services.core.errors import NotAllowed, SignIn
from services.core.identity import Identity
from services.core.settings import Settings
from tests import tiny
from tests.faults.proxy import proxied
from tests.faults.proxy import status as unavailable
from tests.people import DS, PRIVATE, SECRET, Guarded, guarded_cave


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    with guarded_cave(tmp_path_factory.mktemp("people")) as cave:
        yield cave


@pytest.fixture
def door(guarded: Guarded, tmp_path: Path) -> Cave:
    return Cave(Settings(server_address=guarded.url, auth="person", secret_key=SECRET, cache=str(tmp_path)))


@pytest.fixture
def client(door: Cave) -> FlaskClient:
    return over(door)


def over(door: Cave) -> FlaskClient:
    """Asks the API alone."""
    app = flask.Flask("people")
    app.extensions["karst"] = door
    identity.identify(app, door.settings)
    app.register_blueprint(blueprint)
    return app.test_client()


def ask(client: FlaskClient, letter: str, path: str) -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {letter * 32}"} if letter else {}
    answer = client.get(f"/api/v1{path}", headers=headers)
    return answer.status_code, answer.json


def rows(table: str) -> str:
    return f"/{DS}/{tiny.NEWEST}/tables/{table}/rows"


class TestOverTheApi:
    def test_nobody_is_asked_to_sign_in(self, client: FlaskClient) -> None:
        status, answer = ask(client, "", "/datastacks")
        assert (status, answer["error"]["code"]) == (401, "sign_in")

    def test_a_bearer_token_is_the_person(self, client: FlaskClient) -> None:
        names = {letter: ask(client, letter, "/datastacks")[1]["datastacks"] for letter in "ae"}
        assert [one["name"] for one in names["a"]] == [DS]
        assert names["e"] == []

    @pytest.mark.parametrize(
        ("letter", "table", "status", "sentence"),
        [
            ("a", "own_types", 200, ""),
            ("b", "own_types", 403, "only its owner may read it"),
            ("a", "lab_types", 200, ""),
            ("b", "lab_types", 200, ""),
            ("c", "lab_types", 403, "only its group may read it"),
            ("e", "types", 403, "You have no permission to read tiny"),
            ("t", "types", 403, "terms of service of tiny have not been accepted"),
            ("x", "types", 401, "Your sign-in at 127.0.0.1"),
        ],
    )
    def test_each_sees_what_cave_shows_them(
        self, client: FlaskClient, letter: str, table: str, status: int, sentence: str
    ) -> None:
        assert ask(client, "a", rows(table))[0] == 200  # and it is cached from here on
        answered, answer = ask(client, letter, rows(table))
        assert answered == status
        assert sentence in str(answer)

    def test_terms_are_at_the_address_that_cave_names(self, client: FlaskClient, guarded: Guarded) -> None:
        hint = ask(client, "t", rows("types"))[1]["error"]["hint"]
        assert f"{guarded.url}/sticky_auth/api/v1/tos/8/accept" in hint

    def test_two_interleaved_never_meet(self, client: FlaskClient) -> None:
        """Every path by every person in many threads at once: each gets what they would get alone."""
        paths = ["/datastacks", rows("types"), rows("own_types"), rows("lab_types"), f"/{DS}/versions"]
        paths += [f"/{DS}/{tiny.NEWEST}/cells/{tiny.A}/partners?types={table}" for table in PRIVATE]
        requested = [(letter, path) for letter in "abcex" for path in paths]

        def status(one: tuple[str, str]) -> tuple[int, str]:
            code, answer = ask(client.application.test_client(), *one)
            return code, json.dumps(answer.get("rows", answer.get("datastacks")), sort_keys=True)

        with ThreadPoolExecutor(12) as pool:
            together = list(pool.map(status, requested * 4))
        alone = [status(one) for one in requested] * 4
        assert together == alone
        assert {code for code, _ in alone} == {200, 401, 403}


class TestWhatIsCached:
    def test_what_is_public_is_asked_for_once(self, door: Cave) -> None:
        first, second = door.of(Identity("a" * 32)), door.of(Identity("b" * 32))
        Release.of(first, DS, tiny.NEWEST).table("types")
        before = first.cache.counts["loaded"]
        Release.of(second, DS, tiny.NEWEST).table("types")
        assert second.cache.counts["loaded"] == before

    def test_what_only_some_may_read_is_kept_apart(self, door: Cave) -> None:
        first, second = door.of(Identity("a" * 32)), door.of(Identity("b" * 32))
        Release.of(first, DS, tiny.NEWEST).table("lab_types")
        before = first.cache.counts["loaded"]
        Release.of(second, DS, tiny.NEWEST).table("lab_types")
        assert second.cache.counts["loaded"] == before + 1

    def test_who_may_not_read_the_segmentation_is_not_told_what_another_was(self, door: Cave) -> None:
        ada, cem = (Release.of(door.of(Identity(letter * 32)), DS, tiny.NEWEST) for letter in "ac")
        assert ada.latest_roots([tiny.A]) == [True]
        assert len(cem.table("types")) == 6
        with pytest.raises(NotAllowed, match="no permission"):
            cem.latest_roots([tiny.A])

    def test_nothing_kept_has_a_token(self, door: Cave, client: FlaskClient, tmp_path: Path) -> None:
        for table in ("types", "own_types"):
            ask(client, "a", rows(table))
        kept = [path for path in tmp_path.rglob("*") if path.is_file()]
        assert kept
        assert not [path for path in kept if b"a" * 32 in str(path).encode() + path.read_bytes()]
        assert "a" * 32 not in repr(list(door.cache.memory._held)) + repr(door.of(Identity("a" * 32)).settings)


class TestShortLife:
    @pytest.fixture(autouse=True)
    def _at_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("services.cave.permissions.PERMISSION_TTL_S", 0.0)

    def test_a_datastack_that_is_taken_back_is_not_shown(self, guarded: Guarded, client: FlaskClient) -> None:
        assert ask(client, "b", rows("types"))[0] == 200
        with guarded.changed("Ben", view=[]):
            assert ask(client, "b", rows("types"))[0] == 403
        assert ask(client, "b", rows("types"))[0] == 200

    def test_nor_what_was_derived_from_a_table(self, guarded: Guarded, door: Cave) -> None:
        def derived() -> int:
            release = Release.of(door.of(Identity("b" * 32)), DS, tiny.NEWEST)
            return release.derived.of("cells").get(lambda: len(release.table("lab_types")))

        assert derived() == 6
        with guarded.changed("Ben", groups=[]), pytest.raises(NotAllowed, match="its group"):
            derived()

    def test_nor_when_they_come_another_way(self, guarded: Guarded, client: FlaskClient, door: Cave) -> None:
        """What was derived was shown to whoever came with a header instead of a cookie, or after 256 others: nothing
        was taken back from them there."""
        path = f"/{DS}/{tiny.NEWEST}/cells/{tiny.A}/partners?types=lab_types"
        assert ask(client, "b", path)[0] == 200
        with guarded.changed("Ben", groups=[]):
            client.set_cookie(identity.COOKIE, Identity("b" * 32, "Ben").sealed(SECRET, guarded.url))
            assert ask(client, "", path)[0] == 403
            door._people.clear()
            assert ask(client, "b", path)[0] == 403

    def test_nor_what_is_kept_of_a_private_table(self, guarded: Guarded, door: Cave) -> None:
        release = Release.of(door.of(Identity("b" * 32)), DS, tiny.NEWEST)
        release.cache_of("lab_types").frame(("some",), lambda: release.table("lab_types"))
        with guarded.changed("Ben", groups=[]), pytest.raises(NotAllowed, match="its group"):
            release.cache_of("lab_types")

    def test_a_token_that_has_expired_asks_to_sign_in(self, guarded: Guarded, door: Cave) -> None:
        cave = door.of(Identity("b" * 32))
        Release.of(cave, DS, tiny.NEWEST)
        with guarded.changed("Ben", token="n" * 32), pytest.raises(SignIn, match="has ended"):
            Release.of(cave, DS, tiny.NEWEST)


def test_a_job_is_shown_to_who_began_it_and_to_nobody_else(guarded: Guarded) -> None:
    """Whoever had its address saw how far it was, and could end it, without a sign-in."""
    settings = Settings(server_address=guarded.url, auth="person", secret_key=SECRET, cache="")
    client = over(Cave(settings))
    started = ask(client, "a", f"/{DS}/{tiny.NEWEST}/populations/edges?pre={tiny.A}&proofread=off&job=on")[1]
    path = f"/{DS}/{tiny.NEWEST}/populations/jobs/{started['job']['id']}"
    assert [ask(client, letter, path)[0] for letter in ("a", "b", "")] == [200, 404, 401]
    headers = {"Authorization": "Bearer " + "b" * 32}
    assert client.delete(f"/api/v1{path}", headers=headers).status_code == 404


def test_while_cave_is_down_what_it_granted_within_a_minute_is_shown(
    guarded: Guarded, monkeypatch: pytest.MonkeyPatch
) -> None:
    with proxied(guarded.url) as proxy:
        settings = Settings(server_address=proxy.url, auth="person", secret_key=SECRET, cache="")
        client = over(Cave(settings))
        assert ask(client, "a", rows("types"))[0] == 200
        with monkeypatch.context() as patch:
            patch.setattr("services.cave.permissions.PERMISSION_TTL_S", 0.0)
            assert ask(client, "b", rows("types"))[0] == 200
        proxy.break_next(unavailable(503), times=10**6)
        assert ask(client, "a", rows("types"))[0] == 200
        for _ in range(8):  # until CAVE is left alone
            status, error = ask(client, "b", rows("types"))
            assert status in (502, 503)
            assert "Whether you may read this is not known until it does." in str(error)


@pytest.mark.parametrize("table", ["types", "own_types"])
def test_it_is_the_permission_check_that_keeps_them_apart(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, table: str
) -> None:
    """Without it, what Ada paid for is shown to Eve; a private table is still apart."""
    ask(client, "a", rows(table))
    assert ask(client, "e", rows(table))[0] == 403
    monkeypatch.setattr(Cave, "require", lambda *_args: None)
    assert ask(client, "e", rows(table))[0] == {"types": 200, "own_types": 403}[table]


def test_no_identity_falls_back_to_files_of_the_operator(
    guarded: Guarded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """caveclient would take a token from here, had it been given none."""
    secrets = tmp_path / ".cloudvolume" / "secrets"
    secrets.mkdir(parents=True)
    host = guarded.url.removeprefix("http://")
    for name in (f"{host}-cave-secret.json", "cave-secret.json", "chunkedgraph-secret.json"):
        (secrets / name).write_text(json.dumps({"token": "a" * 32}))
    monkeypatch.setenv("HOME", str(tmp_path))
    settings = Settings(server_address=guarded.url, auth="person", cache="")
    ways: list[Callable[[], Any]] = [
        lambda: Cave(settings).info(DS),
        lambda: Cave(settings).of(Identity("x" * 32)).info(DS),
        lambda: Cave(settings).of(),
    ]
    for way in ways:
        with pytest.raises(SignIn):
            way()
    with pytest.raises(NotAllowed):
        Cave(Settings(server_address=guarded.url, auth="none", cache="")).info(DS)


def test_a_sealed_identity_opens_with_its_own_key_only() -> None:
    sealed = Identity("a" * 32, "Ada").sealed(SECRET, "https://a.org")
    assert "a" * 32 not in sealed
    assert Identity.unsealed(sealed, SECRET, "https://a.org") == Identity("a" * 32, "Ada")
    assert Identity.unsealed(sealed, "another", "https://a.org") is None
    assert Identity.unsealed(sealed, SECRET, "https://b.org") is None, "of another server, whatever it is called"
    assert Identity.unsealed(sealed[:-4] + "AAAA", SECRET, "https://a.org") is None
    assert Identity.unsealed("", SECRET, "https://a.org") is None
