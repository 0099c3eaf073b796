"""Ids in whatever is pasted, to the last digit."""

import json
from collections.abc import Callable
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from neuroglancer.url_state import json_to_url_safe

from services.cells.pasted import MOST_CHARACTERS, MOST_IDS, one_id, read_ids
from services.core.columns import Column
from services.core.errors import BadInput
from services.core.id_text import looks_rounded
from services.filters.values import read_value

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
    ("text", "expected"),
    [
        ("864,691,135,771,609,595", [NEAR]),
        ("[np.int64(864691135771609595), np.int64(5)]", [NEAR, 5]),
        (f"https://x.org/connectivity-viewer?cell={NEAR}&version=3", [NEAR]),
        (f'https://x.org/dash/datastack/d/apps/table_viewer/?anno-id="{NEAR},7"&mat-version=1300', [NEAR, 7]),
        (f"see https://x.org/?cell={NEAR}, and 7", [NEAR, 7]),
        ("１２３", [123]),
    ],
)
def test_forms_that_people_paste(text, expected):
    assert list(read_ids(text).ids) == expected


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
    requests = []

    def load(address):
        requests.append(address)
        return {"layers": [{"segments": [str(NEAR)]}]}

    read = read_ids(f"{link} {link}", state=load)
    address = "https://global.daf-apis.com/nglstate/api/v1/4711"
    assert (read.ids, read.states, requests) == ((NEAR,), (address,), [address])


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


ROOT, OTHER = 864691135376822635, 864691135943245347


@pytest.mark.parametrize(
    "text",
    [
        f'="{ROOT}"',
        f"np.uint64({ROOT})",
        f"np.array([{ROOT}], dtype=np.uint64)",
        f"“{ROOT}”",
        f"‘{ROOT}’",
        f"«{ROOT}»",
        f"\u200f{ROOT}\u200f",
        f"\u202a{ROOT}\u202c",
        f"{ROOT}n",
        f"{ROOT}L",
        f"{ROOT}u64",
        f"- {ROOT}",
        f"1. {ROOT}",
        f"&#34;{ROOT}&#34;",
        "".join("٠١٢٣٤٥٦٧٨٩"[int(digit)] for digit in str(ROOT)),
        "864 691 135 376 822 635",
        "864\u00a0691\u00a0135\u00a0376\u00a0822\u00a0635",
        "864’691’135’376’822’635",
        "864_691_135_376_822_635",
        f"<https://x.org/?cell={ROOT}|my cell 7>",
        f"[my cell 7](https://x.org/?cell={ROOT})",
        f'<a href="https://x.org/?cell={ROOT}">my cell 7</a>',
        f"https://x.org/api/v1/d/3/cells/{ROOT}/partners",
    ],
)
def test_every_box_reads_one_id_alike(text):
    assert read_ids(text).ids == (ROOT,)
    assert one_id(text) == ROOT


def test_two_ids_in_groups_are_two_and_short_lists_stay_lists():
    assert read_ids("864 691 135 376 822 635\n864 691 135 943 245 347").ids == (ROOT, OTHER)
    for text in (
        f"864 691 135 943 245 347 {ROOT}",
        f"{OTHER} 864 691 135 376 822 635",
        "864 691 135 943 245 347 864 691 135 376 822 635",
        "864,691,135,943,245,347,864,691,135,376,822,635",
        "864 691 135 943 245 347,864 691 135 376 822 635",
    ):
        assert set(read_ids(text).ids) == {ROOT, OTHER}, text
        with pytest.raises(BadInput, match="2 ids are given"):
            one_id(text)
    assert read_ids("17 101 864 691 135 376 822 635 102 103").ids == (17, 101, ROOT, 102, 103)
    supervoxels = (88_891_234_567_890_123, 72_057_594_037_927_936)
    for between in (" ", ",", "'", "."):
        one, other = (f"{each:,}".replace(",", between) for each in supervoxels)
        for text in (f"{one} {other}", f"{one}{between}{other}", f"{one}\n{other}", f"{one}; {other}"):
            assert read_ids(text).ids == supervoxels, text
    small = [str(one) for one in range(101, 113)]
    assert read_ids(" ".join(small)).ids == tuple(map(int, small))
    assert read_ids("100 547 606").ids == (100, 547, 606)
    assert one_id("100,547") == 100547
    for listed in ("[167,957]", "(101, 102, 103)", "167,957;"):
        with pytest.raises(BadInput, match="ids are given"):
            one_id(listed)


def test_floats_are_ids_where_nothing_was_lost():
    assert read_ids("17.0 100547.").ids == (17, 100547)
    assert read_ids(f"{ROOT}.0").rounded == (f"{ROOT}.0",)
    small = read_ids("0.0008 17.5 1e5 8.6e17")
    assert (small.ids, small.rounded, small.rubbish) == ((), ("8.6e17",), ("0.0008", "17.5", "1e5"))


def old_state(**layers):
    return {"layers": {"seg": {"type": "segmentation_with_graph", **layers}}}


@pytest.mark.parametrize("spell", [json.dumps, json_to_url_safe, repr], ids=["JSON", "old notation", "Python"])
def test_an_old_state_gives_its_hidden_segments_too(spell):
    state = old_state(segments=[str(ROOT)], hiddenSegments=[str(OTHER)])
    text = spell(state) if spell is not json_to_url_safe else json_to_url_safe(json.dumps(state))
    for pasted in (text, f"https://old.example.org/#!{text}", f"see https://old.example.org/#!{text}"):
        assert read_ids(pasted).ids == (ROOT, OTHER), pasted


def test_segments_of_other_layers_are_told_apart():
    layers = [
        {"type": "segmentation", "name": "nuclei", "source": "precomputed://gs://x/nuclei", "segments": ["7", "8"]},
        {"type": "segmentation", "name": "seg", "source": "graphene://https://a.org/t", "segments": [str(ROOT)]},
    ]
    for sources in ((), ("graphene://https://a.org/t",)):
        expected = read_ids(json.dumps({"layers": layers}), sources=sources)
        assert expected.ids == (ROOT,)
        assert "'nuclei'" in " ".join(expected.sentences())


def test_annotations_give_their_linked_segments_and_say_how_many_points_they_have():
    points = [{"type": "point", "point": [1, 2, 3], "segments": [[str(ROOT)], [str(OTHER)]]}, {"point": [4, 5, 6]}]
    layer = {"type": "annotation", "name": "marks", "annotations": points}
    expected = read_ids(json.dumps({"layers": [layer], "dimensions": {axis: [4e-9, "m"] for axis in "xyz"}}))
    assert expected.ids == (ROOT, OTHER)
    assert "2 points and 2 linked segments" in " ".join(expected.sentences())
    without_unit = read_ids(json.dumps({"layers": [layer]}))
    assert without_unit.ids == expected.ids
    assert not without_unit.points_nm
    sentences = " ".join(without_unit.sentences())
    assert "2 points and 2 linked segments. The link gives no voxel size for 2 points; left out." in sentences


def test_a_rounded_id_is_recognised():
    javascript = int(f"{float(ROOT):.16g}".replace(".", "").split("e")[0].ljust(18, "0"))
    for rounded in (864691135376822000, 864691135376822600, int(float(ROOT)), javascript, 72345678901234000):
        assert looks_rounded(rounded), rounded
    for exact in (ROOT, OTHER, 100500, 17):
        assert not looks_rounded(exact)


@pytest.mark.parametrize(
    "written",
    [
        '=TEXT("{}","0")',
        '=TEXT({};"0")',
        '=VALUE("{}")',
        '=T("{}")',
        "torch.tensor({})",
        "tensor([{}], device='cuda:0', dtype=torch.int64)",
        "<tf.Tensor: shape=(1,), dtype=int64, numpy=array([{}])>",
        "np.array([{}])",
        "jnp.array([{}], dtype=uint64)",
        "Int64({})",
        "UInt64Value({})",
        "BigInt('{}')",
        "{}n",
        "<pyarrow.Int64Scalar: {}>",
        'bit64::as.integer64("{}")',
        "'{}'::bigint",
        "'{}'",
        "'{}",
        "Index([{}], dtype='int64')",
        "0    {}\nName: pt_root_id, dtype: int64",
    ],
)
def test_an_id_is_read_out_of_what_programs_write_around_it(written):
    text = written.format(ROOT)
    pasted = read_ids(text)
    assert (pasted.ids, pasted.rubbish, pasted.rounded) == ((ROOT,), (), ())
    assert one_id(text) == ROOT
    assert read_value(Column("pt_root_id", "root id", "id", ""), text, 0) == ROOT


@pytest.mark.parametrize("state", ['{"segments":["864691135771609596"]}', '{"layers":[{"type":"segmentation","segm'])
@pytest.mark.parametrize("written", [str, quote])
def test_a_link_that_cannot_be_read_beside_ids_is_not_passed_over(state: str, written: Callable[[str], str]) -> None:
    """Its ids were lost without a word."""
    result = read_ids(f"https://ngl.org/#!{written(state)} 864691135771609597")
    assert result.ids == (864691135771609597,) and "cut off or shows no segmentation" in result.sentences()[0]
