"""What may be a name: of a datastack, table, view, column or schema. Nothing else is looked for."""

from __future__ import annotations

import re

from flask import request

from localcave.cave_errors import NOT_FOUND_TEXT, CaveError

NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}", re.ASCII)
ARGUMENTS = ("datastack", "table", "view", "name", "kind", "key")
"""The arguments of routes that are names."""


LONGEST_HOST = 255 + len(":65535")
"""A name in the domain name system, and a port."""


def require_host() -> None:
    """For `before_request`: raises a 400 unless the request names a host, for answers lead back to it."""
    if not 0 < len(request.host) <= LONGEST_HOST:
        raise CaveError(400, {"message": "The request names no host, or one that cannot be."})


def require_names() -> None:
    """For `before_request`: raises a 404 for a path with dot segments, or with a name that CAVE could not have."""
    if {".", ".."} & set(request.path.split("/")):
        raise CaveError(404, {"message": NOT_FOUND_TEXT})
    arguments = request.view_args or {}
    for argument in ARGUMENTS:
        if argument in arguments and not NAME.fullmatch(arguments[argument]):
            raise _not_found(arguments, argument)


def _not_found(arguments: dict[str, str], argument: str) -> CaveError:
    """The service's own 404: the engine's is a sentence where a table of a version is asked for."""
    if argument == "table" and "number" in arguments:
        return CaveError(
            404,
            f"No table named '{arguments['table']}' found for version '{arguments['number']}' "
            f"in datastack '{arguments['datastack']}'",
        )
    return CaveError(404, {"message": NOT_FOUND_TEXT})
