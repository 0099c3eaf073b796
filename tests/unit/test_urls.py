"""Page addresses hold the whole view and survive what people do to them."""

from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.core.sorting import format_sort, parse_sort
from services.views.addresses import ID_TYPES, CellAddress, TableAddress, parse_connectivity, parse_table

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=15)
names = texts.filter(bool)
words = st.one_of(st.just(""), names)
versions = st.one_of(st.just("latest"), st.integers(0, 10**9 - 1).map(str))
boxes = st.dictionaries(names, texts.filter(str.strip), max_size=4)
sorts = st.lists(
    st.tuples(names, st.sampled_from(["asc", "desc"])), max_size=3, unique_by=lambda pair: pair[0]
).map(tuple)  # fmt: skip


def query_of(href):
    """As a web framework hands it to a page: one text, or a list where a key is repeated."""
    parsed = parse_qs(urlsplit(href).query, max_num_fields=500)
    return {key: values[0] if len(values) == 1 else values for key, values in parsed.items()}


@given(st.builds(TableAddress, words, versions, words, words, boxes, sorts, words))
def test_a_table_view_survives_its_address(view):
    href = view.href()
    assert urlsplit(href).path == "/table-viewer"
    assert parse_table(query_of(href)) == (view, ())
    assert parse_table(query_of(href))[0].href() == href


@given(
    st.builds(
        CellAddress,
        words,
        versions,
        words,
        st.sampled_from(ID_TYPES),
        words,
        st.sampled_from(["in", "out", "both"]),
        words.map(str.strip),
        st.sampled_from(["", "on"]),
        st.lists(words.filter(bool), unique=True, max_size=3).map(tuple),
        words,
        boxes,
        sorts,
        words,
        words,
        st.sampled_from(["", "on"]),
        st.sampled_from(["", "on"]),
        words.map(str.strip),
        words.map(str.strip),
        words.map(str.strip),
        words.map(str.strip),
        words.map(str.strip),
    )
)
def test_a_connectivity_view_survives_its_address(view):
    href = view.href()
    assert urlsplit(href).path == "/connectivity-viewer"
    assert parse_connectivity(query_of(href)) == (view, ())


@given(sorts)
def test_a_sort_survives_its_text(sort):
    assert parse_sort(format_sort(sort)) == sort


def test_an_address_reads_well():
    view = TableAddress(
        "minnie65_public", "1300", "types", "volume > 300", {"cell_type": "5P-NP"}, (("volume", "desc"),)
    )
    assert view.href() == (
        "/table-viewer?datastack=minnie65_public&version=1300&table=types&where=volume%20%3E%20300"
        "&f.cell_type=5P-NP&sort=-volume"
    )
    assert TableAddress().href() == "/table-viewer"


def test_an_id_stays_its_digits():
    view, _ = parse_connectivity({"cell": "864691135771609595"})
    assert view.cell == "864691135771609595"


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"nonsense": "1"}, "nonsense"),
        ({"version": "abc"}, "version=abc"),
        ({"version": "-1"}, "version=-1"),
        ({"table": ["a", "b"]}, "2 times"),
        ({"where": "x" * 2_000_001}, "too much"),
        ({f"f.c{i}": "x" for i in range(5000)}, "5,001 parameters"),
        ({"f.": "x"}, "f."),
    ],
)
def test_what_cannot_be_used_is_said(query, message):
    view, warnings = parse_table({"datastack": "demo", **query})
    assert view.datastack == "demo"
    assert any(message in warning for warning in warnings)
    assert len(warnings) <= 10
    assert all(len(warning) < 250 for warning in warnings)


def test_repeated_keys_that_agree_need_no_word():
    assert parse_table({"table": ["a", "a"]}) == (TableAddress(table="a"), ())


def test_an_unknown_choice_is_replaced_and_said():
    view, warnings = parse_connectivity({"id_type": "name", "tab": "sideways", "version": "V943"})
    assert (view.id_type, view.tab, view.version) == ("auto", "out", "943")
    assert len(warnings) == 2


@given(
    st.dictionaries(
        st.text(max_size=10), st.one_of(st.text(max_size=20), st.lists(st.text(max_size=5), max_size=3)), max_size=8
    )
)
def test_no_query_breaks_a_page(query):
    for parse in (parse_table, parse_connectivity):
        view, warnings = parse(query)
        assert all(warning.endswith(".") for warning in warnings)
        assert parse(query_of(view.href())) == (view, ())
