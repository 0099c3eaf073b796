"""One column against another in the same row, and values that occur once."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.core.columns import describe_columns
from services.core.errors import BadInput
from services.filters.column_conditions import AgainstColumn, Once
from services.filters.filters import parse_box, parse_line
from services.filters.nodes import Not, OneOf
from services.tables.position_units import with_voxels
from services.tables.push_down import push_down

ROOT = 864691135771609595
FRAME = pd.DataFrame(
    {
        "pt_root_id": pd.array([ROOT, ROOT, ROOT + 2, 0, None, 0], dtype="Int64"),
        "valid_id": pd.array([ROOT, ROOT + 1, None, 0, None, 7], dtype="Int64"),
        "cell_type": pd.array(["BC", "MC", None, "tag", "L2", ""], dtype="string"),
        "tag": pd.array(["BC", "mc", "x", "tag", None, ""], dtype="string"),
        "size": pd.array([1.5, 0.1, None, 3.0, 4.0, 5.0], dtype="Float32"),
        "score": pd.array([1.5, 0.1, 2.0, None, 3.0, 6.0], dtype="Float64"),
        "num": pd.array([1, 1, 2, 3, 4, 5], dtype="Int64"),
        "valid": pd.array([True, False, None, True, False, True], dtype="boolean"),
        "checked": pd.array([True, True, True, None, False, False], dtype="boolean"),
        "created": pd.to_datetime(["2024-01-01", "2024-01-02", None, "2024-01-01", "2024", "2024"], format="ISO8601"),
        "created_ref": pd.to_datetime(
            ["2024-01-01", "2024-01-01", "2024-01-01", None, "2025", "2024"], format="ISO8601", utc=True
        ),
        "pre_pt_position_x": pd.array([1, 2, 3, 4, 5, None], dtype="Int32"),
        "post_pt_position_x": pd.array([2, 2, 2, 2, 2, 2], dtype="Int32"),
        "post_pt_position_z": pd.array([2, 2, 2, 2, 2, 2], dtype="Int32"),
    }
)
COLUMNS = with_voxels(describe_columns(FRAME, {"pt_root_id": ("root_id",)}), (4.0, 4.0, 40.0))
BY_NAME = {column.name: column for column in COLUMNS}


def kept(node):
    return np.flatnonzero(node.mask(FRAME)).tolist()


@pytest.mark.parametrize(
    ("line", "rows"),
    [
        ("pt_root_id != valid_id", [1, 5]),
        ("pt_root_id = valid_id", [0, 3]),
        ("root_id == VALID_ID", [0, 3]),
        ("pt_root_id is not valid_id", [1, 5]),
        ("pt_root_id < valid_id", [1, 5]),
        ("pt_root_id >= valid_id", [0, 3]),
        ("not pt_root_id = valid_id", [1, 2, 4, 5]),
        ("pt_root_id != valid_id and size > 1 or num = 1", [0, 1, 5]),
        ("size = score", [0, 1]),
        ("size > score", [4]),
        ("size <= num", [1, 3, 4, 5]),
        ("cell_type = tag", [0, 3, 5]),
        ("cell_type != tag", [1]),
        ("cell_type = 'tag'", [3]),
        ("cell_type = Tag", []),
        ("cell_type = cell_type", []),
        ("valid != checked", [1, 5]),
        ("created > created_ref", [1]),
        ("created = created_ref", [0, 5]),
        ("pre_pt_position_x > post_pt_position_x", [2, 3, 4]),
    ],
)
def test_one_column_is_compared_with_another_and_blanks_match_nothing(line, rows):
    node = parse_line(line, COLUMNS)
    assert kept(node) == rows
    assert parse_line(node.text(), COLUMNS) == node


def test_a_box_compares_with_another_column_too():
    for text, rows in {"!= valid_id": [1, 5], "valid_id": [0, 3], "<valid_id": [1, 5]}.items():
        node: Any = parse_box(BY_NAME["pt_root_id"], text, {}, COLUMNS)
        assert kept(node) == rows
        assert parse_box(BY_NAME["pt_root_id"], node.box(), {}, COLUMNS) == node
    assert parse_line("pt_root_id != valid_id", COLUMNS).describe() == "root id is not equal to valid id"


@given(st.lists(st.tuples(*[st.none() | st.integers(ROOT - 1, ROOT + 1)] * 2), min_size=1))
def test_ids_of_two_columns_are_compared_to_the_last_digit(pairs):
    columns = zip(("pt_root_id", "valid_id"), zip(*pairs, strict=True), strict=True)
    frame = pd.DataFrame({name: pd.array(list(values), dtype="Int64") for name, values in columns})
    for sign, holds in {"!=": lambda a, b: a != b, "=": lambda a, b: a == b, "<": lambda a, b: a < b}.items():
        mask = parse_line(f"pt_root_id {sign} valid_id", COLUMNS).mask(frame)
        assert mask.tolist() == [None not in pair and holds(*pair) for pair in pairs]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("pt_root_id != cell_type", "pt_root_id holds ids and cell_type text"),
        ("size > valid_id", "size holds numbers and valid_id ids"),
        ("valid < checked", "no order"),
        ("cell_type < tag", "no order"),
        ("post_pt_position_x < post_pt_position_z", "not equally long"),
        ("pt_root_id != valid_ix", "'valid_ix' is none"),
    ],
)
def test_columns_that_cannot_be_compared_are_refused_in_a_sentence(line, words):
    with pytest.raises(BadInput, match=words):
        parse_line(line, COLUMNS)


def test_a_word_that_is_the_name_of_a_column_is_quoted_where_filters_are_written():
    node = OneOf(BY_NAME["cell_type"], ("tag", "BC"))
    assert node.text() == 'cell_type in ("tag", BC)'
    for text in (OneOf(BY_NAME["cell_type"], ("tag",)).text(), node.text()):
        assert 3 in kept(parse_line(text, COLUMNS))
    assert isinstance(parse_line("cell_type = tag", COLUMNS), AgainstColumn)


@pytest.mark.parametrize(
    ("line", "rows"),
    [
        ("once(pt_root_id)", [2]),
        ("ONCE( root_id )", [2]),
        ("not once(pt_root_id)", [0, 1, 3, 4, 5]),
        ("once(pt_root_id) or num = 3", [2, 3]),
        ("once(num)", [2, 3, 4, 5]),
        ("once(valid_id)", [0, 1, 5]),
        ('once("cell_type")', [0, 1, 3, 4, 5]),
        ("pt_root_id = 0 and once(pt_root_id)", []),
    ],
)
def test_what_occurs_once_never_is_blank_nor_root_id_zero(line, rows):
    node = parse_line(line, COLUMNS)
    assert kept(node) == rows
    assert parse_line(node.text(), COLUMNS) == node


def test_once_is_of_the_whole_table_whatever_else_is_filtered():
    # of the rows with num = 1 and size > 1 the root id is in one, of the table in two
    assert kept(parse_line("once(pt_root_id) and num = 1 and size > 1", COLUMNS)) == []


def test_once_in_a_box():
    roots, words = BY_NAME["pt_root_id"], BY_NAME["cell_type"]
    for text in ("once", "Once(pt_root_id)", "once()", "once(root_id)"):
        assert parse_box(roots, text) == Once(roots)
    assert parse_box(roots, "not once") == Not(Once(roots))
    assert parse_box(words, "once") == OneOf(words, ("once",))
    assert parse_box(words, Once(words).box()) == Once(words)
    for text in ("once(valid_id)", "once pt_root_id"):
        with pytest.raises(BadInput):
            parse_box(roots, text)


@pytest.mark.parametrize(
    "line", ["pt_root_id != valid_id", "once(pt_root_id)", "pre_pt_position_x < post_pt_position_x"]
)
def test_cave_itself_can_do_neither(line):
    with pytest.raises(BadInput, match="too large to hold") as refused:
        push_down(parse_line(line, COLUMNS), "synapses", 4_321)
    assert "to 4,321 rows or fewer" in str(refused.value)
