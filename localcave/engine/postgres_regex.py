"""PostgreSQL's regular expressions (`~`), told in Python's.

https://www.postgresql.org/docs/15/functions-matching.html#FUNCTIONS-POSIX-REGEXP
Of its advanced syntax this knows quantifiers, groups, look-around, back references, classes, escapes
and options at the start; collating elements (`[.x.]`, `[=x=]`) are taken for their one character.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from localcave.cave_errors import failed_sql

CLASSES = {
    "alnum": r"0-9A-Za-zÀ-ÖØ-öø-ÿ",
    "alpha": r"A-Za-zÀ-ÖØ-öø-ÿ",
    "blank": r" \t",
    "cntrl": r"\x00-\x1f\x7f",
    "digit": r"\d",
    "graph": r"!-~¡-ÿ",
    "lower": r"a-zß-öø-ÿ",
    "print": r" -~¡-ÿ",
    "punct": r"!-/:-@\[-`{-~",
    "space": r"\s",
    "upper": r"A-ZÀ-ÖØ-Þ",
    "word": r"\w",
    "xdigit": r"0-9A-Fa-f",
}
ESCAPES = {
    "A": r"\A",
    "B": r"\\",
    "M": r"(?<=\w)(?!\w)",
    "Y": r"\B",
    "Z": r"\Z",
    "b": r"\x08",
    "e": r"\x1b",
    "m": r"(?<!\w)(?=\w)",
    "y": r"\b",
}
WORD_EDGES = {"[[:<:]]": ESCAPES["m"], "[[:>:]]": ESCAPES["M"]}
OPTIONS = re.compile(r"\(\?([bceimnpqstwx]+)\)")
COUNT = re.compile(r"\{\d+(,\d*)?\}")


def matching(pattern: str, values: Iterable[str | None]) -> list[str]:
    """Those of the values in which PostgreSQL would find the pattern. Raises EngineError for an invalid one."""
    try:
        result = compiled(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise failed_sql("invalid regular expression") from error
    return [value for value in values if value is not None and result.search(value)]


def compiled(pattern: str) -> re.Pattern[str]:
    """The pattern for Python. Raises re.error where PostgreSQL would find it invalid."""
    if pattern.startswith("***="):
        return re.compile(re.escape(pattern[4:]))
    pattern = pattern.removeprefix("***:")
    options = OPTIONS.match(pattern)
    letters = options[1] if options else ""
    body = pattern[options.end() :] if options else pattern
    flags = re.RegexFlag(0)
    # By default a newline is a character like others; n and m, p, w treat it as the end of a line.
    newline_in_dot = not set(letters) & set("nmp")
    newline_anchors = bool(set(letters) & set("nmw"))
    if newline_in_dot:
        flags |= re.DOTALL
    if newline_anchors:
        flags |= re.MULTILINE
    if "i" in letters:
        flags |= re.IGNORECASE
    if "x" in letters:
        flags |= re.VERBOSE
    if "q" in letters:
        return re.compile(re.escape(body), flags)
    return re.compile(_translated(body, newline_anchors), flags)


def _translated(pattern: str, newline_anchors: bool) -> str:
    out = []
    at = 0
    while at < len(pattern):
        edge = next((edge for edge in WORD_EDGES if pattern.startswith(edge, at)), None)
        character = pattern[at]
        if edge:
            piece, at = WORD_EDGES[edge], at + len(edge)
        elif character == "[":
            piece, at = _bracket(pattern, at)
        elif character == "\\":
            piece, at = _escape(pattern, at)
        else:
            piece, at = _plain(pattern, at, newline_anchors)
        out.append(piece)
    return "".join(out)


def _plain(pattern: str, at: int, newline_anchors: bool) -> tuple[str, int]:
    character = pattern[at]
    if character == "$":
        return ("$" if newline_anchors else r"\Z"), at + 1
    if character == "{":
        count = COUNT.match(pattern, at)
        if not count:
            raise re.error("invalid repetition count", pattern, at)
        return count[0], count.end()
    if character == "(" and pattern.startswith("(?", at) and pattern[at : at + 3] not in ("(?:", "(?=", "(?!", "(?<"):
        raise re.error("quantifier operand invalid", pattern, at)
    if character in "*+?" and at + 1 < len(pattern) and pattern[at + 1] == "+":
        raise re.error("quantifier operand invalid", pattern, at)
    return character, at + 1


def _escape(pattern: str, at: int) -> tuple[str, int]:
    if at + 1 >= len(pattern):
        raise re.error("trailing backslash", pattern, at)
    letter = pattern[at + 1]
    return ESCAPES.get(letter, f"\\{letter}"), at + 2


def _bracket(pattern: str, start: int) -> tuple[str, int]:
    """A bracket expression; `start` is at its `[`."""
    at = start + 1
    out = ["["]
    if pattern.startswith("^", at):
        out.append("^")
        at += 1
    first = at
    while at < len(pattern):
        character = pattern[at]
        if character == "]" and at > first:
            return "".join([*out, "]"]), at + 1
        if pattern[at : at + 2] in ("[:", "[.", "[="):
            piece, at = _bracket_class(pattern, at)
        elif character == "\\" and at + 1 < len(pattern):
            piece, at = _bracket_escape(pattern[at + 1]), at + 2
        else:
            piece, at = ("-" if character == "-" else re.escape(character)), at + 1
        out.append(piece)
    raise re.error("brackets [] not balanced", pattern, start)


def _bracket_escape(letter: str) -> str:
    return {"B": r"\\", "b": r"\x08", "e": r"\x1b"}.get(letter, f"\\{letter}")


def _bracket_class(pattern: str, at: int) -> tuple[str, int]:
    kind = pattern[at + 1]
    end = pattern.find(f"{kind}]", at + 2)
    name = pattern[at + 2 : end]
    if end < 0 or (kind == ":" and name not in CLASSES) or (kind != ":" and len(name) != 1):
        raise re.error("invalid character class", pattern, at)
    return (CLASSES[name] if kind == ":" else re.escape(name)), end + 2
