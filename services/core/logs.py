"""What the application writes about itself: a line for each event, as text for people or JSON for collectors.

A line names routes, datastacks, tables and request ids. It holds no token and nothing else that somebody typed, which
is why messages of exceptions are left out: they quote what they could not read.
"""

from __future__ import annotations

import logging
import os
import traceback
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import flask
import structlog

from services.core.errors import KarstError, Unforeseen, request_id

if TYPE_CHECKING:
    from structlog.typing import EventDict, ExcInfo, WrappedLogger

log = logging.getLogger("karst.errors")

FORMS = ("text", "json")


def config(environ: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """A configuration for `logging.config.dictConfig`: everything to standard error, in lines of `KARST_LOG`, "text" or
    "json".

    Raises ValueError for another form.
    """
    form = environ.get("KARST_LOG", "").strip() or "text"
    if form not in FORMS:
        raise ValueError(f"KARST_LOG is {form!r}; it must be text or json")
    lines = {
        "()": structlog.stdlib.ProcessorFormatter,
        "foreign_pre_chain": [
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.stdlib.ExtraAdder(),
            _add_request_id,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
            structlog.processors.ExceptionRenderer(_frames),
        ],
        "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, _renderer(form)],
    }
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"lines": lines},
        "filters": {"unquoted": {"()": Unquoted}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "lines"}},
        "root": {"level": "WARNING", "handlers": ["stderr"]},
        "loggers": {
            "karst": {"level": "INFO"},
            "gunicorn.error": {"level": "INFO", "propagate": True, "filters": ["unquoted"]},
            "gunicorn.access": {"level": "CRITICAL"},  # api.request_log has a line for each request
            "urllib3": {"level": "ERROR"},  # its warnings quote addresses, and with them ids
        },
    }


class Unquoted(logging.Filter):
    """Of a request that is no HTTP gunicorn quotes what it could not read, which may be a token."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.getMessage().startswith("Invalid request from"):
            record.msg, record.args = "Invalid request", ()
        return True


def explain(error: Exception) -> KarstError:
    """The error to tell a person. What nobody foresaw is logged with the place where it was raised."""
    if isinstance(error, KarstError):
        log.info("told", extra={"request_id": error.request_id, "code": error.code})
        return error
    unforeseen = Unforeseen()
    log.error("unforeseen", extra={"request_id": unforeseen.request_id}, exc_info=error)
    return unforeseen


def _renderer(form: str) -> Any:
    if form == "json":
        return structlog.processors.JSONRenderer()
    logfmt = structlog.processors.LogfmtRenderer(key_order=["time", "level", "logger", "event"], bool_as_flag=False)

    def render(logger: WrappedLogger, method: str, event: EventDict) -> str:
        frames = event.pop("exception", "")
        return f"{logfmt(logger, method, event)}\n{frames}".rstrip()

    return render


def _add_request_id(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    if flask.has_app_context():
        event.setdefault("request_id", request_id())
    return event


def _frames(exc_info: ExcInfo) -> str:
    """Where an exception and those that led to it were raised, and their types."""
    error: BaseException | None = exc_info[1]
    parts = []
    while error is not None:
        parts.append("".join(traceback.format_tb(error.__traceback__)) + type(error).__qualname__)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return "\n".join(reversed(parts))
