"""PostgreSQL's regular expressions (`~`), told in Python's."""

from __future__ import annotations

import re
from collections.abc import Iterable

from localcave.cave_errors import failed_sql

# https://www.postgresql.org/docs/15/functions-matching.html#POSIX-CLASS-SHORTHAND-ESCAPES-TABLE
CLASSES = {
    "alnum": r"^\W_",
    "alpha": r"^\W\d_",
    "blank": r" \t",
    "digit": r"\d",
    "lower": r"a-z",
    "punct": r"!-/:-@\[-`{-~",
    "space": r"\s",
    "upper": r"A-Z",
    "word": r"\w",
    "xdigit": r"0-9A-Fa-f",
}
ESCAPES = {
    "y": r"\b",
    "Y": r"\B",
    "m": r"\b(?=\w)",
    "M": r"\b(?<=\w)",
    "A": r"\A",
    "Z": r"\Z",
    "b": r"\x08",
    "B": r"\\",
    "e": r"\x1b",
}


def matching(pattern: str, values: Iterable[str | None]) -> list[str]:
    """Those of the values in which PostgreSQL would find the pattern. Raises EngineError for an invalid one."""
    try:
        found = re.compile(translate(pattern), re.DOTALL)
    except (re.error, OverflowError, RecursionError) as error:
        raise failed_sql("invalid regular expression") from error
    return [value for value in values if value is not None and found.search(value)]


def translate(pattern: str) -> str:
    """A pattern of PostgreSQL's advanced syntax as a Python pattern."""
    return pattern.replace("$", r"\Z")
