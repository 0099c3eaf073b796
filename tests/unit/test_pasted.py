"""Ids in whatever is pasted, to the last digit."""

import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.errors import BadInput
from services.pasted import MOST_CHARACTERS, MOST_IDS, read_ids

NEAR = 864691135771609595
ids = st.lists(st.integers(1, 2**63 - 1), min_size=1, max_size=20, unique=True)
separators = st.sampled_from(
    [",", ", ", " ", "\n", "\t", ";", " | ", "\r\n", '", "', "', '", "/", "-", "_", "\u2028", ",,"]
)
around = st.sampled_from([("", ""), ("[", "]"), ("(", ")"), ('["', '"]'), ("ids = [", "]"), ("\ufeff", "\u200b")])


@given(ids, separators, around)
def test_any_separator_and_brackets(ids, separator, around):
    joined = separator.join(f"{one:07d}" for one in ids)
    read = read_ids(around[0] + joined + around[1])
    assert read.ids == tuple(ids)
    assert set(read.rubbish) <= {"ids"}


@given(st.text(max_size=200))
def test_nothing_makes_it_fall_over(text):
    for one in read_ids(text).ids:
        assert 0 < one < 2**63


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("864,691,135,771,609,595", [NEAR]),
        ("[np.int64(864691135771609595), np.int64(5)]", [NEAR, 5]),
        (f"https://x.org/connectivity-viewer?cell={NEAR}&version=3", [NEAR]),
        (f'https://x.org/dash/datastack/d/apps/table_viewer/?anno-id="{NEAR},7"&mat-version=1300', [NEAR, 7]),
        (f"see https://x.org/?cell={NEAR}, and 7", [NEAR, 7]),
        ("１２３", [123]),
    ],
)
def test_forms_that_people_paste(text, found):
    assert list(read_ids(text).ids) == found


def test_a_neuroglancer_link_or_state_gives_its_segments():
    state = {
        "position": [1.5, 2, 3],
        "layers": [
            {"type": "image", "source": "precomputed://x/123456"},
            {"type": "segmentation", "segments": [str(NEAR), f"!{NEAR + 1}"], "name": "77"},
        ],
    }
    text = json.dumps(state)
    for pasted in (text, f"https://viewer.org/#!{quote(text)}", f"here: https://viewer.org/#!{quote(text, safe='')} "):
        assert read_ids(pasted).ids == (NEAR, NEAR + 1), pasted


def test_a_short_link_is_followed():
    link = "https://spelunker.cave-explorer.org/#!middleauth+https://global.daf-apis.com/nglstate/api/v1/4711"
    asked = []

    def load(address):
        asked.append(address)
        return {"layers": [{"segments": [str(NEAR)]}]}

    read = read_ids(f"{link} {link}", state=load)
    address = "https://global.daf-apis.com/nglstate/api/v1/4711"
    assert (read.ids, read.states, asked) == ((NEAR,), (address,), [address])


def test_what_is_no_id_is_told_apart():
    read = read_ids(f"{NEAR} {NEAR} 8.64E+17 864691135771609600.0 soma_7 0 -5 99999999999999999999 pt_root_id")
    assert read.ids == (NEAR,)
    assert read.repeated == 1
    assert read.rounded == ("8.64E+17", "864691135771609600.0")
    assert read.rubbish == ("soma_7", "0", "-5", "99999999999999999999", "pt_root_id")
    assert len(read.sentences()) == 2


def test_ten_thousand_ids_with_rubbish_are_bounded():
    text = "\n".join([*(f"{NEAR + at} junk{at}" for at in range(MOST_IDS)), "17"])
    read = read_ids(text)
    assert len(read.ids) == MOST_IDS
    assert read.left_out == 1
    assert len(" ".join(read.sentences())) < 400


def test_a_flood_is_refused():
    with pytest.raises(BadInput, match="2,000,000"):
        read_ids("1 " * MOST_CHARACTERS)
