"""Lessons as files: a header in TOML between two lines `+++`, and the task in Markdown.

A teacher adds a lesson by adding a file. Its name is that of the lesson, and lessons stand in the order of names.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from services.core.settings import ROOT

FOLDER = ROOT / "lessons"
FILE = re.compile(r"\s*\+\+\+[ \t]*\n(?P<header>.*?)\n\+\+\+[ \t]*\n(?P<body>.*)", re.DOTALL)
CODE = re.compile(r"^## In a notebook\n+```python\n(?P<code>.*?)\n```\s*$", re.DOTALL | re.MULTILINE)
CELL, DATASTACK, SERVER = "{cell}", "{datastack}", "{server}"
"""Stand in a lesson for the root id of the datastack's first example cell, the datastack, and the address of CAVE."""
WANTED = {"title": str, "view": str, "hint": str, "check": dict}
OF_ROWS = frozenset({"rows", "commonest", "distinct"})
OF_PARTNERS = frozenset({"partners", "synapses", "strongest", "commonest"})
KEYS = {"table": (frozenset({"table", "filter", "column", "of"}), OF_ROWS)}
KEYS["cell"] = (frozenset({"cell", "direction", "types", "of"}), OF_PARTNERS)
"""Of a check of rows and of one of partners: the keys that it may have, and what it may ask for."""


@dataclass(frozen=True)
class Lesson:
    """`task` and `hint` are Markdown, `view` is the address to start from, `code` does the same in a notebook, and
    `check` says how the answer is found (see :mod:`answers`)."""

    name: str
    title: str
    task: str
    view: str
    hint: str
    code: str
    check: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_of_cell(self) -> bool:
        """Whether it is about the example cell."""
        return any(CELL in text for text in (*self._texts().values(), *self.check.values()))

    def filled(self, values: Mapping[str, str]) -> Lesson:
        """The lesson with what stands for CELL, DATASTACK and SERVER."""

        def fill(text: str) -> str:
            for place, value in values.items():
                text = text.replace(place, value)
            return text

        texts = {name: fill(text) for name, text in self._texts().items()}
        return replace(self, check={key: fill(value) for key, value in self.check.items()}, **texts)

    def _texts(self) -> dict[str, str]:
        return {"task": self.task, "view": self.view, "hint": self.hint, "code": self.code}


def lessons(folder: Path = FOLDER) -> tuple[list[Lesson], list[str]]:
    """The lessons of a folder, and for each file that is none a sentence with its name and what is wrong with it."""
    result, faults = [], []
    for path in sorted(folder.glob("*.md")):
        try:
            result.append(read(path))
        except ValueError as error:
            faults.append(str(error))
    return result, faults


def read(path: Path) -> Lesson:
    """The lesson of a file. Raises ValueError, naming the file and what is wrong with it."""
    try:
        text = path.read_text(encoding="utf-8-sig")  # editors on Windows begin with a mark
    except UnicodeDecodeError as error:
        raise ValueError(f"{path.name} is not text in UTF-8") from error
    except OSError as error:
        raise ValueError(f"{path.name} cannot be read: {error.strerror}") from error
    match = FILE.fullmatch(text)
    if match is None:
        raise ValueError(f"{path.name} has no header between two lines +++")
    try:
        header = tomllib.loads(match["header"])
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"the header of {path.name} is not TOML: {error}") from error
    for key, kind in WANTED.items():
        if not isinstance(header.get(key), kind):
            raise ValueError(f"the header of {path.name} lacks {key}")
    if not re.match(r"/(?![/\\])", header["view"]):
        raise ValueError(f"the view of {path.name} is no address of this site")
    code = CODE.search(match["body"])
    if code is None:
        raise ValueError(f"{path.name} does not end with ## In a notebook and its code")
    task = match["body"][: code.start()].strip()
    if fault := next(_faults(header["check"]), ""):
        raise ValueError(f"the check of {path.name} {fault}")
    check = {key: str(value) for key, value in header["check"].items()}
    return Lesson(path.stem, header["title"], task, header["view"], header["hint"], code["code"], check)


def _faults(check: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with a check, whatever the data are. A key that nobody reads, such as a misspelt filter, would make
    a wrong answer the right one."""
    kind = next((key for key in KEYS if key in check), None)
    if kind is None:
        yield "names neither a table nor a cell"
        return
    keys, questions = KEYS[kind]
    for key, value in check.items():
        if key not in keys:
            yield f"has {key}, where only {', '.join(sorted(keys))} are read"
        elif not isinstance(value, str | int) or isinstance(value, bool):
            yield f"has a {key} that is no text"
    if check.get("of") not in questions:
        yield f"asks for {check.get('of', 'nothing')}, which is none of {', '.join(sorted(questions))}"
    if kind == "cell" and check.get("direction") not in ("in", "out"):
        yield "has no direction, in or out"
    if kind == "table" and check.get("of") != "rows" and not check.get("column"):
        yield f"lacks the column of which it asks for {check.get('of')}"
