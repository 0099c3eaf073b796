"""`/join`: the address that others in the same network type, to be shown in a class."""

from __future__ import annotations

from typing import Any

import dash
from dash import html
from flask import request

from components.join_page import page
from services.cave.context import cave, outside_address
from services.core.addresses import bare
from services.core.network import is_only_here, join_address

dash.register_page(__name__, path="/join", title="Join · Karst", name="Join")


def layout(**query: Any) -> html.Div:
    """The page; it has no parameters, and is of the network that the machine is in when it is asked for."""
    settings = cave().settings
    if settings.host != "0.0.0.0" and is_only_here(settings.host):  # noqa: S104 - compared, not bound
        return page("", "", settings.datastack)
    address = join_address(request.host, request.scheme)
    server = outside_address(cave().at(settings.datastack))
    shown = join_address(server.split("://")[1]) if settings.same_host else server
    return page(address, shown, bare(settings.datastack))
