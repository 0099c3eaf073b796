"""A CAVE that asks for tokens, and the people who have some: tables that one of them or a group may read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests import tiny
from tests.servers import start_localcave

DS = tiny.DATASTACK
PRIVATE = {"own_types": {"owner_user_id": 1}, "lab_types": {"owner_user_id": 1, "group": "lab"}}
SECRET = "k" * 32


def person(
    user_id: int, letter: str, *, view: bool = True, tos: bool = False, lab: bool = False, segmentation: bool = True
) -> dict[str, Any]:
    groups = ["lab"] if lab else []
    return {
        "token": letter * 32,
        "user_id": user_id,
        "view": [DS, *(["tiny_pcg"] if segmentation else [])] if view else [],
        "needs_tos": [DS] if tos else [],
        "groups": groups,
    }


USERS = {
    "auth_datasets": {DS: "tiny_data", "tiny_pcg": "tiny_segmentation"},
    "terms_of_service": {"tiny_data": {"tos_id": 8, "tos_name": "Terms"}},
    "users": {
        "Ada": person(1, "a", lab=True),
        "Ben": person(2, "b", lab=True),
        "Cem": person(3, "c", segmentation=False),
        "Eve": person(4, "e", view=False),
        "Tom": person(5, "t", view=False, tos=True),
    },
}


@dataclass
class Guarded:
    """A CAVE with people, and the file that says what each may read."""

    url: str
    users: Path

    @contextmanager
    def changed(self, name: str, **facts: Any) -> Iterator[None]:
        """While the block runs, CAVE knows something else of a person."""
        before = self.users.read_text()
        content = json.loads(before)
        content["users"][name] |= facts
        self.users.write_text(json.dumps(content))
        yield
        self.users.write_text(before)


@contextmanager
def guarded_cave(folder: Path) -> Iterator[Guarded]:
    """Serve the tiny datastack with its private tables to those people."""
    users = folder / "users.json"
    users.write_text(json.dumps(USERS))
    with start_localcave([tiny.make(folder / DS, private=PRIVATE)], "--require-token", str(users)) as url:
        yield Guarded(url, users)
