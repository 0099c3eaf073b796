"""The callbacks that all pages share."""

from __future__ import annotations

from dash import ClientsideFunction, Input, clientside_callback

clientside_callback(ClientsideFunction("navigation", "arrived"), Input("_pages_content", "children"))
