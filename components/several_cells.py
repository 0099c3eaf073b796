"""Several cells asked for at once: which of them is shown, and links to the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from dash import html

from components.attributes import aria
from components.cell_card import counted
from services.urls import ConnectivityView

if TYPE_CHECKING:
    from services.connectivity import Connectivity


def others(view: ConnectivityView, shown: Connectivity, more: Sequence[Connectivity]) -> html.Nav:
    """Links to the cells that are not shown."""
    links = [html.Li(_link(view, one)) for one in more]
    words = f"{counted(1 + len(more), 'cell')} were asked for. Shown is {shown.cell.root_id}; the others:"
    return html.Nav([words, html.Ul(links)], className="k-others", **aria(label="Cells that were asked for"))


def _link(view: ConnectivityView, one: Connectivity) -> html.A:
    root = str(one.cell.root_id)
    there = replace(view, cell=root, id_type="root_id", where="", boxes={}, sort=(), partner="")
    told = f"{one.totals['in']['num_syn']:,} in, {one.totals['out']['num_syn']:,} out"
    return html.A([html.Span(root, className="k-id"), f" ({told})"], href=there.href())
