"""The bundled Neuroglancer: the web client of the `neuroglancer` package, served from here without any network.

The client requires ``/v/<session>/`` in the path of its page; any session name works. It compiles code for shader
controls and annotations while it runs, so its pages, and no others, allow ``'unsafe-eval'``.
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
"""The path at which links open the viewer."""
PANEL_PATH = "/neuroglancer/v/panel/"
"""The path of the viewer as a panel inside a page: the same states, in 3D only and without its own panels; see
boot.js."""

STATES = "/neuroglancer/states/"
"""The path under which this application serves states of CAVE's state service."""

BOOT = Path(__file__).with_name("bundled_viewer_static") / "boot.js"
"""A script that runs before the client; see its comments."""

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
    """The path from which the viewer, which cannot log in, loads a state of CAVE's state service."""
    return f"{STATES}{quote(datastack, safe='')}/{state_id}"


def client_folder() -> Path:
    """The folder of the built client. The package is located without importing it, which would import a web server.

    Raises RuntimeError where it is not installed."""
    spec = importlib.util.find_spec("neuroglancer")
    if spec is None or spec.origin is None:
        raise RuntimeError("the package neuroglancer is not installed")
    return Path(spec.origin).parent / "static" / "client"


def create_blueprint(folder: Path | None = None) -> flask.Blueprint:
    """The routes of the viewer under ``/neuroglancer/``; `folder` is that of the client (None = the installed one).

    A state is opened by the address `PATH` followed by ``#!<state or address of a state>``. Raises RuntimeError when
    the client is missing or is not as expected.
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
    """The client's page with boot.js as its first script."""
    index = folder / "index.html"
    if not index.is_file():
        raise RuntimeError("the package neuroglancer comes without its web client")
    before, head, after = index.read_text(encoding="utf-8").partition("<head>")
    if not head:
        raise RuntimeError("the page of neuroglancer's web client has no <head>")
    return f'{before}{head}<script src="{BOOT.name}"></script>{after}'


def _files(folder: Path) -> Mapping[str, Path]:
    """The client's files by name. Only these are served, whatever path is requested."""
    return {path.name: path for path in folder.iterdir() if path.suffix in TYPES}
