"""Patterns that mean something else to PostgreSQL than to Python; expectations are PostgreSQL 15's own answers."""

from __future__ import annotations

import pytest

from localcave.cave_errors import EngineError
from localcave.engine.postgres_regex import matching


@pytest.mark.parametrize(
    ("pattern", "value", "result"),
    [
        ("^5P", "5P-IT", True),
        ("^5P", "15P", False),
        ("5p", "5P-IT", False),
        ("(?i)5p", "5P-IT", True),
        ("P$", "4P", True),
        ("P$", "4P\n", False),
        ("a.b", "a\nb", True),
        ("(?n)a.b", "a\nb", False),
        ("(?n)^b", "a\nb", True),
        ("^b", "a\nb", False),
        ("[[:digit:]]+P", "23P", True),
        ("[[:alpha:]]", "123", False),
        ("[^[:alnum:]]", "a-b", True),
        (r"\mIT\M", "5P-IT", True),
        (r"\mIT\M", "5P-ITS", False),
        (r"\yIT\y", "5P-IT", True),
        ("[[:<:]]IT[[:>:]]", "IT cell", True),
        (r"^(.)\1$", "aa", True),
        (r"^(.)\1$", "ab", False),
        ("^(?=.*P)(?!.*5)", "4P", True),
        ("^(?=.*P)(?!.*5)", "5P", False),
        ("***=a.b", "a.b", True),
        ("***=a.b", "axb", False),
        ("^.{2,3}$", "23P", True),
        ("[]a]", "]", True),
        ("[a-]", "-", True),
        ("", "anything", True),
    ],
)
def test_pattern_finds_what_postgresql_finds(pattern: str, value: str, result: bool) -> None:
    assert matching(pattern, [value, None]) == ([value] if result else [])


@pytest.mark.parametrize("pattern", ["(", "[a", "a{2", "*a", "\\", "[[:nope:]]", "a**b", "(?"])
def test_invalid_pattern_is_the_engines_error(pattern: str) -> None:
    with pytest.raises(EngineError):
        matching(pattern, ["a"])
