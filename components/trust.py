"""How far the answer can be trusted, in one sentence, with the shares behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dash import html

from components.attributes import aria

if TYPE_CHECKING:
    from services.cells.verdict import Share, Verdict

WAYS = {"in": "Inputs", "out": "Outputs"}
MARKS = {"complete": "good", "usable": "good", "lower bound": "fair", "not analysable": "poor", "unknown": "fair"}
"""The look of a level; its word is always there too."""


def verdict(told: Verdict) -> html.Section:
    """The verdict, a mark for each direction, and which share of the synapses is identified."""
    levels = {"in": told.inputs, "out": told.outputs}
    shares = [_share(name, told.identified[way], told.criterion) for way, name in WAYS.items()]  # type: ignore[index]
    return html.Section(
        [
            html.Span([_mark(name, levels[way]) for way, name in WAYS.items()], className="k-marks"),
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
