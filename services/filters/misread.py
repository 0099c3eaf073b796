"""Filters that do not find what they seem to ask for: brackets have a meaning in patterns, ids have been rounded, and
several values of a cell are one text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import numpy as np
import pandas as pd
import pyarrow as pa

from services.core.columns import Column
from services.core.id_text import looks_rounded
from services.core.type_columns import BEGINS, SEVERAL
from services.filters.conditions import LONGEST_PATTERN
from services.filters.nodes import And, Condition, Mask, Matches, Node, NoneOf, Not, OneOf, Or
from services.filters.values import Value, described

MOST_NAMED = 5
_BRACKETS = re.compile(r"(?<!\\)([()\[\]{}])")
_SIGNS = re.compile(r"([\\()\[\]{}.*+?^$|])")


def misread(node: Node, frame: pd.DataFrame) -> tuple[str, ...]:
    """A sentence for each pattern of a filter that is found in no row of the whole table `frame`, or in none that the
    conditions joined to it with "and" keep, though there is text with its brackets, or all of its signs, as they stand;
    for ids that are in no row and look rounded; and for texts that are among several values of a row."""
    sentences = (_sentence(leaf, frame, beside) for leaf, beside in _conditions(node, frame, np.ones(len(frame), bool)))
    return tuple(dict.fromkeys(sentence for sentence in sentences if sentence))


def _conditions(node: Node, frame: pd.DataFrame, beside: Mask) -> Iterator[tuple[Condition, Mask]]:
    """The conditions of a filter, each with what those joined to it with "and" keep, as far as a pattern needs it."""
    match node:
        case And():
            for part in node.parts:
                others = And(tuple(other for other in node.parts if other is not part))
                by_others = others.mask(frame) if isinstance(part, Matches | And | Or | Not) else beside
                yield from _conditions(part, frame, beside & by_others)
        case Or():
            for part in node.parts:
                yield from _conditions(part, frame, beside)
        case Not():
            yield from _conditions(node.part, frame, beside)
        case Condition():
            yield node, beside


def _sentence(leaf: Condition, frame: pd.DataFrame, beside: Mask) -> str:
    match leaf:
        case Matches():
            where = f"nowhere in {leaf.column.title}"
            among = f"{where} of the rows that all else in the filter keeps"
            return _brackets(leaf, frame, where) or ("" if beside.all() else _brackets(leaf, frame[beside], among))
        case OneOf() | NoneOf() if leaf.column.kind == "id":
            return _rounded(leaf.column, leaf.values, frame[leaf.column.name])
        case OneOf() | NoneOf() if leaf.column.kind == "text":
            return _among_several(leaf, frame)
    return ""


def _rounded(column: Column, values: Iterable[Value], column_values: pd.Series) -> str:
    suspected = [value for value in values if isinstance(value, int) and looks_rounded(value)]
    present = set(column_values[column_values.isin(suspected)]) if suspected else set()
    ids = [value for value in suspected if value not in present]
    if not ids:
        return ""
    which = "1 id looks" if len(ids) == 1 else f"{len(ids):,} ids look"
    listed = described(ids, last="and", most=MOST_NAMED)
    return f"{which} rounded by a spreadsheet or a browser; no row has {column.title} {listed}: copy again as text."


def _among_several(leaf: OneOf | NoneOf, frame: pd.DataFrame) -> str:
    texts = [value for value in leaf.values if isinstance(value, str)]
    values = "|".join(_SIGNS.sub(r"\\\1", text) for text in texts)
    among = rf"{BEGINS}(.* \| )?"
    pattern = rf"^({among})?({values})( \||$)"
    if SEVERAL in texts or not values or len(pattern) > LONGEST_PATTERN:
        return ""
    rows = _rows(leaf.column, rf"^{among}({values})( \||$)", frame)
    which = "1 row has" if rows == 1 else f"{rows:,} rows have"
    suggestion = Matches(leaf.column, pattern, not isinstance(leaf, NoneOf)).text()
    return (
        f"{which} {described(texts)} among several values of {leaf.column.title}, which = and != take as one text. "
        f"To look among them: {suggestion}"
        if rows
        else ""
    )


def _brackets(leaf: Matches, frame: pd.DataFrame, where: str) -> str:
    literal = {"brackets": _BRACKETS.sub(r"\\\1", leaf.pattern), "signs": _SIGNS.sub(r"\\\1", leaf.pattern)}
    escaped = {characters: pattern for characters, pattern in literal.items() if pattern != leaf.pattern}
    if not escaped or _rows(leaf.column, leaf.pattern, frame):
        return ""
    for characters, pattern in escaped.items():
        if rows := _rows(leaf.column, pattern, frame):
            suggestion = Matches(leaf.column, pattern).text()
            plural = "" if rows == 1 else "s"
            return (
                f"The pattern {leaf.pattern} is found {where}, for its {characters} have a meaning in "
                f"patterns. With a backslash before each it is found in {rows:,} row{plural}: {suggestion}"
            )
    return ""


def _rows(column: Column, pattern: str, frame: pd.DataFrame) -> int:
    """In how many rows a pattern is found; none where it is no pattern."""
    try:
        return int(Matches(column, pattern).mask(frame).sum())
    except pa.ArrowInvalid:
        return 0
