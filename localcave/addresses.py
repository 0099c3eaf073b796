"""Addresses of servers, as a person types them."""

from __future__ import annotations

import re

from localcave.errors import InputError

ADDRESS = re.compile(r"https?://[^\s/?#]+(/[^\s?#]*)?")


def server_address(text: str) -> str:
    """An address without a slash at its end. Raises InputError for one that does not say how the server is asked."""
    if not ADDRESS.fullmatch(text):
        raise InputError(f"{text!r} is no address of a server; write it as http://HOST:PORT")
    return text.rstrip("/")
