"""The rooms of the house: what their packages list is what others use of them, and no module grows too long."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers import ROOT

FOLDERS = ("api", "callbacks", "components", "pages", "services", "localcave")
FILES = {path: ast.parse(path.read_text()) for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))}
FILES |= {path: ast.parse(path.read_text()) for path in (ROOT / "app.py", ROOT / "gunicorn.conf.py")}
PACKAGES = [
    ".".join(init.parent.relative_to(ROOT).parts)
    for top in ("services", "localcave")
    for init in sorted((ROOT / top).glob("*/__init__.py"))
]
MOST_LINES = 400


def used(package: str, path: Path) -> Iterator[tuple[str, str]]:
    """Each module of a package that a file imports, with each name that it uses of it."""
    tree, modules = FILES[path], {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == package:
            modules |= {name.asname or name.name: name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith(f"{package}."):
            yield from ((str(node.module).removeprefix(f"{package}."), name.name) for name in node.names)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules:
            yield modules[node.value.id], node.attr


def used_by_others(package: str) -> dict[str, set[str]]:
    """What the rest of the project uses of each module of a package; not what the package's `__init__` defines."""
    folder, names = ROOT / package.replace(".", "/"), {}
    for path in FILES:
        if folder not in path.parents:
            for module, name in used(package, path):
                if (folder / f"{module}.py").is_file():
                    names.setdefault(module, set()).add(name)
    return names


def stated(document: str) -> dict[str, set[str]]:
    """The names that the docstring of a package lists for each module."""
    lines = re.findall(r"^- `(\w+)`: (.*(?:\n  .*)*)", document, re.MULTILINE)
    return {module: set(re.findall(r"\w+", names)) for module, names in lines}


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_lists_what_others_use_of_it(package: str) -> None:
    document = importlib.import_module(package).__doc__ or ""
    assert document.strip()
    used, listed = used_by_others(package), stated(document)
    lines = [f"- `{module}`: {', '.join(sorted(used[module]))}" for module in sorted(used)]
    assert listed == used, f"Public names of {package}:\n" + "\n".join(lines)
    for module, names in listed.items():
        there = importlib.import_module(f"{package}.{module}")
        assert not [name for name in names if not hasattr(there, name)]


def test_modules_stay_short() -> None:
    lengths = {path: len(path.read_text().splitlines()) for path in FILES}
    assert not {str(path): lines for path, lines in lengths.items() if lines > MOST_LINES}
