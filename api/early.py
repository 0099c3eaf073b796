"""Begins with the cell of a page when its document is asked for: the browser has yet to load the page's programs."""

from __future__ import annotations

from contextlib import suppress

import flask

from services.cave.context import cave
from services.core.errors import KarstError
from services.views import head_start
from services.views.addresses import CONNECTIVITY_PAGE, parse_connectivity, pinned


def begin_early(server: flask.Flask) -> None:
    """Let a server read the cell of each document that it hands out. What fails is said where the cell is asked for."""

    @server.before_request
    def begin() -> None:
        if flask.request.method == "GET" and flask.request.path == CONNECTIVITY_PAGE:
            query = {name: some[0] if len(some) == 1 else some for name, some in flask.request.args.lists()}
            if pinned(query) is query:  # else the page will be of a later moment
                with suppress(KarstError):
                    head_start.begin(cave(), parse_connectivity(query)[0])
