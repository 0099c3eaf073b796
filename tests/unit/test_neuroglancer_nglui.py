"""Points written straight into the state against nglui's own, which makes an object for each."""

from __future__ import annotations

from benchmarks.neuroglancer import POINTS, direct_state, nglui_state, points_frame
from services.neuroglancer.state_parts import SEGMENTATION
from tests.neuroglancer_checks import assert_sound, layer_of


def test_the_points_and_segments_are_those_of_nglui() -> None:
    """Ours have their table's ids and `cell` as relationship, where nglui has random ids and an unnamed one."""
    frame = points_frame(200)
    ours, theirs = direct_state(frame), nglui_state(frame)
    assert_sound(ours)
    for got, expected in zip(
        layer_of(ours, POINTS)["annotations"], layer_of(theirs, POINTS)["annotations"], strict=True
    ):
        assert got["point"] == expected["point"]
        assert got["segments"][0] == [root for linked in expected["segments"] for root in linked]
        assert got["description"].startswith(expected["description"])
    listed = [segment.strip("!") for segment in layer_of(ours, SEGMENTATION)["segments"]]
    assert listed == layer_of(theirs, SEGMENTATION)["segments"]
