"""What the documentation names exists: commands, options, routes, settings, and words of the interface."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from werkzeug.exceptions import MethodNotAllowed, NotFound
from werkzeug.routing import RequestRedirect

from app import server
from tests.servers import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
CODE = [
    *(
        path
        for room in ("components", "pages", "callbacks", "services", "api", "localcave")
        for path in (ROOT / room).rglob("*.py")
    ),
    *(ROOT / name for name in ("app.py", "gunicorn.conf.py", "Makefile", "Dockerfile")),
    *(path for path in (ROOT / "bin").iterdir() if path.is_file()),
]
SOURCE = "\n".join(path.read_text() for path in CODE)
TARGETS = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M))


def code(page: Path) -> str:
    """Everything of a page that is set as code."""
    return "\n".join(re.findall(r"`+([^`]+)`+", page.read_text()))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_options_and_settings_exist(page: Path) -> None:
    message = code(page)
    assert set(re.findall(r"\bmake ([a-z]+)", message)) <= TARGETS
    modules = {
        name
        for name in re.findall(r"-m ([a-z]+(?:\.[a-z]+)*)", message)
        if name.split(".")[0] in ("localcave", "components")
    }
    assert all(
        (ROOT / name.replace(".", "/")).is_dir() or (ROOT / f"{name.replace('.', '/')}.py").is_file()
        for name in modules
    )
    settings = set(re.findall(r"\b((?:KARST|CAVE|LOCALCAVE|WEB)_[A-Z_]+)\b", message))
    assert {name for name in settings if name not in SOURCE} == set()
    options = {
        option for line in message.splitlines() if "localcave" in line for option in re.findall(r" (--[a-z-]+)", line)
    }
    assert {option for option in options if option not in SOURCE} == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_routes_exist(page: Path) -> None:
    routes = server.url_map.bind("127.0.0.1")
    catch_all = "/<path:path>"
    pages = {rule.rule for rule in server.url_map.iter_rules()}
    for path in re.findall(
        r"`(?:GET |POST )?(/(?:api|dash|neuroglancer|healthz|readyz|metrics|search)[^`\s?]*)", page.read_text()
    ):
        requested = re.sub(r"<[^>]+>|…|\.\.\.", "1", path)
        try:
            endpoint = routes.match(requested)[0]
        except (MethodNotAllowed, RequestRedirect):
            continue
        except NotFound:
            endpoint = None
        assert endpoint not in (None, catch_all) or path in pages, f"{path} is no route"


def test_words_of_the_interface_in_the_guide_are_there() -> None:
    words = re.findall(r"(?<!\*)\*([A-Z][^*\n]{2,40})\*(?!\*)", (ROOT / "docs" / "user-guide.md").read_text())
    assert len(words) > 10
    lost = [word for word in words if re.sub(r" \d+ %$", "", word) not in SOURCE]
    assert not lost, lost


def test_the_files_that_the_development_guide_names_are_there() -> None:
    """The first of a cell has its folder; those after it are beside it."""
    folder, missing = "", []
    for name in re.findall(r"`([\w/.]+\.(?:py|js|toml|md))`", (ROOT / "docs" / "development.md").read_text()):
        folder = name.rpartition("/")[0] if "/" in name else folder
        if not any((ROOT / place / name.rpartition("/")[2]).is_file() for place in (folder, ".", "services/filters")):
            missing.append(name)
    assert not missing
