"""The bundled Neuroglancer: the web client of the `neuroglancer` package, served from here without any network.

The client demands ``/v/<session>/`` in its page's path; any session will do. It compiles shaders' controls
and annotation code while it runs, so its pages, and only they, allow ``'unsafe-eval'``.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

import flask
from werkzeug.wrappers import Response

from services.cave.context import cave
from services.core.errors import KarstError

PATH = "/neuroglancer/v/karst/"
"""Where links open the viewer."""
PANEL_PATH = "/neuroglancer/v/panel/"
"""Where it stands in a page: the same states, in 3D alone and without the viewer's own panels, see boot.js."""

STATES = "/neuroglancer/states/"

BOOT = Path(__file__).with_name("bundled_viewer_static") / "boot.js"
"""Runs before the client: see its own comments."""

POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-eval'",
        "worker-src 'self'",
        "connect-src *",  # sources are wherever the datastack says
        "img-src 'self' data:",
        "style-src 'self'",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'self'",
    )
)
HEADERS = {"Content-Security-Policy": POLICY, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}
TYPES = {".js": "text/javascript", ".css": "text/css", ".wasm": "application/wasm"}
FOR_EVER_S = 365 * 24 * 3600
"""The client's files have a hash of their content in their name."""


def state_path(datastack: str, state_id: int) -> str:
    """Where the viewer, which cannot log in, finds a state that CAVE's state service keeps behind a login."""
    return f"{STATES}{quote(datastack, safe='')}/{state_id}"


def client_folder() -> Path:
    """The folder of the built client. Found without importing the package, which would start a web server's imports."""
    spec = importlib.util.find_spec("neuroglancer")
    if spec is None or spec.origin is None:
        raise RuntimeError("the package neuroglancer is not installed")
    return Path(spec.origin).parent / "static" / "client"


def create_blueprint(folder: Path | None = None) -> flask.Blueprint:
    """The viewer under ``/neuroglancer/v/<session>/``; `folder` is that of the client (None = the installed one).

    A state is opened by its address, `PATH` and ``#!<state or address of a state>``. Raises RuntimeError
    when the client is not there or not as expected.
    """
    folder = folder or client_folder()
    page, files = _page(folder), _files(folder)
    blueprint = flask.Blueprint("viewer", __name__, url_prefix="/neuroglancer")

    @blueprint.get("/")
    def entrance() -> Response:
        return flask.redirect(PATH)

    @blueprint.get("/v/<session>/")
    def index(session: str) -> Response:
        return flask.Response(page, mimetype="text/html", headers={"Cache-Control": "no-cache"})

    @blueprint.get("/v/<session>/<name>")
    def file(session: str, name: str) -> Response:
        if name == BOOT.name:
            return flask.send_file(BOOT, mimetype=TYPES[".js"], max_age=0)
        if name not in files:
            flask.abort(404)
        return flask.send_file(files[name], mimetype=TYPES[files[name].suffix], max_age=FOR_EVER_S)

    @blueprint.get("/states/<datastack>/<int:state_id>")
    def state(datastack: str, state_id: int) -> Response:
        try:
            return flask.jsonify(cave().state(datastack, state_id))
        except KarstError as error:
            return flask.make_response({"error": error.to_dict()}, error.status)

    @blueprint.after_request
    def add_headers(response: Response) -> Response:
        response.headers.update(HEADERS)
        return response

    return blueprint


def _page(folder: Path) -> str:
    """The client's page with boot.js before all else."""
    index = folder / "index.html"
    if not index.is_file():
        raise RuntimeError("the package neuroglancer comes without its web client")
    before, head, after = index.read_text(encoding="utf-8").partition("<head>")
    if not head:
        raise RuntimeError("the page of neuroglancer's web client has no <head>")
    return f'{before}{head}<script src="{BOOT.name}"></script>{after}'


def _files(folder: Path) -> Mapping[str, Path]:
    """The files that may be asked for, by name: what is not in this list is not served, whatever the path says."""
    return {path.name: path for path in folder.iterdir() if path.suffix in TYPES}
