"""Fixtures that many tests share."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from hypothesis import settings

from tests.servers import ROOT, free_port, start_localcave

# a busy machine must not fail a property: speed has tests of its own; CI tries the same examples every time
settings.register_profile("karst", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("karst")
# what a shell runs in the background does not hear an interrupt, nor do the servers that it starts
signal.signal(signal.SIGINT, signal.default_int_handler)
# tests play many people at one address; those of the limit itself set their own
os.environ.setdefault("KARST_REQUESTS_PER_MINUTE", "0")


@pytest.fixture(scope="session")
def small_cortex(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small demo datastack, `karst_demo`."""
    from localcave.cortex import make

    folder = tmp_path_factory.mktemp("cortex") / "karst_demo"
    make(folder, size="small", seed=1)
    return folder


@pytest.fixture(scope="session")
def localcave_url(small_cortex: Path) -> Iterator[str]:
    """Address of a real localcave that serves `small_cortex`."""
    with start_localcave([small_cortex]) as url:
        yield url


@pytest.fixture(scope="session")
def siblings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The folders of `karst_fly` and `karst_v1dd`, by the names of the datastacks."""
    from localcave.siblings import make

    folder = tmp_path_factory.mktemp("siblings")
    created = {"karst_fly": ("flywire", folder / "fly"), "karst_v1dd": ("v1dd", folder / "v1dd")}
    for like, path in created.values():
        make(like, path)
    return {name: path for name, (_, path) in created.items()}


@pytest.fixture(scope="session")
def siblings_url(siblings: dict[str, Path]) -> Iterator[str]:
    """Address of a real localcave that serves the siblings."""
    with start_localcave([*siblings.values()]) as url:
        yield url


@pytest.fixture(scope="session")
def realdata() -> Path:
    """Folder of real rows of minnie65_public; the test is skipped where they are not at hand."""
    return beside("realdata", "the real rows of minnie65_public")


@pytest.fixture(scope="session")
def cases() -> Path:
    """Folder of small inputs that were reported; the test is skipped where they are not at hand."""
    return beside("cases", "the reported inputs")


def beside(name: str, what: str) -> Path:
    folder = ROOT.parent / "shared" / name
    if not folder.is_dir():
        pytest.skip(f"{what} are not beside this project")
    return folder


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """An empty Redis of the tests' own."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("redis-server is not installed")
    port = free_port()
    process = subprocess.Popen(
        [program, "--port", str(port), "--save", "", "--bind", "127.0.0.1"], stdout=subprocess.DEVNULL
    )
    client = redis.Redis(port=port)
    for _ in range(100):
        try:
            client.ping()
            break
        except redis.ConnectionError:
            time.sleep(0.05)
    yield f"redis://127.0.0.1:{port}/0"
    process.terminate()
    process.wait(10)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Why each test failed that was run again: it races with something."""
    for report in terminalreporter.stats.get("rerun", []):
        terminalreporter.section(f"run again: {report.nodeid}")
        terminalreporter.line(report.longreprtext)
