"""From an operator and the values typed after it to a filter node."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from services.core.columns import Column
from services.core.errors import BadInput
from services.filters.column_conditions import against_column
from services.filters.nodes import (
    Between,
    Blank,
    Compare,
    InSaved,
    Matches,
    Node,
    NoneOf,
    Not,
    NotInSaved,
    OneOf,
    all_of,
    any_of,
)
from services.filters.values import read_value, unquote

LONGEST_PATTERN = 500

Saved: TypeAlias = Mapping[int, tuple[int, ...]]
"""Lists of ids by the numbers under which CAVE keeps them (see :mod:`saved_ids`)."""

SIGN = re.compile(r"==|=>|=<|=|!=|<>|>=|<=|>|<|!~|~|[≠≥≤]")
ALSO_WRITTEN = {"≠": "!=", "<>": "!=", "≥": ">=", "=>": ">=", "≤": "<=", "=<": "<="}
"""How others write signs, with ours."""
QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"|' + r"'(?:[^'\\]|\\.)*'", re.DOTALL)

_RANGE = re.compile(r"(.*?)\.\.(.*)", re.DOTALL)
_ORDERED = ("id", "number", "position", "time")
_COMPARISONS = (">", ">=", "<", "<=")
_PATTERNS = ("~", "!~")


@dataclass(frozen=True)
class Operand:
    """A value as typed. A quoted one is never a range or the word null."""

    text: str
    position: int
    quoted: bool


def operators(column: Column) -> tuple[str, ...]:
    """What may follow the column in a query line."""
    compared = _COMPARISONS if column.kind in _ORDERED else ()
    searched = _PATTERNS if column.kind == "text" else ()
    return ("=", "!=", *compared, *searched, "in (", "not in (", "null", "not null")


def condition(
    column: Column, sign: str, operands: list[Operand], position: int, columns: Sequence[Column] = ()
) -> Node:
    """The condition `column sign operands`. `position` is where the operands begin; one may be the name of another
    of `columns`."""
    if not operands:
        raise BadInput(f"A value is missing after {sign}.", position=position)
    if len(operands) == 1:
        first = operands[0]
        against = against_column(column, sign, first.text, first.position, columns, quoted=first.quoted)
        if against is not None:
            return against
    if sign in _PATTERNS:
        return _matches(column, operands[0], result=sign == "~")
    if sign in ("=", "==", "!=", "in", "not in"):
        return _equals(column, operands, opposite=sign in ("!=", "not in"))
    if len(operands) > 1:
        raise BadInput(f"{sign} takes one value.", position=operands[1].position)
    return _compare(column, sign, operands[0])


def in_saved(column: Column, number: Operand, saved: Saved, *, opposite: bool) -> Node:
    """The condition `column in saved(number)`, or its opposite."""
    if column.kind != "id":
        raise BadInput(f"{column.name} holds no ids, so no saved list of them either.", position=number.position)
    ids = saved.get(int(number.text)) if re.fullmatch(r"[0-9]{1,19}", number.text) else None
    if not ids:
        raise BadInput(
            f"CAVE has no list of ids saved as {number.text[:40]}.",
            "Paste the ids again under Find ids.",
            position=number.position,
        )
    return (NotInSaved if opposite else InSaved)(column, tuple(ids), int(number.text))


def _equals(column: Column, operands: list[Operand], *, opposite: bool) -> Node:
    if len(operands) == 1 and not operands[0].quoted:
        between = _between(column, operands[0])
        if between is not None:
            return Not(between) if opposite else between
    nulls = [operand for operand in operands if operand.text.lower() == "null" and not operand.quoted]
    texts = [operand for operand in operands if operand not in nulls]
    values = tuple(dict.fromkeys(read_value(column, operand.text, operand.position) for operand in texts))
    blank = [Blank(column, not opposite)] if nulls else []
    if opposite:
        return all_of([*([NoneOf(column, values)] if values else []), *blank])
    return any_of([*([OneOf(column, values)] if values else []), *blank])


def _between(column: Column, operand: Operand) -> Node | None:
    ends = _RANGE.fullmatch(operand.text)
    if ends is None or column.kind not in _ORDERED:
        return None
    low, high = ends[1].strip(), ends[2].strip()
    after = operand.position + ends.start(2)
    read = partial(read_value, column, threshold=True)
    if not low and not high:
        raise BadInput(
            "A range needs a number at one end at least.", "Write 200..400, 200.. or ..400.", position=operand.position
        )
    if not high:
        return Compare(column, ">=", read(low, operand.position))
    if not low:
        return Compare(column, "<=", read(high, after))
    return Between(column, read(low, operand.position), read(high, after))


def _compare(column: Column, sign: str, operand: Operand) -> Node:
    if sign not in operators(column):
        kind = "text" if column.kind == "text" else "true or false"
        raise BadInput(
            f"{column.name} holds {kind}, which {sign} cannot compare.", _instead(column), position=operand.position
        )
    return Compare(column, sign, read_value(column, operand.text, operand.position, threshold=True))


def _instead(column: Column) -> str:
    return f"Use one of {', '.join(word.removesuffix(' (') for word in operators(column))}."


def _matches(column: Column, operand: Operand, *, result: bool) -> Node:
    if "~" not in operators(column):
        raise BadInput(
            f"{column.name} holds no text, so ~ cannot search in it.", _instead(column), position=operand.position
        )
    if not operand.text:
        raise BadInput("A pattern is missing after ~.", position=operand.position)
    if len(operand.text) > LONGEST_PATTERN:
        raise BadInput(f"The pattern is longer than {LONGEST_PATTERN} characters.", position=operand.position)
    try:
        # RE2 answers in time linear in the text whatever the pattern, and refuses what would need much memory
        pc.match_substring_regex(pa.array([""]), operand.text)
    except pa.ArrowInvalid:
        raise BadInput(
            f"{operand.text[:60]!r} is not a regular expression.",
            "Put a backslash before characters such as ( [ * + ? that are meant as they stand.",
            position=operand.position,
        ) from None
    return Matches(column, operand.text, result)


def split_values(column: Column, text: str, position: int) -> list[Operand]:
    """The values of a box: separated by commas, ids also by blanks and semicolons; empty ones are left out."""
    between = re.compile(r"[\s,;]+" if column.kind == "id" else r"\s*,[\s,]*")
    operands: list[Operand] = []
    at = len(text) - len(text.lstrip(" ,"))
    while at < len(text):
        if text[at] in "\"'":
            quoted = quoted_at(text, at, position)
            operands.append(Operand(unquote(quoted), position + at, True))
            end = at + len(quoted)
            following = between.match(text, end)
            if following is None and text[end:].strip():
                raise BadInput("A comma is missing after the quoted text.", position=position + end)
        else:
            following = between.search(text, at)
            end = following.start() if following else len(text)
            operands.append(Operand(text[at:end], position + at, False))
        at = following.end() if following else len(text)
    return operands


def quoted_at(text: str, at: int, offset: int = 0) -> str:
    """The quoted text that begins at `at`, with its marks; `offset` is where `text` begins in what was typed."""
    matched = QUOTED.match(text, at)
    if matched is None:
        raise BadInput("The quotation mark is not closed.", position=offset + at)
    return matched[0]
