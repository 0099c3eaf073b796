"""Addresses of the older viewers lead to the same view here."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, request
from werkzeug.wrappers import Response

from services.legacy_urls import translate

blueprint = Blueprint("old_links", __name__)


@blueprint.get("/dash/datastack/<datastack>/apps/<app>/")
def open_old_link(datastack: str, app: str) -> Response:
    """Go to the view; the page then says what of the old link has no meaning any more."""
    view, warnings = translate(app, datastack, request.args.to_dict(flat=False))
    for warning in warnings:
        flash(warning)
    return redirect(view.href())
