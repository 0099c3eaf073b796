"""States in the dialect of the Seung lab's fork: the same contents in the fork's own form."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import unquote

import pytest

from services.core.profiles import Profile, Viewer
from services.neuroglancer.seunglab import is_site, translated
from services.neuroglancer.viewers import inline_url, short_url, viewers_of

GOLDEN = Path(__file__).parent / "neuroglancer_golden"
FORK = Viewer("Seung lab's", "https://ngl.flywire.ai", "seunglab")


@pytest.fixture(params=sorted(path.stem for path in GOLDEN.glob("*.json")))
def state(request: pytest.FixtureRequest) -> dict:
    result: dict = json.loads((GOLDEN / f"{request.param}.json").read_text())
    return result


def test_nothing_of_the_newer_dialect_is_left(state: dict) -> None:
    text = json.dumps(translated(state))
    for word in (
        "middleauth",
        "dimensions",
        "crossSectionScale",
        "local://",
        "annotationProperties",
        "shader",
        '"props',
    ):
        assert word not in text, word


def test_layers_segments_points_and_place_are_the_same(state: dict) -> None:
    result = translated(state)
    voxel_nm = [round(state["dimensions"][axis][0] * 1e9, 6) for axis in "xyz"]
    assert [layer["name"] for layer in result["layers"]] == [layer["name"] for layer in state["layers"]]
    pose = result["navigation"]["pose"]["position"]
    assert pose == {"voxelSize": voxel_nm, "voxelCoordinates": state["position"]}
    assert result["navigation"]["zoomFactor"] == state["crossSectionScale"] * min(voxel_nm)
    for own, theirs in zip(state["layers"], result["layers"], strict=True):
        if own["type"] == "segmentation":
            assert theirs["type"] == "segmentation_with_graph"
            assert theirs["source"].startswith("graphene://https://")
            every = [*theirs["segments"], *(f"!{one}" for one in theirs.get("hiddenSegments", []))]
            assert sorted(every) == sorted(own["segments"])
            assert theirs.get("segmentColors") == own.get("segmentColors")
        if own["type"] == "annotation":
            assert theirs["voxelSize"] == voxel_nm
            assert [one["point"] for one in theirs["annotations"]] == [one["point"] for one in own["annotations"]]
            assert [one["id"] for one in theirs["annotations"]] == [one["id"] for one in own["annotations"]]
            flat = [[each for group in one.get("segments", []) for each in group] for one in own["annotations"]]
            assert [one.get("segments", []) for one in theirs["annotations"]] == flat
            assert theirs["linkedSegmentationLayer"] == "segmentation"


def test_a_viewer_site_of_the_fork_is_one() -> None:
    info = {"viewer_site": "https://ngl.flywire.ai"}
    first = viewers_of(info, Profile("ds", "ds"), "https://global.daf-apis.com")[0]
    assert (first.kind, first.url) == ("seunglab", "https://ngl.flywire.ai")
    assert is_site("https://neuromancer-seung-import.appspot.com/") and not is_site(
        "https://spelunker.cave-explorer.org/"
    )
    assert not is_site("https://evil.example.org/ngl.flywire.ai")


def test_links_hold_the_state_in_the_dialect_of_the_viewer(state: dict) -> None:
    held = json.loads(unquote(inline_url(FORK, state).partition("#!")[2]))
    assert held == translated(state)
    address = "https://global.daf-apis.com/nglstate/api/v1/12"
    assert short_url(FORK, "ds", address) == f"https://ngl.flywire.ai/?json_url={address}"
