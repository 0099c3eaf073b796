"""States of links from any Neuroglancer, read as their viewer would."""

from __future__ import annotations

import contextlib
import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from neuroglancer.url_state import json_to_url_safe

from services.cells.pasted_links import MOST_SEGMENTS, PastedLink, from_state, is_link, read
from services.core.errors import BadInput
from services.neuroglancer.links import BUNDLED, MAINLINE, SPELUNKER, inline_url
from tests.unit.neuroglancer_samples import NEAR

GRAPHENE = "graphene://https://minnie.microns-daf.com/segmentation/table/minnie65_public"
LOGIN = GRAPHENE.replace("graphene://", "graphene://middleauth+")
ids = st.lists(st.integers(1, 2**63 - 1), max_size=8, unique=True)


class NoCave:
    """A CAVE that must not be asked for a state."""

    class settings:  # noqa: N801
        server_address = "https://cave.example.org"
        same_host = False

    def at(self, datastack: str) -> NoCave:
        return self

    def info(self, datastack: str) -> dict[str, str]:
        return {"segmentation_source": GRAPHENE}

    def profile(self, datastack: str) -> object:
        return type("Profile", (), {"neuroglancer": {}})


def opened(text: str) -> PastedLink:
    return read(NoCave(), "minnie65_public", text)


def state(*segments: object, **more: object) -> dict[str, object]:
    """A state as today's viewers write it."""
    layers = [
        {"type": "image", "name": "imagery", "source": "precomputed://https://example.org/em"},
        {"type": "segmentation", "name": "cells", "source": [LOGIN, "precomputed://x"], "segments": list(segments)},
    ]
    return {"layers": layers, **more}


@given(ids, ids)
@pytest.mark.parametrize("viewer", [SPELUNKER, MAINLINE, BUNDLED], ids=lambda viewer: viewer.kind)
def test_what_a_link_of_karst_selects_comes_back_to_the_last_digit(viewer, shown, hidden):
    hidden = [root for root in hidden if root not in shown]
    link = inline_url(viewer, state(*map(str, shown), *(f"!{root}" for root in hidden)))
    result = opened(link)
    assert (result.selected, result.hidden) == (tuple(shown), tuple(hidden))
    assert result.layer == "cells"


SPELLINGS = {
    "quoted": lambda text: f"https://spelunker.cave-explorer.org/#!{quote(text)}",
    "quoted wholly": lambda text: f"https://spelunker.cave-explorer.org/#!{quote(text, safe='')}",
    "unquoted": lambda text: f"https://neuroglancer-demo.appspot.com/#!{text}",
    "merged": lambda text: f"https://neuroglancer-demo.appspot.com/#!+{text}",
    "old notation": lambda text: f"https://neuromancer-seung-import.appspot.com/#!{json_to_url_safe(text)}",
    "a path": lambda text: f"/neuroglancer/v/karst/#!{quote(text)}",
    "with blanks": lambda text: f"  <https://a.example.org/#!{quote(text)}>\n",
    "JSON": lambda text: text,
}


@pytest.mark.parametrize("spell", SPELLINGS.values(), ids=SPELLINGS)
def test_every_spelling_of_a_long_link(spell):
    place = {"dimensions": {"x": [4e-9, "m"], "y": [4, "nm"], "z": [0.04, "um"]}, "position": [10, 20, 30.5]}
    link = spell(json.dumps(state(str(NEAR), f"!{NEAR + 1}", **place)))
    assert is_link(link)
    result = opened(link)
    assert (result.selected, result.hidden) == ((NEAR,), (NEAR + 1,))
    assert result.position_nm == pytest.approx((40, 80, 1220))
    assert result.warnings == ()


def test_a_state_of_the_older_viewer():
    old = {
        "layers": {
            "img": {"type": "image", "source": "precomputed://gs://x"},
            "seg": {
                "type": "segmentation_with_graph",
                "source": GRAPHENE,
                "segments": [str(NEAR), str(NEAR)],
                "hiddenSegments": [str(NEAR + 1)],
            },
        },
        "navigation": {"pose": {"position": {"voxelSize": [4, 4, 40], "voxelCoordinates": [10, 20, 30]}}},
    }
    for result in (
        from_state(old, [GRAPHENE]),
        opened(f"https://old.example.org/#!{json_to_url_safe(json.dumps(old))}"),
    ):
        assert (result.selected, result.hidden, result.layer) == ((NEAR,), (NEAR + 1,), "seg")
        assert result.position_nm == (40, 80, 1200)
        assert result.warnings == ()


def test_numbers_are_read_as_exactly_as_texts():
    assert from_state(state(NEAR, NEAR + 1)).selected == (NEAR, NEAR + 1)


def segmentation(name: str, source: object, *segments: str) -> dict[str, object]:
    return {"type": "segmentation", "name": name, "source": source, "segments": list(segments)}


def test_the_datastack_s_own_layer_is_taken_however_its_source_is_written():
    other = segmentation("other", "precomputed://gs://flat", "7", "8")
    for source in (LOGIN, GRAPHENE + "/", {"url": LOGIN}, [{"url": GRAPHENE, "subsources": {}}]):
        result = from_state({"layers": [other, segmentation("ours", source, str(NEAR))]}, [GRAPHENE])
        assert (result.selected, result.layer) == ((NEAR,), "ours")
        assert result.warnings == ("Segments were taken from layer 'ours' only, not from 'other'.",)


def test_ids_of_another_segmentation_come_with_a_warning():
    result = from_state({"layers": [segmentation("empty", "a://b"), segmentation("flat", "a://c", "7")]}, [GRAPHENE])
    assert (result.selected, result.layer) == ((7,), "flat")
    assert "not of this datastack" in result.warnings[0]


def test_what_is_no_id_is_counted():
    result = from_state(state("1", "0", "x", None, True, 8.6e17, "99999999999999999999", ["1"]))
    assert result.selected == (1,)
    assert result.warnings == ("7 of the link's segments are not whole ids; left out.",)


def test_a_flood_of_segments_is_bounded():
    result = from_state(state(*map(str, range(1, MOST_SEGMENTS + 6))))
    assert len(result.selected) == MOST_SEGMENTS
    assert result.warnings == (
        f"The link has {MOST_SEGMENTS + 5:,} selected segments; the first {MOST_SEGMENTS:,} were taken.",
    )


def test_a_link_that_selects_nothing_says_so():
    assert from_state(state()).warnings == ("No segment is selected in this link.",)


BAD = {
    "nothing": "",
    "words": "hello",
    "another site": "https://example.org/page",
    "an empty viewer": "https://spelunker.cave-explorer.org/",
    "cut off": "https://spelunker.cave-explorer.org/#!%7B%22layers%22:%5B%7B%22type",
    "no object": "https://a.org/#![1,2]",
    "no layers": "https://a.org/#!{}",
    "layers of nonsense": 'https://a.org/#!{"layers":[1,"a",null,{"type":[]}]}',
    "no segmentation": 'https://a.org/#!{"layers":[{"type":"image","source":"x"}]}',
    "a bottomless state": "https://a.org/#!" + '{"a":' * 50_000,
    "a number without end": 'https://a.org/#!{"layers":' + "9" * 5_000 + "}",
    "a broken address": "https://[::1/#!https://[::1/nglstate/api/v1/1",
    "a bad port": "https://a.org/#!https://cave.example.org:99999999/nglstate/api/v1/1",
    "too long": "https://a.org/#!{" + "x" * 3_000_001,
}


@pytest.mark.parametrize("text", BAD.values(), ids=BAD)
def test_a_bad_link_gets_a_sentence(text):
    with pytest.raises(BadInput) as raised:
        opened(text)
    assert raised.value.message.endswith(".")
    assert raised.value.hint


@pytest.mark.parametrize(
    "address",
    [
        "http://169.254.169.254/nglstate/api/v1/1",
        "middleauth+https://evil.example.org/nglstate/api/v1/1",
        "https://cave.example.org.evil.org/nglstate/api/v1/1",
        "https://cave.example.org@evil.org/nglstate/api/v1/1",
        "https://cave.example.org:8443/nglstate/api/v1/1",
        "https://cave.example.org/info/api/v2/datastacks",
        "https://cave.example.org/nglstate/api/v1/../../info/1",
        "file:///nglstate/api/v1/1",
        "gs://bucket/nglstate/api/v1/1",
    ],
)
def test_no_address_but_our_state_service_is_ever_opened(address):
    """`NoCave` has no `state`: asking it would raise AttributeError."""
    for link in (f"https://viewer.org/#!{address}", f"https://viewer.org/?json_url={quote(address)}"):
        with pytest.raises(BadInput, match="is kept at"):
            opened(link)


def test_ids_and_positions_are_no_links():
    assert not any(map(is_link, ("864691135000000101", "1, 2, 3", "[1,2]", "BC", "cell {1}")))


@given(st.text(max_size=200))
def test_no_text_breaks_it(text):
    for given_text in (text, f"https://a.org/#!{text}", f"https://a.org/?json_url={text}"):
        with contextlib.suppress(BadInput):
            opened(given_text)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)
LAYER = st.fixed_dictionaries(
    {"type": st.just("segmentation")},
    optional=dict.fromkeys(("name", "source", "segments", "hiddenSegments"), json_values),
)


@given(st.lists(LAYER | json_values, max_size=3), json_values, json_values)
def test_no_state_breaks_it(layers, dimensions, position):
    try:
        result = from_state({"layers": layers, "dimensions": dimensions, "position": position, "navigation": position})
    except BadInput:
        return
    assert all(0 < root < 2**63 for root in result.selected + result.hidden)
