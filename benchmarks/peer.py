"""The peer: dash-connectivity-viewer, in an environment of its own, over the same CAVE."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

from tests.servers import ROOT, free_port, running

PEER = "dash-connectivity-viewer==2.3.3"
ROW = 'td[data-dash-column="root_id"] .dash-cell-value'
SUBMIT = "#submit-button"
_APP = """
import os
import flask
from dash_connectivity_viewer.cell_type_connectivity import create_app

config = {
    "server_address": os.environ["CAVE_SERVER_ADDRESS"],
    "datastack": os.environ["KARST_DATASTACK"],
    "disallow_live_query": True,
    "height_bounds": [-50, 850],
    "layer_bounds": [98, 283, 371, 575, 713],
    "layer_labels": ["L1", "L2/3", "L4", "L5", "L6", "WM"],
}
server = create_app(config=config).server

@server.before_request
def token():
    flask.g.auth_token = "any"

@server.get("/healthz")
def healthz():
    return "ok"

with server.test_client() as client:
    client.get("/")  # Dash finishes its own set-up in the first request, and until then fails others
"""
"""The peer has no launcher: its authors serve it within a service of theirs, which puts the token where it looks."""
_SERVED = ["-k", "gthread", "-w", "2", "--threads", "8", "--preload", "--no-control-socket", "--timeout", "120"]
"""As Karst is."""


@contextmanager
def served(server: str, datastack: str) -> Iterator[str]:
    """The address of the peer over the CAVE at `server`; installed first where it is not yet."""
    environment = _installed()
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "peer_app.py").write_text(_APP)
        own = Path(folder) / "gunicorn.conf.py"
        own.touch()  # else gunicorn reads that of Karst, which needs what the peer has not
        address = f"127.0.0.1:{free_port()}"
        command = [environment / "bin/python", "-m", "gunicorn", "-c", own, "--chdir", folder, "-b", address, *_SERVED]
        environ = {"CAVE_SERVER_ADDRESS": server, "KARST_DATASTACK": datastack}
        with running([*map(str, command), "peer_app:server"], f"http://{address}", environ):
            yield f"http://{address}"


def href(root: int, version: int, datastack: str) -> str:
    """The path of a cell there; its values are literals of Python."""
    parameters = {"anno-id": f'"{root}"', "id-type": '"root_id"', "mat-version": version, "datastack": f'"{datastack}"'}
    return f"/?{urlencode(parameters)}"


def _installed() -> Path:
    environment = ROOT / ".data" / "peer"
    done = environment / PEER
    if not done.exists():
        subprocess.run([ROOT / "bin" / "venv", environment], check=True)
        python = str(environment / "bin" / "python")
        subprocess.run([python, "-m", "pip", "install", "--quiet", PEER, "gunicorn"], check=True)
        done.touch()
    return environment
