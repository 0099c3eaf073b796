"""The query line: tokens, and the conditions joined by and, or, not and brackets."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from services.core.columns import Column, find_column
from services.core.errors import BadInput
from services.filters.boxes import UNITS, Axes, axes_of, in_box
from services.filters.column_conditions import Once
from services.filters.conditions import ALSO_WRITTEN, SIGN, Operand, Saved, condition, in_saved, operators, quoted_at
from services.filters.nodes import Blank, Everything, Node, Not, OneOf, all_of, any_of
from services.filters.values import KEYWORDS, ungrouped, unquote

DEEPEST = 50

_UNSEEN = "\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff"
"""Marks of the direction of writing, which come along with what is copied."""
_BLANK = re.compile(rf"[\s{_UNSEEN}]+")
_WORD = re.compile(rf"[^\s{_UNSEEN}()\[\],=<>!~≠≥≤]+")


@dataclass(frozen=True)
class Token:
    """`kind` is "sign", "bracket", "comma", "quoted", "word" or "end"."""

    kind: str
    text: str
    position: int

    def is_word(self, *words: str) -> bool:
        return self.kind == "word" and self.text.lower() in words

    def is_bracket(self, brackets: str) -> bool:
        return self.kind == "bracket" and self.text in brackets


def tokens_of(text: str) -> list[Token]:
    tokens, at = [], 0
    while at < len(text):
        character = text[at]
        if blank := _BLANK.match(text, at):
            at = blank.end()
            continue
        if character in "()[]":
            token = Token("bracket", character, at)
        elif character == ",":
            token = Token("comma", character, at)
        elif character in "\"'":
            token = Token("quoted", quoted_at(text, at), at)
        elif sign := SIGN.match(text, at):
            token = Token("sign", sign[0], at)
        elif word := _WORD.match(text, at):
            token = Token("word", word[0], at)
        else:
            raise BadInput(f"{character!r} has no meaning here.", "Is != or not meant?", position=at)
        tokens.append(token)
        at += len(token.text)
    return tokens


class LineParser:
    """Recursive descent over the tokens of one line."""

    def __init__(self, tokens: list[Token], columns: Sequence[Column], length: int, saved: Saved) -> None:
        self.tokens = tokens
        self.columns = columns
        self.saved = saved
        self.end = Token("end", "", length)
        self.at = 0
        self.depth = 0

    @property
    def next(self) -> Token:
        return self.tokens[self.at] if self.at < len(self.tokens) else self.end

    def take(self) -> Token:
        token = self.next
        self.at += 1
        return token

    def parse(self) -> Node:
        if not self.tokens:
            return Everything()
        node = self.either()
        if self.next.is_bracket(")]"):
            raise BadInput("This bracket was never opened.", position=self.next.position)
        if self.next.kind != "end":
            raise BadInput(
                f"and or or is expected before {self.next.text[:40]!r}.",
                "Put quotes around a value that has spaces, commas, brackets or operators in it.",
                position=self.next.position,
            )
        return node

    def either(self) -> Node:
        return any_of(self.joined(self.both, "or"))

    def both(self) -> Node:
        return all_of(self.joined(self.term, "and"))

    def joined(self, part: Callable[[], Node], word: str) -> list[Node]:
        parts = [part()]
        while self.next.is_word(word):
            self.take()
            parts.append(part())
        return parts

    def term(self) -> Node:
        self.depth += 1
        if self.depth > DEEPEST:
            raise BadInput(f"Brackets and not are nested more than {DEEPEST} deep.", position=self.next.position)
        node = (
            self.negated()
            if self.next.is_word("not")
            else self.grouped()
            if self.next.is_bracket("([")
            else self.test()
        )
        self.depth -= 1
        return node

    def negated(self) -> Node:
        self.take()
        return Not(self.term())

    def grouped(self) -> Node:
        opening = self.take()
        node = self.either()
        self.close(opening)
        return node

    def close(self, opening: Token) -> None:
        if not self.take().is_bracket(")" if opening.text == "(" else "]"):
            raise BadInput("This bracket is not closed.", position=opening.position)

    def test(self) -> Node:
        """A condition: column, operator, values."""
        token = self.take()
        if token.kind not in ("word", "quoted") or token.is_word(*KEYWORDS):
            actual = repr(token.text) if token.text else "the end"
            raise BadInput(f"The name of a column is expected instead of {actual}.", position=token.position)
        name = unquote(token.text) if token.kind == "quoted" else token.text
        if token.is_word("once") and self.next.is_bracket("(["):
            return self.once()
        if axes := axes_of(self.columns, name):
            return self.boxed(axes)
        return self.of_column(find_column(self.columns, name, position=token.position))

    def of_column(self, column: Column) -> Node:
        """The operator and values after the name of a column."""
        if self.next.kind == "sign" or self.next.is_word("is"):
            return self.compared(column)
        if self.next.is_word("not", "null", "in"):
            return self.worded(column)
        if ".." in self.run():
            return condition(column, "=", [self.single(column)], self.next.position)
        if column.kind == "boolean":
            return OneOf(column, (True,))
        raise BadInput(
            f"An operator is expected after {column.name}.",
            f"Write one of {', '.join(operators(column)).replace('(', '(…)')}.",
            position=self.next.position,
        )

    def once(self) -> Node:
        """`(pt_root_id)` after `once`."""
        position = self.next.position
        operands = self.operands()
        if len(operands) != 1:
            raise BadInput("once takes the name of one column.", "Write once(pt_root_id).", position=position)
        return Once(find_column(self.columns, operands[0].text, position=operands[0].position))

    def boxed(self, axes: Axes) -> Node:
        """`in box (100..200, 300..400, 0..50) um`, `not in box (…)`, after the name of a position."""
        negative = self.next.is_word("not") and bool(self.take())
        position = self.next.position
        if not (self.take().is_word("in") and self.take().is_word("box") and self.next.is_bracket("([")):
            raise BadInput(
                "A position is filtered by a box, its axes like numbers.",
                "Write in box (100..200, 300..400, 0..50) um, or name one axis, such as pt_position_x.",
                position=position,
            )
        ranges = [operand.text for operand in self.operands()]
        unit = self.take().text if self.next.is_word(*UNITS) else ""
        node = in_box(axes, ranges, unit, position)
        return Not(node) if negative else node

    def compared(self, column: Column) -> Node:
        """`= BC`, `> 5`, `is BC`, `is not BC`, `is null`, `is not null`."""
        sign = self.take()
        name = ALSO_WRITTEN.get(sign.text, sign.text)
        if sign.kind != "sign":
            name = "!=" if self.next.is_word("not") and self.take() else "="
        position = self.next.position
        return condition(column, name, [self.single(column)], position, self.columns)

    def worded(self, column: Column) -> Node:
        negative = self.next.is_word("not") and bool(self.take())
        if self.next.is_word("null"):
            self.take()
            return Blank(column, not negative)
        if not self.next.is_word("in"):
            raise BadInput("in or null is expected after not.", position=self.next.position)
        self.take()
        position = self.next.position
        if self.next.is_word("saved"):
            self.take()
            operands = self.operands()
            if len(operands) != 1:
                raise BadInput("saved takes the number of one list of ids.", position=position)
            return in_saved(column, operands[0], self.saved, opposite=negative)
        return condition(column, "not in" if negative else "in", self.operands(), position)

    def operands(self) -> list[Operand]:
        opening = self.take() if self.next.is_bracket("([") else None
        operands = []
        while not self.next.is_bracket(")]"):
            operands.append(self.operand())
            if self.next.kind != "comma":
                break
            self.take()
        if opening is not None:
            self.close(opening)
        return operands

    def run(self) -> str:
        """The words and commas that come next with nothing between them."""
        text, first = "", self.at
        begin = self.next.position
        while self.next.kind in ("word", "comma") and self.next.position == begin + len(text):
            text += self.take().text
        self.at = first
        return text

    def single(self, column: Column) -> Operand:
        """The one value that is taken here, so that commas within a number can only be between its thousands."""
        position, typed = self.next.position, self.run()
        number = ungrouped(column, typed)
        if number == typed:
            return self.operand()
        while self.next.position < position + len(typed):
            self.take()
        return Operand(number, position, False)

    def operand(self) -> Operand:
        token = self.take()
        if token.kind == "quoted":
            return Operand(unquote(token.text), token.position, True)
        if token.kind != "word" or token.is_word(*KEYWORDS - {"null"}):
            actual = repr(token.text) if token.text else "the end"
            raise BadInput(
                f"A value is expected instead of {actual}.",
                "Quote it if it is meant as a value.",
                position=token.position,
            )
        return Operand(token.text, token.position, False)
