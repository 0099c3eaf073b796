"""Real servers for tests: started on a free port of 127.0.0.1, ended by their own process id."""

from __future__ import annotations

import multiprocessing
import os
import runpy
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from multiprocessing.context import ForkServerProcess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 180

prepared = multiprocessing.get_context("forkserver")
"""Its processes have imported what takes a server most of the time until it answers, none of it ours."""
prepared.set_forkserver_preload(
    [
        "caveclient",
        "dash",
        "dash_ag_grid",
        "dash_bootstrap_components",
        "duckdb",
        "flask_caching",
        "gunicorn.app.wsgiapp",
        "nglui.statebuilder",
        "pyarrow.parquet",
        "scipy.stats",
        "structlog",
    ]
)


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
            if not _healthy(lambda: process.poll() is None, url):
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


def _healthy(is_alive: Callable[[], bool], url: str) -> bool:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and is_alive():
        try:
            with urllib.request.urlopen(f"{url}/healthz", timeout=2) as answer:
                if answer.status == 200:
                    return True
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    return False


def _serve(arguments: Sequence[str], environ: Mapping[str, str], output: str) -> None:
    """As `python -m` with `arguments`, in a process of its own, until it ends."""
    os.chdir(ROOT)
    os.environ.clear()
    os.environ.update(environ)
    descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    sys.argv = list(arguments)
    runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)


@contextmanager
def serving(
    arguments: Sequence[str], url: str, environ: Mapping[str, str] | None = None, log: Path | None = None
) -> Iterator[ForkServerProcess]:
    """As `running`, of a module of Python with its arguments, which starts sooner; `url` may be empty for what is none
    of a server."""
    with tempfile.TemporaryDirectory() as scratch:
        output = log or Path(scratch) / "log"
        process = prepared.Process(target=_serve, args=(arguments, {**os.environ, **(environ or {})}, str(output)))
        process.start()
        try:
            if url and not _healthy(process.is_alive, url):
                raise RuntimeError(f"{url} did not start:\n{output.read_text()}")
            yield process
        finally:
            if process.is_alive():
                os.kill(process.pid, signal.SIGINT)
            process.join(30)
            process.kill()
            process.join()


@contextmanager
def start_localcave(folders: Sequence[Path], *options: str, port: int | None = None) -> Iterator[str]:
    """Serve datastack folders with `python -m localcave serve`; yields the address."""
    port = port or free_port()
    url = f"http://127.0.0.1:{port}"
    arguments = ["localcave", "serve", *map(str, folders), "--port", str(port), *options]
    with serving(arguments, url):
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
    with serving(["gunicorn", app], url, variables | environ, log):
        yield url
