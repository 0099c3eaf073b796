"""What to do about synapses that CAVE cut."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dash import html

from components.partner_options import keep_link
from services.views.addresses import CellAddress


def with_offer(view: CellAddress, message: str) -> Any:
    """The sentence that tells of them, and a link that asks for all synapses, piece by piece."""
    link = keep_link("Read all of them, in pieces", replace(view, whole="on"), "whole")
    return html.Span([message, " ", link, "."])
