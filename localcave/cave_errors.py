"""How CAVE says no. Most of its errors are HTTP 500 with the real status inside the message."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify
from werkzeug.http import HTTP_STATUS_CODES

NOT_FOUND_TEXT = (
    "The requested URL was not found on the server. "
    "If you entered the URL manually please check your spelling and try again."
)


class CaveError(Exception):
    """An answer that is not the one asked for: an HTTP status and a JSON body."""

    def __init__(self, status: int, body: Any):
        super().__init__(str(body))
        self.status = status
        self.body = body

    def response(self) -> Response:
        answer = jsonify(self.body)
        answer.status_code = self.status
        return answer


class EngineError(CaveError):
    """An error inside the materialization engine: always HTTP 500, told apart only by its message."""

    def __init__(self, message: str):
        super().__init__(500, {"code": 500, "message": message, "traceback": []})


def aborted(status: int, reason: str) -> EngineError:
    """The engine's way to refuse: ``404 Not Found: reason`` inside an HTTP 500."""
    return EngineError(f"{status} {HTTP_STATUS_CODES[status]}: {reason}")


def schema_errors(errors: dict[str, list[str]]) -> CaveError:
    """A request body that does not fit the engine's schema."""
    return CaveError(500, {"schema_errors": errors})


def unknown_column(column: str) -> EngineError:
    """What the engine says of a column that a table does not have."""
    return EngineError(repr(column))


def unknown_selection(column: str, table: str) -> EngineError:
    """What the engine says of a selected column that a table does not have."""
    return EngineError(f"{column} not in model or models for {table}")


def failed_sql(reason: str) -> EngineError:
    """What the engine says when the database refuses a value. The reason holds no SQL and no path."""
    return EngineError(f"Execution failed on sql: {reason}")
