"""A small CAVE behind a proxy that breaks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from services.cave.client import Cave
from services.cave.release import Release
from services.core.settings import Settings
from tests import tiny
from tests.faults.proxy import Proxy, proxied
from tests.servers import start_localcave


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.make(tmp_path_factory.mktemp("tiny") / tiny.DATASTACK)


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[str]:
    with start_localcave([folder]) as url:
        with_metadata(Cave(Settings(server_address=url, cache="")))  # the first answers take it longer
        yield url


@pytest.fixture
def proxy(server: str) -> Iterator[Proxy]:
    with proxied(server) as proxy:
        yield proxy


def with_metadata(cave: Cave) -> Cave:
    """The same, after its first questions."""
    release = Release.of(cave, tiny.DATASTACK, tiny.NEWEST)
    release.tables()
    release.latest_roots([tiny.B])
    release.row_counts()
    return cave
