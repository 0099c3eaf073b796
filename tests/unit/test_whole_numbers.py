"""Whole numbers that somebody typed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.core.errors import BadInput
from services.core.whole_numbers import MOST_DIGITS, whole_number


@given(st.integers(0, 10**MOST_DIGITS - 1))
def test_a_number_is_that_number(number: int) -> None:
    assert whole_number(f" {number} ", 7) == number
    assert whole_number("  ", None) is None


@pytest.mark.parametrize("text", ["²", "1²", "٣", "-1", "1.5", "1e3", "x", "1 2", "9" * 5_000])
def test_all_else_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(BadInput, match=r"^seed=.* is not a whole number"):
        whole_number(text, 0, "seed")
