"""The application without a browser: headers, health, addresses, and what its parts may know of each other."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from urllib.parse import parse_qs, urlsplit

import dash
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.headers import digest
from app import create_app, server
from components.shell import shell
from pages import catalogue, connectivity_viewer, glossary, home, not_found_404, table_viewer
from services.core.settings import Settings
from tests.e2e.truth import TYPES
from tests.servers import ROOT, free_port

MOST_CALLBACK_LINES = 15


@pytest.fixture(scope="module")
def app(localcave_url: str, tmp_path_factory: pytest.TempPathFactory) -> dash.Dash:
    return create_app(Settings(server_address=localcave_url, cache=str(tmp_path_factory.mktemp("cache"))))


def assets(app: dash.Dash) -> str:
    """The folder of style sheets and scripts, as pages name it."""
    return f"/{app.config.assets_url_path}"


def test_every_answer_has_the_headers(app: dash.Dash) -> None:
    with app.server.test_client() as client:
        for path in ("/", "/table-viewer", f"{assets(app)}/10-karst.css", "/healthz", "/api/v1/nothing"):
            headers = client.get(path).headers
            policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
            assert "'unsafe-inline'" not in policy["script-src"]
            assert policy["frame-ancestors"] == policy["object-src"] == "'none'"
            sources = {source for directive in policy.values() for source in directive.split()}
            trusted = {"'self'", "'none'", "'unsafe-inline'", "data:", "blob:"}
            assert not {one for one in sources - trusted if not one.startswith("'sha256-")}
            assert headers["X-Content-Type-Options"] == "nosniff"
            assert re.fullmatch("[0-9a-f]{12}", headers["X-Request-Id"])


def test_data_are_not_kept_by_browsers(app: dash.Dash) -> None:
    with app.server.test_client() as client:
        assert client.get("/api/v1/datastacks").headers["Cache-Control"] == "no-store"
        assert "no-store" not in client.get(f"{assets(app)}/10-karst.css").headers["Cache-Control"]


def test_behind_tls_browsers_are_told_to_stay_there(app: dash.Dash) -> None:
    with app.server.test_client() as client:
        assert "Strict-Transport-Security" not in client.get("/healthz").headers
        behind = client.get("/healthz", headers={"X-Forwarded-Proto": "https"})
        assert behind.headers["Strict-Transport-Security"] == "max-age=31536000"


@pytest.mark.parametrize(
    ("address", "forwarded", "status"),
    [
        ("127.0.0.1", None, 200),
        ("172.18.0.5", None, 200),
        ("10.0.0.7", "8.8.8.8", 403),
        ("8.8.8.8", None, 403),
    ],
)
def test_metrics_stay_within_the_private_network(
    app: dash.Dash, address: str, forwarded: str | None, status: int
) -> None:
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    with app.server.test_client() as client:
        answer = client.get("/metrics", headers=headers, environ_base={"REMOTE_ADDR": address})
    assert answer.status_code == status
    assert ("karst" in answer.text) == (status == 200)


def test_nothing_is_loaded_from_elsewhere(app: dash.Dash) -> None:
    with app.server.test_client() as client:
        document = client.get("/").text
    assert '<html lang="en"' in document
    assert not re.findall(r"""(?:src|href)=["'](?:https?:)?//""", document)
    for sheet in (ROOT / "assets").glob("*.css"):
        assert not re.findall(r"url\(['\"]?(?:https?:)?//", sheet.read_text()), sheet


def test_answers_are_compressed(app: dash.Dash) -> None:
    with app.server.test_client() as client:
        answer = client.get(f"{assets(app)}/00-bootstrap.min.css", headers={"Accept-Encoding": "gzip, br"})
    assert answer.headers["Content-Encoding"] == "br"


NOT_KEPT = {"/", "/_dash-layout", "/_dash-dependencies"}


def test_what_has_its_version_in_its_name_is_kept_for_good(app: dash.Dash, tmp_path: Path) -> None:
    with app.server.test_client() as client:
        document = client.get("/")
        static = re.findall(r"(?:src|href)=.(/[^\"']+)", document.text)
        kept = {path: client.get(path).headers["Cache-Control"] for path in static if path not in NOT_KEPT}
    assert 10 < len(kept) < 16  # each is a request that the first rows wait for
    assert set(kept.values()) == {"public, max-age=31536000, immutable"}
    assert "max-age" not in document.headers.get("Cache-Control", "")
    (tmp_path / "one.css").write_text("a{}")
    before = digest(tmp_path)
    (tmp_path / "one.css").write_text("b{}")
    assert digest(tmp_path) != before


def test_an_address_of_no_page_answers_404_with_the_page_that_says_so(app: dash.Dash) -> None:
    with app.server.test_client() as client:
        for path in ("/", "/table-viewer", "/connectivity-viewer/"):
            assert client.get(path).status_code == 200
        for path in ("/no-such-page", "/table-viewer/more", "/not-found-404"):
            answer = client.get(path)
            assert answer.status_code == 404
            assert "_dash-config" in answer.text  # which draws the page


@pytest.mark.parametrize(
    ("text", "path", "view"),
    [
        (TYPES.upper(), "/table-viewer", {"table": [TYPES]}),
        ("bc", "/table-viewer", {"table": [TYPES], "f.cell_type": ["BC"]}),
        ("ptc", "/table-viewer", {"table": ["aibs_metamodel_mtypes_v661_v2"], "f.cell_type": ["PTC"]}),
        ("6P", "/table-viewer", {"table": [TYPES], "f.cell_type": ["6P-CT, 6P-IT"]}),
        ("synapses", "/catalogue", {"q": ["synapses"]}),
        ("864691135000000001", "/connectivity-viewer", {"cell": ["864691135000000001"]}),
        ("1, 2, 3", "/connectivity-viewer", {"cell": ["1, 2, 3"]}),
        ("https://ngl.example/#!1", "/connectivity-viewer", {"cell": ["https://ngl.example/#!1"]}),
    ],
)
def test_a_search_leads_to_what_its_text_names(
    app: dash.Dash, text: str, path: str, view: dict[str, list[str]]
) -> None:
    with app.server.test_client() as client:
        answer = client.get("/search", query_string={"q": f" {text} "})
    to = urlsplit(answer.location)
    query = parse_qs(to.query)
    assert (answer.status_code, to.path, query.pop("datastack")) == (302, path, ["karst_demo"])
    assert query.pop("version", ["1"])[0].isdigit()
    assert query == view


def test_a_search_that_cave_does_not_answer_keeps_what_was_typed(app: dash.Dash) -> None:
    with app.server.test_client() as client:
        answer = client.get("/search", query_string={"q": "BC", "datastack": "nope", "version": "7"})
        assert client.get("/search?q=").location == "/"
    view = {"datastack": ["nope"], "version": ["7"], "cell": ["BC"]}
    assert parse_qs(urlsplit(answer.location).query) == view


def test_health_without_cave() -> None:
    settings = Settings(server_address=f"http://127.0.0.1:{free_port()}", cache="", connect_timeout_s=0.5)
    with create_app(settings).server.test_client() as client:
        assert client.get("/healthz").status_code == 200
        unready = client.get("/readyz")
    assert unready.status_code == 503
    assert unready.json["error"]["code"] == "upstream"


def test_ready_with_cave(app: dash.Dash) -> None:
    with app.server.test_client() as client:
        assert client.get("/readyz").json == {"status": "ok"}


@pytest.mark.parametrize("path", ["/api", "/api/", "/api/v1", "/api/v1/", "/api/v2/datastacks", "/api/v1/a/b/c/d/e"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_what_is_not_in_the_api_is_no_page(app: dash.Dash, path: str, method: str) -> None:
    with app.server.test_client() as client:
        answer = client.open(path, method=method)
    assert answer.status_code == 404
    assert answer.json["error"]["message"] == f"There is nothing at {method} {path}."


def test_an_old_link_leads_to_its_view(app: dash.Dash) -> None:
    old = "/dash/datastack/minnie65_public/apps/connectivity/"
    requested = '?anno-id="864691135808473885"&id-type="root_id"&mat-version=1300'
    with app.server.test_client() as client:
        answer = client.get(old + requested)
    assert answer.status_code == 302
    assert urlsplit(answer.location).path == "/connectivity-viewer"
    view = parse_qs(urlsplit(answer.location).query)
    assert view == {
        "datastack": ["minnie65_public"],
        "version": ["1300"],
        "cell": ["864691135808473885"],
        "id_type": ["root_id"],
        "type_table": ["none"],
    }


def test_the_first_request_to_a_fresh_application_is_answered(localcave_url: str) -> None:
    fresh = create_app(Settings(server_address=localcave_url, cache=""))
    with fresh.server.test_client() as client:
        scripts = re.findall(r'src="(/_dash-component-suites/[^"]+)"', client.get("/").text)
        assert scripts
        assert {client.get(script).status_code for script in scripts} == {200}


TEXTS = st.text(max_size=40)
QUERIES = st.dictionaries(
    st.sampled_from(["datastack", "version", "table", "cell", "id_type", "tab", "sort", "where", "f.x", "pathname"])
    | TEXTS,
    TEXTS | st.lists(TEXTS, min_size=1, max_size=3),
    max_size=6,
)


@given(query=QUERIES)
def test_any_address_has_a_page(query: dict[str, str | list[str]]) -> None:
    for page in (home, table_viewer, connectivity_viewer, catalogue, glossary, not_found_404):
        assert page.layout(**query).to_plotly_json()["props"]["children"]


@given(cell=st.integers(1, 2**63 - 1).map(str) | TEXTS)
def test_what_was_typed_is_in_the_box(cell: str) -> None:
    page = connectivity_viewer.layout(cell=cell)
    assert page["cell-id"].value == cell


@given(table=TEXTS.filter(bool))
def test_a_chosen_table_is_among_its_options(table: str) -> None:
    select = table_viewer.layout(table=table)["table-name"]
    assert select.value == table
    assert table in [option["value"] for option in select.options]


PAGES = {
    "home": home,
    "tables": table_viewer,
    "connectivity": connectivity_viewer,
    "catalogue": catalogue,
    "glossary": glossary,
}


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_what_a_page_keeps_counts_on_nothing_that_comes_and_goes(page: ModuleType) -> None:
    """Results are replaced while callbacks wait their turn; the browser reports each that then misses a component."""
    kept = {component.id for part in (shell([]), page.layout()) for component in part._traverse_ids()}
    for wired in server.test_client().get("/_dash-dependencies").json:
        outputs = {output.rsplit(".", 1)[0] for output in wired["output"].strip(".").split("...")}
        inputs = {one["id"] for one in wired["inputs"]}
        runs = any(of in kept or of.startswith("{") for of in inputs)
        if runs and outputs & {*kept, ""}:
            needed = [one["id"] for one in wired["inputs"] + wired["state"] if not one.get("allow_optional")]
            assert {of for of in needed if not of.startswith("{")} <= kept, wired["output"]


def modules(folder: str) -> Iterator[tuple[Path, ast.Module]]:
    for path in sorted((ROOT / folder).rglob("*.py")):
        yield path, ast.parse(path.read_text())


def test_callbacks_are_thin() -> None:
    for path, tree in modules("callbacks"):
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                lines = node.body[-1].end_lineno - node.body[0].end_lineno
                assert lines <= MOST_CALLBACK_LINES, f"{path.name}: {node.name} has {lines} lines"
