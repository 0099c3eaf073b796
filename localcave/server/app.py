"""localcave: an HTTP server that caveclient cannot tell from CAVE."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
from flask import Flask, Response, jsonify, request
from gunicorn.app.base import BaseApplication
from werkzeug.exceptions import HTTPException

from localcave.cave_errors import CaveError, EngineError, aborted, failed_sql
from localcave.folder.writer import read_manifest
from localcave.server import (
    routes_annotation_sources,
    routes_annotations,
    routes_auth,
    routes_edits,  # noqa: F401 - joins the routes of the segmentation
    routes_graph,  # noqa: F401 - the same
    routes_info,
    routes_l2cache,
    routes_live,
    routes_meshing,
    routes_precomputed,
    routes_schema,
    routes_segmentation,
    routes_sign_in,
    routes_skeleton,
    routes_state,
)
from localcave.server.auth import Gate
from localcave.server.names import require_host, require_names
from localcave.server.service import EXTENSION, Service, service

MAX_BODY_BYTES = 64_000_000
THREADS = 8
ENGINE_PATHS = ("/materialize/api/v2/", "/materialize/api/v3/")


def create_server(
    folders: Sequence[Path],
    *,
    row_limit: int = 200_000,
    delay_ms: int = 0,
    require_token: bool = False,
    users: Path | None = None,
    aliases: Sequence[str] = (),
    read_only: bool = False,
) -> Flask:
    """A Flask application that answers for the datastacks in `folders`.

    row_limit: most rows of one answer. delay_ms: waited before every answer, to feel like a far
    server. require_token: refuse requests without a token; `users` (a JSON file, see `auth.py`)
    says whose token is good for what. aliases: more names of the first folder's datastack.
    read_only: users make no tables of annotations.
    Raises FileNotFoundError for a folder without a datastack.
    """
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    app.json.sort_keys = False  # type: ignore[attr-defined]
    gate = Gate.from_file(users) if users else Gate(required=require_token)
    app.extensions[EXTENSION] = Service.over(
        folders, row_limit=row_limit, gate=gate, aliases=aliases, read_only=read_only
    )

    @app.before_request
    def admit() -> Any:
        if delay_ms:
            time.sleep(delay_ms / 1000)
        require_host()
        require_names()
        return gate.check() or _refusal(gate)

    app.after_request(_allow_browsers)
    app.register_error_handler(CaveError, CaveError.response)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(duckdb.Error, _database_error)
    app.register_error_handler(Exception, _internal_error)
    app.add_url_rule(
        "/healthz", "healthz", lambda: jsonify({"status": "ok", "datastacks": list(service().store.datastacks)})
    )
    app.add_url_rule("/reset", "reset", _reset, methods=["POST"])
    for module in (
        routes_info,
        routes_annotation_sources,
        routes_annotations,
        routes_auth,
        routes_l2cache,
        routes_live,
        routes_meshing,
        routes_segmentation,
        routes_sign_in,
        routes_state,
        routes_schema,
        routes_skeleton,
        routes_precomputed,
    ):
        app.register_blueprint(module.routes)
    app.register_blueprint(routes_annotations.lookups)
    return app


def _refusal(gate: Gate) -> Response | None:
    """The answer to a user who may not read what the path names."""
    if request.method == "OPTIONS" or not gate.required or not request.view_args:
        return None
    names = [request.view_args[key] for key in ("datastack",) if key in request.view_args]
    if request.blueprint in ("segmentation", "meshing", "l2cache") and "table" in request.view_args:
        names.append(request.view_args["table"])
    answering = service()
    for name in names:
        if name in answering.store.datastacks or name in answering.segmentations:
            refusal = gate.refusal(name)
            if refusal is not None:
                return refusal
    return None


def _reset() -> Response:
    """Forget what users saved. Only for a program on this machine: not for pages, nor by way of a proxy."""
    from_afar = {"Origin", "Forwarded", "X-Forwarded-For"} & set(request.headers.keys())
    own_host = request.environ["gunicorn.socket"].getsockname()[0]  # this machine asks itself from the same address
    is_here = request.remote_addr in ("127.0.0.1", own_host) and request.host.partition(":")[0] == own_host
    if not is_here or from_afar:
        raise CaveError(403, {"message": "Only a program on the server's own machine may reset it."})
    service().reset()
    return jsonify({"status": "ok"})


def _allow_browsers(response: Response) -> Response:
    """CORS, so that a Neuroglancer from anywhere can read."""
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Access-Control-Allow-Headers"] = "*"
    response.headers["Access-Control-Allow-Methods"] = "GET, POST, OPTIONS, HEAD"
    response.headers.setdefault("Access-Control-Expose-Headers", "WWW-Authenticate, column_names")
    return response


def _http_error(error: HTTPException) -> Response | HTTPException:
    """What a service says of a path that it does not have, or of a method that a path does not take."""
    if error.code == 404 and request.path.startswith("/info/"):
        return routes_info.not_found().response()
    if error.code == 405 and request.path.startswith(ENGINE_PATHS):
        return aborted(405, str(error.description)).response()
    if error.code == 405 and request.path.startswith("/info/api/v2/"):
        answer = jsonify({"message": error.description})
        answer.status_code = 405
        answer.headers["Allow"] = error.get_response().headers["Allow"]
        return answer
    return error


def _internal_error(error: Exception) -> Response:
    """What nobody foresaw: CAVE's own kind of 500, without a traceback, SQL or path."""
    _log().exception("%s %s", request.method, request.path)
    return EngineError(type(error).__name__).response()


def _database_error(error: duckdb.Error) -> Response:
    """A query that the database refuses. The engine shows its SQL; this does not."""
    _log().warning("%s %s: %s", request.method, request.path, type(error).__name__)
    return failed_sql(type(error).__name__).response()


def _log() -> Any:
    from flask import current_app  # noqa: PLC0415

    return current_app.logger


class _Gunicorn(BaseApplication):
    """Gunicorn in this process, without its command line."""

    def __init__(self, make: Callable[[], Flask], options: dict[str, Any]):
        self._make = make
        self._options = options
        super().__init__()

    def load_config(self) -> None:
        for key, value in self._options.items():
            self.cfg.set(key, value)

    def load(self) -> Flask:
        # Called in the worker: DuckDB's threads do not outlive a fork, and queries would wait for them for ever.
        return self._make()


def serve(
    folders: Sequence[Path],
    host: str = "127.0.0.1",
    port: int = 9100,
    *,
    row_limit: int = 200_000,
    delay_ms: int = 0,
    require_token: bool = False,
    users: Path | None = None,
    threads: int = THREADS,
    aliases: Sequence[str] = (),
    read_only: bool = False,
) -> None:
    """Serve datastack folders until the process is ended; the arguments are those of `create_server`."""
    for folder in folders:
        read_manifest(folder)
    make = partial(
        create_server,
        folders,
        row_limit=row_limit,
        delay_ms=delay_ms,
        require_token=require_token,
        users=users,
        aliases=aliases,
        read_only=read_only,
    )
    options = {
        "bind": f"{host}:{port}",
        "worker_class": "gthread",
        "workers": 1,
        "threads": threads,
        "keepalive": 30,
        "timeout": 0,
        "graceful_timeout": 2,
        "control_socket_disable": True,
        "accesslog": None,
        "loglevel": "warning",
        "limit_request_line": 8190,
    }
    _Gunicorn(make, options).run()
