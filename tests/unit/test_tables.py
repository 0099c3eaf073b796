"""Rows of a table: order, pages, counts and JSON, against plain Python."""

import json
from datetime import UTC, datetime
from operator import itemgetter

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.core.columns import describe_columns
from services.core.errors import BadInput
from services.core.records import TableInfo, Version
from services.tables.tables import TableFrame, TableQuery, page, select, to_records
from services.tables.value_counts import count_by

NEAR = 864691135771609595
INFO = TableInfo("types", "table", "cell_type_reference", "", "", "nuclei", "", (4.0, 4.0, 40.0), None)
VERSION = Version(1300, datetime(2025, 1, 13, tzinfo=UTC), None, True)


def table_of(rows):
    dtypes = {"id": "Int64", "pt_root_id": "Int64", "cell_type": "string", "volume": "Float64"}
    columns = zip(*rows, strict=True) if rows else ([], [], [], [])
    frame = pd.DataFrame(
        {name: pd.array(list(values), dtype=dtypes[name]) for name, values in zip(dtypes, columns, strict=True)}
    )
    return TableFrame("demo", VERSION, INFO, describe_columns(frame), frame)


rows = st.lists(
    st.tuples(
        st.sampled_from([NEAR, NEAR + 1, NEAR + 2, 0, None]),
        st.sampled_from(["BC", "MC", "L2/3", None]),
        st.one_of(st.none(), st.integers(-3, 3).map(float)),
    ),
    max_size=30,
).map(lambda rows: [(len(rows) - at, *row) for at, row in enumerate(rows)])
sorts = st.lists(
    st.tuples(st.sampled_from(["pt_root_id", "cell_type", "volume", "id"]), st.sampled_from(["asc", "desc"])),
    max_size=3,
    unique_by=lambda pair: pair[0],
).map(tuple)


@given(rows, sorts)
def test_rows_are_sorted_with_blanks_last_and_ties_by_id(rows, sort):
    names = ["id", "pt_root_id", "cell_type", "volume"]
    wanted = list(rows)
    for name, direction in reversed([*sort, ("id", "asc")] if sort else []):
        at = names.index(name)
        filled = sorted((row for row in wanted if row[at] is not None), key=itemgetter(at), reverse=direction == "desc")
        wanted = filled + [row for row in wanted if row[at] is None]
    result = select(table_of(rows), TableQuery(sort=sort))
    assert result["id"].tolist() == [row[0] for row in wanted]


@given(rows, st.integers(0, 40), st.integers(0, 40))
def test_pages_are_pieces_of_the_whole(rows, offset, limit):
    table, query = table_of(rows), TableQuery("not volume > 1", {"cell_type": "BC, MC"}, (("volume", "desc"),))
    whole = select(table, query)
    part, total = page(table, query, offset, limit)
    assert total == len(whole)
    assert part["id"].tolist() == whole["id"].tolist()[offset : offset + limit]


@given(rows)
def test_counts_add_up_and_single_somas_are_counted_apart(rows):
    table = table_of(rows)
    roots = [row[1] for row in rows]
    counts = count_by(table, TableQuery(), "cell_type")
    assert counts["count"].sum() == len(rows)
    assert counts["count"].is_monotonic_decreasing
    for value, count, single in counts.itertuples(index=False):
        own = [row for row in rows if row[2] == (None if pd.isna(value) else value)]
        assert count == len(own)
        assert single == sum(row[1] not in (0, None) and roots.count(row[1]) == 1 for row in own)


def test_records_hold_ids_as_text_and_nothing_that_json_cannot():
    frame = pd.DataFrame(
        {
            "pt_root_id": pd.array([NEAR, None], dtype="Int64"),
            "volume": [np.nan, 1.5],
            "ratio": pd.array([np.inf, 2.0], dtype="Float64"),
            "valid": pd.array([True, None], dtype="boolean"),
            "cell_type": pd.array(["<b>", None], dtype="string"),
            "created": pd.to_datetime(["2024-01-01", None], utc=True),
            "pt_position_x": pd.array([5, None], dtype="Int32"),
        }
    )
    records = to_records(frame, describe_columns(frame))
    assert json.loads(json.dumps(records, allow_nan=False)) == [
        {
            "pt_root_id": str(NEAR),
            "volume": None,
            "ratio": None,
            "valid": True,
            "cell_type": "<b>",
            "created": "2024-01-01T00:00:00+00:00",
            "pt_position_x": 5,
        },
        dict.fromkeys(frame.columns) | {"volume": 1.5, "ratio": 2.0},
    ]


def test_a_number_is_as_short_as_it_was_stored():
    frame = pd.DataFrame({"volume": pd.array([32.307937, None], dtype="Float32")})
    assert to_records(frame, describe_columns(frame)) == [{"volume": 32.307938}, {"volume": None}]


@pytest.mark.parametrize(
    "query",
    [
        TableQuery("nope = 1"),
        TableQuery(boxes={"nope": "1"}),
        TableQuery(sort=(("nope", "asc"),)),
        TableQuery("volume >"),
    ],
)
def test_a_query_that_cannot_be_is_told(query):
    with pytest.raises(BadInput):
        select(table_of([(1, NEAR, "BC", 1.0)]), query)


def test_selecting_leaves_the_table_as_it_was():
    table = table_of([(1, NEAR, "BC", 1.0), (2, NEAR, "MC", 2.0)])
    part = select(table, TableQuery())
    part["volume"] = 0.0
    assert table.frame["volume"].tolist() == [1.0, 2.0]
