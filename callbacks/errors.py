"""Every exception of a callback becomes a sentence on the page and, where it is ours to mend, a line in the log."""

from __future__ import annotations

import logging

from dash import set_props

from components.alerts import problem
from services.core.errors import KarstError

log = logging.getLogger("karst")


def explain(error: Exception) -> KarstError:
    """The error to show. What nobody foresaw is logged with its traceback and shown without."""
    if isinstance(error, KarstError):
        log.info("%s %s: %s", error.request_id, error.code, error)
        return error
    told = KarstError("Karst made a mistake while answering.", "Nothing you typed is lost; trying again may help.")
    log.error("%s unforeseen", told.request_id, exc_info=error)
    return told


def on_error(error: Exception) -> None:
    """Shows the error in the page's place for alerts and leaves the rest of the page as it is."""
    set_props("alerts", {"children": problem(explain(error))})
