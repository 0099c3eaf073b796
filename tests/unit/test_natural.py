"""Text that holds digits goes by the numbers in it."""

import random
from decimal import Decimal

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.core.columns import describe_columns
from services.core.natural_order import natural_ranks
from services.filters.nodes import Everything
from services.tables.tables import rows_of


def in_order(texts, direction="asc"):
    frame = pd.DataFrame({"tag": pd.array(texts, dtype="string")})
    return frame["tag"].take(rows_of(frame, describe_columns(frame), Everything(), (("tag", direction),))).tolist()


@pytest.mark.parametrize(
    "texts",
    [
        ["1", "2", "9", "10", "100"],
        ["-10", "-9", "0", "1.10", "1.5", "1e3"],
        ["L1", "L2", "L2/3", "L2/10", "L4", "L10", "M1"],
        ["864691135771609594", "864691135771609595", "1864691135771609595"],
        ["5P-ET", "5P-NP", "23P", "BC", "MC"],
        ["cell 9 of 10", "cell 10 of 9", "cell 10 of 10"],
        ["", "a", "a0", "a00", "a01", "a1", "a2", "b"],
        ["Z", "a", "é"],
        ["1" * 5000, "2" * 5000],
    ],
)
def test_text_with_digits_sorts_as_numbers(texts):
    mixed = random.Random(1).sample(texts, len(texts))
    assert in_order([None, *mixed, None])[: len(texts)] == texts
    assert in_order([None, *mixed], "desc")[: len(texts)] == texts[::-1]
    assert pd.isna(in_order([None, *mixed], "desc")[-1])


@given(st.lists(st.integers()))
def test_whole_numbers_as_text_sort_as_whole_numbers(numbers):
    assert [int(text) for text in in_order(list(map(str, numbers)))] == sorted(numbers)


@given(st.lists(st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-1000, max_value=1000)))
def test_decimal_numbers_as_text_sort_as_numbers(numbers):
    assert [Decimal(text) for text in in_order([f"{number:f}" for number in numbers])] == sorted(numbers)


@given(st.lists(st.text(max_size=6)))
def test_equal_text_has_one_place_and_different_text_another(texts):
    ranks = natural_ranks(pd.Series(pd.array(texts, dtype="string")))
    assert len(set(ranks)) == len(set(texts)) == len(set(zip(ranks, texts, strict=True)))
