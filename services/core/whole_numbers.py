"""Whole numbers that somebody typed."""

from __future__ import annotations

from typing import TypeVar

from services.core.errors import BadInput

MOST_DIGITS = 12
Default = TypeVar("Default", bound=int | None)


def whole_number(text: str, default: Default, name: str = "") -> int | Default:
    """The number, 0 or more, that a text is; `default` where it is blank. `name` is that of the parameter. Raises
    BadInput."""
    digits = text.strip()
    if not digits:
        return default
    if not (digits.isascii() and digits.isdigit() and len(digits) <= MOST_DIGITS):
        typed = f"{name}={text[:40]}" if name else repr(text[:40])
        raise BadInput(f"{typed} is not a whole number.", "Give a whole number, 0 or more, or leave it out.")
    return int(digits)
