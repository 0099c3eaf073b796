"""The pages say what docs/words.md says, and nothing that it refuses."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers import ROOT

LINES = (ROOT / "docs" / "words.md").read_text().splitlines()
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in LINES if line.startswith("| ")][1:]
REFUSED = {word.strip(): row[0] for row in ROWS for word in row[2].split(",")}
FILES = sorted(path for room in ("components", "pages", "callbacks") for path in (ROOT / room).rglob("*.py"))


def texts(source: str) -> Iterator[tuple[int, str]]:
    """Every text with a blank in it that is no docstring: what a person may read, by line."""
    tree = ast.parse(source)
    messages = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    messages |= {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and " " in node.value
            and id(node) not in messages
        ):
            yield node.lineno, node.value


def refused(text: str) -> list[str]:
    return [word for word in REFUSED if re.search(rf"\b{re.escape(word)}s?\b", text, re.I)]


def test_the_list_is_read() -> None:
    assert REFUSED["take out"] == "export" and REFUSED["downstream"] == "presynaptic, postsynaptic"
    assert refused("Take out the rows") == ["take out"]
    assert not refused("Export the rows")


@pytest.mark.parametrize("file", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_interface_keeps_to_the_words(file: Path) -> None:
    messages = [f"{line}: {text!r} has {word!r}" for line, text in texts(file.read_text()) for word in refused(text)]
    assert not messages, "\n".join(messages)


def test_nothing_bold_is_longer_than_two_lines() -> None:
    """About 160 characters fit on two lines of the narrowest window that shows a table beside its plots."""
    for file in FILES:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("html.Strong", "html.B"):
                parts = [part.value for part in ast.walk(node) if isinstance(part, ast.Constant)]
                assert sum(len(part) for part in parts if isinstance(part, str)) < 160, f"{file}:{node.lineno}"
