"""What all tables of a version say about one cell: below its card, once they have been asked."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from dash import html

from components import alerts
from components.attributes import aria
from components.links import copyable

if TYPE_CHECKING:
    import pandas as pd

    from services.cells.card import CellCard, Named

MOST_TYPES = 40


def cell_facts(card: CellCard, edits: pd.DataFrame | None = None, soma: str = "") -> html.Section:
    """Layer, area, proofreading and coregistration at a glance; position, volume, and its type in every table of types
    on demand. `edits` are those of `card.edits`, `soma` is the address of the picture of the soma."""
    glance = [
        ("Layer", ", ".join(f"{layer} ({by})" for by, layer in card.layers.items()) or card.layer),
        ("Visual area", _area(card)),
        ("Axon", _strategy(card, "axon", card.strategy_axon)),
        ("Dendrite", _strategy(card, "dendrite", card.strategy_dendrite)),
        ("Edits", "not known" if edits is None else _edits(edits)),
        ("Coregistered", _coregistered(card)),
        ("Nucleus volume", None if card.volume_um3 is None else f"{card.volume_um3:,.1f} µm³"),
        (f"{_place(card)} (vx)", _position(card)),
    ]
    kinds = ", ".join(dict.fromkeys(named.cell_type for named in card.types))
    types = _list([(_table(named), _type(named)) for named in card.types[:MOST_TYPES]])
    left = len(card.types) - MOST_TYPES
    every = html.Details(
        [
            html.Summary([html.Span("Types: ", className="k-muted"), shortened(kinds)]),
            html.Div([types, html.P(f"{left:,} more rows name a type.") if left > 0 else None], className="k-menu"),
        ],
        className="k-drop",
    )
    alt = "Electron microscopy around the soma, 25 µm wide"
    picture = html.Img(src=soma, alt=alt, title=alt, className="k-soma") if soma and card.position_nm else None
    return html.Section(
        [
            _list(glance),
            every if kinds else html.Span(_untyped(card), className="k-muted"),
            picture,
            *map(alerts.notice, card.notices),
        ],
        className="k-facts",
        **aria(label="More about the cell"),
    )


def _edits(edits: pd.DataFrame) -> str:
    if not len(edits):
        return "none"
    merges = int((edits["kind"] == "merge").sum())
    last = edits["timestamp"].max()
    return f"{merges:,} merged, {len(edits) - merges:,} split, the last on {last:%Y-%m-%d}"


def _untyped(card: CellCard) -> str:
    return "No table names its type." if card.type_tables else "Not known: no table of types."


def _list(facts: Sequence[tuple[str, Any]]) -> html.Dl:
    return html.Dl([html.Div([html.Dt(name), html.Dd(value)]) for name, value in facts if value])


def shortened(text: str, most: int = 60) -> str:
    """The beginning of a text, cut between words."""
    return textwrap.shorten(text, most, placeholder=" …")


def _place(card: CellCard) -> str:
    """What the position is of: cells without one nucleus may have a representative point."""
    return "Nucleus position" if card.is_of_nucleus else "Representative point"


def _position(card: CellCard) -> Any:
    if card.position_vx is None:
        return None
    return copyable(", ".join(map(str, card.position_vx)), f"{_place(card).lower()} in voxels of the viewer")


def _area(card: CellCard) -> str | None:
    if card.area is None:
        return None
    border = "" if card.area.border_um is None else f", {card.area.border_um:,.0f} µm from its border"
    return f"{card.area.name}{border}"


def _strategy(card: CellCard, part: str, strategy: str | None) -> str:
    if card.proofreading_unknown:
        return f"not known: {card.proofreading_unknown}"
    words = (strategy or "none").removeprefix(f"{part}_").replace("_", " ")
    return "not proofread" if words == "none" else words


def _coregistered(card: CellCard) -> str:
    if card.coregistered is None:
        return "not known: no coregistration table"
    return ", ".join(f"{table.units} in {table.table}" for table in card.coregistered) or "no"


def _table(named: Named) -> str:
    return named.table + (f" (nucleus {named.nucleus_id})" if named.nucleus_id is not None else "")


def _type(named: Named) -> str:
    others = [text for text in named.values.values() if text != named.cell_type]
    return named.cell_type + (f" · {', '.join(others)}" if others else "")
