"""The search box of the header: leads to what its text names."""

from __future__ import annotations

from flask import Blueprint, redirect, request
from werkzeug.wrappers import Response

from services.cave.context import cave
from services.core.errors import KarstError
from services.views.addresses import CellAddress, parse_connectivity
from services.views.resolving import release_of
from services.views.search import address_of

blueprint = Blueprint("search", __name__)


@blueprint.get("/search")
def find() -> Response:
    """Go to the table, type or cell that `q` names, at `datastack` and `version`. Where CAVE does not answer, the page
    of a cell says so."""
    text = request.args.get("q", "").strip()
    if not text:
        return redirect("/")
    place = {name: request.args[name] for name in ("datastack", "version") if name in request.args}
    view, _ = parse_connectivity(place)
    try:
        return redirect(address_of(release_of(cave(), view), text))
    except KarstError:
        return redirect(CellAddress(view.datastack, view.version, text).href())
