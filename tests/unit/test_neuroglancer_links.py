"""What links are made of: sources, viewers, addresses."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.core.errors import BadInput
from services.core.profiles import Profile, Viewer
from services.neuroglancer.links import (
    BUNDLED,
    MAINLINE,
    SPELUNKER,
    choose_viewer,
    empty_state,
    inline_url,
    make_scene,
    short_url,
    state_json,
    viewers_of,
    with_login,
)
from tests.neuroglancer_checks import assert_sound, layer_of
from tests.unit.neuroglancer_samples import GLOBAL_SERVER, MINNIE, NEAR, SCENE, VERSION, base

LOCAL = "http://127.0.0.1:9100"
CAVE_HOSTS = {"minnie.microns-daf.com", "global.daf-apis.com"}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("graphene://https://else.where/segmentation/table/t", "graphene://middleauth+https://else.where/segmentation/table/t"),
        ("graphene://http://127.0.0.1:9100/segmentation/table/t", "graphene://http://127.0.0.1:9100/segmentation/table/t"),
        ("graphene://middleauth+https://a.b/table/t", "graphene://middleauth+https://a.b/table/t"),
        ("precomputed://https://minnie.microns-daf.com/sk", "precomputed://middleauth+https://minnie.microns-daf.com/sk"),
        ("precomputed://https://s3.amazonaws.com/em", "precomputed://https://s3.amazonaws.com/em"),
        ("precomputed://gs://bucket/seg", "precomputed://gs://bucket/seg"),
        ("", ""),
    ],
)  # fmt: skip
def test_only_what_wants_a_login_gets_one(source: str, expected: str) -> None:
    assert with_login(source, CAVE_HOSTS) == expected


def test_the_scene_is_that_of_the_info_record() -> None:
    assert SCENE.voxel_nm == (4.0, 4.0, 40.0)
    assert SCENE.image == MINNIE["aligned_volume"]["image_source"]
    assert SCENE.segmentation == (
        "graphene://middleauth+https://minnie.microns-daf.com/segmentation/table/minnie65_public",
        "precomputed://middleauth+https://minnie.microns-daf.com/skeletoncache/api/v1/minnie65_public/precomputed/skeleton/",
    )


def test_the_profile_s_sources_take_the_place_of_the_record_s() -> None:
    own = {
        "segmentation_source": "precomputed://{server}/precomputed/demo/segmentation",
        "skeleton_source": "",
        "image_source": "",
        "resolution_nm": [8, 8, 33],
    }
    scene = make_scene("demo", MINNIE, Profile("demo", "Demo", neuroglancer=own), LOCAL)
    assert scene.segmentation == (f"precomputed://{LOCAL}/precomputed/demo/segmentation",)
    assert (scene.image, scene.voxel_nm) == ("", (8.0, 8.0, 33.0))
    assert [layer["name"] for layer in empty_state(scene, BUNDLED, VERSION, "x")["layers"]] == ["segmentation"]


def test_a_datastack_without_sources_still_has_a_state() -> None:
    scene = make_scene("mine", {}, Profile("mine", "Mine"), LOCAL)
    state = empty_state(scene, BUNDLED, VERSION, "x")
    assert_sound(state)
    assert state["dimensions"] == {"x": [4e-9, "m"], "y": [4e-9, "m"], "z": [4e-8, "m"]}


def test_spelunker_is_told_the_time_of_the_version() -> None:
    """In milliseconds: its graphene source divides by 1000 before it asks for seconds."""
    assert layer_of(base(SPELUNKER), "segmentation")["timestamp"] == 1_736_763_001_286
    assert "timestamp" not in layer_of(base(MAINLINE), "segmentation")


def test_a_segmentation_without_edits_needs_no_time() -> None:
    own = {"segmentation_source": "precomputed://gs://iarpa_microns/minnie/minnie65/seg_m1300"}
    scene = make_scene("minnie65_public", MINNIE, Profile("a", "A", neuroglancer=own), GLOBAL_SERVER)
    assert "timestamp" not in layer_of(empty_state(scene, SPELUNKER, VERSION, "x"), "segmentation")


def test_a_local_cave_is_shown_in_the_bundled_viewer() -> None:
    plain = Profile("demo", "Demo")
    assert viewers_of({}, plain, LOCAL)[0] == BUNDLED
    assert viewers_of({}, plain, GLOBAL_SERVER)[0] == SPELUNKER
    assert viewers_of({"viewer_site": "https://ng.lab.org/"}, plain, GLOBAL_SERVER)[0].url == "https://ng.lab.org/"
    own = (Viewer("Lab", "https://ng.lab.org/", "mainline"),)
    assert viewers_of({}, Profile("demo", "Demo", viewers=own), LOCAL) == own


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [(None, SPELUNKER), ("", SPELUNKER), ("MAINLINE", MAINLINE), ("Neuroglancer", MAINLINE), ("bundled", BUNDLED)],
)
def test_a_viewer_is_chosen_by_name_or_kind(wanted: str | None, expected: Viewer) -> None:
    assert choose_viewer((SPELUNKER, MAINLINE, BUNDLED), wanted) == expected


def test_an_unknown_viewer_is_said_with_the_known_ones() -> None:
    with pytest.raises(BadInput, match=r"'nope'.*Spelunker, Neuroglancer, Bundled"):
        choose_viewer((SPELUNKER, MAINLINE, BUNDLED), "nope")


def test_a_short_link_wants_a_login_over_https_only() -> None:
    assert short_url(SPELUNKER, "minnie65_public", f"{GLOBAL_SERVER}/nglstate/api/v1/5") == (
        "https://spelunker.cave-explorer.org/#!middleauth+https://global.daf-apis.com/nglstate/api/v1/5"
    )
    assert (
        short_url(BUNDLED, "demo", f"{LOCAL}/nglstate/api/v1/5") == f"/neuroglancer/v/karst/#!{LOCAL}/nglstate/api/v1/5"
    )


def test_the_bundled_viewer_gets_states_behind_a_login_from_here() -> None:
    url = short_url(BUNDLED, "minnie65_public", f"{GLOBAL_SERVER}/nglstate/api/v1/5")
    assert url == "/neuroglancer/v/karst/#!/neuroglancer/states/minnie65_public/5"


PROPERTIES = "precomputed://middleauth+https://minnie.microns-daf.com/materialize/api/v3/datastack/d/version/7/table/t"


@pytest.mark.parametrize("viewer", [SPELUNKER, MAINLINE, BUNDLED], ids=lambda viewer: viewer.kind)
def test_every_viewer_gets_what_segments_can_be_searched_by(viewer: Viewer) -> None:
    layer = layer_of(empty_state(replace(SCENE, properties=PROPERTIES), viewer, VERSION, "x"), "segmentation")
    assert layer["source"] == [SCENE.segmentation[0], {"url": SCENE.segmentation[1], "subsources": NONE}, PROPERTIES]
    flat = replace(SCENE, segmentation=("precomputed://gs://seg",), properties=PROPERTIES)
    layer = layer_of(empty_state(flat, viewer, VERSION, "x"), "segmentation")
    assert layer["source"] == [{"url": "precomputed://gs://seg", "subsources": NONE}, PROPERTIES]


NONE = {"properties": False}


def test_a_viewer_address_without_a_slash_gets_one() -> None:
    assert inline_url(Viewer("Lab", "https://ng.lab.org", "mainline"), {}) == "https://ng.lab.org/#!%7B%7D"


def test_no_viewer_can_read_nan() -> None:
    with pytest.raises(ValueError, match="JSON"):
        state_json({"x": float("nan")})


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


@given(texts, st.integers(0, 2**63 - 1))
def test_an_inline_link_holds_the_state_whatever_is_in_it(name: str, root: int) -> None:
    state = {"layers": [{"name": name, "segments": [str(root)], "description": f"{name} 100% <a href='x'> \\ {NEAR}"}]}
    url = inline_url(SPELUNKER, state)
    assert re.fullmatch(r"[!-~]+", url)
    assert not re.search(r"[\"<>\\`{}|^ ]", url)
    assert json.loads(unquote(url.split("#!", 1)[1])) == state
