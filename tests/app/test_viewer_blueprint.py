"""The bundled Neuroglancer as it is served."""

from __future__ import annotations

import re
from pathlib import Path

import flask
import pytest
from flask.testing import FlaskClient

from services.neuroglancer.bundled_viewer import BOOT, PATH, client_folder, create_blueprint


@pytest.fixture(scope="module")
def client() -> FlaskClient:
    app = flask.Flask(__name__)
    app.register_blueprint(create_blueprint())
    return app.test_client()


def scripts(page: str) -> list[str]:
    return re.findall(r'<script[^>]*src="([^"]+)"', page)


def test_the_page_runs_boot_js_before_the_client(client: FlaskClient) -> None:
    answer = client.get(PATH)
    assert answer.status_code == 200
    assert answer.mimetype == "text/html"
    assert answer.headers["Cache-Control"] == "no-cache"
    first = re.search(r"<head>(<[^>]+>)", answer.text)
    assert first is not None
    assert first[1] == '<script src="boot.js">', "it must run at once, before the deferred ones"
    assert scripts(answer.text)[0] == BOOT.name


def test_everything_that_the_page_names_is_served_with_its_type(client: FlaskClient) -> None:
    page = client.get(PATH).text
    names = [*scripts(page), *re.findall(r'<link href="([^"]+)"', page)]
    assert len(names) > 3
    for name in names:
        answer = client.get(PATH + name)
        assert answer.status_code == 200, name
        assert answer.mimetype == {"js": "text/javascript", "css": "text/css"}[name.rsplit(".", 1)[1]]
        assert answer.data


def test_webassembly_has_its_type_and_is_kept_for_good(client: FlaskClient) -> None:
    names = [path.name for path in client_folder().glob("*.wasm")]
    assert names
    for name in names:
        answer = client.get(PATH + name)
        assert answer.mimetype == "application/wasm"
        assert "max-age=31536000" in answer.headers["Cache-Control"]


def test_boot_js_is_asked_for_anew(client: FlaskClient) -> None:
    answer = client.get(PATH + BOOT.name)
    assert "max-age=31536000" not in answer.headers["Cache-Control"]
    assert client.get(PATH + BOOT.name, headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304


@pytest.mark.parametrize("path", [PATH, PATH + "boot.js", PATH + "nothing.js"])
def test_eval_is_allowed_here_and_nothing_else_is_looser(client: FlaskClient, path: str) -> None:
    headers = client.get(path).headers
    policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
    assert policy["script-src"] == "'self' 'unsafe-eval'"
    assert policy["default-src"] == "'self'"
    assert policy["frame-ancestors"] == "'self'"
    assert "unsafe-inline" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_the_page_names_no_other_host(client: FlaskClient) -> None:
    assert not re.search(r"(src|href)=\"(https?:)?//", client.get(PATH).text)


@pytest.mark.parametrize(
    "path",
    [
        "../viewer.py",
        "..%2f..%2fviewer.py",
        "%2e%2e/%2e%2e/__init__.py",
        "..%5c..%5cviewer.py",
        "/etc/passwd",
        "main.js.map",
        "index.html",
        "boot.js/../boot.js%00",
        "nothing",
    ],
)
def test_only_files_of_the_client_are_served(client: FlaskClient, path: str) -> None:
    answer = client.get(PATH + path)
    assert answer.status_code == 404
    assert b"create_blueprint" not in answer.data


@pytest.mark.parametrize("path", ["/neuroglancer/", "/neuroglancer/v/karst"])
def test_the_viewer_is_found_without_its_whole_path(client: FlaskClient, path: str) -> None:
    answer = client.get(path, follow_redirects=True)
    assert (answer.status_code, answer.request.path) == (200, PATH)


@pytest.mark.parametrize("page", [None, "<html><body></body></html>"], ids=["no page", "another page"])
def test_a_client_that_is_not_as_expected_is_said_at_the_start(tmp_path: Path, page: str | None) -> None:
    if page is not None:
        (tmp_path / "index.html").write_text(page)
    with pytest.raises(RuntimeError, match="neuroglancer"):
        create_blueprint(tmp_path)
