"""What unit tests share."""

from __future__ import annotations

from pathlib import Path

import pytest
import redis


@pytest.fixture(params=["folder", "redis"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A place that processes share, empty."""
    if request.param == "folder":
        return str(tmp_path / "cache")
    url: str = request.getfixturevalue("redis_url")
    redis.Redis.from_url(url).flushall()
    return url
