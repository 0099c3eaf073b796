"""JSON that others send."""

from __future__ import annotations

from typing import Any

import orjson

from services.core.errors import BadInput

DEEPEST = 64
"""Levels of lists and objects within each other. The deepest that a page sends are its own components, 20 or so."""


def read_json(content: bytes) -> Any:
    """What `content` says. Raises BadInput for what is no JSON (its text has to be Unicode, without halves of surrogate
    pairs) and for what is nested too deeply."""
    try:
        value = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise BadInput("The body of the request is not JSON.", "Send one JSON object, as UTF-8.") from error
    level: list[Any] = [value]
    for _ in range(DEEPEST):
        level = [part for container in level if isinstance(container, dict | list) for part in _parts(container)]
        if not level:
            return value
    raise BadInput(f"The body of the request is nested more than {DEEPEST} levels deep.", "Send less.")


def _parts(container: dict[str, Any] | list[Any]) -> list[Any]:
    return [*container.values()] if isinstance(container, dict) else container
