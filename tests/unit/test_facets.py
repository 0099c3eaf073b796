"""Facets and histograms against counting by hand, and their boxes against the rows that they keep."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.core.columns import describe_columns
from services.core.errors import BadInput
from services.core.records import TableInfo, Version
from services.tables.examples import filter_line
from services.tables.facets import facets, histograms, known_values, toggled
from services.tables.tables import TableFrame, TableQuery, select

INFO = TableInfo("types", "table", "cell_type_reference", "", "", "nuclei", "", (4.0, 4.0, 40.0), None)
VERSION = Version(1300, datetime(2025, 1, 13, tzinfo=UTC), None, True)
DTYPES = {
    "id": "Int64",
    "cell_type": "string",
    "valid": "boolean",
    "session": "Int64",
    "volume": "Float32",
    "ratio": "float64",
}


def table_of(rows):
    columns = zip(*rows, strict=True) if rows else [()] * len(DTYPES)
    frame = pd.DataFrame(
        {name: pd.array(list(values), dtype=DTYPES[name]) for name, values in zip(DTYPES, columns, strict=True)}
    )
    return TableFrame("demo", VERSION, INFO, describe_columns(frame), frame)


rows = st.lists(
    st.tuples(
        st.sampled_from(["BC", "MC", "null", "L2/3, a", "=x", '"', None]),
        st.sampled_from([True, False, None]),
        st.one_of(st.none(), st.integers(1, 4)),
        st.one_of(st.none(), st.floats(-100, 100, width=32)),
        st.one_of(st.just(float("nan")), st.just(float("inf")), st.floats(-1, 1)),
    ),
    max_size=40,
).map(lambda rows: [(at, *row) for at, row in enumerate(rows)])
queries = st.builds(
    TableQuery,
    st.sampled_from(["", "volume > 0", "not valid", "cell_type ~ B or session null"]),
    st.dictionaries(
        st.sampled_from(["valid", "session", "cell_type", "volume"]),
        st.sampled_from(["null", "not null"]),
        max_size=3,
    ),
)


def without(query, name):
    return replace(query, boxes={key: text for key, text in query.boxes.items() if key != name})


def same(value, other):
    return (value is None and pd.isna(other)) or (value is not None and not pd.isna(other) and value == other)


@given(rows, queries)
def test_every_value_has_the_count_that_a_click_would_give(rows, query):
    table = table_of(rows)
    matches = {facet.column.name: facet for facet in facets(table, query, budget_s=60)}
    assert set(matches) == {"cell_type", "valid", "session"}
    for name, facet in matches.items():
        others = select(table, without(query, name))[name]
        assert sum(value.total for value in facet.values) == len(rows)
        for value in facet.values:
            assert value.count == sum(same(value.value, other) for other in others)
            assert value.total == sum(same(value.value, other) for other in table.frame[name])
            clicked = toggled(table.columns, without(query, name), name, value.value)
            assert len(select(table, clicked)) == value.count


@given(rows, queries)
def test_values_that_the_filter_keeps_come_first(rows, query):
    for facet in facets(table_of(rows), query, budget_s=60):
        order = [(-one.count, -one.total, one.value is None, str(one.value)) for one in facet.values]
        assert order == sorted(order)


@given(rows)
def test_the_example_of_a_query_line_is_one_that_the_table_can_answer(rows):
    table = table_of(rows)
    line = filter_line(table, known_values(table, budget_s=60))
    select(table, TableQuery(line))
    typed = [row[1] for row in rows if row[1] is not None]
    assert ("cell_type" in line) == bool(typed)
    assert ("session" in line) == any(row[3] is not None for row in rows)


def test_the_example_has_the_most_frequent_words_and_a_middle_number():
    table = table_of([(at, "BC" if at < 3 else "MC", True, at, at * 100 + 11.0, 0.5) for at in range(1, 5)])
    assert filter_line(table, known_values(table, budget_s=60)) == "cell_type in (BC, MC) and session > 2.5"
    assert filter_line(table_of([]), {}) == ""


@given(rows)
def test_clicks_add_up_and_take_back(rows):
    table = table_of(rows)
    query = TableQuery()
    values = [value.value for value in facets(table, query, budget_s=60)[0].values]
    for value in values:
        query = toggled(table.columns, query, "cell_type", value)
    assert len(select(table, query)) == len(rows)
    facet = next(facet for facet in facets(table, query, budget_s=60) if facet.column.name == "cell_type")
    assert all(value.chosen for value in facet.values)
    for value in values:
        query = toggled(table.columns, query, "cell_type", value)
    assert query == TableQuery()


@given(rows, queries)
def test_bars_hold_every_number_once_and_their_boxes_keep_them(rows, query):
    table = table_of(rows)
    for histogram in histograms(table, query, bars=7, budget_s=60):
        name = histogram.column.name
        everything = without(query, name)
        numbers = pd.to_numeric(select(table, everything)[name]).to_numpy(dtype=float, na_value=np.nan)
        assert sum(bar.count for bar in histogram.bars) == np.isfinite(numbers).sum()
        assert histogram.blank == (~np.isfinite(numbers)).sum()
        assert len(histogram.bars) <= 7
        for bar in histogram.bars:
            assert bool(bar.box) == bool(bar.total)
            if bar.box:
                kept = select(table, replace(query, boxes={**query.boxes, name: bar.box}))
                assert len(kept) == bar.count


def test_a_box_that_is_no_list_is_replaced_by_a_click():
    table = table_of([(1, "BC", True, 1, 1.0, 0.5), (2, "MC", True, 1, 2.0, 0.5)])
    query = toggled(table.columns, TableQuery(boxes={"cell_type": "~ B"}), "cell_type", "MC")
    assert query.boxes == {"cell_type": "= MC"}


def test_a_column_without_time_says_so():
    table = table_of([(1, "BC", True, 1, 1.0, 0.5)])
    assert all(facet.timed_out and not facet.values for facet in facets(table, TableQuery(), budget_s=0))
    assert all(histogram.timed_out for histogram in histograms(table, TableQuery(), budget_s=0))


def test_many_values_are_no_category():
    table = table_of([(at, f"type {at}", True, at, 1.0, 0.5) for at in range(300)])
    assert [facet.column.name for facet in facets(table, TableQuery(), budget_s=60)] == ["valid"]


def test_a_filter_that_cannot_be_is_told():
    with pytest.raises(BadInput):
        facets(table_of([]), TableQuery("nope = 1"))
