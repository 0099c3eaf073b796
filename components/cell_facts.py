"""What all tables of a version say about one cell: below its card, once they have been asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dash import html

from components.links import copyable

if TYPE_CHECKING:
    from services.cell_card import CellCard, Named


def cell_facts(card: CellCard) -> html.Details:
    """Position, volume, layer, area, proofreading, coregistration, and its type in every table of types."""
    facts = [
        ("Nucleus position", _position(card)),
        ("Nucleus volume", None if card.volume_um3 is None else f"{card.volume_um3:,.1f} µm³"),
        ("Layer", card.layer),
        ("Visual area", _area(card)),
        ("Axon", _strategy(card, card.strategy_axon)),
        ("Dendrite", _strategy(card, card.strategy_dendrite)),
        ("Coregistered", _coregistered(card)),
    ]
    pairs = [html.Div([html.Dt(name), html.Dd(value)]) for name, value in facts if value]
    types = [html.Div([html.Dt(_table(named)), html.Dd(_type(named))]) for named in card.types]
    kinds = ", ".join(dict.fromkeys(named.cell_type for named in card.types))
    words = f"Its types: {kinds}" if kinds else "No table names its type"
    return html.Details(
        [html.Summary(f"More about this cell. {words}."), html.Dl(pairs), html.Dl(types)], className="k-facts"
    )


def _position(card: CellCard) -> Any:
    if card.position_vx is None:
        return None
    return copyable(", ".join(map(str, card.position_vx)), "nucleus position in voxels of the viewer")


def _area(card: CellCard) -> str | None:
    if card.area is None:
        return None
    border = "" if card.area.border_um is None else f", {card.area.border_um:,.0f} µm from its border"
    return f"{card.area.name}{border}"


def _strategy(card: CellCard, strategy: str | None) -> str | None:
    if card.proofreading_table is None:
        return None
    words = (strategy or "none").replace("_", " ")
    return "not proofread" if words == "none" else words + (", edited since" if card.edited_since else "")


def _coregistered(card: CellCard) -> str | None:
    return ", ".join(f"{one.units} in {one.table}" for one in card.coregistered) or "no"


def _table(named: Named) -> str:
    return named.table + (f" (nucleus {named.nucleus_id})" if named.nucleus_id is not None else "")


def _type(named: Named) -> str:
    others = [text for text in named.values.values() if text != named.cell_type]
    return named.cell_type + (f" · {', '.join(others)}" if others else "")
