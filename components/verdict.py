"""How far the answer can be trusted, in one sentence, with the shares behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dash import html

from components.glossary import explained
from services.core.directions import Direction

if TYPE_CHECKING:
    from services.cells.verdict import Share, Verdict

MARKS = {"complete": "good", "usable": "good", "lower bound": "fair", "not analysable": "poor", "unknown": "fair"}
"""The look of a level; its word is always there too."""


def marks(verdict: Verdict) -> list[html.Details]:
    """A mark for each direction, which opens the reason and the share of the synapses that is identified."""
    names = {way: f"{way.noun.capitalize()}s" for way in Direction}
    levels = {Direction.IN: verdict.inputs, Direction.OUT: verdict.outputs}
    why = [html.P(verdict.sentence), *(html.P(note) for note in verdict.notes)]
    return [
        html.Details(
            [
                html.Summary(
                    [f"{name}: ", html.B(levels[way])],
                    className=f"k-mark k-mark-{MARKS[levels[way]]}",
                    **explained(levels[way]),
                ),
                html.Div([*why, html.P(_share(name, verdict.identified[way], verdict.criterion))], className="k-menu"),
            ],
            className="k-drop k-trust",
        )
        for way, name in names.items()
    ]


def _share(way: str, share: Share, criterion: str) -> Any:
    if not share.whole:
        return f"{way}: no synapses. "
    if share.part is None:
        return f"{way}: how many partners have a soma is not known. "
    return f"{way}: {criterion} at {share.part:,} of {share.whole:,} synapses ({share.fraction:.0%}). "
