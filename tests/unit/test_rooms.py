"""The rooms of the house: what their packages say they show is there, and no module grows too long."""

from __future__ import annotations

import importlib
import re

import pytest

from tests.servers import ROOT

PACKAGES = [
    ".".join(init.parent.relative_to(ROOT).parts)
    for top in ("services", "localcave")
    for init in sorted((ROOT / top).glob("*/__init__.py"))
]
MOST_LINES = 400


@pytest.mark.parametrize("package", PACKAGES)
def test_the_public_names_of_a_package_are_there(package: str) -> None:
    document = importlib.import_module(package).__doc__ or ""
    assert document.strip()
    for module, names in re.findall(r"^- `(\w+)`: ((?:[\w, \n](?!\n- ))+[\w]?)", document, re.MULTILINE):
        there = importlib.import_module(f"{package}.{module}")
        missing = [name for name in re.findall(r"\w+", names) if not hasattr(there, name)]
        assert not missing, f"{package}.{module} has no {missing}"


def test_modules_stay_short() -> None:
    folders = ("api", "callbacks", "components", "pages", "services", "localcave")
    lengths = {path: len(path.read_text().splitlines()) for folder in folders for path in (ROOT / folder).rglob("*.py")}
    assert not {str(path): lines for path, lines in lengths.items() if lines > MOST_LINES}
