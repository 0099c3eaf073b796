"""The order of rows: its columns, and how addresses write them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, TypeAlias

SortDirection = Literal["asc", "desc"]
Sort: TypeAlias = tuple[tuple[str, SortDirection], ...]


def parse_sort(texts: Iterable[str]) -> Sort:
    """`volume`, `-cell_type` to (("volume", "asc"), ("cell_type", "desc")). A column whose own name begins
    with + or - has a + before it when ascending."""
    pairs = ((text[text[:1] in ("+", "-") :], "desc" if text.startswith("-") else "asc") for text in texts)
    return tuple((name, direction) for name, direction in pairs if name)  # type: ignore[misc]


def format_sort(sort: Sort) -> list[str]:
    """The texts that :func:`parse_sort` reads."""
    return [("-" if direction == "desc" else "+" if name[0] in "+-" else "") + name for name, direction in sort]
