"""The first rows of every grid, which arrive with the page itself; grids request only further rows from the server."""

from __future__ import annotations

from dash import MATCH, ClientsideFunction, Input, Output, State, clientside_callback

for kind in ("partner", "table"):
    GRID = {"type": f"{kind}-rows", "side": MATCH, "of": MATCH, "key": MATCH}
    clientside_callback(
        ClientsideFunction("rows", "first"),
        Output({**GRID, "type": f"{kind}-place"}, "children"),
        Input({**GRID, "type": f"{kind}-first"}, "data"),
    )
    clientside_callback(
        ClientsideFunction("rows", "answer"),
        Output({**GRID, "type": f"{kind}-requested"}, "data"),
        Input(GRID, "getRowsRequest"),
        State(GRID, "id"),
        prevent_initial_call=True,
    )
