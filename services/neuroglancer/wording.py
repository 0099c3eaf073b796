"""Sentences that describe a link."""

from __future__ import annotations

from services.core.profiles import Viewer
from services.core.records import Version
from services.neuroglancer.state_parts import Built
from services.neuroglancer.viewers import BUNDLED, SPELUNKER

NAMED_LAYERS = 6
"""Layers that a description names before it counts the rest."""


def contents(built: Built, coloured_by: str | None) -> str:
    """A sentence that counts the segments and points of a state and names its layers."""
    layers = [layer["name"] for layer in built.state["layers"]]
    more = f" and {len(layers) - NAMED_LAYERS} more" if len(layers) > NAMED_LAYERS else ""
    hidden = built.num_segments - built.num_visible
    listed = f" ({built.num_visible:,} drawn, {hidden:,} listed to be ticked)" if hidden else ""
    coloured = f", coloured by {coloured_by}" if coloured_by and built.legend else ""
    return (
        f"{count(built.num_segments, 'segment')}{listed} and {count(built.num_points, 'point')}{coloured}, "
        f"in {count(len(layers), 'layer')}: {', '.join(layers[:NAMED_LAYERS])}{more}."
    )


def time(version: Version, viewer: Viewer, *, has_segmentation: bool, follows_edits: bool) -> str:
    """A sentence on the time for which the viewer shows the segmentation, where it may differ from that of the version;
    "" for a segmentation without edits. `has_segmentation` is whether the datastack has a segmentation at all."""
    if not has_segmentation:
        return "This datastack has no segmentation to draw: segments are listed, and only points are seen."
    if not follows_edits:
        return ""
    moment = f"{version.timestamp:%Y-%m-%d %H:%M} UTC"
    if viewer.kind == SPELUNKER.kind:
        return f"The segmentation is shown as of {moment}."
    return f"The ids are of {moment}; this viewer shows the segmentation of today, where edited cells have new ids."


def login(viewer: Viewer, *, required: bool) -> str:
    """A sentence on how the viewer treats sources that require a login; "" where none is `required`."""
    if not required:
        return ""
    if viewer.kind == BUNDLED.kind:
        return "This viewer cannot log in to CAVE, so it shows points and public images; open another for the cells."
    return "The viewer asks you to log in to CAVE."


def searched(table: str, *, offered: bool) -> str:
    """A sentence that names the table by whose values segments can be searched in the viewer; "" unless `offered`."""
    return f"Segments can be searched by their values in {table}." if offered else ""


def count(number: int, noun: str) -> str:
    """A number and its noun, singular or plural: "1 point", "2,000 points"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
