"""Real servers for tests: started on a free port of 127.0.0.1, ended by their own process id."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 60


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running(
    command: Sequence[str], url: str, environ: Mapping[str, str] | None = None, log: Path | None = None
) -> Iterator[subprocess.Popen[str]]:
    """Run `command` until the block ends, its output in `log`; ready when `url`/healthz answers 200.

    Raises RuntimeError with the program's output when it ends or stays silent before that.
    """
    with log.open("w+") if log else tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, **(environ or {})}, stdout=output, stderr=subprocess.STDOUT, text=True
        )
        try:
            if not _healthy(process, url):
                output.seek(0)
                raise RuntimeError(f"{url} did not start:\n{output.read()}")
            yield process
        finally:
            process.send_signal(signal.SIGINT)  # gunicorn ends at once, where SIGTERM waits for idle connections
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _healthy(process: subprocess.Popen[str], url: str) -> bool:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/healthz", timeout=2) as answer:
                if answer.status == 200:
                    return True
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    return False


@contextmanager
def start_localcave(folders: Sequence[Path], *options: str, port: int | None = None) -> Iterator[str]:
    """Serve datastack folders with `python -m localcave serve`; yields the address."""
    port = port or free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "localcave", "serve", *map(str, folders), "--port", str(port), *options]
    with running(command, url):
        yield url


@contextmanager
def karst(
    cave_url: str,
    cache: Path | str,
    *,
    app: str = "app:server",
    port: int | None = None,
    log: Path | None = None,
    **environ: str,
) -> Iterator[str]:
    """Serve Karst over the CAVE at `cave_url` with the real gunicorn settings; yields the address."""
    at = str(port or free_port())
    url = f"http://127.0.0.1:{at}"
    variables = {"CAVE_SERVER_ADDRESS": cave_url, "KARST_CACHE": str(cache), "HOST": "127.0.0.1", "PORT": at}
    with running([sys.executable, "-m", "gunicorn", app], url, variables | environ, log):
        yield url
