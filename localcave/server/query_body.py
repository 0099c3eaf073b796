"""The JSON bodies of queries, checked as the engine's schemas do."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from flask import request
from werkzeug.exceptions import BadRequest

from localcave.cave_errors import CaveError, aborted, schema_errors

Check = Callable[[Any], Any]
BODY_DEPTH = 100
"""Most lists and objects in one another in a body; what the services understand is far flatter."""
MARKS = re.compile(rb'"(?:[^"\\]|\\.)*+"?|[][{}]', re.DOTALL)


class _InvalidError(Exception):
    pass


def _mapping(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _InvalidError("Not a valid mapping type.")
    return value


def _integer(value: Any) -> int:
    try:
        if isinstance(value, bool):
            raise ValueError
        return int(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise _InvalidError("Not a valid integer.") from error


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise _InvalidError("Not a valid string.")
    return value


def _number(value: Any) -> float:
    try:
        if isinstance(value, bool):
            raise ValueError
        number = float(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise _InvalidError("Not a valid number.") from error
    if not math.isfinite(number):
        raise _InvalidError("Special numeric values (nan or infinity) are not permitted.")
    return number


def _list_of(check: Check, length: int | None = None) -> Check:
    def checked(value: Any) -> list[Any]:
        if not isinstance(value, list):
            raise _InvalidError("Not a valid list.")
        items = [check(item) for item in value]
        if length is not None and len(items) != length:
            raise _InvalidError(f"Length must be {length}.")
        return items

    return checked


FILTERS: dict[str, Check] = dict.fromkeys(
    (
        "filter_in_dict",
        "filter_notin_dict",
        "filter_equal_dict",
        "filter_greater_dict",
        "filter_less_dict",
        "filter_greater_equal_dict",
        "filter_less_equal_dict",
        "filter_spatial_dict",
        "filter_regex_dict",
    ),
    _mapping,
)
PAGE: dict[str, Check] = {"offset": _integer, "limit": _integer, "desired_resolution": _list_of(_number, 3)}
SIMPLE: dict[str, Check] = {**FILTERS, **PAGE, "select_columns": _list_of(_string)}
JOIN: dict[str, Check] = {
    **SIMPLE,
    "tables": _list_of(_list_of(_string, 2)),
    "select_column_map": _mapping,
    "suffixes": _list_of(_string),
    "suffix_map": _mapping,
}
LIVE: dict[str, Check] = {
    **FILTERS,
    **PAGE,
    "table": _string,
    "timestamp": _string,
    "join_tables": _list_of(_list_of(_string)),
    "select_columns": _mapping,
    "suffixes": _mapping,
}


def read(schema: Mapping[str, Check], required: tuple[str, ...] = ()) -> dict[str, Any]:
    """The body of the current request, checked against a schema.

    Raises the engine's answers: 400 inside 500 for a body that is not JSON, `schema_errors` for
    one that is not as expected; a plain 400 for one that is nested too deeply.
    """
    require_shallow(request.get_data())
    try:
        body = request.get_json()
    except BadRequest as error:
        raise aborted(400, "The browser (or proxy) sent a request that this server could not understand.") from error
    if not isinstance(body, dict):
        raise schema_errors({"_schema": ["Invalid input type."]})
    errors = {name: ["Missing data for required field."] for name in required if name not in body}
    checked: dict[str, Any] = {}
    for name, value in body.items():
        problem = _check(schema, name, value, checked)
        if problem:
            errors[name] = [problem]
    if errors:
        raise schema_errors(errors)
    return checked


def _check(schema: Mapping[str, Check], name: str, value: Any, checked: dict[str, Any]) -> str | None:
    if name not in schema:
        return "Unknown field."
    if value is None:
        return "Field may not be null."
    try:
        checked[name] = schema[name](value)
    except _InvalidError as error:
        return str(error)
    return None


def json_body() -> Any:
    """The body of a request to a service that is not the engine; any content type, GET included."""
    require_shallow(request.get_data())
    try:
        return request.get_json(force=True)
    except BadRequest as error:
        raise CaveError(400, {"message": "Malformed JSON body"}) from error


def require_shallow(text: bytes, most: int = BODY_DEPTH) -> None:
    """Raises a 400 for JSON of more than `most` lists and objects in one another."""
    if text.count(b"[") + text.count(b"{") <= most:
        return
    depth = 0
    for mark in MARKS.finditer(text):
        character = mark[0]
        depth += (character in (b"[", b"{")) - (character in (b"]", b"}"))
        if depth > most:
            raise CaveError(400, {"code": 400, "message": f"400 Bad Request: JSON is nested deeper than {most} levels"})


def posted_json(most_depth: int) -> bytes:
    """The body of a request as it came, which must be JSON. Raises a 400 for one that is not, or nested too deeply."""
    text = request.get_data()
    require_shallow(text, most_depth)
    try:
        json.loads(text)
    except ValueError as error:
        raise CaveError(400, {"message": "a state has to be JSON"}) from error
    return text
