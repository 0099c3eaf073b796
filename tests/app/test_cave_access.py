"""Who may see what, with the real login answers of a CAVE that asks for tokens."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from services.cave.client import Cave
from services.cave.release import Release
from services.core.errors import NotAllowed
from services.core.settings import Settings
from tests import tiny
from tests.servers import start_localcave

DS = tiny.DATASTACK
USERS = {
    "auth_datasets": {DS: "tiny_data", "tiny_pcg": "tiny_data"},
    "terms_of_service": {"tiny_data": {"tos_id": 8, "tos_name": "Terms"}},
    "users": {
        "full": {"token": "f" * 32, "user_id": 1, "view": [DS], "needs_tos": []},
        "unsigned": {"token": "u" * 32, "user_id": 2, "view": [], "needs_tos": [DS]},
        "stranger": {"token": "s" * 32, "user_id": 3, "view": [], "needs_tos": []},
    },
}
As = Callable[[str], Cave]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("guarded")
    users = folder / "users.json"
    users.write_text(json.dumps(USERS))
    with start_localcave([tiny.make(folder / DS)], "--require-token", str(users)) as url:
        yield url


@pytest.fixture
def as_user(server: str, tmp_path: Path) -> As:
    """A CAVE for a token; all share one cache."""
    return lambda token: Cave(Settings(server_address=server, token=token, cache=str(tmp_path)))


def test_a_good_token_sees_everything(as_user: As) -> None:
    cave = as_user("f" * 32)
    assert cave.datastacks() == [DS]
    assert len(Release.of(cave, DS, tiny.NEWEST).table("types")) == 6


@pytest.mark.parametrize("token", ["", "x" * 32])
def test_no_token_and_a_bad_one_are_told_to_the_operator(as_user: As, token: str) -> None:
    with pytest.raises(NotAllowed, match="set CAVE_TOKEN") as caught:
        as_user(token).info(DS)
    assert "x" * 32 not in str(caught.value)


def test_terms_of_service_are_named(as_user: As) -> None:
    with pytest.raises(NotAllowed, match="terms of service of tiny"):
        as_user("u" * 32).info(DS)


def test_a_stranger_has_no_permission(as_user: As) -> None:
    with pytest.raises(NotAllowed, match="no permission for tiny"):
        as_user("s" * 32).info(DS)
    assert as_user("s" * 32).datastacks() == []


def test_what_one_identity_paid_for_is_not_served_to_another(as_user: As) -> None:
    Release.of(as_user("f" * 32), DS, tiny.NEWEST).table("types")
    with pytest.raises(NotAllowed):
        Release.of(as_user("s" * 32), DS, tiny.NEWEST).table("types")
