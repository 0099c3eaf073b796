"""The page that a class is shown: where to go, as text and as a QR code."""

from __future__ import annotations

import segno
from dash import html

from components.links import copyable
from components.shell import heading

START = "make classroom"


def page(address: str, server: str, datastack: str) -> html.Div:
    """`address` is that of this application for others ("" = they cannot reach it), `server` that of CAVE, which their
    notebooks use."""
    if not address:
        start = html.P(["Only this machine reaches Karst. In a network, start it with ", html.Code(START), "."])
        return html.Div([heading("Join"), start], className="k-join")
    code = segno.make(address).svg_data_uri(scale=10, border=2)
    client = f'CAVEclient("{datastack}", server_address="{server}", auth_token="any")'
    return html.Div(
        [
            heading("Join"),
            html.P(html.A(address, href=address, className="k-join-address")),
            html.Img(src=code, alt=f"QR code of {address}", className="k-join-code"),
            html.P(["In a notebook: ", copyable(client, "the client")]),
        ],
        className="k-join",
    )
