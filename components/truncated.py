"""What to do about synapses that CAVE cut."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import dash_bootstrap_components as dbc

from components.partner_options import keep_link
from services.urls import ConnectivityView

if TYPE_CHECKING:
    from services.connectivity import Connectivity

WAYS = {"in": "inputs", "out": "outputs"}


def offer(view: ConnectivityView, read: Connectivity) -> dbc.Alert:
    """Both numbers of each direction that was cut, and a link that asks for all synapses, piece by piece."""
    told = [
        f"{cut['shown']:,} of {cut['total']:,} {WAYS[way]}" if cut["total"] else f"{cut['shown']:,} {WAYS[way]}"
        for way, cut in read.truncated.items()
        if cut
    ]
    link = keep_link("Read all of them, in pieces", replace(view, whole="on"), "whole")
    return dbc.Alert([f"CAVE sent {' and '.join(told)} only. ", link, "."], color="warning", className="k-alert")
