"""Colours of values."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from services.core.colours import WHEEL, assign, in_order

PALETTE = {"23P": "#8268DC", "BC": "#d68c66"}
values = st.lists(st.text(max_size=5) | st.sampled_from(sorted(PALETTE)))


def test_known_types_have_their_own_colour_and_others_take_turns() -> None:
    assert assign(["x", "BC", "a"], PALETTE) == {"BC": "#d68c66", "a": WHEEL[0], "x": WHEEL[1]}


@given(values)
def test_every_value_has_a_colour_that_neither_order_nor_repetition_changes(given_values: list[str]) -> None:
    colours = assign(given_values, PALETTE)
    assert set(colours) == set(given_values)
    assert all(re.fullmatch(r"#[0-9a-f]{6}", colour) for colour in colours.values())
    assert assign([*reversed(given_values), *given_values], PALETTE) == colours


def test_neighbours_on_the_wheel_differ() -> None:
    assert len(set(WHEEL)) == len(WHEEL)


def test_values_stand_as_the_palette_has_them_then_in_natural_order() -> None:
    values = ["L10", "BC", "4P", "L9", "23P", "BC"]
    assert in_order(values, ["23P", "4P", "5P-IT", "BC"]) == ["23P", "4P", "BC", "L9", "L10"]
    assert list(assign(values, {"23P": "#8268DC", "4P": "#647fdc"})) == ["23P", "4P", "BC", "L9", "L10"]
