"""The one error that localcave words for the person at the command line."""

from __future__ import annotations


class InputError(Exception):
    """What a person gave cannot be used; the message is a sentence that says what and why."""
