"""Regular expressions that find nothing because their brackets, or other signs, have a meaning there."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pandas as pd
import pyarrow as pa

from services.core.columns import Column
from services.filters.nodes import And, Matches, Node, Not, Or

_BRACKETS = re.compile(r"(?<!\\)([()\[\]{}])")
_SIGNS = re.compile(r"([\\()\[\]{}.*+?^$|])")


def misread(node: Node, frame: pd.DataFrame) -> tuple[str, ...]:
    """A sentence for each pattern of a filter that is found in no row of the whole table `frame`, though there is text
    with its brackets, or all of its signs, as they stand."""
    message = (_sentence(leaf, frame) for leaf in _patterns(node))
    return tuple(dict.fromkeys(sentence for sentence in message if sentence))


def _patterns(node: Node) -> Iterator[Matches]:
    match node:
        case And() | Or():
            for part in node.parts:
                yield from _patterns(part)
        case Not():
            yield from _patterns(node.part)
        case Matches():
            yield node


def _sentence(leaf: Matches, frame: pd.DataFrame) -> str:
    literal = {"brackets": _BRACKETS.sub(r"\\\1", leaf.pattern), "signs": _SIGNS.sub(r"\\\1", leaf.pattern)}
    escaped = {what: pattern for what, pattern in literal.items() if pattern != leaf.pattern}
    if not escaped or _rows(leaf.column, leaf.pattern, frame):
        return ""
    for what, pattern in escaped.items():
        if rows := _rows(leaf.column, pattern, frame):
            meant = Matches(leaf.column, pattern).text()
            return (
                f"The pattern {leaf.pattern} is found nowhere in {leaf.column.title}, for its {what} have a meaning in "
                f"patterns. With a backslash before each it is found in {rows:,} row{'' if rows == 1 else 's'}: {meant}"
            )
    return ""


def _rows(column: Column, pattern: str, frame: pd.DataFrame) -> int:
    """In how many rows a pattern is found; none where it is no pattern."""
    try:
        return int(Matches(column, pattern).mask(frame).sum())
    except pa.ArrowInvalid:
        return 0
