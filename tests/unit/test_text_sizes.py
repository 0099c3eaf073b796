"""Text of four sizes, on pages and in figures."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from components.figures.template import TEMPLATE, TEXT_PX

ROOT = Path(__file__).parents[2]
STYLE = {path.name: path.read_text() for path in sorted((ROOT / "assets").glob("[12]0-*.css"))}
ROOT_PX = 16
READ_FROM_AFAR = "clamp(1.5rem, 5vw, 4rem)"
"""The address that a class joins at, on a screen at the front of the room."""


def sizes_px() -> dict[str, float]:
    """The sizes that the style sheet names, in pixels of a browser as it comes."""
    named = re.findall(r"(--k-size-\w+): ([\d.]+)rem;", STYLE["10-karst.css"])
    return {name: float(rem) * ROOT_PX for name, rem in named}


def test_there_are_four_sizes() -> None:
    assert sorted(sizes_px().values()) == [12, 13, 14, 20]


@pytest.mark.parametrize("name", STYLE)
def test_style_sheets_use_only_these(name: str) -> None:
    used = set(re.findall(r"font-size: ([^;]+);", STYLE[name])) | set(re.findall(r"[^-]font: ([^;]+);", STYLE[name]))
    assert used <= {f"var({size})" for size in sizes_px()} | {"inherit", READ_FROM_AFAR}


def test_figures_have_the_small_one_throughout() -> None:
    assert sizes_px()["--k-size-small"] == TEXT_PX
    layout = TEMPLATE["layout"]
    texts = [
        layout["font"],
        layout["hoverlabel"]["font"],
        *(layout[axis]["title"]["font"] for axis in ("xaxis", "yaxis")),
    ]
    assert {text["size"] for text in texts} == {TEXT_PX}
    sources = [path for path in (ROOT / "components").rglob("*.py") if path.name != "template.py"]
    fixed = re.compile(r"""["'](?:font|tickfont|titlefont|textfont|font-size)["']: (?:\{"size": )?["']?\d""")
    assert [path.name for path in sources if fixed.search(path.read_text())] == []
