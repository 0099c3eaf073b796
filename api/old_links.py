"""Addresses of the older viewers lead to the same view here."""

from __future__ import annotations

from flask import Blueprint, flash, get_flashed_messages, redirect, request
from werkzeug.wrappers import Response

from services.cave.context import cave
from services.core.errors import KarstError
from services.core.moments import LIVE
from services.tables.live import is_allowed
from services.views.old_links import translate

MOST_WARNINGS = 10

blueprint = Blueprint("old_links", __name__)


@blueprint.get("/dash/datastack/<datastack>/apps/<app>/")
def open_old_link(datastack: str, app: str) -> Response:
    """Go to the view; the page then says what of the old link has no meaning any more."""
    query = request.args.to_dict(flat=False)
    view, warnings = translate(app, datastack, query, live=True)
    if view.version == LIVE and not _allows_live(view.datastack):
        view, warnings = translate(app, datastack, query)
    get_flashed_messages()  # of an earlier link whose page was not opened: the cookie they go in holds 4 kB
    for warning in warnings[:MOST_WARNINGS]:
        flash(warning)
    return redirect(view.href())


def _allows_live(datastack: str) -> bool:
    try:
        return is_allowed(cave(), datastack)
    except KarstError:  # the page says what is wrong with the datastack
        return False
