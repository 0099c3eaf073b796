"""How far the answer can be trusted, in one sentence, with the shares behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dash import html

from components.attributes import aria
from services.core.directions import Direction

if TYPE_CHECKING:
    from services.cells.verdict import Share, Verdict

MARKS = {"complete": "good", "usable": "good", "lower bound": "fair", "not analysable": "poor", "unknown": "fair"}
"""The look of a level; its word is always there too."""


def verdict(told: Verdict) -> html.Section:
    """The verdict, a mark for each direction, and which share of the synapses is identified."""
    names = {way: f"{way.noun.capitalize()}s" for way in Direction}
    levels = {Direction.IN: told.inputs, Direction.OUT: told.outputs}
    shares = [_share(name, told.identified[way], told.criterion) for way, name in names.items()]
    return html.Section(
        [
            html.Span([_mark(name, levels[way]) for way, name in names.items()], className="k-marks"),
            html.P(
                [html.Strong(told.sentence), *(f" {note}" for note in told.notes), html.Br(), *shares],
            ),
        ],
        className="k-trust",
        **aria(label="How far to trust this"),
    )


def _mark(way: str, level: str) -> html.Span:
    return html.Span([f"{way}: ", html.B(level)], className=f"k-mark k-mark-{MARKS[level]}")


def _share(way: str, share: Share, criterion: str) -> Any:
    if not share.whole:
        return f"{way}: no synapses. "
    if share.part is None:
        return f"{way}: how many partners have a soma is not known. "
    return f"{way}: {criterion} at {share.part:,} of {share.whole:,} synapses ({share.fraction:.0%}). "
