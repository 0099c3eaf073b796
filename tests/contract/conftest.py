"""Servers over the data set of the conformance pack, one a profile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from localcave.golden import PROFILES, convert
from tests.servers import start_localcave

PACK = Path(__file__).parent / "golden"


@pytest.fixture(scope="session")
def golden_folders(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return convert(PACK, tmp_path_factory.mktemp("golden"))


@pytest.fixture(scope="session")
def golden_servers(golden_folders: list[Path]) -> Iterator[dict[str, str]]:
    """Address of a server for each profile."""
    with ExitStack() as stack:
        servers = {}
        for profile, options in PROFILES.items():
            users = [str(PACK / "dataset" / "auth.json")] if "--require-token" in options else []
            servers[profile] = stack.enter_context(start_localcave(golden_folders, *options, *users))
        yield servers
