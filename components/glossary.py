"""What the words and columns of the interface mean. `python -m components.glossary` writes the page of the docs."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from dash import html

from components.attributes import data


@cache
def _read() -> dict[str, dict[str, str]]:
    with (Path(__file__).with_suffix(".toml")).open("rb") as file:
        return tomllib.load(file)


def terms() -> dict[str, str]:
    """A sentence for each word, in order."""
    return _read()["terms"]


def of_word(words: str) -> str | None:
    """The sentence for a word, whatever its case; None where there is none."""
    return terms().get(words.strip().casefold())


def explained(words: str, term: str = "") -> dict[str, Any]:
    """The attribute by which `words`, or `term` where the glossary has it under that name, are explained on hover and
    focus (see assets/help.js); nothing where the glossary does not have them."""
    meaning = of_word(term or words)
    return data(help=meaning) if meaning else {}


def datastack(name: str, description: str) -> html.Span:
    """The name of a datastack, with what it is on hover and focus."""
    return html.Span(name, **(data(help=description) if description else {}))


def of_column(name: str) -> str | None:
    """The sentence for a column; None where there is none."""
    return _read()["columns"].get(name)


def page() -> str:
    """The glossary as Markdown."""
    words = "\n".join(f"**{term}**\n:   {sentence}\n" for term, sentence in terms().items())
    columns = "\n".join(f"| `{name}` | {sentence} |" for name, sentence in _read()["columns"].items())
    return f"# Glossary\n\n{words}\n## Columns\n\n| column | meaning |\n|---|---|\n{columns}\n"


if __name__ == "__main__":
    print(page(), end="")
